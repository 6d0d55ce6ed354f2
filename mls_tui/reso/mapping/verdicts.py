"""What mapping makes of one record: a listing, a removal, one that is not wanted, or one for quarantine."""

from __future__ import annotations

from dataclasses import dataclass, field

from mls_tui.domain.listing import Listing


@dataclass(frozen=True, slots=True)
class Mapped:
    """A listing's facts: ``listing_id`` is empty, ``synced_at`` 0, ``photos`` empty; those are the importer's."""

    listing: Listing


@dataclass(frozen=True, slots=True)
class Gone:
    """The record must not be kept: MlgCanView=false, StandardStatus Delete, InternetEntireListingDisplayYN=false.
    A removal may come without a ListingId."""

    listing_key: str
    mls_number: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class NotWanted:
    """A good record that is no home on offer yet: Incomplete, or Coming Soon unless asked for."""

    listing_key: str
    mls_number: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A record that cannot be imported, and why. ``raw`` is scrubbed JSON text of at most 16 KB."""

    listing_key: str | None
    mls_number: str | None
    reason: str
    raw: str = field(repr=False)


Verdict = Mapped | Gone | NotWanted | Quarantined
