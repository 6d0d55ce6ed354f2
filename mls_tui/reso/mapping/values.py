"""Reads a feed's values tolerantly: numbers, dates, booleans, lists, keys (docs/reso-feeds.md, section 4).

The functions return None for an absent value and raise ValueError for an unreadable one. ``Fields`` reads a record by
field name and reports unreadable values as warnings.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Concatenate, ParamSpec, TypeVar

from mls_tui.domain.listing import parse_timestamp
from mls_tui.reso.base import RawRecord
from mls_tui.reso.mapping.text import clean_line, means_absent

T = TypeVar("T")
P = ParamSpec("P")
Warn = Callable[[str], None]

MAX_ITEMS = 500
"""Items of a list that are read."""

_NUMBER = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)?(\.\d*)?([eE][+-]?\d{1,3})?")
_CURRENCY = re.compile(r"^(USD|CAD|US\$|[$€£¥])\s*|\s*(USD|CAD)$", re.IGNORECASE)
_PLACEHOLDER_DATES = frozenset({"0001-01-01", "1753-01-01", "9999-12-31"})
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})([T ].*)?", re.ASCII)
_LIST_ITEM = re.compile(r"(?:\([^()]*\)|[^,])+")
"""Text between commas, except commas in parentheses."""
_ENUM_MEMBER = re.compile(r"[A-Za-z_][\w.]*'(?P<member>[^']*)'")
_ENUM_PATH = re.compile(r"(?:https?://|urn:)\S*[/#:=](?P<member>[^/#:=\s]+)", re.IGNORECASE)
_ENUM_NAME = re.compile(r"(?:[A-Za-z_]\w+\.){2,}(?P<member>[A-Za-z_]\w*)")
_TRUE = frozenset({"true", "t", "yes", "y", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "0"})

Number = int | float


def absent(value: object) -> bool:
    """Whether the value is null, "", [] or {}: the same as an absent field (docs/reso-feeds.md, section 1)."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, (list, tuple, dict)) and not value)


def key_text(value: object) -> str | None:
    """A key as text: 12345, 12345.0 and "12345" are the same key. Text is only stripped.

    Raises:
        ValueError: it is neither text nor a number.
    """
    if absent(value):
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError("not a text or number")
    if isinstance(value, str):
        return value.strip()
    number = number_of(value)
    return None if number is None else str(number)


def number_of(value: object) -> Number | None:
    """12.0 -> 12, "50000.0" -> 50000, "$1,234,000" -> 1234000, " -116.3" -> -116.3.

    Raises:
        ValueError: unreadable, infinite, or too large for a DynamoDB number.
    """
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    if isinstance(value, float):
        return _plain(value)
    if isinstance(value, str):
        return _number_in(value) if value.strip() else None
    if isinstance(value, int) and not isinstance(value, bool):
        if abs(value) >= 10**36:
            raise ValueError("too many digits")
        return value
    if absent(value):
        return None
    raise ValueError("not a number")


def _number_in(text: str) -> Number | None:
    if means_absent(text):
        return None
    bare = _CURRENCY.sub("", text.strip()[:60])
    if not bare.isascii() or not any(c.isdigit() for c in bare) or not _NUMBER.fullmatch(bare):
        raise ValueError("not a number")
    plain = bare.replace(",", "")
    if plain.lstrip("+-").isdigit() and len(plain) <= 36:
        return int(plain)
    return _plain(float(plain))


def _plain(number: float) -> Number:
    if not math.isfinite(number) or abs(number) >= 1e36:
        raise ValueError("not a usable number")
    if number and abs(number) < 1e-20:
        return 0
    return int(number) if number.is_integer() else number


def bool_of(value: object) -> bool | None:
    """true, "Y", "yes", 1 and the like. Raises ValueError for anything else."""
    if absent(value):
        return None
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, (str, int, float)) and len(repr(value)) < 20 else ""
    word = word.removesuffix(".0")
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    if means_absent(word):
        return None
    raise ValueError("not a yes or no")


def date_of(value: object) -> str | None:
    """YYYY-MM-DD of a date or timestamp as written: the local day, not the day in UTC.

    Raises:
        ValueError: it is no ISO 8601 date from 1800 to 2199, for example "TBD".
    """
    if absent(value):
        return None
    if not isinstance(value, str):
        raise ValueError("not a date")
    text = value.strip()
    match = _DATE.fullmatch(text)
    if means_absent(text) or (match and match[1] in _PLACEHOLDER_DATES):
        return None
    if match is None or (match[2] and timestamp_of(text) is None):
        raise ValueError("not a date")
    day = date.fromisoformat(match[1])
    if not 1800 <= day.year < 2200:
        raise ValueError("not a plausible date")
    return match[1]


