"""Which photos a home has, in which order, and the Media records that tell of them. Draws nothing."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mls_tui.demo import places
from mls_tui.demo.homes import Home, mix
from mls_tui.demo.records import stamp

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


def media_records(home: Home, shots: Iterable[Shot], url: Callable[[Shot], str]) -> list[dict[str, Any]]:
    """RESO Media records of a home's photos in display order. One listing in 25 also has a tour, which is no photo."""
    found = []
    for order, shot in enumerate(shots, 1):
        found.append(
            _common(home, f"{home.key}-{shot.number:03d}", order, shot.changed)
            | {
                "MediaCategory": "Photo",
                "MediaType": "jpeg",
                "MediaURL": url(shot),
                "ShortDescription": shot.caption,
                "LongDescription": None,
                "ImageSizeDescription": "Large",
                "ImageWidth": WIDTH,
                "ImageHeight": HEIGHT,
                "PreferredPhotoYN": order == 1,
            }
        )
    if home.look % 25 == 0:
        tour = {"MediaCategory": "Branded Virtual Tour", "MediaURL": f"https://tours.example/{home.key}"}
        found.append(_common(home, f"{home.key}-900", len(found) + 1, home.listed) | tour)
    return found


def _common(home: Home, key: str, order: int, changed: datetime) -> dict[str, Any]:
    return {
        "MediaKey": key,
        "ResourceRecordKey": home.key,
        "ResourceRecordID": home.mls_number,
        "ResourceName": "Property",
        "OriginatingSystemName": places.SYSTEM,
        "Order": order,
        "ModificationTimestamp": stamp(changed),
        "MediaModificationTimestamp": stamp(changed),
        "Permission": ["Public"],
    }
