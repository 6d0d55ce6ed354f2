"""What changed between two versions of a listing, field by field: for dry runs and for its history. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mls_tui.domain.listing import Change, Listing, Photo
from mls_tui.reso.mapping.hashing import settings_of
from mls_tui.reso.mapping.text import clean_line


@dataclass(frozen=True, slots=True)
class Difference:
    """One field, named as in ``Data`` (``address.street``), with its value before and after as printable text; None
    for an absent one."""

    name: str
    old: str | None
    new: str | None

    def __str__(self) -> str:
        return f"{self.name}: {self.old or '(none)'} → {self.new or '(none)'}"


def differences(old: Listing, new: Listing, photos: tuple[Photo, ...] | None = None) -> tuple[Difference, ...]:
    """The facts that differ, in the order of ``Data``; those of ours (ids, hashes, history) are left out.

    ``photos`` are the feed's photos of the new version; None says they were not read, and nothing is said of them.
    """
    before, after = _flat(settings_of(old)), _flat(settings_of(new))
    names = list(dict.fromkeys([*after, *before]))
    changed = [
        Difference(name, _text(before.get(name)), _text(after.get(name)))
        for name in names
        if _comparable(before.get(name)) != _comparable(after.get(name))
    ]
    if photos is not None:
        changed.extend(_photo_differences(old.photos, photos))
    return tuple(changed)


def history_changes(old: Listing, new: Listing, at: str) -> tuple[Change, ...]:
    """The changes of price and status between two versions, for ``Listing.history``; ``at`` is ISO 8601 in UTC."""
    pairs = (("price", old.price, new.price), ("status", old.status.value, new.status.value))
    return tuple(Change(at=at, field=name, old=was, new=now) for name, was, now in pairs if was != now)


def _photo_differences(old: tuple[Photo, ...], new: tuple[Photo, ...]) -> Iterator[Difference]:
    if {photo.identity for photo in old} != {photo.identity for photo in new} or len(old) != len(new):
        added = len({photo.identity for photo in new} - {photo.identity for photo in old})
        yield Difference("photos", str(len(old)), f"{len(new)} ({added} new)" if added else str(len(new)))
    elif _sequence(old) != _sequence(new):
        yield Difference("photos.order", "as stored", "changed")
    captions = {photo.identity: photo.caption for photo in old}
    changed = sum(1 for photo in new if photo.identity in captions and captions[photo.identity] != photo.caption)
    if changed:
        yield Difference("photos.captions", "as stored", f"{changed} changed")


def _sequence(photos: tuple[Photo, ...]) -> list[tuple[str, str]]:
    return [photo.identity for photo in sorted(photos, key=lambda photo: photo.order)]


def _flat(data: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, dict):
            flat.update({f"{name}.{part}": inner for part, inner in value.items()})
        else:
            flat[name] = value
    return flat


def _comparable(value: Any) -> Any:
    return sorted(value, key=str) if isinstance(value, list) else value


def _text(value: Any) -> str | None:
    if value is None or value == []:
        return None
    if isinstance(value, list):
        return clean_line(", ".join(str(item) for item in value), 300)
    return clean_line(value if isinstance(value, str) else json.dumps(value), 300)
