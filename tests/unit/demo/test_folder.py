"""Each open demo has a folder of its own; what one left is emptied for the next."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mls_tui.cli.demo import DemoFolder, demo_settings
from mls_tui.config import load_settings
from mls_tui.domain.errors import StorageError

HOLD = """
import sys
from pathlib import Path
from mls_tui.cli.demo import DemoFolder
folder = DemoFolder(Path(sys.argv[1]))
print(folder.path, flush=True)
sys.stdin.read()
"""


def test_demos_that_are_open_together_have_folders_of_their_own(tmp_path: Path) -> None:
    first, second = DemoFolder(tmp_path), DemoFolder(tmp_path)
    assert first.path == tmp_path / "demo" / "1"
    assert second.path not in (first.path, tmp_path)
    (first.path / "data").mkdir(parents=True)
    second.empty()
    assert (first.path / "data").exists()


def test_the_folder_of_a_demo_that_was_killed_is_used_again_and_emptied(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == str(tmp_path / "demo" / "1")
        assert DemoFolder(tmp_path).path != tmp_path / "demo" / "1"
        other.kill()
        other.wait()
    (tmp_path / "demo" / "1" / "data").mkdir(parents=True)
    again = DemoFolder(tmp_path)
    assert again.path == tmp_path / "demo" / "1"
    again.empty()
    assert not again.path.exists()


def test_a_folder_left_is_free_with_what_is_in_it(tmp_path: Path) -> None:
    folder = DemoFolder(tmp_path)
    folder.path.mkdir()
    folder.release()
    assert DemoFolder(tmp_path).path == folder.path
    assert folder.path.exists()


def test_a_place_where_no_folder_can_be_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"The demo cannot use .* MLS_TUI_HOME"):
        DemoFolder(tmp_path / "file")


def test_the_demo_takes_only_how_things_look_from_the_user_and_keeps_everything_in_its_folder(tmp_path: Path) -> None:
    users = load_settings(environ={}, home=str(tmp_path / "own"), theme="mls-light", table="homes")
    settings = demo_settings(users, tmp_path / "demo")
    assert (settings.theme, settings.table) == ("mls-light", "mls-listings")
    for path in (
        settings.config_path,
        settings.database_path,
        settings.state_path,
        settings.log_path,
        settings.key_path,
    ):
        assert path.is_relative_to(tmp_path / "demo")
