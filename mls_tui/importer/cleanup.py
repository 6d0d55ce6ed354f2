"""Deletes listings with their photos, finds orphans (objects that no row points at), and verifies stored photos.

A listing is deleted in four steps. 1. ``plan_deletion`` saves the keys of the objects that are about to lose their
rows. 2. The row and its uniqueness mark are deleted in one transaction. 3. Every object below the listing's prefix is
deleted. 4. ``end_deletion`` removes the deleted keys from those saved. A crash or a photo store that fails leaves
orphans whose keys are saved, never a row that points at nothing. The next import deletes them, and so does
``storage check --photos --repair``.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from mls_tui.domain.errors import DamagedItemError, StorageError, sentence
from mls_tui.domain.keys import listing_prefix, user_prefix, variant_key, variant_name
from mls_tui.domain.listing import Listing, Photo
from mls_tui.importer.context import ImportContext
from mls_tui.importer.plan import key_index
from mls_tui.importer.stored_index import StoredIndex
from mls_tui.storage.base import Check, ListingStore, PhotoStore

PENDING = "photos-to-delete"
MOST_PENDING = 3_000
"""Most keys that are saved: an item has room for 400 KB. ``storage check --photos --repair`` finds the others."""

VERIFIED_AT_ONCE = 8

_EPOCH_MS = 1_000
"""New listing ids of one import end with its epoch, or with one of the following milliseconds if two would be equal."""

# deleting a listing ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Erased:
    """``listing`` as it was; None if its row was already deleted or cannot be read. ``variants`` are the keys of its
    variants, which no row names. ``left`` are the objects that could not be deleted, with the reason."""

    listing: Listing | None
    variants: tuple[str, ...] = ()
    left: dict[str, str] = field(default_factory=dict)


async def plan_deletion(store: ListingStore, user_id: str, keys: Collection[str]) -> None:
    """Save the keys of objects whose rows are about to be deleted."""
    if keys:
        await _save_pending(store, user_id, [*await pending(store, user_id), *keys])


async def end_deletion(store: ListingStore, user_id: str, keys: Collection[str], left: Iterable[str]) -> None:
    """Remove the keys of deleted objects from those saved; ``left`` are those that could not be deleted."""
    if keys:
        gone = {*keys}.difference(left)
        saved = await pending(store, user_id)
        await _save_pending(store, user_id, [key for key in [*saved, *left] if key not in gone])


async def pending(store: ListingStore, user_id: str) -> list[str]:
    """The saved keys. A row may still point at one, if its deletion was interrupted before the row was deleted."""
    text = await store.get_state(user_id, PENDING)
    return [str(key) for key in json.loads(text)] if text else []


async def _save_pending(store: ListingStore, user_id: str, keys: list[str]) -> None:
    await store.put_state(user_id, PENDING, json.dumps([*dict.fromkeys(keys)][:MOST_PENDING]))


async def erase_listing(
    store: ListingStore, photos: PhotoStore, user_id: str, listing_id: str, *, undoable: bool = False
) -> Erased | None:
    """Delete a listing with its photos, or the photos that an earlier deletion left. None if there is neither.

    Raises:
        StorageError: the row could not be deleted. Nothing was deleted.
    """
    damaged = False
    try:
        listing = await store.delete(user_id, listing_id)
    except DamagedItemError:
        listing, damaged = None, True
    known = [photo.key for photo in listing.photos if photo.key] if listing else []
    found: list[str] = []
    gone: set[str] = set()
    left: dict[str, str] = {}
    try:
        async for keys in photos.keys(listing_prefix(user_id, listing_id)):
            found += keys
            left |= await photos.delete(keys, undoable=undoable)
            gone.update(keys)
    except StorageError as error:
        left |= {key: sentence(error) for key in {*known, *found} - gone}
    if listing is None and not damaged and not found:
        return None
    return Erased(listing, tuple(key for key in found if "/original/" not in key), left)


# orphans -----------------------------------------------------------------------------------------------------


async def delete_objects(context: ImportContext, keys: Sequence[str], *, undoable: bool = False) -> None:
    """Delete orphans. Those that cannot be deleted are a warning and are tried again by the next import."""
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
    """Delete the objects that an earlier import or deletion could not delete, unless a row points at them now."""
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
        await save_undeleted(context, replace=True)


async def save_undeleted(context: ImportContext, *, replace: bool = False) -> None:
    """Save the keys that this import could not delete. ``replace``: also if there are none, to clear the saved ones."""
    if context.undeleted or replace:
        text = json.dumps(context.undeleted[:MOST_PENDING])
        await context.store.put_state(context.user_id, PENDING, text)


def orphans_of(listing: Listing, keys: Iterable[str]) -> list[str]:
    """Of the keys below a listing's prefix: originals that its row does not name, and variants of no photo in it."""
    originals = {photo.key for photo in listing.photos if photo.key}
    indices = {key_index(key) for key in originals}
    return [key for key in keys if key not in originals and ("/original/" in key or key_index(key) not in indices)]


def with_variants(user_id: str, listing_id: str, keys: Iterable[str], widths: Iterable[int]) -> list[str]:
    """The keys of originals, each followed by those of its variants of these widths in pixels."""
    found: list[str] = []
    for key in keys:
        found.append(key)
        index = key_index(key)
        if index is not None:
            found += [variant_key(user_id, listing_id, variant_name(width), index) for width in widths]
    return found


