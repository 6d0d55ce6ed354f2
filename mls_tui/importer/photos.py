"""Fetches the photos of one listing and stores each with its WebP variants. A photo that cannot be fetched keeps its
original URL and does not fail its listing. A failure of the photo store does."""

from __future__ import annotations

import asyncio
import hashlib
import io
import re
import time
import warnings
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

from mls_tui.domain.errors import MLSError, PhotoError, RateLimitedError, sentence
from mls_tui.domain.events import AttemptFailed, PhotoStored
from mls_tui.domain.keys import photo_key, variant_key, variant_name
from mls_tui.domain.listing import Listing, Photo
from mls_tui.domain.masking import CREDENTIALS
from mls_tui.domain.retry import PHOTO_ATTEMPTS, attempt, worth_retrying
from mls_tui.importer.context import ImportContext
from mls_tui.importer.plan import as_stored, key_index
from mls_tui.reso.base import PhotoBytes, RawRecord
from mls_tui.reso.rate_limit import Flight

if TYPE_CHECKING:
    from PIL.Image import Image

_CREDENTIAL_PARAMETER = re.compile(rf"(?:{CREDENTIALS})=", re.IGNORECASE)

ORIGINAL_URL_BYTES = 1_024
"""S3 allows 2 kB of metadata, including the names."""

