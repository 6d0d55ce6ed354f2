"""``mls-tui service``: what it writes, that twice is once, and that nothing is left of it."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.cli.house import Here

FAKE = """#!/bin/sh
echo "$(basename "$0") $*" >> "{log}"
case "$*" in
  *is-active*|print\\ *) test -e "{log}.active" || exit 3 ;;
  *restart*|bootstrap\\ *) touch "{log}.active" ;;
  *disable*|bootout\\ *) rm -f "{log}.active" ;;
esac
"""


class Machine:
    """A home folder and service managers that only take notes."""

    def __init__(self, folder: Path) -> None:
        self.user, self._log = folder / "user", folder / "calls"
        self.tools = folder / "bin"
        self.tools.mkdir()
        self.user.mkdir()
        for name in ("systemctl", "launchctl"):
            tool = self.tools / name
            tool.write_text(FAKE.format(log=self._log))
            tool.chmod(0o755)

    def calls(self) -> list[str]:
        """What was called since the last look."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        self._log.unlink(missing_ok=True)
        return lines

    def files(self) -> dict[Path, tuple[bytes, int]]:
        found = (path for path in self.user.rglob("*") if path.is_file() or path.is_symlink())
        return {path.relative_to(self.user): (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setenv("HOME", str(made.user))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("PATH", f"{made.tools}:/usr/bin:/bin")
    return made


@pytest.fixture
def linux(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(sys, "platform", "linux")
    return machine


def test_a_systemd_timer_is_installed_once_and_removed_without_a_trace(cli: Here, linux: Machine) -> None:
    assert cli.done("service", "status", "--json").json["data"]["installed"] is False
    cli.done("service", "install", "--every", "2h")
    written = linux.files()
    folder = Path(".config/systemd/user")
    assert set(written) == {folder / "mls-tui-import.service", folder / "mls-tui-import.timer"}
    assert b"OnUnitActiveSec=7200s" in written[folder / "mls-tui-import.timer"][0]
    assert [call for call in linux.calls() if "enable" in call or "restart" in call] == [
        "systemctl --user enable mls-tui-import.timer",
        "systemctl --user restart mls-tui-import.timer",
    ]
    again = cli.done("service", "install", "--every", "120m")
    assert "already" in again.err
    assert linux.files() == written
    assert not [call for call in linux.calls() if "enable" in call or "restart" in call or "reload" in call]
    status = cli.done("service", "status", "--json").json["data"]
    assert (status["installed"], status["kind"], status["everySeconds"]) == (True, "systemd", 7200)
    assert "every 2 hours" in cli.done("service", "status").err
    cli.done("service", "install", "--every", "30m")
    assert b"OnUnitActiveSec=1800s" in linux.files()[folder / "mls-tui-import.timer"][0]
    cli.done("service", "remove")
    assert linux.files() == {}
    assert "systemctl --user disable --now mls-tui-import.timer" in linux.calls()
    assert "No background service is installed." in cli.done("service", "remove").err


def test_the_units_hold_the_configuration_and_no_secret(
    cli: Here, linux: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLS_TUI_KEY", "A secret key of more than 16 letters")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "aws-secret")
    monkeypatch.setenv("AWS_PROFILE", 'per%cent "quoted" $name')
    told = cli.done("service", "install")
    unit = next(body.decode() for path, (body, _) in linux.files().items() if path.suffix == ".service")
    assert 'Environment="AWS_PROFILE=per%%cent \\"quoted\\" $name"' in unit
    assert "MLS_TUI_HOME=" in unit
    assert "import" in unit
    assert "--all" in unit
    assert "secret" not in unit.lower()
    assert "MLS_TUI_KEY is set here" in told.err


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="this machine has no systemd-analyze")
def test_systemd_reads_the_units_without_a_complaint(cli: Here, linux: Machine) -> None:
    cli.done("--storage", "local", "service", "install", "--every", "15m")
    units = [str(linux.user / path) for path in linux.files()]
    verify = ["systemd-analyze", "--user", "verify", "--man=no", *units]
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(linux.user)}
    done = subprocess.run(verify, capture_output=True, text=True, env=environment)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "mls-tui" in line]) == (0, []), done.stderr


def test_a_launchd_agent_is_installed_once_and_removed_without_a_trace(
    cli: Here, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    cli.done("service", "install", "--every", "1d")
    written = machine.files()
    assert [str(path) for path in written] == ["Library/LaunchAgents/mls-tui.import.plist"]
    document = plistlib.loads(next(iter(written.values()))[0])
    assert document["StartInterval"] == 86_400
    assert document["ProgramArguments"][1:] == ["-P", "-m", "mls_tui", "import", "--all"]
    machine.calls()
    cli.done("service", "install", "--every", "1d")
    assert machine.files() == written
    assert all(call.startswith("launchctl print") for call in machine.calls())
    assert cli.done("service", "status", "--json").json["data"]["everySeconds"] == 86_400
    cli.done("service", "remove")
    assert machine.files() == {}


def test_a_machine_with_neither_gets_a_line_for_its_scheduler(
    cli: Here, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "freebsd14")
    outcome = cli.done("service", "install", "--every", "15m")
    assert outcome.out.startswith("*/15 * * * * ")
    assert outcome.out.strip().endswith("-P -m mls_tui import --all")
    assert machine.files() == {}


def test_a_manager_that_refuses_is_a_sentence(cli: Here, linux: Machine) -> None:
    refuses = 'case "$*" in *enable*) echo "Access denied" >&2; exit 1;; esac'
    (linux.tools / "systemctl").write_text(f"#!/bin/sh\n{refuses}\n")
    outcome = cli("service", "install")
    assert outcome.code == 4
    assert "Access denied" in outcome.err


def test_an_interval_that_cannot_be_is_refused(cli: Here, linux: Machine) -> None:
    assert cli("service", "install", "--every", "5s").code == 2
    assert linux.files() == {}
