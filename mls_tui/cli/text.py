"""Text on its way to a terminal: data to stdout, narration to stderr, and never a control character of a feed's."""

from __future__ import annotations

import json
import os
import re
import sys
from contextlib import suppress
from typing import Any

import click

_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def say(text: str) -> None:
    """Narration, for people: stderr. One that nobody reads any more stops nothing."""
    with suppress(BrokenPipeError):
        click.echo(text, err=True)


def leave_closed_pipes() -> None:
    """What is still to be said to a reader that has gone goes nowhere: the interpreter's last flush would fail on it,
    with an exit code of its own."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


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
