"""Objects below a listing's prefix that its row does not point at: what a crash between two writes can leave."""

from __future__ import annotations

from collections.abc import Iterable

from mls_tui.domain.connection import Connection
from mls_tui.domain.keys import listing_prefix, user_prefix, variant_key
from mls_tui.domain.listing import Listing
from mls_tui.importer.plan import key_index
from mls_tui.importer.stored_index import StoredIndex
from mls_tui.storage.base import ListingStore, PhotoStore

_EPOCH_MS = 1_000
"""The ids that one import gives end with its epoch, or with a later millisecond if two would be equal."""


def unneeded(listing: Listing, keys: Iterable[str]) -> list[str]:
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


def variant_name(width: int) -> str:
    """``w400``: the ``<variant>`` of an object's key (CONTRACT: "S3")."""
    return f"w{width}"


async def tidy_listing(photos: PhotoStore, user_id: str, listing: Listing) -> set[str]:
    """Delete what is not needed; the row must have been written. What cannot be deleted is left for the next time.
    The keys that were there."""
    found: set[str] = set()
    async for keys in photos.keys(listing_prefix(user_id, listing.listing_id)):
        found.update(keys)
    if stray := unneeded(listing, found):
        await photos.delete(stray)
    return found


async def delete_unowned(photos: PhotoStore, store: ListingStore, connection: Connection, index: StoredIndex) -> None:
    """Delete the user's objects of listings that have no row: what a run of ``connection`` that was cut short had put
    for a listing that no run has stored since, or had not yet taken with its row.

    An import of another connection may be about to write such a row. Its new ids end with the epoch that stands in its
    cursor until it is done, or with one of the next milliseconds. The cursors are read after the objects were found.
    """
    user_id = connection.user_id
    prefix = user_prefix(user_id)
    async for keys in photos.keys(prefix):
        stray: dict[str, list[str]] = {}
        for key in keys:
            listing_id = key.removeprefix(prefix).partition("/")[0]
            if index.get(listing_id) is None:
                stray.setdefault(listing_id, []).append(key)
        others = await store.connections(user_id) if stray else []
        at_work = [each.cursor.epoch for each in others if each.connection_id != connection.connection_id]
        for listing_id, found in stray.items():
            digits = listing_id.rpartition("-")[2]
            born = int(digits) if digits.isascii() and digits.isdigit() else 0
            if any(epoch and epoch <= born < epoch + _EPOCH_MS for epoch in at_work):
                continue
            if await store.get(user_id, listing_id) is None:
                await photos.delete(found, undoable=True)