def timestamp_of(value: object) -> str | None:
    """A timestamp as the feed writes it, after a check that it can be read. Without a time zone it means UTC.

    Raises:
        ValueError: it cannot be read as ISO 8601.
    """
    if absent(value):
        return None
    if not isinstance(value, str) or len(value) > 60:
        raise ValueError("not a timestamp")
    text = value.strip()
    if means_absent(text) or text[:10] in _PLACEHOLDER_DATES:
        return None
    if parse_timestamp(text) is None or not text.isascii():
        raise ValueError("not a timestamp")
    return text


def enum_text(value: str) -> str:
    """The member of an enumeration in any of its notations: ``Active``, ``Ns.StandardStatus'Active'``,
    ``https://…/StandardStatus/Active``, ``RESO.OData.Metadata.Active``."""
    text = value.strip()
    if len(text) < 400 and ("." in text or ":" in text or "'" in text):  # each form has one of them
        for form in (_ENUM_MEMBER, _ENUM_PATH, _ENUM_NAME):
            if match := form.fullmatch(text):
                return match["member"]
    return text


def items_of(value: object) -> list[str]:
    """The cleaned items of an array, of text separated by commas, or of Spark's ``{"Central Air": true}``.

    Repeats are dropped. Commas in parentheses do not separate.
    """
    items = _raw_items(value) if value else []
    if len(items) < 2:
        return items
    found: dict[str, str] = {}
    for item in items:
        found.setdefault(item.casefold(), item)
    return list(found.values())


def _raw_items(value: object) -> list[str]:
    if isinstance(value, (list, tuple)):
        parts: list[Any] = list(value)
    elif isinstance(value, str):
        parts = _LIST_ITEM.findall(value[:20_000])
    elif isinstance(value, Mapping):
        parts = [name for name, on in value.items() if on is True]
    else:
        parts = []
    texts = [part for part in parts[:MAX_ITEMS] if isinstance(part, str)]
    return [line for text in texts if (line := _common_item(text) if len(text) < 60 else _item(text))]


def _item(part: str) -> str:
    line = clean_line(enum_text(part), 120)
    return "" if means_absent(line) else line


_common_item = lru_cache(8192)(_item)
"""Cached, because a feed repeats a few hundred features."""


def silent(_: str) -> None:
    """For callers that need no warnings."""


@dataclass(frozen=True, slots=True)
class Fields:
    """Reads the fields of a record. A warning has the same text for every record, so that warnings can be counted."""

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
        """The first readable value of these fields, with a warning for each unreadable one before it. ``limits`` are
        further arguments of ``read``."""
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
        """A number from ``low`` to ``high``; others are unreadable."""
        return self.first(names, "a number", _between, low, high)

    def positive(self, *names: str, high: float = 1e12) -> Number | None:
        """A number above zero. Feeds write 0 for an unknown price or area."""
        return self.first(names, "a number above zero", _above_zero, high)

    def whole(self, *names: str, low: int = 0, high: int = 1_000_000) -> int | None:
        """A whole number; 12.0 is one, 12.5 is not."""
        return self.first(names, "a whole number", _whole, low, high)

    def date(self, *names: str) -> str | None:
        return self.first(names, "a date", date_of)

    def timestamp(self, *names: str) -> str | None:
        return self.first(names, "a date and time", timestamp_of)

    def flag(self, name: str) -> bool | None:
        return self.first((name,), "yes or no", bool_of)

    def text(self, *names: str, max_bytes: int = 400) -> str | None:
        """One clean line. Words such as None and null mean absent; a number becomes its digits."""
        return self.first(names, "text", _line, max_bytes)

    def word(self, *names: str) -> str | None:
        """The value of a field that is an enumeration at some providers and text at others; the first of a list."""
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
    return line if line and not means_absent(line) else None


def _word(value: object) -> str | None:
    if isinstance(value, (list, tuple)):
        value = next((item for item in value if not absent(item)), None)
    raw = value if type(value) is str else key_text(value)
    if raw is None:
        return None
    return _common_member(raw) if len(raw) < 60 else _member(raw)


def _member(raw: str) -> str | None:
    line = clean_line(enum_text(raw))
    return None if means_absent(line) else line or None


_common_member = lru_cache(8192)(_member)
"""Cached, because a feed repeats the same words and town names."""
