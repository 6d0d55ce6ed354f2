"""A feed as files: RESO pages with absolute next links, and one photo. Records are the demo's homes, so they have the
shape and the weight of real ones."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from mls_tui.demo.homes import EPOCH, home
from mls_tui.demo.records import members, property_record, stamp

PHOTO_BYTES = 60_000
PAGE = 200
_FIRST = EPOCH - timedelta(days=30)
_EPOCH_MS = round(EPOCH.timestamp() * 1000)
_PEOPLE = members()


def write_photo(folder: Path, size: int = PHOTO_BYTES) -> None:
    """``photo.jpg``: bytes that cannot be compressed behind a JPEG's first bytes."""
    body = b"\xff\xd8\xff\xe0" + random.Random(1).randbytes(size - 4)
    (folder / "photo.jpg").write_bytes(body)


def write_pages(folder: Path, *, listings: int, photos: int, base_url: str, photo_url: str) -> None:
    """``pages/<n>.json``, ``pages/count.json`` in ``folder``; every record Active, oldest first."""
    pages = folder / "pages"
    pages.mkdir(parents=True, exist_ok=True)
    for old in pages.iterdir():
        old.unlink()
    rows: list[dict[str, Any]] = []
    number = 1
    for at in range(listings):
        rows.append(_record(at, listings, photos, photo_url))
        if len(rows) == PAGE or at == listings - 1:
            more = f"{base_url}/Property?cursor={number + 1}" if at < listings - 1 else None
            (pages / f"{number}.json").write_bytes(_page(rows, listings, more))
            rows, number = [], number + 1
    (pages / "count.json").write_bytes(_page([_record(0, listings, 0, photo_url)], listings, None))


def _page(rows: list[dict[str, Any]], total: int, more: str | None) -> bytes:
    document: dict[str, Any] = {"@odata.count": total, "value": rows}
    if more:
        document["@odata.nextLink"] = more
    return orjson.dumps(document)


def _record(at: int, listings: int, photos: int, photo_url: str) -> dict[str, Any]:
    key = f"K{at:07d}"
    changed = stamp(_FIRST + timedelta(seconds=at))
    return property_record(home(1, at, listings, _EPOCH_MS), _PEOPLE) | {
        "ListingKey": key,
        "ListingId": f"B{at:07d}",
        "ModificationTimestamp": changed,
        "PhotosChangeTimestamp": changed,
        "PhotosCount": photos,
        "Media": [
            {
                "MediaKey": f"{key}-{number}",
                "MediaURL": f"{photo_url}/{at}-{number}.jpg",
                "MediaCategory": "Photo",
                "MediaModificationTimestamp": changed,
                "ShortDescription": "Front of the house",
                "Order": number,
                "ResourceRecordKey": key,
            }
            for number in range(photos)
        ],
    }
