"""A home for sale as it is stored: the ``Data`` map of docs/contract.md, section DynamoDB, in Python names. No I/O."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Self

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

MEDIA_ASKED_MOST = 3
"""Imports that ask again for missing or incomplete Media. After these, a change of the record is needed."""


class ListingStatus(StrEnum):
    """The four states a user filters by; RESO's eleven StandardStatus values map onto them."""

    ACTIVE = "active"
    PENDING = "pending"
    SOLD = "sold"
    EXPIRED = "expired"


class Record(BaseModel):
    """Base of what is stored: frozen, camelCase outside, unknown keys of newer versions ignored."""

    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore", use_enum_values=False
    )

    def to_data(self) -> dict[str, Any]:
        """The camelCase map that is stored and printed. An absent value is an absent key."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Self:
        """The reverse of ``to_data``."""
        return cls.model_validate(data)


class Address(Record):
    """Every part may be absent: some feeds withhold it (InternetAddressDisplayYN=false)."""

    street: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None

    @property
    def one_line(self) -> str:
        """``12 Oak St, Austin, TX 78701``; empty if everything is withheld."""
        region = " ".join(part for part in (self.state, self.zip) if part)
        return ", ".join(part for part in (self.street, self.city, region) if part)


class Photo(Record):
    """One photo of a listing.

    A stored photo has ``key``, ``sha256`` (hex), ``content_type`` and ``size`` (bytes). One that could not be fetched
    has no ``key``, ``url`` is its original URL, and ``error`` says why; the next import tries it again.
    """

    url: str
    key: str | None = None
    caption: str | None = None
    order: int
    original_url: str
    sha256: str | None = None
    content_type: str | None = None
    size: int | None = None
    media_key: str | None = None
    media_modified: str | None = None
    error: str | None = None

    @property
    def stored(self) -> bool:
        return self.key is not None

    @property
    def identity(self) -> tuple[str, str]:
        """Two photos with one identity are the same photo; the URL is no part of it (docs/reso-feeds.md, section 5)."""
        return (self.media_key or f"#{self.order}", self.media_modified or "")


class Change(Record):
    """A change of price or status, kept for the listing's history. ``at`` is ISO 8601 in UTC."""

    at: str
    field: str
    old: str | int | float | None = None
    new: str | int | float | None = None


class LastImport(Record):
    """The import that wrote a listing last, and the listing's counts in it, from which a resumed run counts it again.
    ``outcome`` is created, updated or removed."""

    run: str
    outcome: str
    photos_stored: int = 0
    photos_reused: int = 0
    bytes: int = 0


class OpenHouse(Record):
    """An open house (RESO DD 2.0). ``date`` is the day at the property; ``start`` and ``end`` are as served."""

    date: str
    start: str | None = None
    end: str | None = None
    kind: str | None = None
    remarks: str | None = None

    def __str__(self) -> str:
        """``2026-06-13 15:00–17:00 UTC, Public``: times with their offset as served."""
        times = "–".join(time for time in (_clock(self.start), _clock(self.end)) if time)
        zone = " UTC" if times and (self.start or self.end or "").endswith("Z") else ""
        return ", ".join(part for part in (f"{self.date} {times}{zone}".strip(), self.kind) if part)


def _clock(text: str | None) -> str | None:
    found = re.search(r"(?:T|^)(\d\d:\d\d)", text or "")
    return found[1] if found else None


