"""A fingerprint of a record as it was served: one that comes with the fingerprint it was stored by maps to what is
stored, and need not be mapped. It must never leave out anything that mapping reads and that counts as a change."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from mls_tui.reso.base import RawRecord
from mls_tui.reso.mapping.media import MAX_URL, PLAIN_URL, URL_FIELDS
from mls_tui.reso.presets import ProviderPreset

MAPPING = 1
"""Raise it with every change of what a record is mapped to (facts, media, verdicts): no fingerprint is taken for good
then. A test tells when."""

INLINE_MEDIA = ("Media", "Photos")
_NOT_COMPARED = ("DaysOnMarket", "CumulativeDaysOnMarket", "@odata.etag")
"""What servers count up every night or write anew with every answer, and what is no change of a listing."""

_SORTED = orjson.OPT_SORT_KEYS


def mapping_salt(preset: ProviderPreset, mls_system: str | None, *, coming_soon: bool) -> bytes:
    """What mapping depends on besides the record: its own version, the provider's facts, the connection's choices."""
    facts = [preset.name, preset.serves_many, preset.system, preset.system_field]
    fields = [preset.key_field, preset.number_field, preset.status_field, preset.timestamp_field]
    return orjson.dumps([MAPPING, facts, fields, mls_system, coming_soon])


def fingerprint(record: RawRecord, salt: bytes) -> str | None:
    """16 hex digits over the whole record, but for what says nothing new and the URLs of its photos.

    None where the record has no bytes of its own (lone surrogates, numbers beyond JSON's): it is mapped every time.
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
    """Media rows with a number for each URL, the same where two are the same: no URL is ever a photo's identity, but a
    row that comes twice is one photo. What may be no usable URL stays."""
    numbers: dict[str, int] = {}
    return [_without_url(row, numbers) if isinstance(row, Mapping) else row for row in rows]


def _without_url(row: Mapping[str, Any], numbers: dict[str, int]) -> dict[str, Any]:
    plain = dict(row)
    for name in URL_FIELDS:
        if name in row and isinstance(url := row[name], str) and len(url) <= MAX_URL and PLAIN_URL.fullmatch(url):
            plain[name] = f"https:{numbers.setdefault(url, len(numbers))}"
    return plain
