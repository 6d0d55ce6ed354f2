"""The feature lists of a record as one list that reads well by itself. It must never grow without bound."""

from __future__ import annotations

from mls_tui.reso.base import RawRecord
from mls_tui.reso.mapping.text import cut
from mls_tui.reso.mapping.values import items_of

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
    for name, label in _LISTS:
        for item in items_of(record.get(name)):
            feature = _labelled(item, label) if label else item
            size += len(feature.encode()) + 4
            if len(found) >= MAX_FEATURES or size > MAX_BYTES:
                return tuple(found.values())
            found.setdefault(feature.casefold(), feature)
    return tuple(found.values())


def _labelled(item: str, label: str) -> str:
    return item if label.casefold() in item.casefold() else cut(f"{label}: {item}", 160)