_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]+)?/[A-Za-z0-9/%:._~!$&'()*+,;=@-]*", re.ASCII)

MapMedia = Callable[[list[RawRecord]], tuple[Photo, ...]]


@dataclass(slots=True)
class ListingPhotos:
    """The photos of one listing during one import. A photo that one attempt stored is not fetched by the next.

    ``spare`` are stored photos that left the feed, by SHA-256: if a new photo has the same bytes, it takes over the
    stored object."""

    context: ImportContext
    listing: Listing
    map_media: MapMedia
    done: dict[tuple[int, str, str], Photo] = field(default_factory=dict)
    spare: dict[str, Photo] = field(default_factory=dict)
    _fresh: asyncio.Task[dict[tuple[str, str], Photo]] | None = None

    async def fetch(self, wanted: tuple[tuple[int, Photo], ...]) -> list[Photo]:
        """The wanted photos in the order given: stored ones have a key, failed ones an error."""
        self._fresh = None
        if not wanted:
            return []
        try:
            async with asyncio.TaskGroup() as group:
                for index, photo in wanted:
                    if _place(index, photo) not in self.done:
                        group.create_task(self._one(index, photo))
        finally:
            await self._stop_reading()
        return [_with_order_of(self.done[_place(index, photo)], photo) for index, photo in wanted]

    async def _one(self, index: int, photo: Photo) -> None:
        context = self.context
        failed = 0

        def report(number: int, wait: float | None, error: BaseException) -> None:
            nonlocal failed
            failed = number
            context.emit(
                AttemptFailed,
                what="photo",
                attempt=number,
                of=PHOTO_ATTEMPTS,
                wait=wait,
                cause=sentence(error),
                mls_number=self.listing.mls_number,
                listing_key=self.listing.mls_id,
                photo_index=index,
            )

        work = self._fetching(photo)
        try:
            served, flight = await attempt(
                work,
                attempts=PHOTO_ATTEMPTS,
                clock=context.clock,
                rng=context.rng,
                on_failure=report,
                retry_if=_worth_retrying_photo,
            )
        except PhotoError as error:
            self._failed(index, photo, sentence(error), failed)
            return
        try:
            self.done[_place(index, photo)] = await self._put(index, photo, served)
        finally:
            flight.end()

    def _fetching(self, photo: Photo) -> Callable[[int], Awaitable[tuple[PhotoBytes, Flight]]]:
        """The function that fetches a photo. Later attempts read a fresh URL if the first expired or is valid once."""
        context, expired = self.context, False

        async def work(number: int) -> tuple[PhotoBytes, Flight]:
            nonlocal expired
            source = await self._renewed(photo) if expired or (number > 1 and context.preset.media_once) else photo
            await context.control.wait_while_paused()
            flight = await context.in_flight.begin()
            began = time.monotonic()
            try:
                served = await context.connector.photo(source.url)
            except BaseException as error:
                flight.end(failed=isinstance(error, PhotoError) and not error.expired)
                expired = isinstance(error, PhotoError) and error.expired
                raise
            flight.fetched(time.monotonic() - began, len(served.body))
            return served, flight

        return work

    async def _put(self, index: int, photo: Photo, served: PhotoBytes) -> Photo:
        context, listing = self.context, self.listing
        if (same := await self._reused(photo, served)) is not None:
            return same
        key = photo_key(context.user_id, listing.listing_id, index, served.extension)
        stored = await context.photos.put(
            key,
            served.body,
            content_type=served.content_type,
            sha256=served.sha256,
            metadata=object_metadata(context, listing.listing_id, index, photo.original_url),
        )
        await put_variants(context, listing.listing_id, index, photo.original_url, served.body, context.variants)
        self._stored(index, key, stored.size)
        return photo.model_copy(
            update={
                "url": stored.url,
                "key": key,
                "sha256": served.sha256,
                "content_type": served.content_type,
                "size": stored.size,
                "error": None,
            }
        )

    async def _reused(self, photo: Photo, served: PhotoBytes) -> Photo | None:
        """The photo with a spare object that has the same bytes, if that object is intact."""
        old = self.spare.pop(served.sha256, None)
        if old is None or old.key is None:
            return None
        if not await self.context.photos.verify(old.key, sha256=served.sha256, size=len(served.body)):
            return None
        self._stored(key_index(old.key) or 0, old.key, len(served.body))
        return as_stored(photo, old)

    def _stored(self, index: int, key: str, size: int) -> None:
        number, listing_key = self.listing.mls_number, self.listing.mls_id
        self.context.emit(
            PhotoStored, mls_number=number, listing_key=listing_key, photo_index=index, key=key, size=size
        )

    def _failed(self, index: int, photo: Photo, cause: str, attempts: int) -> None:
        self.context.photo_failed(self.listing, index, cause, attempts)
        self.done[_place(index, photo)] = photo.model_copy(update={"key": None, "error": cause})

    async def _renewed(self, photo: Photo) -> Photo:
        """The photo with a fresh URL: URLs expire, and some are valid once (docs/reso-feeds.md, sections 5 and 6). The
        Media is read again at most once per attempt at the listing."""
        if self._fresh is None:
            self._fresh = asyncio.create_task(self._read_media())
        return (await asyncio.shield(self._fresh)).get(photo.identity, photo)

    async def _stop_reading(self) -> None:
        """Cancel a request for the Media if no photo waits for it any more."""
        if self._fresh is not None:
            self._fresh.cancel()
            await asyncio.gather(self._fresh, return_exceptions=True)

    async def _read_media(self) -> dict[tuple[str, str], Photo]:
        try:
            rows = await self.context.connector.fresh_media(self.listing.mls_id)
        except RateLimitedError:
            raise
        except MLSError as error:
            raise PhotoError(f"Its URL has expired and its Media could not be read again: {sentence(error)}") from error
        return {photo.identity: photo for photo in self.map_media(rows)}


def _worth_retrying_photo(error: BaseException) -> bool:
    """True for failures of the photo itself. Other requests have had their attempts, or end the run."""
    return isinstance(error, PhotoError) and worth_retrying(error)


def _place(index: int, photo: Photo) -> tuple[int, str, str]:
    return (index, *photo.identity)


def _with_order_of(done: Photo, now: Photo) -> Photo:
    """A photo that an earlier attempt fetched, with the order and caption that it has now."""
    if (done.order, done.caption) == (now.order, now.caption):
        return done
    return done.model_copy(update={"order": now.order, "caption": now.caption})


def storable(photo: Photo, masked: Callable[[str], str]) -> Photo:
    """The photo as it is stored in a row. One that could not be fetched keeps its URL with the query, which may be its
    signature (docs/contract.md, section S3), but without tokens, keys and passwords of the account."""
    url, original = photo.url, masked(photo.original_url)
    if photo.key is None:
        parts = urlsplit(url)
        kept = [pair for pair in parts.query.split("&") if _CREDENTIAL_PARAMETER.match(pair) is None]
        host = parts.netloc.rpartition("@")[2]
        url = masked(urlunsplit((parts.scheme, host, parts.path, "&".join(kept), parts.fragment)))
    if url == photo.url and original == photo.original_url:
        return photo
    return photo.model_copy(update={"url": url, "original_url": original})


# metadata and variants ---------------------------------------------------------------------------------------


async def put_variants(
    context: ImportContext, listing_id: str, index: int, original_url: str, body: bytes, widths: Sequence[int]
) -> None:
    """Store variants of these widths in pixels. If they cannot be made, warn."""
    if not widths:
        return
    try:
        async with context.variant_slots:
            made = await asyncio.to_thread(make_variants, body, widths)
    except PhotoError as error:
        context.journal.warn(f"no WebP variants: {sentence(error)}")
        return
    for width, variant in made.items():
        await context.photos.put(
            variant_key(context.user_id, listing_id, variant_name(width), index),
            variant,
            content_type="image/webp",
            sha256=hashlib.sha256(variant).hexdigest(),
            metadata=object_metadata(context, listing_id, index, original_url),
        )


async def complete_variants(context: ImportContext, listing: Listing, present: Collection[str]) -> None:
    """Make the missing variants of a stored listing (``--full``). ``present`` are the keys of its objects."""
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
            await put_variants(context, listing_id, index, photo.original_url, body, widths)


def object_metadata(context: ImportContext, listing_id: str, index: int, original_url: str) -> dict[str, str]:
    """The metadata of every object of a photo (docs/contract.md, section S3)."""
    url = metadata_url(context.connector.masked(original_url))
    return {"listingId": listing_id, "photoIndex": str(index), "originalUrl": url}


def metadata_url(url: str) -> str:
    """The URL as S3 metadata: percent-encoded ASCII without user, query and fragment, at most 1,024 bytes
    (docs/contract.md, section S3)."""
    if _PLAIN_URL.fullmatch(url):
        return url[:ORIGINAL_URL_BYTES]
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    plain = urlunsplit((parts.scheme, host, parts.path, "", ""))
    return quote(plain, safe="%/:-._~!$&'()*+,;=@[]")[:ORIGINAL_URL_BYTES]


DEFAULT_WIDTHS = (1600, 400)
"""Widths in pixels."""
MAX_PIXELS = 50_000_000
"""Most pixels of a photo that is decoded: they take 200 MB."""
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF", "TIFF")
"""The formats of docs/reso-feeds.md, section 5, that Pillow decodes; it cannot read HEIC."""
QUALITY = 80


def make_variants(body: bytes, widths: Sequence[int] = DEFAULT_WIDTHS) -> dict[int, bytes]:
    """WebP variants by width. None is enlarged: a photo narrower than a width keeps its own.

    The EXIF orientation is applied and all metadata dropped (location, camera). An animation
    gives its first frame. It blocks and takes a whole core: call it in a thread.

    Raises:
        PhotoError: the photo cannot be decoded or has too many pixels; not retryable.
    """
    try:
        picture = _decoded(body, max(widths, default=1))
        return {width: _encoded(picture, width) for width in widths}
    except PhotoError:
        raise
    except MemoryError:
        raise PhotoError("the photo needs more memory than there is", retryable=False) from None
    except Exception as error:  # decoders of hostile bytes raise whatever they meet
        raise PhotoError(f"the photo cannot be decoded ({type(error).__name__})", retryable=False) from error


def _decoded(body: bytes, widest: int) -> Image:
    """Upright and in RGB or RGBA; nothing is decoded before the header has been checked."""
    from PIL import Image, ImageOps

    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # remarks on bad EXIF, on stderr
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    try:
        picture = Image.open(io.BytesIO(body), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PhotoError("the photo has too many pixels", retryable=False) from None
    with picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise PhotoError(f"the photo has too many pixels ({picture.width} × {picture.height})", retryable=False)
        # A JPEG is decoded at the smallest scale that still has every pixel wanted, whichever side is the width.
        scale = min(1.0, widest / min(picture.size))
        picture.draft(None, (round(picture.width * scale), round(picture.height * scale)))
        upright = ImageOps.exif_transpose(picture)
        return _in_srgb(upright, picture.info.get("icc_profile"))


def _in_srgb(picture: Image, profile: object) -> Image:
    """The picture in sRGB. Its colour profile is applied, as it is dropped with the other metadata."""
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    if isinstance(profile, bytes) and profile and picture.mode in ("RGB", "RGBA", "CMYK"):
        from PIL import ImageCms

        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode=mode)
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a broken profile: its colours are taken as sRGB
        else:
            if converted is not None:
                return converted
    return picture.convert(mode)


def _encoded(picture: Image, width: int) -> bytes:
    from PIL import Image

    if width < 1:
        raise ValueError("a variant is at least one pixel wide")
    if picture.width > width:
        height = max(1, round(picture.height * width / picture.width))
        picture = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    out = io.BytesIO()
    clean = picture.copy()
    clean.info.clear()
    clean.save(out, "WEBP", quality=QUALITY, method=4, exif=b"", xmp=b"", icc_profile=b"")
    return out.getvalue()
