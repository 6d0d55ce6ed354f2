"""What others on the machine can see of a running import holds no secret: its arguments, its environment and those of
its children, and every file it has open, the temporary and deleted ones too."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from mls_tui import actions
from mls_tui.actions.workspace import Workspace
from mls_tui.config import load_settings
from tests.promises import canaries
from tests.promises.leaky_mls import LeakyMLS, leaky_mls

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="a process is looked into through /proc")


async def _connected(home: Path, mls: LeakyMLS) -> None:
    settings = load_settings(environ={}, home=str(home), allow_private_hosts=True)
    async with Workspace(settings) as ws:
        form = actions.ConnectionForm(
            name="Leaky",
            provider="reso",
            base_url=mls.base_url,
            token_url=mls.token_url,
            username="ann",
            password=canaries.PASSWORD,
            client_id="id",
            client_secret=canaries.CLIENT_SECRET,
        )
        answer = await actions.connect_mls(form, ws)
        assert answer.success, answer.error


def family(pid: int) -> list[int]:
    """The process and all that it has begun."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    return [pid, *(each for child in children.read_text().split() for each in family(int(child)))]


def open_to_others(pid: int) -> dict[str, bytes]:
    """Its arguments, environment and open regular files, by name."""
    found = {name: Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ")}
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        if handle.is_file():
            found[str(handle.readlink())] = handle.read_bytes()  # one that was deleted is read all the same
    return found


@pytest.mark.promise("secrets nowhere else")
async def test_a_running_import_shows_no_secret_to_its_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: dict[str, bytes] = {}
    environ = {**os.environ, "MLS_TUI_HOME": str(tmp_path / "home"), "MLS_TUI_ALLOW_PRIVATE_HOSTS": "1"}
    environ |= {"TMPDIR": str(tmp_path), "SQLITE_TMPDIR": str(tmp_path)}
    async with leaky_mls() as mls:
        await _connected(tmp_path / "home", mls)
        command = [sys.executable, "-m", "mls_tui", "-vv", "import", "Leaky", "--events"]
        pipe = asyncio.subprocess.PIPE
        running = await asyncio.create_subprocess_exec(*command, env=environ, stdout=pipe, stderr=pipe)

        def look() -> None:
            for pid in family(running.pid):
                looked.update(open_to_others(pid))

        mls.watch = look
        out, err = await running.communicate()
        assert f"Bearer {canaries.TOKEN}" in mls.sent
    assert running.returncode == 1, err  # one record is put aside
    assert b"-vv\0import" in looked["cmdline"]
    assert any(name.endswith("mls-tui.db-wal") for name in looked)
    found = {
        name: canaries.found_in(body, canaries.BUT_URLS) for name, body in {**looked, "out": out, "err": err}.items()
    }
    assert {name: secrets for name, secrets in found.items() if secrets} == {}
    assert canaries.search_folder(tmp_path, canaries.BUT_URLS) == []
