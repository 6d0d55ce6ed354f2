"""The demo's homes: what each one is, when it was listed and sold, and which photos it has.

A home is generated from a seed and its number, always the same one, and is not stored. Records and pictures are both
made from it. Towns and people are invented.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from mls_tui.demo.places import DIRECTIONS, STREETS, SUFFIXES, TOWNS, Town

EPOCH = datetime(2025, 10, 1, 12, 0, tzinfo=UTC)
"""The "today" of a feed that is given none, so that tests see the same bytes every day."""

OTHERS_PER_ACTIVE = 0.29
OTHER_STATUSES: tuple[tuple[str, int], ...] = (
    ("Closed", 80), ("Pending", 70), ("Active Under Contract", 50), ("Expired", 25), ("Withdrawn", 16),
    ("Canceled", 16), ("Coming Soon", 14), ("Hold", 9), ("Incomplete", 5), ("Delete", 5),
)  # fmt: skip

_MASK = (1 << 64) - 1
_PRIME = 89_999_999
_FACTOR, _SHIFT = 48_271_003, 7_919
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
    with others: more rows with one timestamp than a page holds are common (docs/reso-feeds.md, section 1)."""
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
    """One home's facts: feet, acres, dollars, aware UTC times.

    ``price`` is a month's rent if ``lease`` is true. ``contract`` and ``closed`` are None for a home that is not that
    far. ``days_on_market`` counts to the contract, to the end of the listing, or to the feed's today.
    """

    index: int
    key: str
    mls_number: str
    status: str
    town: Town
    zip: str
    street_number: int
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
    lease: bool
    latitude: float
    longitude: float
    listed: datetime
    contract: datetime | None
    closed: datetime | None
    modified: datetime
    days_on_market: int
    photos: int
    agent: int
    look: int


_KINDS = ("Single Family Residence",) * 13 + ("Townhouse",) * 3 + ("Condominium",) * 3 + ("Cabin", "Duplex")


def home(seed: int, index: int, active: int, epoch_ms: int) -> Home:
    """Home ``index`` of the feed with this seed, among ``active`` active ones."""
    rng = random.Random(mix(seed, index, 3))
    town = rng.choices(TOWNS, [town.share for town in TOWNS])[0]
    key, status = key_of(index), status_of(seed, index, active)
    building = _building(rng, town)
    unit = str(rng.randint(1, 4) * 100 + rng.randint(1, 12)) if building["kind"] == "Condominium" else None
    lease = mix(seed, index, 8) % 20 == 0 and building["kind"] != "Duplex" and not building["waterfront"]
    if lease:
        building["price"] = round(building["price"] * 0.0055 / 25) * 25
    return Home(
        index=index,
        key=key,
        mls_number=f"LS{key}",
        status=status,
        town=town,
        zip=rng.choice(town.zips),
        street_number=rng.choice((rng.randint(2, 99), rng.randint(100, 999), rng.randint(1000, 9899))),
        direction=rng.choice(DIRECTIONS) if rng.random() < 0.18 else None,
        street=rng.choice(STREETS),
        suffix=rng.choice(SUFFIXES),
        unit=unit,
        lease=lease,
        latitude=round(town.latitude + rng.gauss(0, 0.02), 6),
        longitude=round(town.longitude + rng.gauss(0, 0.025), 6),
        **_dates(seed, index, active, epoch_ms, timedelta(days=rng.randint(0, 90), minutes=rng.randint(5, 1400))),
        photos=min(16, 1 + int(rng.gammavariate(1.7, 2.55))),
        agent=rng.randrange(48),
        look=rng.getrandbits(32),
        **building,
    )


def _dates(seed: int, index: int, active: int, epoch_ms: int, on_offer: timedelta) -> dict[str, Any]:
    """When the home was listed, put under contract, closed and last changed, in this order and before the epoch.
    ``on_offer`` lies between the listing and what came next."""
    status = status_of(seed, index, active)
    rng = random.Random(mix(seed, index, 7))
    modified = datetime.fromtimestamp(modified_ms(seed, index, active, epoch_ms) / 1000, UTC)
    contract = closed = None
    until = modified
    if status == "Closed":
        closed = modified - timedelta(hours=rng.randint(1, 60))
        until = contract = closed - timedelta(days=rng.randint(20, 50))
    elif status in ("Pending", "Active Under Contract"):
        until = contract = modified - timedelta(hours=rng.randint(0, 30))
    listed = until - on_offer
    if status in ("Active", "Hold"):
        until = datetime.fromtimestamp(epoch_ms / 1000, UTC)
    elif status in ("Coming Soon", "Incomplete"):
        until = listed
    days = (until.date() - listed.date()).days
    return {
        "listed": listed, "contract": contract, "closed": closed, "modified": modified, "days_on_market": days,
    }  # fmt: skip


def _building(rng: random.Random, town: Town) -> dict[str, Any]:
    """The building, and its price by size, age, town and water."""
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


WIDTH, HEIGHT = 800, 600

_CAPTIONS = {
    "front": ("Front", "Street view", "Welcome home"),
    "living": ("Living room", "Living room with tall windows", "Family room"),
    "kitchen": ("Kitchen", "Kitchen with island", None),
    "bedroom": ("Primary bedroom", "Bedroom", None),
    "bath": ("Bath", "Full bath", None),
    "garden": ("Garden", "Back yard", "Patio & garden"),
    "lake": ("Water view", "Private dock", "Sunset over the water"),
    "dusk": ("Front at dusk", "Evening", None),
    "map": ("Location", "Neighborhood map", None),
}
_EVERYDAY = ("living", "kitchen", "bedroom", "bath", "garden", "bedroom", "dusk", "map", "living", "bedroom", "bath")


@dataclass(frozen=True, slots=True)
class Shot:
    """One photo: ``number`` never changes for it, ``version`` grows when its picture does."""

    number: int
    scene: str
    caption: str | None
    version: int
    changed: datetime


def shots_of(home: Home) -> tuple[Shot, ...]:
    """The photos of ``home`` as generated, in display order, the facade first."""
    rng = random.Random(mix(home.look, home.index, 6))
    scenes = ["front", *(["lake"] if home.waterfront else []), *_EVERYDAY]
    while len(scenes) < home.photos:
        scenes.append(rng.choice(("bedroom", "garden", "living", "kitchen")))
    return tuple(
        Shot(number, scene, rng.choice(_CAPTIONS[scene]), 1, home.listed)
        for number, scene in enumerate(scenes[: home.photos], 1)
    )
