"""Standard output and error: data and narration without control characters, and streams that are closed or full.

Data goes to stdout, narration to stderr. What cannot be written on stdout ends a command with exit code 4
(docs/contract.md, section Command line).
"""

from __future__ import annotations

import errno
import io
import json
import os
import re
import sys
from contextlib import suppress
from typing import Any

import click

_NUMBERS = {"stdout": 1, "stderr": 2}
_NAMES = {"stdout": "standard output", "stderr": "standard error"}
_REASONS = {errno.EBADF: "it is closed", errno.EPIPE: "its reader has closed it"}
_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def say(text: str) -> None:
    """Narration, for people, on stderr. It stops nothing if it cannot be written."""
    try:
        click.echo(text, err=True)
    except (OutputError, OSError):
        abandon("stderr")


def plain_text(value: object, width: int | None = None) -> str:
    """Feed text for a terminal: one line, no control or escape character, cut to ``width`` with an ellipsis."""
    text = "" if value is None else str(value)
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " if char.isspace() else "" for char in text)
    text = text.strip()
    return text if width is None or len(text) <= width else text[: width - 1] + "…"


def print_json(document: Any) -> None:
    """One JSON document on stdout."""
    click.echo(json_text(document, indent=2))


def json_text(document: Any, *, indent: int | None = None) -> str:
    """JSON that neither a terminal nor a narrow encoding can stumble over: unusual characters are escapes."""
    narrow = "utf" not in (sys.stdout.encoding or "utf-8").lower()
    text = json.dumps(document, indent=indent, ensure_ascii=narrow)
    return _UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class OutputError(Exception):
    """A standard stream cannot be written; ``stream`` is "stdout" or "stderr". Not an OSError, which click would take
    for its own."""

    def __init__(self, cause: OSError, stream: str) -> None:
        reason = _REASONS.get(cause.errno or 0) or cause.strerror or "unknown error"
        super().__init__(f"The {_NAMES[stream]} cannot be written: {reason}.")
        self.stream, self.errno = stream, cause.errno


class _Stream(io.RawIOBase):
    """A standard stream whose failures can be told from those of any other file."""

    def __init__(self, name: str) -> None:
        self._name = name

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return _NUMBERS[self._name]

    def isatty(self) -> bool:
        return os.isatty(self.fileno())

    def write(self, data: Any, /) -> int:
        try:
            return os.write(self.fileno(), data)
        except OSError as error:
            raise OutputError(error, self._name) from error


def open_streams() -> None:
    """Make stdin, stdout and stderr usable whatever the caller left of them.

    A closed one gets its number back, as a stream that cannot be written: else the next file that is opened, such as
    the database, would be the one that is printed to.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            nothing = os.open(os.devnull, os.O_RDONLY)
            if nothing != number:
                os.dup2(nothing, number)
                os.close(nothing)
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - for as long as the process lives
    if os.name == "nt":
        return  # a console there is not written by its number
    for name in _NUMBERS:
        former = getattr(sys, name)
        if former is getattr(sys, f"__{name}__"):
            stream = _Stream(name)
            encoding = former.encoding if former is not None else "utf-8"
            buffered = io.BufferedWriter(stream)
            lines = stream.isatty() or name == "stderr"
            setattr(sys, name, io.TextIOWrapper(buffered, encoding, errors="replace", line_buffering=lines))


def flush_output() -> None:
    """Write what is still buffered. Raises OutputError."""
    sys.stdout.flush()


def abandon(*names: str) -> None:
    """Let a stream's output go nowhere from now on: the interpreter's last flush must not fail on it."""
    for name in names:
        with suppress(OutputError, OSError, ValueError):
            getattr(sys, name).flush()
            continue
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, getattr(sys, name).fileno())
            os.close(nowhere)
