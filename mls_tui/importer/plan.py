"""What an import would do with one record: pure comparison of what was mapped with what is stored. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from mls_tui.domain.listing import Listing, ListingStatus, Photo
from mls_tui.reso.mapping.hashing import fact_hash, media_hash
from mls_tui.storage.base import IndexEntry


class Step(Enum):
    """What to do with a mapped listing."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"


def content_hash(listing: Listing, photos: tuple[Photo, ...] | None, fingerprint: str | None = None) -> str:
    """``<facts>.<media>``, then ``.<fingerprint of the record>`` where it says both. The media part is empty where the
    Media was not read."""
    content = f"{fact_hash(listing)}.{'' if photos is None else media_hash(photos)}"
    return f"{content}.{fingerprint}" if fingerprint else content


def hash_parts(content: str | None) -> tuple[str, str, str]:
    """Facts, media and fingerprint of a ``content_hash``; empty where there is none."""
    facts, media, fingerprint, *_ = *(content or "").split("."), "", "", ""
    return facts, media, fingerprint


def decide(
    mapped: Listing,
    photos: tuple[Photo, ...] | None,
    stored: IndexEntry | None,
    *,
    scope: frozenset[ListingStatus],
    with_photos: bool = True,
) -> Step:
    """New, changed, unchanged or outside the scope.

    ``photos`` is None where the Media did not come with the record: then the facts decide, PhotosChangeTimestamp and
    PhotosCount among them. A record older than what is stored changes nothing.
    """
    if stored is None:
        return Step.NEW if mapped.status in scope else Step.SKIPPED
    if mapped.version < stored.version:
        return Step.UNCHANGED
    facts, media, _ = hash_parts(stored.content_hash)
    if facts != fact_hash(mapped):
        return Step.CHANGED
    if with_photos and stored.photos_missing:
        return Step.CHANGED
    if with_photos and photos is not None and media != media_hash(photos):
        return Step.CHANGED
    return Step.UNCHANGED


@dataclass(frozen=True, slots=True)
class PhotoPlan:
    """``kept`` are photos that need no request, ``wanted`` those to fetch with the index of their key; both by
    display order. ``spare`` are stored photos of another identity: their objects go once the row is written, unless the
    bytes of a wanted one turn out to be theirs."""

    kept: tuple[Photo, ...]
    wanted: tuple[tuple[int, Photo], ...]
    spare: tuple[Photo, ...]

    @property
    def obsolete(self) -> tuple[str, ...]:
        """The stored keys of ``spare``."""
        return tuple(photo.key for photo in self.spare if photo.key)


def plan_photos(feed: tuple[Photo, ...], stored: tuple[Photo, ...]) -> PhotoPlan:
    """Which photos to fetch and under which index.

    A photo that is stored keeps its object whatever its place or URL is now (FIELD §5: identity is never the URL).
    A new one takes its place in display order as index where no stored object has that index, else the lowest free
    one: no object that the stored row points at is overwritten, so a crash leaves the old listing whole.
    """
    available: dict[tuple[str, str], list[Photo]] = {}
    for photo in stored:
        if photo.stored:
            available.setdefault(photo.identity, []).append(photo)
    kept: list[Photo] = []
    missing: list[Photo] = []
    for photo in feed:
        same = available.get(photo.identity)
        if same:
            old = same.pop(0)
            kept.append(as_stored(photo, old))
        else:
            missing.append(photo)
    taken = {index for photo in stored if photo.key and (index := key_index(photo.key)) is not None}
    wanted = tuple((_take(photo.order, taken), photo) for photo in missing)
    in_use = {photo.key for photo in kept}
    spare = tuple(photo for photo in stored if photo.key and photo.key not in in_use)
    return PhotoPlan(tuple(kept), wanted, spare)


def as_stored(feed: Photo, old: Photo) -> Photo:
    """The feed's photo with the object of a stored one."""
    return feed.model_copy(
        update={
            "url": old.url,
            "key": old.key,
            "sha256": old.sha256,
            "content_type": old.content_type,
            "size": old.size,
            "original_url": old.original_url,
        }
    )


def key_index(key: str) -> int | None:
    """The ``<index>`` of ``…/photo<index>.<extension>``."""
    name = key.rsplit("/", 1)[-1]
    digits = name.removeprefix("photo").partition(".")[0]
    return int(digits) if digits.isascii() and digits.isdigit() else None


def _take(preferred: int, taken: set[int]) -> int:
    index = preferred
    if index in taken:
        index = next(n for n in range(len(taken) + 1) if n not in taken)
    taken.add(index)
    return index


def entry_of(listing: Listing, address_key: str | None) -> IndexEntry:
    """The index entry of a listing that this import has just dealt with: what could not be had of its photos has been
    tried, and is not tried again before the next import."""
    return IndexEntry(
        listing_id=listing.listing_id,
        provider=listing.mls_provider,
        mls_number=listing.mls_number,
        mls_id=listing.mls_id,
        connection_id=listing.connection_id,
        status=listing.status,
        version=listing.version,
        content_hash=listing.content_hash,
        photos_missing=0,
        address_key=address_key,
    )
