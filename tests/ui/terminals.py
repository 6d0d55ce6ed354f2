"""A terminal for tests: a pseudo-terminal that answers the questions of a program in it as the real ones do, and keeps
whatever the program writes."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE = 15.0

KITTY = {b"\x1b[>0q": b"\x1bP>|kitty(0.42.1)\x1b\\", b"a=q": b"\x1b_Gi=31;OK\x1b\\", b"\x1b[16t": b"\x1b[6;20;10t",
         b"\x1b[c": b"\x1b[?62;52;c"}  # fmt: skip
FOOT = {b"\x1b[>0q": b"\x1bP>|foot(1.20.2)\x1b\\", b"\x1b[16t": b"\x1b[6;18;9t", b"\x1b[c": b"\x1b[?62;4;22;28;29c"}
KONSOLE = {b"\x1b[>0q": b"\x1bP>|Konsole 24.12.3\x1b\\", b"a=q": b"\x1b_Gi=31;OK\x1b\\", b"\x1b[c": b"\x1b[?62;1;4c"}
XTERM = {b"\x1b[>0q": b"\x1bP>|XTerm(390)\x1b\\", b"\x1b[c": b"\x1b[?64;1;2;6;9;15;16;17;18;21;22;28c"}
MUTE: Mapping[bytes, bytes] = {}


@dataclass
class Terminal:
    """``answers`` maps a question to what the terminal says to it, each time it is asked."""

    fd: int
    process: subprocess.Popen[bytes]
    answers: Mapping[bytes, bytes]
    written: bytearray = field(default_factory=bytearray)
    _seen: int = 0

    def type(self, keys: bytes) -> None:
        os.write(self.fd, keys)

    def until(self, what: Callable[[bytes], bool], key: bytes = b"") -> None:
        """Let the program run until ``what`` holds of all it has written; fails where it never does.

        ``key`` is typed once it draws: what is typed before may be taken for an answer."""
        deadline = time.monotonic() + PATIENCE
        while not what(bytes(self.written)):
            assert time.monotonic() < deadline, bytes(self.written[-300:])
            self._listen(0.1)
            if key and b"Quit" in self.written:
                self.type(key)
                key = b""

    def ended(self) -> None:
        """Wait for the end of the program."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < deadline, bytes(self.written[-300:])
            self._listen(0.05)

    def _listen(self, seconds: float) -> None:
        if not select.select([self.fd], [], [], seconds)[0]:
            return
        with suppress(OSError):  # the program has ended
            self.written += os.read(self.fd, 65536)
        found = sorted(
            (at, question) for question in self.answers if (at := self.written.find(question, self._seen)) >= 0
        )
        for at, question in found:
            self.type(self.answers[question])
            self._seen = max(self._seen, at + len(question))


@contextmanager
def terminal(
    answers: Mapping[bytes, bytes], *arguments: str, home: Path, size: tuple[int, int] = (100, 30), **environ: str
) -> Iterator[Terminal]:
    """``mls-tui`` with these arguments in a terminal of its own, ended in any case."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    env = {
        "PATH": os.environ["PATH"],
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "MLS_TUI_HOME": str(home),
        **environ,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "mls_tui", *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=env,
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        yield Terminal(ours, process, answers)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()
        os.close(ours)
