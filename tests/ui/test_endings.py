"""However the interface ends, the terminal is given back and the next import goes on from there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.ui.terminals import MUTE, Terminal, terminal

LEFT = b"\x1b[?1049l"
"""Textual leaves the alternate screen."""


def stopped_within(shown: Terminal, seconds: float) -> bool:
    """Whether the program is stopped (state T) by then."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        status = Path(f"/proc/{shown.process.pid}/stat").read_text().rpartition(")")[2].split()
        if status[0] in "Tt":
            return True
        shown._listen(0.05)
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_like_q_with_its_import_saved(tmp_path: Path, number: signal.Signals) -> None:
    with terminal(MUTE, "demo", "--listings=200", home=tmp_path) as shown:
        shown.until(lambda written: b"created, " in written)
        began = time.monotonic()
        shown.process.send_signal(number)
        shown.ended()
        took = time.monotonic() - began
    assert shown.process.returncode == 128 + number
    assert LEFT in shown.written
    assert b"listings are stored; the next import continues there." in shown.written
    assert took < 10  # two seconds on a machine of one's own


def test_a_terminal_that_is_closed_ends_it(tmp_path: Path) -> None:
    with terminal(MUTE, home=tmp_path) as shown:
        shown.until(lambda written: b"Quit" in written)
        os.killpg(shown.process.pid, signal.SIGHUP)
        assert shown.process.wait(15) == 128 + signal.SIGHUP


@pytest.mark.parametrize("arguments", [[], ["demo"]])
def test_without_a_terminal_it_says_so(tmp_path: Path, arguments: list[str]) -> None:
    env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "MLS_TUI_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "mls_tui", *arguments], stdin=subprocess.DEVNULL, capture_output=True, env=env,
        timeout=60, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr
    assert done.stdout == ""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="asks /proc whether a process is stopped")
def test_ctrl_z_suspends_it_and_it_comes_back(tmp_path: Path) -> None:
    with terminal(MUTE, home=tmp_path) as shown:
        shown.until(lambda written: b"Quit" in written)
        shown.type(b"\x1a")
        assert stopped_within(shown, 10)
        assert LEFT in shown.written
        before = len(shown.written)
        shown.process.send_signal(signal.SIGCONT)
        shown.until(lambda written: b"Quit" in written[before:])
        shown.type(b"q")
        shown.ended()
    assert shown.process.returncode == 0
