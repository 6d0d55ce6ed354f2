"""Reading one record by field name: the first readable of several names, with a warning for what cannot be read.
It must never raise, and its warnings never hold a value of the feed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from mls_tui.mls.base import RawRecord
from mls_tui.mls.text import clean_line, says_nothing
from mls_tui.mls.values import Number, absent, date_of, enum_text, key_text, number_of, timestamp_of, yes_no

T = TypeVar("T")
Warn = Callable[[str], None]


def silent(_: str) -> None:
    """For callers that do not count warnings."""


@dataclass(frozen=True, slots=True)
class Fields:
    """A record and where warnings go. Warnings are constant per field, so that they can be counted per kind."""

    record: RawRecord
    warn: Warn

    def first(self, names: tuple[str, ...], read: Callable[[object], T | None], kind: str) -> T | None:
        """The first value that is there and readable; each unreadable one on the way is warned of."""
        for name in names if len(names) == 1 else dict.fromkeys(names):
            raw = self.record.get(name)
            if raw is None:
                continue
            try:
                value = read(raw)
            except ValueError:
                self.warn(f"{name} cannot be read as {kind}")
                continue
            if value is not None:
                return value
        return None

    def number(self, *names: str, low: float = 0, high: float = 1e12) -> Number | None:
        """A number from ``low`` to ``high``; one outside is unreadable."""

        def read(value: object) -> Number | None:
            number = number_of(value)
            if number is not None and not low <= number <= high:
                raise ValueError("out of range")
            return number

        return self.first(names, read, "a number")

    def positive(self, *names: str, high: float = 1e12) -> Number | None:
        """A number above zero: feeds write 0 for a price or an area that they do not know."""

        def read(value: object) -> Number | None:
            number = number_of(value)
            if number is not None and not 0 <= number <= high:
                raise ValueError("out of range")
            return number or None

        return self.first(names, read, "a number above zero")

    def whole(self, *names: str, low: int = 0, high: int = 1_000_000) -> int | None:
        """A whole number; 12.0 is one, 12.5 is not."""

        def read(value: object) -> int | None:
            number = number_of(value)
            if number is None or (isinstance(number, int) and low <= number <= high):
                return number
            raise ValueError("not whole, or out of range")

        return self.first(names, read, "a whole number")

    def date(self, *names: str) -> str | None:
        return self.first(names, date_of, "a date")

    def timestamp(self, *names: str) -> str | None:
        return self.first(names, timestamp_of, "a date and time")

    def flag(self, name: str) -> bool | None:
        return self.first((name,), yes_no, "yes or no")

    def text(self, *names: str, max_bytes: int = 400) -> str | None:
        """One clean line; the words None and null count as absent, a number as its digits."""

        def read(value: object) -> str | None:
            raw = value if type(value) is str else key_text(value)
            line = "" if raw is None else clean_line(raw, max_bytes)
            return line if line and not says_nothing(line) else None

        return self.first(names, read, "text")

    def word(self, *names: str) -> str | None:
        """The value of a field that is an enumeration for some providers and text for others; the first of several."""

        def read(value: object) -> str | None:
            if isinstance(value, (list, tuple)):
                value = next((item for item in value if not absent(item)), None)
            raw = key_text(value)
            line = "" if raw is None else clean_line(enum_text(raw))
            return None if says_nothing(line) else line or None

        return self.first(names, read, "text")
