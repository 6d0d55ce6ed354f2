"""A home from (seed, index), always the same one: what it is, what it costs, when it changed. Nothing is stored.

``Home`` holds facts that both the record (``records.py``) and the pictures (``paint``) are made from.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from mls_tui.demo import places
from mls_tui.demo.places import Town

EPOCH = datetime(2025, 10, 1, 12, 0, tzinfo=UTC)
"""The feed's "today": every generated timestamp lies before it, so that two runs of one seed serve equal bytes."""

OTHERS_PER_ACTIVE = 0.29
OTHER_STATUSES: tuple[tuple[str, int], ...] = (
    ("Closed", 80), ("Pending", 70), ("Active Under Contract", 50), ("Expired", 25), ("Withdrawn", 16),
    ("Canceled", 16), ("Coming Soon", 14), ("Hold", 9), ("Incomplete", 5), ("Delete", 5),
)  # fmt: skip

_MASK = (1 << 64) - 1
_PRIME = 89_999_999
_FACTOR, _SHIFT = 48_271_003, 7_919
_INVERSE = pow(_FACTOR, -1, _PRIME)
_FIRST_KEY = 10_000_000
MOST_HOMES = 1_000_000


def mix(seed: int, index: int, salt: int) -> int:
    """64 well-mixed bits from three integers (splitmix64), in about a microsecond."""
    z = (seed * 0x9E3779B97F4A7C15 + index * 0xD1B54A32D192ED03 + salt * 0x8CB92BA72F3D8DD7 + 0x1234567) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def key_of(index: int) -> str:
    """The ListingKey of home ``index``: eight digits in no visible order, one to one."""
    return str(_FIRST_KEY + (index * _FACTOR + _SHIFT) % _PRIME)


def index_of(key: str) -> int | None:
    """The home a ListingKey belongs to, or None where no home of any size of feed could have it."""
    if len(key) != 8 or not (key.isascii() and key.isdigit()):
        return None
    place = int(key) - _FIRST_KEY
    if not 0 <= place < _PRIME:
        return None
    index = (place - _SHIFT) * _INVERSE % _PRIME
    return index if index < MOST_HOMES else None


def status_of(seed: int, index: int, active: int) -> str:
    """RESO DD 2.0 StandardStatus; the first ``active`` homes are the active ones."""
    if index < active:
        return "Active"
    place = mix(seed, index, 1) % sum(share for _, share in OTHER_STATUSES)
    for status, share in OTHER_STATUSES:
        if place < share:
            return status
        place -= share
    raise AssertionError("the shares add up")


def modified_ms(seed: int, index: int, active: int, epoch_ms: int) -> int:
    """ModificationTimestamp in epoch milliseconds. One in fifty was touched by a nightly job, so shares its instant
    with others: more rows on one timestamp than a page holds is an everyday case (FIELD §1)."""
    bits = mix(seed, index, 2)
    day = 86_400_000
    if bits % 50 == 0:
        midnight = epoch_ms - epoch_ms % day
        return midnight - (1 + (bits >> 8) % 30) * day + 3 * 3_600_000
    part = (bits >> 11) / (1 << 53)
    span = 120 if index < active else 380
    return epoch_ms - 60_000 - int(part * part * span * day)


@dataclass(frozen=True, slots=True)
class Home:
    """One home's facts: feet, acres, dollars, aware UTC times."""

    index: int
    key: str
    mls_number: str
    status: str
    town: Town
    zip: str
    house: int
    direction: str | None
    street: str
    suffix: str
    unit: str | None
    kind: str
    storeys: int
    beds: int
    baths_full: int
    baths_half: int
    area: int
    lot: float
    year: int
    garage: int
    waterfront: bool
    pool: bool
    fireplace: bool
    price: int
    latitude: float
    longitude: float
    listed: datetime
    modified: datetime
    photos: int
    agent: int
    look: int


_KINDS = ("Single Family Residence",) * 13 + ("Townhouse",) * 3 + ("Condominium",) * 3 + ("Cabin", "Duplex")


def home(seed: int, index: int, active: int, epoch_ms: int) -> Home:
    """Home ``index`` of the feed with this seed, among ``active`` active ones."""
    rng = random.Random(mix(seed, index, 3))
    town = rng.choices(places.TOWNS, [town.weight for town in places.TOWNS])[0]
    modified = datetime.fromtimestamp(modified_ms(seed, index, active, epoch_ms) / 1000, UTC)
    key = key_of(index)
    building = _building(rng, town)
    unit = str(rng.randint(1, 4) * 100 + rng.randint(1, 12)) if building["kind"] == "Condominium" else None
    return Home(
        index=index,
        key=key,
        mls_number=f"LS{key}",
        status=status_of(seed, index, active),
        town=town,
        zip=rng.choice(town.zips),
        house=rng.choice((rng.randint(2, 99), rng.randint(100, 999), rng.randint(1000, 9899))),
        direction=rng.choice(places.DIRECTIONS) if rng.random() < 0.18 else None,
        street=rng.choice(places.STREETS),
        suffix=rng.choice(places.SUFFIXES),
        unit=unit,
        latitude=round(town.latitude + rng.gauss(0, 0.02), 6),
        longitude=round(town.longitude + rng.gauss(0, 0.025), 6),
        listed=modified - timedelta(days=rng.randint(0, 90), minutes=rng.randint(5, 1400)),
        modified=modified,
        photos=min(16, 1 + int(rng.gammavariate(1.7, 2.55))),
        agent=rng.randrange(48),
        look=rng.getrandbits(32),
        **building,
    )


def _building(rng: random.Random, town: Town) -> dict[str, Any]:
    """What stands there, and what it costs for its size, age, town and water."""
    kind = rng.choice(_KINDS)
    small = kind in ("Condominium", "Cabin")
    beds = rng.choice((1, 2, 2, 3) if small else (2, 3, 3, 3, 4, 4, 5))
    storeys = 1 if small else 3 if kind == "Townhouse" and rng.random() < 0.4 else rng.choice((1, 2, 2))
    spread = rng.gauss(290 * beds + 420, 120) if small else rng.gauss(330 * beds + 620, 180 + 20 * beds)
    area = max(480, int(spread))
    lot = 0.0 if kind == "Condominium" else round(rng.lognormvariate(-1.3, 0.7), 2)
    waterfront = town.lake is not None and kind != "Duplex" and rng.random() < 0.14
    year = int(2024 - 105 * rng.random() ** 1.6)
    age = max(0.72, 1 - (2024 - year) / 380)
    price = area * 212 * town.level * age * rng.uniform(0.86, 1.18) * (1.7 if waterfront else 1.0) + lot * 42_000
    garages = (0,) if kind == "Condominium" else (0, 1, 2, 2, 3) if area > 1100 else (0, 1)
    return {
        "kind": kind,
        "storeys": storeys,
        "beds": beds,
        "baths_full": max(1, round(beds / 2 + rng.choice((-0.5, 0, 0, 0.5)))),
        "baths_half": 1 if storeys > 1 and rng.random() < 0.55 else 0,
        "area": area,
        "lot": lot,
        "year": year,
        "garage": rng.choice(garages),
        "waterfront": waterfront,
        "pool": not small and rng.random() < 0.06,
        "fireplace": rng.random() < 0.45,
        "price": round(price / 100) * 100 - (100 if rng.random() < 0.6 else 0),
    }