class Listing(Record):
    """One listing. Prices in the feed's currency units, areas in square feet, lots in acres, ``synced_at`` in epoch ms.

    ``mls_id`` is the ListingKey, ``mls_number`` the ListingId people quote. ``mls_status`` and ``standard_status`` are
    the feed's raw values beside our ``status``. ``source`` is the API host that the listing was first read from, with
    the dataset if the host serves several. ``apart`` is set if another host has a listing of this provider and key.
    """

    listing_id: str
    mls_id: str
    mls_number: str
    mls_provider: str
    connection_id: str | None = None
    source: str | None = None
    apart: bool | None = None
    address: Address = Address()
    price: int | float | None = None
    price_period: str | None = None
    """What a rent is for: ``monthly``, ``weekly``, ``annually`` and the like (RESO DD 2.0, LeaseAmountFrequency)."""
    price_unit: str | None = None
    """What a price is for if not the whole property, as served: ``Sq Ft Net``, ``Per Acre``."""
    bedrooms: int | float | None = None
    bathrooms: int | float | None = None
    square_feet: int | float | None = None
    property_type: str | None = None
    status: ListingStatus
    list_date: str | None = None
    description: str | None = None
    photos: tuple[Photo, ...] = ()
    features: tuple[str, ...] = ()
    synced_at: int

    standard_status: str | None = None
    mls_status: str | None = None
    property_sub_type: str | None = None
    year_built: int | None = None
    lot_size_acres: int | float | None = None
    latitude: float | None = None
    longitude: float | None = None
    close_price: int | float | None = None
    close_date: str | None = None
    original_list_price: int | float | None = None
    days_on_market: int | None = None
    county: str | None = None
    subdivision: str | None = None
    association_fee: int | float | None = None
    association_fee_frequency: str | None = None
    tax_annual_amount: int | float | None = None
    garage_spaces: int | float | None = None
    stories: int | float | None = None
    list_office_name: str | None = None
    list_office_phone: str | None = None
    list_agent_name: str | None = None
    list_agent_mls_id: str | None = None
    originating_system_name: str | None = None
    modification_timestamp: str | None = None
    photos_change_timestamp: str | None = None
    status_change_timestamp: str | None = None
    photos_count: int | None = None
    virtual_tour_url: str | None = None
    open_houses: tuple[OpenHouse, ...] | None = None
    """From the day before the import, in order of date and time."""

    content_hash: str | None = None
    history: tuple[Change, ...] = ()
    relisted_from: str | None = None
    off_market_at: str | None = None
    last_import: LastImport | None = None
    media_asked: int | None = None
    """How many imports found no Media of this version of the record though it counts photos, or only a part of it."""

    @property
    def photos_stored(self) -> int:
        return sum(1 for photo in self.photos if photo.stored)

    @property
    def photos_missing(self) -> int:
        """Photos that the next import asks for again."""
        failed = len(self.photos) - self.photos_stored
        if not 0 < (self.media_asked or 0) < MEDIA_ASKED_MOST:
            return failed
        return max(1, failed, (self.photos_count or 0) - self.photos_stored)

    @property
    def version(self) -> str:
        """ModificationTimestamp in epoch microseconds, 20 digits, so that versions sort as text. A record without a
        timestamp is older than any with one."""
        moment = parse_timestamp(self.modification_timestamp) if self.modification_timestamp else None
        micros = 0 if moment is None else max(0, round(moment.timestamp() * 1_000_000))
        return f"{micros:020d}"


def parse_timestamp(text: str) -> datetime | None:
    """An ISO 8601 moment, aware, in UTC; None if it cannot be read. A naive one is taken as UTC
    (docs/reso-feeds.md, section 4)."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None


# the same home, listed again ---------------------------------------------------------------------------------

_ABBREVIATIONS = (
    *("north=n", "south=s", "east=e", "west=w", "northeast=ne", "northwest=nw", "southeast=se", "southwest=sw"),
    *("street=st", "avenue=ave", "av=ave", "boulevard=blvd", "drive=dr", "road=rd", "lane=ln", "court=ct"),
    *("place=pl", "terrace=ter", "circle=cir", "highway=hwy", "parkway=pkwy", "square=sq", "trail=trl"),
    *("cove=cv", "point=pt", "crossing=xing"),
)
_WORDS = MappingProxyType(dict(pair.split("=") for pair in _ABBREVIATIONS))
_UNIT_WORDS = frozenset({"apartment", "apt", "unit", "suite", "ste", "no", "number"})
_WORD = re.compile(r"[^\W_]+")


def address_key(address: Address) -> str | None:
    """The same text for every spelling of an address: ``12 North Oak Street #4`` and ``12 N. OAK ST, Unit 4``.

    None if the street, its number, or both ZIP and city are unknown: such homes match no other.
    """
    if not address.street:
        return None
    words = (word for word in _WORD.findall(address.street.casefold()) if word not in _UNIT_WORDS)
    street = " ".join(_WORDS.get(word, word) for word in words)
    if not any(map(str.isdigit, street)) or not any(map(str.isalpha, street)):
        return None
    digits = re.match(r"\s*(\d{5})\b", address.zip or "")
    place = digits[1] if digits else " ".join(_WORD.findall(f"{address.city or ''} {address.state or ''}".casefold()))
    return f"{street}|{place}" if place and (digits or address.city) else None
