"""Maps one record of a feed to a listing, a removal, or the reason why it is not imported (docs/reso-feeds.md,
section 4).

Pure functions, which raise for no JSON value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mls_tui.domain.errors import UnusableRecordError
from mls_tui.domain.keys import mls_number_key, provider_name
from mls_tui.domain.listing import Listing, ListingStatus, OpenHouse
from mls_tui.reso.base import RawRecord
from mls_tui.reso.mapping.property import address_of, features_of, office_of, prices_of, property_of, withheld
from mls_tui.reso.mapping.quarantine import scrub
from mls_tui.reso.mapping.statuses import Outcome, status_meaning, status_word
from mls_tui.reso.mapping.text import clean_block, clean_line, has_unsafe
from mls_tui.reso.mapping.values import Fields, Warn, absent, key_text, silent
from mls_tui.reso.presets import ProviderPreset
from mls_tui.reso.responses import UNREADABLE

MAX_DESCRIPTION = 64 * 1024
"""Bytes of a description: a listing and its photos share the 400 KB of a DynamoDB item."""
MAX_KEY = 255


@dataclass(frozen=True, slots=True)
class Mapped:
    """A listing. ``listing_id``, ``synced_at`` and ``photos`` are empty; the importer sets them."""

    listing: Listing


@dataclass(frozen=True, slots=True)
class Gone:
    """The listing must be removed: MlgCanView=false, InternetEntireListingDisplayYN=false or StandardStatus Delete.

    Such a record may have no ListingId.
    """

    listing_key: str
    mls_number: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class NotWanted:
    """A valid record that is not imported: Incomplete, or Coming Soon if the connection does not want those."""

    listing_key: str
    mls_number: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A record that cannot be imported. ``raw`` is its scrubbed JSON text, at most 16 KB."""

    listing_key: str | None
    mls_number: str | None
    reason: str
    raw: str = field(repr=False)


Verdict = Mapped | Gone | NotWanted | Quarantined


def map_record(
    record: RawRecord,
    preset: ProviderPreset,
    *,
    connection_id: str | None = None,
    mls_system: str | None = None,
    coming_soon: bool = False,
    warn: Warn = silent,
) -> Verdict:
    """Map one record.

    ``mls_system`` is the MLS of records without OriginatingSystemName. ``coming_soon`` imports Coming Soon as active.
    ``warn`` is called for each field that cannot be read, with a sentence that is the same for every record.
    """
    if not isinstance(record, Mapping):
        return Quarantined(None, None, "it is not a JSON object", scrub(record))
    fields = Fields(record, warn)
    key: str | None = None
    number: str | None = None
    try:
        key = _usable_key(record, preset.key_field, "ListingKey")
        number = _usable_key(record, preset.number_field, "ListingId")
        if isinstance(reason := record.get(UNREADABLE), str):
            raise UnusableRecordError(reason)
        if key is None:
            raise UnusableRecordError("it has no ListingKey")
        meaning = _meaning(fields, preset, key, number, coming_soon=coming_soon)
        if not isinstance(meaning, ListingStatus):
            return meaning
        if number is None:
            warn("ListingId is missing; ListingKey is used instead")
        mls_number_key(number or key)
        facts = _facts(fields, preset, meaning, key, number or key, mls_system)
        listing = Listing(**facts, connection_id=connection_id) if connection_id else Listing(**facts)
    except UnusableRecordError as error:
        return Quarantined(key, number, str(error), scrub(record))
    return Mapped(listing)


def _open_houses(record: RawRecord) -> tuple[OpenHouse, ...] | None:
    """The open houses that are not cancelled, at most 20; None if there are none."""
    rows = record.get("OpenHouse")
    found: set[tuple[str, ...]] = set()
    for raw in rows if isinstance(rows, list) else []:
        fields = Fields(raw if isinstance(raw, Mapping) else {}, silent)
        date, state = fields.date("OpenHouseDate"), (fields.word("OpenHouseStatus") or "").lower()
        if date is not None and state not in ("canceled", "cancelled", "ended"):
            times = (fields.text(name, max_bytes=40) for name in ("OpenHouseStartTime", "OpenHouseEndTime"))
            words = (fields.word("OpenHouseType"), fields.text("OpenHouseRemarks", max_bytes=500))
            found.add((date, *(text or "" for text in (*times, *words))))
    return (
        tuple(
            OpenHouse(date=date, start=start or None, end=end or None, kind=kind or None, remarks=remarks or None)
            for date, start, end, kind, remarks in sorted(found)[:20]
        )
        or None
    )


