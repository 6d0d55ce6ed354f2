"""The program in processes of their own, forked from a warm one, to be killed at a chosen moment. A line of
``--events`` that came whole through the pipe is an acknowledgement: what it names must never be lost."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any, TextIO

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.promises.warm"])


@dataclass(frozen=True, slots=True)
class Ending:
    """How a child ended: its exit code, negative for a signal, and what it said on stderr."""

    code: int
    said: str


class Child:
    """``mls-tui <arguments>`` in a fork. Iterate ``events`` to the end before asking for ``ending``."""

    def __init__(self, environ: Mapping[str, str], arguments: Sequence[str], stderr: Path) -> None:
        self._stderr = stderr
        self._killed = False
        reader, writer = _CONTEXT.Pipe(duplex=False)
        self._process = _CONTEXT.Process(
            target=_program, args=(writer, dict(environ), list(arguments), str(stderr)), daemon=True
        )
        self._process.start()
        writer.close()
        self._reader = reader

    def kill(self) -> None:
        """``kill -9``, once. Safe from any thread, and after its end."""
        if not self._killed and self._process.is_alive() and self._process.pid is not None:
            self._killed = True
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM."""
        self._process.terminate()

    def events(self) -> Iterator[dict[str, Any]]:
        """Every line that came whole; a torn last one acknowledges nothing."""
        with os.fdopen(os.dup(self._reader.fileno()), encoding="utf-8") as stream:
            self._reader.close()
            for line in stream:
                if line.endswith("\n") and line.startswith("{"):
                    yield json.loads(line)

    def output(self) -> bytes:
        """All of stdout."""
        with os.fdopen(os.dup(self._reader.fileno()), "rb") as stream:
            self._reader.close()
            return stream.read()

    def ending(self) -> Ending:
        self._process.join(60)
        code = self._process.exitcode
        assert code is not None, "the program hangs"
        return Ending(code, self._stderr.read_text(errors="replace") if self._stderr.exists() else "")


def _program(stdout: Pipe, environ: dict[str, str], arguments: list[str], stderr: str) -> None:
    os.environ.clear()
    os.environ.update(environ)
    os.dup2(stdout.fileno(), 1)
    os.dup2(os.open(stderr, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 2)
    # The server's own streams were made for what its fds were then.
    sys.stdout, sys.stderr = _writing(1), _writing(2)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    from mls_tui.cli import main

    try:
        main(arguments)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _writing(fd: int) -> TextIO:
    return open(fd, "w", encoding="utf-8", closefd=False)
