"""How long a start takes: ``python -m tests.bench.bench_startup [ROUNDS]``. Prints medians in milliseconds.

``--help`` ends by itself; the interface is measured in a terminal of its own, from the start of the process to the
first byte and to the first whole screen (its footer), over an empty house.
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
from time import perf_counter

ROWS, COLUMNS = 40, 120
FOOTER = b"Quit"


def help_seconds() -> float:
    started = perf_counter()
    subprocess.run([sys.executable, "-m", "mls_tui", "--help"], check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - started


def paint_seconds(home: str) -> tuple[float, float]:
    """To the first byte, and to the footer."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {**os.environ, "MLS_TUI_HOME": home, "TERM": "xterm-256color"}
    started = perf_counter()
    command = [sys.executable, "-m", "mls_tui"]
    running = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
    )
    os.close(slave)
    shown, first = b"", 0.0
    try:
        while FOOTER not in shown:
            shown += os.read(master, 65536)
            first = first or perf_counter() - started
        whole = perf_counter() - started
    finally:
        running.kill()
        running.wait()
        with contextlib.suppress(OSError):
            os.close(master)
    return first, whole


def main(rounds: int) -> None:
    helps = [help_seconds() for _ in range(rounds)]
    with tempfile.TemporaryDirectory() as home:
        paints = [paint_seconds(home) for _ in range(rounds)]
    rows = {
        "mls-tui --help": helps,
        "interface, first byte": [first for first, _ in paints],
        "interface, first screen": [whole for _, whole in paints],
    }
    for name, seconds in rows.items():
        print(f"{name:<26} {statistics.median(seconds) * 1000:7.0f} ms  (least {min(seconds) * 1000:.0f})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
