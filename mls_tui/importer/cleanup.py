"""Objects that no row points at, and rows whose photos are damaged: what a crash, a failed deletion or another program
leaves, found and put right."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence

from mls_tui.domain.errors import DamagedItemError, StorageError
from mls_tui.domain.keys import listing_prefix, user_prefix, variant_key, variant_name
from mls_tui.domain.listing import Listing, Photo
from mls_tui.importer.context import ImportContext
from mls_tui.importer.erase import MOST_PENDING, PENDING, pending
from mls_tui.importer.plan import key_index
from mls_tui.importer.stored_index import StoredIndex
from mls_tui.storage.base import Check, ListingStore, PhotoStore

VERIFIED_AT_ONCE = 8

_EPOCH_MS = 1_000
"""The ids that one import gives end with its epoch, or with a later millisecond if two would be equal."""

# during an import --------------------------------------------------------------------------------------------


async def delete_objects(context: ImportContext, keys: Sequence[str], *, undoable: bool = False) -> None:
    """Delete objects that no row points at. If one cannot be deleted, warn; the next import tries again."""
    if not keys:
        return
    try:
        left = list(await context.photos.delete(keys, undoable=undoable))
    except StorageError:
        left = list(keys)
    if left:
        context.undeleted.extend(left)
        context.journal.warn("photos that are no longer needed could not be deleted: the next import tries again")


async def retry_deletions(context: ImportContext) -> None:
    """Delete what an earlier import could not, unless a row points at it by now."""
    by_listing: dict[str, list[str]] = {}
    for key in await pending(context.store, context.user_id):
        listing_id = key.removeprefix(user_prefix(context.user_id)).partition("/")[0]
        by_listing.setdefault(listing_id, []).append(key)
    for listing_id, keys in by_listing.items():
        try:
            row = await context.store.get(context.user_id, listing_id)
        except DamagedItemError:
            continue
        await delete_objects(context, orphans_of(row, keys) if row else keys)
    if by_listing:
        await save_undeleted(context, any_before=True)


async def save_undeleted(context: ImportContext, *, any_before: bool = False) -> None:
    """For the next import."""
    if context.undeleted or any_before:
        text = json.dumps(context.undeleted[:MOST_PENDING])
        await context.store.put_state(context.user_id, PENDING, text)


def orphans_of(listing: Listing, keys: Iterable[str]) -> list[str]:
    """Of the keys below a listing's prefix, originals that are no photo of it and variants of none of its photos."""
    originals = {photo.key for photo in listing.photos if photo.key}
    indices = {key_index(key) for key in originals}
    return [key for key in keys if key not in originals and ("/original/" in key or key_index(key) not in indices)]


def with_variants(user_id: str, listing_id: str, keys: Iterable[str], widths: Iterable[int]) -> list[str]:
    """The keys of originals, and of their variants of these widths."""
    found: list[str] = []
    for key in keys:
        found.append(key)
        index = key_index(key)
        if index is not None:
            found += [variant_key(user_id, listing_id, variant_name(width), index) for width in widths]
    return found


async def delete_listing_orphans(context: ImportContext, listing: Listing) -> set[str]:
    """Delete the listing's objects that its row, which must have been written, does not need. Returns the keys that
    were there."""
    found: set[str] = set()
    async for keys in context.photos.keys(listing_prefix(context.user_id, listing.listing_id)):
        found.update(keys)
    await delete_objects(context, orphans_of(listing, found))
    return found


async def delete_orphans(context: ImportContext, index: StoredIndex) -> None:
    """Delete the user's objects of listings that have no row: what a run of this connection that was cut short had
    stored for a listing that no run has stored since, or had not yet deleted with its row.

    An import of another connection may be about to write such a row. Its new ids end with the epoch that stands in its
    cursor until it is done, or with one of the next milliseconds. The cursors are read after the objects were found.
    """
    store, user_id = context.store, context.user_id
    prefix, mine = user_prefix(user_id), context.connection.connection_id
    async for keys in context.photos.keys(prefix):
        stray: dict[str, list[str]] = {}
        for key in keys:
            listing_id = key.removeprefix(prefix).partition("/")[0]
            if listing_id.startswith(context.connection.provider) and index.get(listing_id) is None:
                stray.setdefault(listing_id, []).append(key)
        others = await store.connections(user_id) if stray else []
        at_work = [each.cursor.epoch for each in others if each.connection_id != mine]
        for listing_id, found in stray.items():
            digits = listing_id.rpartition("-")[2]
            born = int(digits) if digits.isascii() and digits.isdigit() else 0
            if any(epoch and epoch <= born < epoch + _EPOCH_MS for epoch in at_work):
                continue
            if not await _has_row(store, user_id, listing_id):
                await delete_objects(context, found, undoable=True)


async def _has_row(store: ListingStore, user_id: str, listing_id: str) -> bool:
    """Whether the listing is stored. A row that cannot be read, as a newer version wrote it, keeps its photos."""
    try:
        return await store.get(user_id, listing_id) is not None
    except DamagedItemError:
        return True


# the audit (``storage check --photos``) ----------------------------------------------------------------------


async def audit_photos(store: ListingStore, photos: PhotoStore, user_id: str, *, repair: bool = False) -> list[Check]:
    """Two checks: damaged or missing photos, and orphans.

    ``repair`` deletes damaged photos, and takes their keys from the rows, so that the next import fetches them again;
    and it deletes orphans. The photos of a row that cannot be read are no orphans.
    Run it while no import runs: a photo whose row is about to be written looks like an orphan.
    """
    damaged = seen = 0
    read: set[str] = set()
    known: set[str] = set()
    # First: a bucket that may not even be listed says nothing of any photo, and no row is to be changed for it.
    stored = [key async for batch in photos.keys(user_prefix(user_id)) for key in batch]
    async for batch in store.listings(user_id):
        for listing in batch:
            read.add(listing.listing_id)
            known.update(photo.key for photo in listing.photos if photo.key)
            seen += listing.photos_stored
            bad = await damaged_keys(photos, listing)
            damaged += len(bad)
            if bad and repair:
                await store.put(user_id, _without(listing, bad))
                await photos.delete(sorted(bad), undoable=True)
    originals = {_place(key) for key in known}
    lost = [key for key in stored if key not in known and ("/original/" in key or _place(key) not in originals)]
    listing_ids = {_place(key)[0] for key in lost} - {listing_id for listing_id, _ in originals}
    damaged_rows = {each for each in listing_ids if each not in read and await _has_row(store, user_id, each)}
    lost = [key for key in lost if _place(key)[0] not in damaged_rows]
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
