"""The WebP copies beside an original, for those who ask for them: made as a photo comes, or later from what is stored.
One that cannot be made is warned of and is no failure; an original is never touched."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Collection, Sequence
from urllib.parse import quote, urlsplit, urlunsplit

from mls_tui.domain.errors import PhotoError, sentence
from mls_tui.domain.keys import variant_key
from mls_tui.domain.listing import Listing
from mls_tui.importer.context import ImportContext
from mls_tui.importer.plan import key_index
from mls_tui.importer.tidy import variant_name
from mls_tui.importer.variants import make_variants

ORIGINAL_URL_BYTES = 1_024
"""S3 keeps at most 2 kB of metadata, names included."""

_AS_IT_IS = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]+)?/[A-Za-z0-9/%:._~!$&'()*+,;=@-]*", re.ASCII)


async def put_copies(
    context: ImportContext, listing_id: str, index: int, original_url: str, body: bytes, widths: Sequence[int]
) -> None:
    """Copies of these widths in pixels, from the bytes of the original."""
    if not widths:
        return
    try:
        async with context.variant_slots:
            made = await asyncio.to_thread(make_variants, body, widths)
    except PhotoError as error:
        context.journal.warn(f"no WebP variants: {sentence(error)}")
        return
    for width, copy in made.items():
        await context.photos.put(
            variant_key(context.user_id, listing_id, variant_name(width), index),
            copy,
            content_type="image/webp",
            sha256=hashlib.sha256(copy).hexdigest(),
            metadata=object_metadata(context, listing_id, index, original_url),
        )


async def complete_copies(context: ImportContext, listing: Listing, present: Collection[str]) -> None:
    """Make what is lacking of a listing's copies; ``present`` are the keys of its objects (``--full``)."""
    listing_id = listing.listing_id
    for photo in listing.photos:
        index = key_index(photo.key) if photo.key else None
        if photo.key is None or index is None:
            continue
        keys = {
            variant_key(context.user_id, listing_id, variant_name(width), index): width for width in context.variants
        }
        widths = [width for key, width in keys.items() if key not in present]
        body = await context.photos.get(photo.key) if widths else None
        if body is not None:
            await put_copies(context, listing_id, index, photo.original_url, body, widths)


def object_metadata(context: ImportContext, listing_id: str, index: int, original_url: str) -> dict[str, str]:
    """What every object of a photo carries (CONTRACT: "S3")."""
    url = metadata_url(context.connector.masked(original_url))
    return {"listingId": listing_id, "photoIndex": str(index), "originalUrl": url}


def metadata_url(url: str) -> str:
    """For S3 metadata: percent-encoded ASCII, no user, query or fragment, cut to fit (CONTRACT: "S3")."""
    if _AS_IT_IS.fullmatch(url):
        return url[:ORIGINAL_URL_BYTES]
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    plain = urlunsplit((parts.scheme, host, parts.path, "", ""))
    return quote(plain, safe="%/:-._~!$&'()*+,;=@[]")[:ORIGINAL_URL_BYTES]
