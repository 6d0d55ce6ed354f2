"""Detects changes: hashes that are equal if nothing changed, and the differences between two versions of a listing.

No hash depends on URLs, our own ids or the time of an import.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from mls_tui.domain.listing import Change, Listing, Photo
from mls_tui.reso.base import RawRecord
from mls_tui.reso.mapping.media import MAX_URL, PLAIN_URL, URL_FIELDS
from mls_tui.reso.mapping.text import clean_line
from mls_tui.reso.presets import ProviderPreset

NOT_FROM_FEED = frozenset(
    {
        "listing_id",
        "connection_id",
        "source",
        "apart",
        "synced_at",
        "photos",
        "content_hash",
        "history",
        "relisted_from",
        "off_market_at",
        "last_import",
        "media_asked",
        "days_on_market",
    }
)
"""Fields of a Listing that do not come from the feed, and DaysOnMarket, which changes every night."""


def feed_facts(listing: Listing) -> dict[str, Any]:
    """The fields that come from the feed, without photos, named as in ``Data``."""
    return listing.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=set(NOT_FROM_FEED))


def fact_hash(listing: Listing) -> str:
    """16 hex digits over ``feed_facts``. The order of features and the query of a tour URL are ignored."""
    facts = feed_facts(listing)
    facts["features"] = sorted(listing.features)
    if listing.virtual_tour_url:
        facts["virtualTourUrl"] = listing.virtual_tour_url.partition("?")[0]
    return _digest(facts)


def media_hash(photos: Sequence[Photo]) -> str:
    """16 hex digits over identity, order and caption of the photos (docs/reso-feeds.md, section 5)."""
    ordered = sorted(photos, key=lambda photo: photo.order)
    return _digest([[*photo.identity, photo.order, photo.caption or ""] for photo in ordered])


def _digest(value: object) -> str:
    return hashlib.sha256(_as_json(value).encode()).hexdigest()[:16]


_as_json = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False).encode


MAPPING_VERSION = 2
"""Increase it when a record maps to something else, so that no stored fingerprint matches; a test checks this."""

INLINE_MEDIA = ("Media", "Photos")
_NOT_COMPARED = ("DaysOnMarket", "CumulativeDaysOnMarket", "@odata.etag")
"""Fields that change every night or with every response although the listing does not."""

_SORTED = orjson.OPT_SORT_KEYS


def mapping_salt(preset: ProviderPreset, mls_system: str | None, *, coming_soon: bool) -> bytes:
    """Everything besides the record that the result of mapping depends on: version, preset, connection settings."""
    facts = [preset.name, preset.serves_many, preset.system, preset.system_field]
    fields = [preset.key_field, preset.number_field, preset.status_field, preset.timestamp_field]
    return orjson.dumps([MAPPING_VERSION, facts, fields, mls_system, coming_soon])


def fingerprint(record: RawRecord, salt: bytes) -> str | None:
    """16 hex digits over a record as served, without photo URLs and fields that change by themselves.

    A record whose fingerprint is stored already need not be mapped. None if the record cannot be serialised (lone
    surrogates, huge numbers), so that it is mapped every time.
    """
    rest = dict(record)
    for name in _NOT_COMPARED:
        rest.pop(name, None)
    try:
        for name in INLINE_MEDIA:
            if isinstance(rows := rest.get(name), list):
                rest[name] = _without_urls(rows)
        text = orjson.dumps(rest, option=_SORTED)
    except (TypeError, ValueError):
        return None
    return hashlib.sha256(salt + text).hexdigest()[:16]


def _without_urls(rows: list[Any]) -> list[Any]:
    """Media rows with a number for each different URL: URLs change, but rows with equal URLs are one photo.

    A value that may not be a usable URL is kept.
    """
    numbers: dict[str, int] = {}
    return [_without_url(row, numbers) if isinstance(row, Mapping) else row for row in rows]


def _without_url(row: Mapping[str, Any], numbers: dict[str, int]) -> dict[str, Any]:
    plain = dict(row)
    for name in URL_FIELDS:
        if name in row and isinstance(url := row[name], str) and len(url) <= MAX_URL and PLAIN_URL.fullmatch(url):
            plain[name] = f"https:{numbers.setdefault(url, len(numbers))}"
    return plain


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """A changed field, named as in ``Data`` (``address.street``), with its old and new text; None if absent."""

    name: str
    old: str | None
    new: str | None

    def __str__(self) -> str:
        return f"{self.name}: {self.old or '(none)'} → {self.new or '(none)'}"


def differences(old: Listing, new: Listing, photos: tuple[Photo, ...] | None = None) -> tuple[FieldDifference, ...]:
    """The fields from the feed that differ, in the order of ``Data``.

    ``photos`` are those of the new version; None if they were not read.
    """
    before, after = _flat(feed_facts(old)), _flat(feed_facts(new))
    names = list(dict.fromkeys([*after, *before]))
    changed = [
        FieldDifference(name, _text(before.get(name)), _text(after.get(name)))
        for name in names
        if _comparable(before.get(name)) != _comparable(after.get(name))
    ]
    if photos is not None:
        changed.extend(_photo_differences(old.photos, photos))
    return tuple(changed)


def history_changes(old: Listing, new: Listing, at: str) -> tuple[Change, ...]:
    """Changes of price and status, for ``Listing.history``. ``at`` is ISO 8601 in UTC."""
    pairs = (("price", old.price, new.price), ("status", old.status.value, new.status.value))
    return tuple(Change(at=at, field=name, old=was, new=now) for name, was, now in pairs if was != now)


def _photo_differences(old: tuple[Photo, ...], new: tuple[Photo, ...]) -> Iterator[FieldDifference]:
    if {photo.identity for photo in old} != {photo.identity for photo in new} or len(old) != len(new):
        added = len({photo.identity for photo in new} - {photo.identity for photo in old})
        yield FieldDifference("photos", str(len(old)), f"{len(new)} ({added} new)" if added else str(len(new)))
    elif _sequence(old) != _sequence(new):
        yield FieldDifference("photos.order", "as stored", "changed")
    captions = {photo.identity: photo.caption for photo in old}
    changed = sum(1 for photo in new if photo.identity in captions and captions[photo.identity] != photo.caption)
    if changed:
        yield FieldDifference("photos.captions", "as stored", f"{changed} changed")


def _sequence(photos: tuple[Photo, ...]) -> list[tuple[str, str]]:
    return [photo.identity for photo in sorted(photos, key=lambda photo: photo.order)]


def _flat(data: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, dict):
            flat.update({f"{name}.{part}": inner for part, inner in value.items()})
        else:
            flat[name] = value
    return flat


def _comparable(value: Any) -> Any:
    return sorted(value, key=str) if isinstance(value, list) else value


def _text(value: Any) -> str | None:
    if value is None or value == []:
        return None
    if isinstance(value, list):
        return clean_line(", ".join(str(item) for item in value), 300)
    return clean_line(value if isinstance(value, str) else json.dumps(value), 300)
