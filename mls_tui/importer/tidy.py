"""Objects below a listing's prefix that its row does not point at: what a crash between two writes can leave."""

from __future__ import annotations

from collections.abc import Iterable

from mls_tui.domain.keys import listing_prefix, variant_key
from mls_tui.domain.listing import Listing
from mls_tui.importer.plan import key_index
from mls_tui.storage.base import PhotoStore


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


async def tidy_listing(photos: PhotoStore, user_id: str, listing: Listing) -> None:
    """Delete what is not needed; the row must have been written. What cannot be deleted is left for the next time."""
    stray: list[str] = []
    async for keys in photos.keys(listing_prefix(user_id, listing.listing_id)):
        stray += unneeded(listing, keys)
    if stray:
        await photos.delete(stray)