def provider_of(record: RawRecord, preset: ProviderPreset, mls_system: str | None = None) -> str:
    """The ``<provider>`` of a record (docs/contract.md, section DynamoDB), also of one to remove."""
    return _provider(_own_system(Fields(record, silent), preset), preset, mls_system)


def _provider(own_system: str | None, preset: ProviderPreset, mls_system: str | None) -> str:
    system = own_system or mls_system or preset.system
    return provider_name(preset.name, serves_many=preset.serves_many, originating_system=system)


def _own_system(fields: Fields, preset: ProviderPreset) -> str | None:
    return fields.word(*dict.fromkeys(("OriginatingSystemName", preset.system_field or "OriginatingSystemName")))


def _usable_key(record: RawRecord, *names: str) -> str | None:
    """The first value under ``names``, unchanged. Raises UnusableRecordError if it cannot be stored."""
    for name in names:
        try:
            key = key_text(record.get(name))
        except ValueError:
            raise UnusableRecordError(f"its {name} is neither text nor a number") from None
        if key is None:
            continue
        if len(key) > MAX_KEY:
            raise UnusableRecordError(f"its {name} is too long ({len(key)} characters)")
        if has_unsafe(key):
            raise UnusableRecordError(f"its {name} contains control characters")
        return key
    return None


def _meaning(
    fields: Fields, preset: ProviderPreset, key: str, number: str | None, *, coming_soon: bool
) -> ListingStatus | Gone | NotWanted:
    if fields.flag("MlgCanView") is False:
        return Gone(key, number, "the MLS withdrew it (MlgCanView is false)")
    if fields.flag("InternetEntireListingDisplayYN") is False:
        return Gone(key, number, "its seller keeps it off the internet (InternetEntireListingDisplayYN is false)")
    value = _status_value(fields.record, preset)
    match status_meaning(value):
        case ListingStatus() as status:
            return status
        case Outcome.DELETED:
            return Gone(key, number, f"its StandardStatus is {_shown(value)}")
        case Outcome.INCOMPLETE:
            return NotWanted(key, number, f"its StandardStatus is {_shown(value)}")
        case Outcome.COMING_SOON if coming_soon:
            return ListingStatus.ACTIVE
        case Outcome.COMING_SOON:
            return NotWanted(key, number, "it is Coming Soon")
    if absent(value):
        raise UnusableRecordError("it has no StandardStatus")
    raise UnusableRecordError(f"its StandardStatus is unknown: {_shown(value)}")


def _status_value(record: RawRecord, preset: ProviderPreset) -> Any:
    value = record.get(preset.status_field)
    return record.get("StandardStatus") if absent(value) else value


def _shown(value: object) -> str:
    return clean_line(status_word(value) or type(value).__name__, 80)


def _facts(
    fields: Fields, preset: ProviderPreset, status: ListingStatus, key: str, number: str, mls_system: str | None
) -> dict[str, Any]:
    facts: dict[str, Any] = {
        **property_of(fields),
        **prices_of(fields, status),
        **office_of(fields),
        "listing_id": "",
        "mls_id": key,
        "mls_number": number,
        "status": status,
        "address": address_of(fields),
        "list_date": fields.date("ListingContractDate", "OnMarketDate", "OriginalEntryTimestamp"),
        "description": _description(fields),
        "features": features_of(fields.record),
        "synced_at": 0,
        "standard_status": _shown(_status_value(fields.record, preset)),
        "mls_status": fields.word("MlsStatus"),
        "originating_system_name": _own_system(fields, preset),
        "modification_timestamp": fields.timestamp(*dict.fromkeys(("ModificationTimestamp", preset.timestamp_field))),
        "photos_change_timestamp": fields.timestamp("PhotosChangeTimestamp"),
        "status_change_timestamp": fields.timestamp("StatusChangeTimestamp"),
        "open_houses": _open_houses(fields.record),
        "photos_count": fields.whole("PhotosCount", high=10_000),
    }
    facts["mls_provider"] = _provider(facts["originating_system_name"], preset, mls_system)
    if withheld(fields):
        facts.update(latitude=None, longitude=None)
    return facts


def _description(fields: Fields) -> str | None:
    remarks = fields.record.get("PublicRemarks")
    if absent(remarks) or not isinstance(remarks, str):
        return None
    text = clean_block(remarks, MAX_DESCRIPTION)
    if text.endswith("…") and len(text.encode()) > MAX_DESCRIPTION - 8:
        fields.warn("PublicRemarks is longer than 64 KB; the rest is left out")
    return text or None
