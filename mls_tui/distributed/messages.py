"""What a message of the queues says: which piece of which run is to be done. Ids only: it must never hold a token, a
URL or any part of a record."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mls_tui.domain.errors import OneItemError

VERSION = 1
_GROUP = re.compile(r"[!-~]{1,128}")
"""What SQS takes as a MessageGroupId: letters, digits and ASCII punctuation."""


class TaskKind(StrEnum):
    """A page of the feed, one listing of it, or the end of a connection's run."""

    PAGE = "page"
    LISTING = "listing"
    CLOSE = "close"


class ForeignMessageError(OneItemError):
    """A message that no mls-tui of this version wrote."""


@dataclass(frozen=True, slots=True)
class Task:
    """One message. ``connection`` is a connection's id, ``version`` the listing's version as its page gave it.

    ``cursor`` is (timestamp, key) of the last record before a page, None at the start of the feed; ``step`` is the
    page's number within the run, also of the page that a listing stood on.
    """

    kind: TaskKind
    user: str
    run: str
    connection: str
    listing_key: str = ""
    version: str = ""
    cursor: tuple[str, str] | None = None
    step: int = 0

    @property
    def id(self) -> str:
        """The same for every delivery, and for nothing else of the run: the name of its done-mark."""
        if self.kind is TaskKind.PAGE:
            return f"page#{self.step}"
        if self.kind is TaskKind.LISTING:
            return f"listing#{self.step}#{self.listing_key}@{self.version}"
        return "close"

    @property
    def group(self) -> str:
        """The MessageGroupId: on a standard queue it makes the queue fair to every user and MLS (SQS fair queues)."""
        name = f"{self.user}#{self.connection}"
        return name if _GROUP.fullmatch(name) else hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def encode(task: Task) -> str:
    """ASCII, so that every character may stand in an SQS message; what has its default is left out."""
    body: dict[str, Any] = {
        "v": VERSION,
        "kind": task.kind.value,
        "user": task.user,
        "run": task.run,
        "connection": task.connection,
    }
    optional = {"key": task.listing_key, "version": task.version, "cursor": task.cursor, "step": task.step}
    return json.dumps(body | {name: value for name, value in optional.items() if value}, separators=(",", ":"))


def decode(text: str) -> Task:
    """The reverse of ``encode``. Raises ForeignMessageError for anything else; the sentence repeats none of it."""
    try:
        body = json.loads(text)
        if not isinstance(body, dict) or body.pop("v", None) != VERSION:
            raise ForeignMessageError(f"A message of the queue is not of mls-tui's version {VERSION}. {_ADVICE}")
        return _task(body)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ForeignMessageError(f"A message of the queue is not a task of mls-tui. {_ADVICE}") from error


_ADVICE = "Does another program write to it? Or update every worker."


def _task(body: dict[str, Any]) -> Task:
    task = Task(
        kind=TaskKind(body.pop("kind")),
        user=_text(body.pop("user")),
        run=_text(body.pop("run")),
        connection=_text(body.pop("connection")),
        listing_key=_text(body.pop("key", "")),
        version=_text(body.pop("version", "")),
        cursor=_cursor(body.pop("cursor", None)),
        step=_step(body.pop("step", 0)),
    )
    if body or not (task.user and task.run and task.connection):
        raise ValueError("parts that are unknown or missing")
    if (task.kind is TaskKind.LISTING) != bool(task.listing_key):
        raise ValueError("a listing's key where none belongs, or none where one does")
    return task


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _cursor(value: object) -> tuple[str, str] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2:
        raise TypeError("not a pair")
    return _text(value[0]), _text(value[1])


def _step(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError("not a count")
    return value
