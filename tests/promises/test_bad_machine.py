"""A full disk, a missing table, a clock that is wrong: a sentence, the right exit code, and no damage."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.promises.house import KilledHouse, lakeside


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True)
    if made.returncode:
        pytest.skip("only root may mount a small file system here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.promise(14)
async def test_a_full_disk_is_a_sentence_and_costs_nothing_acknowledged(small_disk: Path, tmp_path: Path) -> None:
    with lakeside(120) as mls:
        house = KilledHouse(
            mls, {"MLS_TUI_HOME": str(small_disk / "home"), "MLS_TUI_ALLOW_PRIVATE_HOSTS": "1"}, tmp_path / "err"
        )
        await house.connect()
        ending = await asyncio.to_thread(house.run)
        assert ending.code == 4, ending.said
        assert "the disk is full" in ending.said
        assert "Traceback" not in ending.said
        assert house.told.listings, "nothing came before the disk was full"
        await asyncio.to_thread(_enlarge, small_disk)
        await house.look()
        ending = await asyncio.to_thread(house.run)
        assert ending.code == 0, ending.said
        assert len(await house.look(everything=True)) == 120


def _enlarge(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)


@pytest.mark.promise(14)
@pytest.mark.parametrize("kind", ["aws"], indirect=True)
def test_a_missing_table_is_a_sentence_that_says_what_to_run(new_environ: Callable[[], dict[str, str]]) -> None:
    with lakeside(2) as mls:
        house = KilledHouse(mls, new_environ())
        ending = house.run()
        assert ending.code == 4, ending.said
        assert "does not exist" in ending.said
        assert "mls-tui storage init" in ending.said
        assert mls.requests.total() == 0
