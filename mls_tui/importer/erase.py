"""Taking a listing out of both stores: row and mark in one transaction, then every object below its prefix.

The row goes first: a crash in between leaves objects that nothing points at, never a row that points at nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from mls_tui.domain.errors import StorageError
from mls_tui.domain.keys import listing_prefix
from mls_tui.domain.listing import Listing
from mls_tui.storage.base import ListingStore, PhotoStore


@dataclass(frozen=True, slots=True)
class Erased:
    """A listing as it was, and the keys of the smaller copies of its photos, which no row names."""

    listing: Listing
    copies: tuple[str, ...]


async def erase_listing(
    store: ListingStore, photos: PhotoStore, user_id: str, listing_id: str, *, undoable: bool = False
) -> Erased | None:
    """Delete a listing with its photos; what it was, None where there was none.

    Raises:
        StorageError: the row could not be deleted, or it is gone and some photos are left (the text says how many).
    """
    listing = await store.delete(user_id, listing_id)
    if listing is None:
        return None
    copies: list[str] = []
    left: dict[str, str] = {}
    async for keys in photos.keys(listing_prefix(user_id, listing_id)):
        copies += [key for key in keys if "/original/" not in key]
        left |= await photos.delete(keys, undoable=undoable)
    if left:
        key, why = next(iter(left.items()))
        raise StorageError(
            f"Listing {listing_id} is deleted, but {len(left)} of its photos could not be: {key}: {why}. "
            "`mls-tui storage check --photos --repair` deletes them.",
            retryable=True,
        )
    return Erased(listing, tuple(copies))
