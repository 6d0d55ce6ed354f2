"""Fingerprints of a listing's facts and of its photos, so that an unchanged listing costs no write. They must never
depend on URLs, on our own ids or on when an import ran."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from mls_tui.domain.listing import Listing, Photo

NOT_FACTS = frozenset(
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
        "media_asked",
        "days_on_market",
    }
)
"""Parts of a Listing that are ours and not the feed's, and DaysOnMarket, which servers count up every night."""


def settings_of(listing: Listing) -> dict[str, Any]:
    """What the feed says about a listing, photos apart, named and written as in ``Data``."""
    return listing.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=set(NOT_FACTS))


def fact_hash(listing: Listing) -> str:
    """16 hex digits over the facts. The order of features means nothing, nor does the query of a tour's URL."""
    facts = settings_of(listing)
    facts["features"] = sorted(listing.features)
    if listing.virtual_tour_url:
        facts["virtualTourUrl"] = listing.virtual_tour_url.partition("?")[0]
    return _digest(facts)


def media_hash(photos: Sequence[Photo]) -> str:
    """16 hex digits over identity, order and caption of the photos (FIELD §5: never the URL)."""
    ordered = sorted(photos, key=lambda photo: photo.order)
    return _digest([[*photo.identity, photo.order, photo.caption or ""] for photo in ordered])


def _digest(value: object) -> str:
    return hashlib.sha256(_as_json(value).encode()).hexdigest()[:16]


_as_json = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False).encode
"""Stored hashes were made of these very bytes."""
