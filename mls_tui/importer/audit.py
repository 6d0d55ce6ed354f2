"""Verify what is stored: every photo a row points at, by hash, and every photo that no row points at."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from mls_tui.domain.keys import user_prefix
from mls_tui.domain.listing import Listing, Photo
from mls_tui.importer.plan import key_index
from mls_tui.storage.base import Check, ListingStore, PhotoStore

VERIFIED_AT_ONCE = 8


async def audit_photos(store: ListingStore, photos: PhotoStore, user_id: str, *, repair: bool = False) -> list[Check]:
    """Two checks: damaged or missing photos, and orphans.

    ``repair`` takes the key from a damaged photo, so that the next import fetches it again, and deletes orphans.
    Run it while no import runs: a photo whose row is about to be written looks like an orphan.
    """
    damaged = seen = 0
    known: set[str] = set()
    # First: a bucket that may not even be listed says nothing of any photo, and no row is to be changed for it.
    stored = [key async for batch in photos.keys(user_prefix(user_id)) for key in batch]
    async for batch in store.listings(user_id):
        for listing in batch:
            known.update(photo.key for photo in listing.photos if photo.key)
            seen += listing.photos_stored
            bad = await damaged_keys(photos, listing)
            damaged += len(bad)
            if bad and repair:
                await store.put(user_id, _without(listing, bad))
    homes = {_place(key) for key in known}
    lost = [key for key in stored if key not in known and ("/original/" in key or _place(key) not in homes)]
    left = await photos.delete(lost) if lost and repair else {}
    return [_damage_check(damaged, seen, repair), _orphan_check(len(lost), len(left), repair)]


def _place(key: str) -> tuple[str, int | None]:
    """The listing and index that an original and its variants share."""
    return key.split("/")[2], key_index(key)


async def damaged_keys(photos: PhotoStore, listing: Listing) -> set[str]:
    """Keys of the listing's photos whose stored bytes are not those that were served."""
    slots = asyncio.Semaphore(VERIFIED_AT_ONCE)

    async def one(photo: Photo) -> str | None:
        if photo.key is None:
            return None
        async with slots:
            whole = await photos.verify(photo.key, sha256=photo.sha256 or "", size=photo.size or 0)
        return None if whole else photo.key

    found: Iterable[str | None] = await asyncio.gather(*(one(photo) for photo in listing.photos))
    return {key for key in found if key is not None}


def _without(listing: Listing, bad: set[str]) -> Listing:
    """The listing with the damaged photos waiting to be fetched again."""
    lost = {"key": None, "sha256": None, "size": None, "error": "the stored photo was damaged or missing"}
    mended = tuple(
        photo.model_copy(update={**lost, "url": photo.original_url}) if photo.key in bad else photo
        for photo in listing.photos
    )
    return listing.model_copy(update={"photos": mended})


def _damage_check(damaged: int, seen: int, repair: bool) -> Check:
    if not damaged:
        return Check("photos", "ok", f"{seen} stored photos are the bytes that were served")
    if repair:
        return Check(
            "photos", "warning", f"{damaged} of {seen} photos were damaged", "the next import fetches them again"
        )
    advice = "run `mls-tui storage check --photos --repair`, then import: damaged photos are fetched again"
    return Check("photos", "failure", f"{damaged} of {seen} stored photos are damaged or missing", advice)


def _orphan_check(lost: int, left: int, repair: bool) -> Check:
    if not lost:
        return Check("orphans", "ok", "every stored photo belongs to a listing")
    if repair and not left:
        return Check("orphans", "ok", f"{lost} photos that no listing points at were deleted")
    advice = "run `mls-tui storage check --photos --repair` while no import runs"
    return Check("orphans", "warning", f"{left or lost} photos belong to no listing", advice)