async def delete_listing_orphans(context: ImportContext, listing: Listing) -> set[str]:
    """Delete a listing's orphans. Its row must have been written. Returns the keys of all objects that it had."""
    found: set[str] = set()
    async for keys in context.photos.keys(listing_prefix(context.user_id, listing.listing_id)):
        found.update(keys)
    await delete_objects(context, orphans_of(listing, found))
    return found


async def delete_orphans(context: ImportContext, index: StoredIndex) -> None:
    """Delete the photos of listings that have no row: an interrupted run of this connection stored them before the
    row, or deleted the row before them.

    An import of another connection may be about to write such a row. Its new listing ids end with the epoch in its
    cursor, or with one of the following milliseconds, so photos of such ids are kept. The cursors are read after the
    objects were listed: an import that starts later has stored none of them.
    """
    store, user_id = context.store, context.user_id
    prefix, mine = user_prefix(user_id), context.connection.connection_id
    async for keys in context.photos.keys(prefix):
        orphans: dict[str, list[str]] = {}
        for key in keys:
            listing_id = key.removeprefix(prefix).partition("/")[0]
            if listing_id.startswith(context.connection.provider) and index.get(listing_id) is None:
                orphans.setdefault(listing_id, []).append(key)
        others = await store.connections(user_id) if orphans else []
        running_epochs = [each.cursor.epoch for each in others if each.connection_id != mine]
        for listing_id, found in orphans.items():
            digits = listing_id.rpartition("-")[2]
            epoch_of_id = int(digits) if digits.isascii() and digits.isdigit() else 0
            if any(epoch and epoch <= epoch_of_id < epoch + _EPOCH_MS for epoch in running_epochs):
                continue
            if not await _has_row(store, user_id, listing_id):
                await delete_objects(context, found, undoable=True)


async def _has_row(store: ListingStore, user_id: str, listing_id: str) -> bool:
    """Whether the listing is stored. A row that cannot be read, as a newer version wrote it, keeps its photos."""
    try:
        return await store.get(user_id, listing_id) is not None
    except DamagedItemError:
        return True


# verifying stored photos (``storage check --photos``) --------------------------------------------------------


async def audit_photos(store: ListingStore, photos: PhotoStore, user_id: str, *, repair: bool = False) -> list[Check]:
    """Two checks: photos that are damaged or missing, and orphans.

    ``repair`` deletes damaged photos, and takes their keys from the rows, so that the next import fetches them again;
    and it deletes orphans. The photos of a row that cannot be read are no orphans.
    Run it while no import runs: a photo whose row is about to be written looks like an orphan.
    """
    damaged = seen = 0
    read: set[str] = set()
    known: set[str] = set()
    # First, because a bucket that cannot be listed must not make every photo look missing.
    stored = [key async for batch in photos.keys(user_prefix(user_id)) for key in batch]
    async for batch in store.listings(user_id):
        for listing in batch:
            read.add(listing.listing_id)
            known.update(photo.key for photo in listing.photos if photo.key)
            seen += listing.photos_stored
            bad = await damaged_keys(photos, listing)
            damaged += len(bad)
            if bad and repair:
                await store.put(user_id, _without_photos(listing, bad))
                await photos.delete(sorted(bad), undoable=True)
    originals = {_place(key) for key in known}
    lost = [key for key in stored if key not in known and ("/original/" in key or _place(key) not in originals)]
    listing_ids = {_place(key)[0] for key in lost} - {listing_id for listing_id, _ in originals}
    damaged_rows = {each for each in listing_ids if each not in read and await _has_row(store, user_id, each)}
    lost = [key for key in lost if _place(key)[0] not in damaged_rows]
    left = await photos.delete(lost) if lost and repair else {}
    return [_damage_check(damaged, seen, repair), _orphan_check(len(lost), len(left), repair)]


def _place(key: str) -> tuple[str, int | None]:
    """The listing id and photo index, which an original and its variants have in common."""
    return key.split("/")[2], key_index(key)


async def damaged_keys(photos: PhotoStore, listing: Listing) -> set[str]:
    """Keys of the listing's photos whose stored bytes differ from those served, or are missing."""
    slots = asyncio.Semaphore(VERIFIED_AT_ONCE)

    async def one(photo: Photo) -> str | None:
        if photo.key is None:
            return None
        async with slots:
            intact = await photos.verify(photo.key, sha256=photo.sha256 or "", size=photo.size or 0)
        return None if intact else photo.key

    found: Iterable[str | None] = await asyncio.gather(*(one(photo) for photo in listing.photos))
    return {key for key in found if key is not None}


def _without_photos(listing: Listing, bad: set[str]) -> Listing:
    """The listing with these photos marked as missing, so that the next import fetches them again."""
    missing = {"key": None, "sha256": None, "size": None, "error": "the stored photo was damaged or missing"}
    photos = tuple(
        photo.model_copy(update={**missing, "url": photo.original_url}) if photo.key in bad else photo
        for photo in listing.photos
    )
    return listing.model_copy(update={"photos": photos})


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
