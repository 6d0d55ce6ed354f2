"""StandardStatus to the four stored states, and back to the words that a server is asked for."""

from __future__ import annotations

import re
from enum import Enum
from types import MappingProxyType

from mls_tui.domain.listing import ListingStatus
from mls_tui.reso.mapping.values import absent, enum_text


class Outcome(Enum):
    """What a StandardStatus means if it is none of the four stored states."""

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
    """The word in a status field, in any of its forms; None if there is none."""
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    if absent(value) or not isinstance(value, str):
        return None
    return enum_text(value)


def status_meaning(value: object) -> Meaning | None:
    """What a StandardStatus means (RESO DD 2.0 and the DD 1.7 words); None for null and unknown words.

    Case, spaces, ``-``, ``_`` and a ``-BRIGHT`` suffix do not matter.
    """
    word = status_word(value)
    return None if word is None or len(word) > 100 else _MEANINGS.get(_squash(word))


def status_filter_words(status: ListingStatus, *, synonyms: bool = False) -> tuple[str, ...]:
    """The StandardStatus words of the closed set to ask a server for: pending -> Active Under Contract, Pending; with
    ``synonyms`` also those of older dictionaries."""
    return _TABLE[status] if synonyms else _FILTER_WORDS[status]
