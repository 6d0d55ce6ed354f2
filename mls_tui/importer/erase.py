"""Deleting listings from both stores as a plan that can be resumed.

1. ``plan_deletion`` notes the objects that are about to lose their rows. 2. The row and its mark go in one transaction.
3. Everything below the listing's prefix goes. 4. ``end_deletion`` takes from the note what is gone. A crash, or a photo
store that fails, leaves objects that are noted, never a row that points at nothing; the next import deletes them, and
so does ``storage check --photos --repair``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from mls_tui.domain.errors import DamagedItemError, StorageError, sentence
from mls_tui.domain.keys import listing_prefix
from mls_tui.domain.listing import Listing
from mls_tui.storage.base import ListingStore, PhotoStore

PENDING = "photos-to-delete"
MOST_PENDING = 3_000
"""Keys that are noted; an item has room for 400 KB. ``storage check --photos --repair`` finds the others."""


@dataclass(frozen=True, slots=True)
class Erased:
    """A listing as it was, None if its row was gone already or could not be read; the keys of the smaller copies of
    its photos, which no row names; and the objects that are still there, with the reason."""

    listing: Listing | None
    copies: tuple[str, ...] = ()
    left: dict[str, str] = field(default_factory=dict)


async def plan_deletion(store: ListingStore, user_id: str, keys: Collection[str]) -> None:
    """Note these objects: their rows are about to be deleted."""
    if keys:
        await _note(store, user_id, [*await pending(store, user_id), *keys])


async def end_deletion(store: ListingStore, user_id: str, keys: Collection[str], left: Iterable[str]) -> None:
    """Of these objects, which were noted, only those in ``left`` are still there."""
    if keys:
        gone = {*keys}.difference(left)
        noted = await pending(store, user_id)
        await _note(store, user_id, [key for key in [*noted, *left] if key not in gone])


async def pending(store: ListingStore, user_id: str) -> list[str]:
    """The objects that were noted: no row points at them, unless its deletion did not come to that."""
    text = await store.get_state(user_id, PENDING)
    return [str(key) for key in json.loads(text)] if text else []


async def _note(store: ListingStore, user_id: str, keys: list[str]) -> None:
    await store.put_state(user_id, PENDING, json.dumps([*dict.fromkeys(keys)][:MOST_PENDING]))


async def erase_listing(
    store: ListingStore, photos: PhotoStore, user_id: str, listing_id: str, *, undoable: bool = False
) -> Erased | None:
    """Delete a listing with its photos, or the photos that an earlier deletion left; None if there was neither.

    Raises:
        StorageError: the row could not be deleted; nothing is.
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
