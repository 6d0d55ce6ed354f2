"""Records for test servers: small, valid, with distinct keys and timestamps a minute apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.providers.quirks import Record

START = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def stamp(minutes: float) -> str:
    """A timestamp so many minutes after the first."""
    return (START + timedelta(minutes=minutes)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def home(number: int, *, minutes: float | None = None, status: str = "Active", photos: int = 0) -> Record:
    """One listing; ``minutes`` is when it was modified; by default ``number``."""
    key = f"K{number:06d}"
    return {
        "ListingKey": key,
        "ListingId": f"M{number}",
        "StandardStatus": status,
        "ModificationTimestamp": stamp(number if minutes is None else minutes),
        "OriginatingSystemName": "Lakeside MLS",
        "ListPrice": 100_000 + number,
        "PhotosCount": photos,
        "Media": [
            {"MediaKey": f"{key}-{order}", "Order": order, "MediaURL": f"https://photos.test/{key}/{order}.jpg"}
            for order in range(photos)
        ],
    }


def homes(count: int, *, one_timestamp: bool = False, photos: int = 0) -> list[Record]:
    return [home(number, minutes=0 if one_timestamp else None, photos=photos) for number in range(count)]
