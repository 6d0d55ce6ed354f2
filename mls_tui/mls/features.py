"""The feature lists of a record as one list that reads well by itself. It must never grow without bound."""

from __future__ import annotations

from collections.abc import Iterator

from mls_tui.mls.base import RawRecord
from mls_tui.mls.text import cut
from mls_tui.mls.values import items_of

MAX_FEATURES = 200
MAX_BYTES = 16_000

_LISTS: tuple[tuple[str, str], ...] = (
    ("InteriorFeatures", ""),
    ("ExteriorFeatures", ""),
    ("Appliances", ""),
    ("Cooling", ""),
    ("Heating", ""),
    ("FireplaceFeatures", "Fireplace"),
    ("Flooring", ""),
    ("Basement", "Basement"),
    ("LaundryFeatures", "Laundry"),
    ("SecurityFeatures", ""),
    ("LotFeatures", ""),
    ("View", "View"),
    ("WaterfrontFeatures", ""),
    ("PoolFeatures", "Pool"),
    ("SpaFeatures", "Spa"),
    ("PatioAndPorchFeatures", ""),
    ("Fencing", "Fence"),
    ("ParkingFeatures", ""),
    ("CommunityFeatures", ""),
    ("AssociationAmenities", ""),
    ("ArchitecturalStyle", ""),
    ("AccessibilityFeatures", ""),
    ("GreenEnergyEfficient", ""),
)
"""RESO DD 2.0 field and the word that goes before its values where they say little alone: ``Basement: Partial``."""


def features_of(record: RawRecord) -> tuple[str, ...]:
    """Every feature once, in the order of the fields above: ``Central Air``, ``Fenced Yard``, ``View: Mountain(s)``."""
    found: dict[str, str] = {}
    size = 0
    for feature in _all(record):
        size += len(feature.encode()) + 4
        if len(found) >= MAX_FEATURES or size > MAX_BYTES:
            break
        found.setdefault(feature.casefold(), feature)
    return tuple(found.values())


def _all(record: RawRecord) -> Iterator[str]:
    for name, label in _LISTS:
        for item in items_of(record.get(name)):
            plain = not label or label.casefold() in item.casefold()
            yield cut(item if plain else f"{label}: {item}", 160)
