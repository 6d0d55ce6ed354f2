"""Maps StandardStatus to the four stored statuses, and back to the values in a filter."""

from __future__ import annotations

import re
from enum import Enum
from types import MappingProxyType

from mls_tui.domain.listing import ListingStatus
from mls_tui.reso.mapping.values import absent, enum_text


class Outcome(Enum):
    """The meaning of a StandardStatus that is none of the four stored statuses."""

    COMING_SOON = "coming soon"
    INCOMPLETE = "incomplete"
    DELETED = "deleted"


Meaning = ListingStatus | Outcome

_TABLE: dict[Meaning, tuple[str, ...]] = {
    ListingStatus.ACTIVE: ("Active", "Active Listing"),
    ListingStatus.PENDING: (
        "Active Under Contract",
        "Contingent",
        "Backup",
        "Pending",
        "Under Contract",
        "Offer Accepted",
    ),
    ListingStatus.SOLD: ("Closed", "Sold", "Leased", "Rented"),
    ListingStatus.EXPIRED: (
        "Expired",
        "Withdrawn",
        "Canceled",
        "Cancelled",
        "Terminated",
        "Hold",
        "Temp Off Market",
    ),
    Outcome.COMING_SOON: ("Coming Soon", "Delayed Showings"),
    Outcome.INCOMPLETE: ("Incomplete", "Draft"),
    Outcome.DELETED: ("Delete", "Kill"),
}

_FILTER_WORDS = MappingProxyType(
    {
        ListingStatus.ACTIVE: ("Active",),
        ListingStatus.PENDING: ("Active Under Contract", "Pending"),
        ListingStatus.SOLD: ("Closed",),
        ListingStatus.EXPIRED: ("Expired", "Withdrawn", "Canceled", "Hold"),
    }
)

_IGNORED = re.compile(r"[\s_-]+")


def _squash(word: str) -> str:
    return _IGNORED.sub("", word.casefold()).removesuffix("bright")


_MEANINGS = MappingProxyType({_squash(word): meaning for meaning, words in _TABLE.items() for word in words})


def status_word(value: object) -> str | None:
    """The value of a status field without list and enumeration syntax; None if there is none."""
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    if absent(value) or not isinstance(value, str):
        return None
    return enum_text(value)


def status_meaning(value: object) -> Meaning | None:
    """The meaning of a StandardStatus (RESO DD 2.0 and 1.7); None for null and unknown values.

    Case, spaces, ``-``, ``_`` and the suffix ``-BRIGHT`` are ignored.
    """
    word = status_word(value)
    return None if word is None or len(word) > 100 else _MEANINGS.get(_squash(word))


def status_filter_words(status: ListingStatus, *, synonyms: bool = False) -> tuple[str, ...]:
    """The RESO DD 2.0 values to filter by: pending -> Active Under Contract, Pending. With ``synonyms`` also those of
    older dictionaries."""
    return _TABLE[status] if synonyms else _FILTER_WORDS[status]
