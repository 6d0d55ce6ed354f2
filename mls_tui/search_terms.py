"""The terms of a search and the columns they look at. Pure: no I/O, no interface, and nothing here raises."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from mls_tui.domain.listing import Listing

NUMBER_KEYS = ("price", "beds", "baths", "sqft")
TEXT_KEYS = ("city", "type", "mls", "zip")


def fold(text: str) -> str:
    """Text as searches compare it: no case, no diacritics, white space collapsed. ``Café  Ünit`` -> ``cafe unit``."""
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text.casefold())
        text = "".join(ch for ch in decomposed if not unicodedata.combining(ch))
    return " ".join(text.casefold().split())


def squeeze(text: str) -> str:
    """A status word as FIELD §4 compares it: lower case, without spaces, ``-`` and ``_``."""
    return re.sub(r"[\s_-]+", "", fold(text))


def haystack(listing: Listing) -> str:
    """All text of a listing, folded, a line a field, so that a phrase cannot match across two fields."""
    address = listing.address
    parts: tuple[str | None, ...] = (
        listing.mls_number,
        address.one_line,
        listing.description,
        *listing.features,
        listing.property_type,
        listing.property_sub_type,
        listing.status.value,
        listing.standard_status,
        listing.mls_status,
        listing.county,
        listing.subdivision,
        listing.list_office_name,
        listing.list_agent_name,
        listing.originating_system_name,
        listing.mls_provider,
        listing.mls_id,
        listing.listing_id,
        *(photo.caption for photo in listing.photos if photo.caption),
    )
    return "\n".join(fold(part) for part in parts if part)


class Columns:
    """What a search looks at, one list a field; the same place in every list is one listing. Texts are folded.

    ``raw_status`` holds the feed's own status words, squeezed, with ``|`` before each.
    """

    __slots__ = ("baths", "beds", "city", "mls", "price", "raw_status", "sqft", "status", "text", "type", "zip")

    def __init__(self, listings: Iterable[Listing] = ()) -> None:
        self.status: list[str] = []
        self.raw_status: list[str] = []
        self.price: list[float | None] = []
        self.beds: list[float | None] = []
        self.baths: list[float | None] = []
        self.sqft: list[float | None] = []
        self.city: list[str] = []
        self.type: list[str] = []
        self.mls: list[str] = []
        self.zip: list[str] = []
        self.text: list[str] = []
        for listing in listings:
            self.put(len(self.text), listing)

    def __len__(self) -> int:
        return len(self.text)

    def put(self, row: int, listing: Listing) -> None:
        """Set row ``row``; a row one past the end is appended."""
        values = (
            ("status", listing.status.value),
            ("raw_status", "|" + "|".join(squeeze(w) for w in (listing.standard_status, listing.mls_status) if w)),
            ("price", listing.price),
            ("beds", listing.bedrooms),
            ("baths", listing.bathrooms),
            ("sqft", listing.square_feet),
            ("city", fold(listing.address.city or "")),
            ("type", fold(f"{listing.property_type or ''} {listing.property_sub_type or ''}")),
            ("mls", fold(listing.mls_number)),
            ("zip", fold(listing.address.zip or "")),
            ("text", haystack(listing)),
        )
        for name, value in values:
            column = getattr(self, name)
            if row == len(column):
                column.append(value)
            else:
                column[row] = value

    def numbers(self, key: str) -> list[float | None]:
        """The column of one of NUMBER_KEYS."""
        return {"price": self.price, "beds": self.beds, "baths": self.baths, "sqft": self.sqft}[key]

    def texts(self, key: str) -> list[str]:
        """The column of one of TEXT_KEYS."""
        return {"city": self.city, "type": self.type, "mls": self.mls, "zip": self.zip}[key]


class Term(Protocol):
    """One condition of a search."""

    def keep(self, columns: Columns, rows: Iterable[int]) -> list[int]:
        """The rows that meet the condition, in the order given."""
        ...


@dataclass(frozen=True, slots=True)
class Anywhere:
    """Free text: the folded needle stands somewhere in the listing's text."""

    needle: str

    def keep(self, columns: Columns, rows: Iterable[int]) -> list[int]:
        text, needle = columns.text, self.needle
        return [row for row in rows if needle in text[row]]


@dataclass(frozen=True, slots=True)
class Status:
    """Our status is one of ``ours``, or one of the feed's own words begins with one of ``raw`` (squeezed)."""

    ours: frozenset[str]
    raw: tuple[str, ...] = ()

    def keep(self, columns: Columns, rows: Iterable[int]) -> list[int]:
        status, raw, ours = columns.status, columns.raw_status, self.ours
        if not self.raw:
            return [row for row in rows if status[row] in ours]
        starts = tuple("|" + word for word in self.raw)
        return [row for row in rows if status[row] in ours or any(start in raw[row] for start in starts)]


@dataclass(frozen=True, slots=True)
class Between:
    """A number from ``low`` to ``high``; an open end is None, ``open_low``/``open_high`` leave the end itself out."""

    key: str
    low: float | None = None
    high: float | None = None
    open_low: bool = False
    open_high: bool = False

    def keep(self, columns: Columns, rows: Iterable[int]) -> list[int]:
        values = columns.numbers(self.key)
        kept = [row for row in rows if values[row] is not None]
        low, high = self.low, self.high
        if low is not None:
            if self.open_low:
                kept = [row for row in kept if values[row] > low]  # type: ignore[operator]
            else:
                kept = [row for row in kept if values[row] >= low]  # type: ignore[operator]
        if high is not None:
            if self.open_high:
                kept = [row for row in kept if values[row] < high]  # type: ignore[operator]
            else:
                kept = [row for row in kept if values[row] <= high]  # type: ignore[operator]
        return kept


@dataclass(frozen=True, slots=True)
class Absent:
    """The listing has no such value (``price:none``)."""

    key: str

    def keep(self, columns: Columns, rows: Iterable[int]) -> list[int]:
        if self.key in NUMBER_KEYS:
            numbers = columns.numbers(self.key)
            return [row for row in rows if numbers[row] is None]
        texts = columns.texts(self.key)
        return [row for row in rows if not texts[row]]


@dataclass(frozen=True, slots=True)
class Holds:
    """A text field holds one of the folded needles; a ZIP code begins with it."""

    key: str
    needles: tuple[str, ...]

    def keep(self, columns: Columns, rows: Iterable[int]) -> list[int]:
        values, needles = columns.texts(self.key), self.needles
        if self.key == "zip":
            return [row for row in rows if values[row].startswith(needles)]
        if len(needles) == 1:
            needle = needles[0]
            return [row for row in rows if needle in values[row]]
        return [row for row in rows if any(needle in values[row] for needle in needles)]


@dataclass(frozen=True, slots=True)
class Not:
    """The rows that ``term`` does not keep (``-pool``, ``-status:sold``)."""

    term: Term

    def keep(self, columns: Columns, rows: Iterable[int]) -> list[int]:
        rows = list(rows)
        dropped = set(self.term.keep(columns, rows))
        return [row for row in rows if row not in dropped]
