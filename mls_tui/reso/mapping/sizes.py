"""Which Media rows are several sizes of one photo, and which of them is the largest. Rows that only may be sizes of
one photo stay photos of their own: a doubled photo is a nuisance, a lost one is a loss."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import NamedTuple

_ASPECT_TOLERANCE = 0.06
_SIZE_NAMES = (
    "thumb",
    "icon",
    "tiny",
    "small",
    "preview",
    "medium",
    "midsize",
    "large",
    "xlarge",
    "highres",
    "hires",
    "full",
    "original",
)
"""ImageSizeDescription words from small to large, for rows without a width."""


class Row(NamedTuple):
    """A Media row that is a public photo with a usable URL. ``place`` is its index in the feed's array."""

    place: int
    url: str
    preferred: bool = False
    order: float | None = None
    media_key: str | None = None
    object_id: str | None = None
    modified: str | None = None
    caption: str | None = None
    size_name: str | None = None
    width: float | None = None
    height: float | None = None

    @property
    def rank(self) -> tuple[bool, bool, float, int]:
        """Display order: PreferredPhotoYN, then the number of Order, then place (FIELD §5)."""
        return (not self.preferred, self.order is None, self.order or 0.0, self.place)

    @property
    def largeness(self) -> tuple[float, int]:
        word = "".join(char for char in (self.size_name or "").lower() if char.isalpha())
        named = max((rank for rank, name in enumerate(_SIZE_NAMES) if name in word), default=-1)
        return ((self.width or 0.0) * (self.height or self.width or 0.0), named)


def largest_of_each(rows: list[Row], photos_count: int | None) -> list[Row]:
    """One row per photo. ``photos_count`` is the record's PhotosCount, where it is known.

    Rows are sizes of one photo where they share an id (MediaObjectID or MediaKey) or an Order, and differ in
    ImageSizeDescription; or share an id and an Order and differ in ImageWidth at one aspect ratio. An Order and widths
    alone are not enough, since feeds repeat Order: then PhotosCount must agree, or every Order must be repeated alike.
    """
    rows = _merged(rows, lambda row: row.object_id, _named_apart)
    rows = _merged(rows, lambda row: row.media_key, _named_apart)
    rows = _merged(rows, lambda row: row.order, _named_apart)
    rows = _merged(rows, lambda row: _both(row.object_id, row.order), _measured_apart)
    rows = _merged(rows, lambda row: _both(row.media_key, row.order), _measured_apart)
    if _orders_are_photos(rows, photos_count):
        rows = _merged(rows, lambda row: row.order, _measured_apart)
    return rows


def _both(identity: str | None, order: float | None) -> tuple[str, float] | None:
    return None if identity is None or order is None else (identity, order)


def _merged(rows: list[Row], key: Callable[[Row], Hashable | None], apart: Callable[[list[Row]], bool]) -> list[Row]:
    known = [shared for row in rows if (shared := key(row)) is not None]
    if len(set(known)) == len(known):
        return rows
    groups: dict[Hashable, list[Row]] = defaultdict(list)
    for row in rows:
        shared = key(row)
        groups[("alone", row.place) if shared is None else ("shared", shared)].append(row)
    return [row for group in groups.values() for row in (_one(group) if len(group) > 1 and apart(group) else group)]


def _one(group: list[Row]) -> list[Row]:
    """The largest, in the place of the first and with the caption of any."""
    first, best = min(group, key=lambda row: row.rank), max(group, key=lambda row: row.largeness)
    caption = best.caption or next((row.caption for row in group if row.caption), None)
    return [best._replace(place=first.place, preferred=first.preferred, order=first.order, caption=caption)]


def _named_apart(group: list[Row]) -> bool:
    names = [row.size_name for row in group]
    return None not in names and _distinct(name.casefold() for name in names if name)


def _measured_apart(group: list[Row]) -> bool:
    return all(row.width for row in group) and _distinct(row.width for row in group) and _one_aspect(group)


def _one_aspect(group: list[Row]) -> bool:
    ratios = [row.width / row.height for row in group if row.width and row.height]
    return not ratios or max(ratios) / min(ratios) <= 1 + _ASPECT_TOLERANCE


def _orders_are_photos(rows: list[Row], photos_count: int | None) -> bool:
    counts: dict[float, int] = defaultdict(int)
    for row in rows:
        if row.order is None:
            return False
        counts[row.order] += 1
    if photos_count:
        return len(counts) == photos_count
    return len(counts) > 1 and min(counts.values()) > 1 and len(set(counts.values())) == 1


def _distinct(values: Iterable[object]) -> bool:
    seen = list(values)
    return len(set(seen)) == len(seen)
