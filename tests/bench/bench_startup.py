"""How long a start takes: ``python -m tests.bench.bench_startup [ROUNDS]``. Prints medians in milliseconds.

``--help`` ends by itself; the interface is measured in a terminal of its own, from the start of the process to the
first frame, which is a whole screen with its footer, over an empty house. The terminal calls itself tmux, so that it
is not asked what it can draw: nobody would answer.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path
from time import perf_counter

ROWS, COLUMNS = 40, 120
FOOTER = b"Quit"


def help_seconds() -> float:
    started = perf_counter()
    subprocess.run([sys.executable, "-m", "mls_tui", "--help"], check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - started


def paint_seconds(home: str) -> tuple[float, float]:
    """To the footer, and the CPU of the process until then."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {**os.environ, "MLS_TUI_HOME": home, "TERM": "tmux-256color"}
    started = perf_counter()
    command = [sys.executable, "-m", "mls_tui"]
    running = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
    )
    os.close(slave)
    shown = b""
    try:
        while FOOTER not in shown:
            shown += os.read(master, 65536)
        whole, cpu = perf_counter() - started, cpu_seconds(running.pid)
    finally:
        running.kill()
        running.wait()
        with contextlib.suppress(OSError):
            os.close(master)
    return whole, cpu


def cpu_seconds(process: int) -> float:
    """User and system time of a process and its threads so far, in steps of 10 ms."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main(rounds: int) -> None:
    helps = [help_seconds() for _ in range(rounds)]
    with tempfile.TemporaryDirectory() as home:
        paints = [paint_seconds(home) for _ in range(rounds)]
    rows = {
        "mls-tui --help": helps,
        "interface, first frame": [whole for whole, _ in paints],
        "interface, its CPU": [cpu for _, cpu in paints],
    }
    for name, seconds in rows.items():
        print(f"{name:<26} {statistics.median(seconds) * 1000:7.0f} ms  (least {min(seconds) * 1000:.0f})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
