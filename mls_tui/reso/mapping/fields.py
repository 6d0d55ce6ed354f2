"""Reading one record by field name: the first readable of several names, with a warning for what cannot be read.
It must never raise, and its warnings never hold a value of the feed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Concatenate, ParamSpec, TypeVar

from mls_tui.reso.base import RawRecord
from mls_tui.reso.mapping.text import clean_line, says_nothing
from mls_tui.reso.mapping.values import Number, absent, date_of, enum_text, key_text, number_of, timestamp_of, yes_no

T = TypeVar("T")
P = ParamSpec("P")
Warn = Callable[[str], None]


def silent(_: str) -> None:
    """For callers that do not count warnings."""


@dataclass(frozen=True, slots=True)
class Fields:
    """A record and where warnings go. Warnings are constant per field, so that they can be counted per kind."""

    record: RawRecord
    warn: Warn

    def first(
        self,
        names: tuple[str, ...],
        kind: str,
        read: Callable[Concatenate[object, P], T | None],
        *limits: P.args,
        **no_names: P.kwargs,
    ) -> T | None:
        """The first value that is there and readable; each unreadable one on the way is warned of. ``limits`` are
        given to ``read`` beside each value."""
        for name in names:
            raw = self.record.get(name)
            if raw is None:
                continue
            try:
                value = read(raw, *limits, **no_names)
            except ValueError:
                self.warn(f"{name} cannot be read as {kind}")
                continue
            if value is not None:
                return value
        return None

    def number(self, *names: str, low: float = 0, high: float = 1e12) -> Number | None:
        """A number from ``low`` to ``high``; one outside is unreadable."""
        return self.first(names, "a number", _between, low, high)

    def positive(self, *names: str, high: float = 1e12) -> Number | None:
        """A number above zero: feeds write 0 for a price or an area that they do not know."""
        return self.first(names, "a number above zero", _above_zero, high)

    def whole(self, *names: str, low: int = 0, high: int = 1_000_000) -> int | None:
        """A whole number; 12.0 is one, 12.5 is not."""
        return self.first(names, "a whole number", _whole, low, high)

    def date(self, *names: str) -> str | None:
        return self.first(names, "a date", date_of)

    def timestamp(self, *names: str) -> str | None:
        return self.first(names, "a date and time", timestamp_of)

    def flag(self, name: str) -> bool | None:
        return self.first((name,), "yes or no", yes_no)

    def text(self, *names: str, max_bytes: int = 400) -> str | None:
        """One clean line; the words None and null count as absent, a number as its digits."""
        return self.first(names, "text", _line, max_bytes)

    def word(self, *names: str) -> str | None:
        """The value of a field that is an enumeration for some providers and text for others; the first of several."""
        return self.first(names, "text", _word)


def _between(value: object, low: float, high: float) -> Number | None:
    number = number_of(value)
    if number is not None and not low <= number <= high:
        raise ValueError("out of range")
    return number


def _above_zero(value: object, high: float) -> Number | None:
    return _between(value, 0, high) or None


def _whole(value: object, low: int, high: int) -> int | None:
    number = number_of(value)
    if number is None or (isinstance(number, int) and low <= number <= high):
        return number
    raise ValueError("not whole, or out of range")


def _line(value: object, max_bytes: int) -> str | None:
    raw = value if type(value) is str else key_text(value)
    line = "" if raw is None else clean_line(raw, max_bytes)
    return line if line and not says_nothing(line) else None


def _word(value: object) -> str | None:
    if isinstance(value, (list, tuple)):
        value = next((item for item in value if not absent(item)), None)
    raw = value if type(value) is str else key_text(value)
    if raw is None:
        return None
    return _common(raw) if len(raw) < 60 else _member(raw)


def _member(raw: str) -> str | None:
    line = clean_line(enum_text(raw))
    return None if says_nothing(line) else line or None


_common = lru_cache(8192)(_member)
"""Remembered: a feed says the same few words, and the names of the same towns, again and again."""
