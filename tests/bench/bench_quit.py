"""How long ``q`` takes in the middle of an import: the demo in a terminal of its own, from the key to the exit.

``python -m tests.bench.bench_quit [ROUNDS]``. The interface is asked on a pseudo-terminal, as a user would."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import statistics
import struct
import sys
import tempfile
import termios
import time

LIMIT_SECONDS = 0.5
AFTER_SECONDS = 3.0


def one_round(home: str) -> float:
    """Seconds from the key to the end of the process."""
    command = [sys.executable, "-m", "mls_tui", "demo", "--faults", "7", "--listings", "2000"]
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(MLS_TUI_HOME=home, TERM="tmux-256color", COLUMNS="120", LINES="36")
        os.execv(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    _read_until(terminal, b"created, ", 60.0)
    _read_until(terminal, None, AFTER_SECONDS)
    pressed = time.perf_counter()
    os.write(terminal, b"q")
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        _read_until(terminal, None, 0.005)
    took = time.perf_counter() - pressed
    os.close(terminal)
    return took


def _read_until(terminal: int, words: bytes | None, seconds: float) -> None:
    """Read what is drawn, so that the program never waits for us; until ``words`` come, or the time is over."""
    end, seen = time.perf_counter() + seconds, b""
    while (left := end - time.perf_counter()) > 0:
        if select.select([terminal], [], [], left)[0]:
            with contextlib.suppress(OSError):
                seen = seen[-200:] + os.read(terminal, 65_536)
        if words is not None and words in seen:
            return


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    times = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as home:
            times.append(one_round(home))
    print(f"quit mid-import: median {statistics.median(times):.2f} s, worst {max(times):.2f} s of {rounds}", end="; ")
    print(f"limit {LIMIT_SECONDS} s: {'kept' if statistics.median(times) <= LIMIT_SECONDS else 'MISSED'}")


if __name__ == "__main__":
    main()
