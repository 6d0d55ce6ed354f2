"""Photos of one listing: fetch what is wanted, put each under its key, say what happened. A photo that cannot be had
keeps its original URL and never fails its listing; a store that cannot take photos does."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from mls_tui.domain.errors import MLSError, PhotoError, RateLimitedError, sentence
from mls_tui.domain.events import AttemptFailed, PhotoStored
from mls_tui.domain.keys import photo_key
from mls_tui.domain.listing import Listing, Photo
from mls_tui.domain.retry import PHOTO_ATTEMPTS, attempt, may_help
from mls_tui.importer.context import ImportContext
from mls_tui.importer.copies import object_metadata, put_copies
from mls_tui.importer.plan import as_stored, key_index
from mls_tui.reso.base import PhotoBytes, RawRecord
from mls_tui.reso.rate_limit import Flight

_SIGNS_IN = re.compile(
    r"(access|auth|id|refresh|bearer|server)?[_-]?token=|(x[_-])?api[_-]?key=|client[_-]?secret=|passw(or)?d=|authorization=",
    re.IGNORECASE,
)

MapMedia = Callable[[list[RawRecord]], tuple[Photo, ...]]


@dataclass(slots=True)
class ListingPhotos:
    """The photos of one listing during one import. What an attempt at the listing stored is not fetched again.

    ``spare`` are stored photos of another identity, by SHA-256: one whose bytes are served again keeps its object."""

    context: ImportContext
    listing: Listing
    map_media: MapMedia
    done: dict[tuple[int, str, str], Photo] = field(default_factory=dict)
    spare: dict[str, Photo] = field(default_factory=dict)
    _fresh: asyncio.Task[dict[tuple[str, str], Photo]] | None = None

    async def fetch(self, wanted: tuple[tuple[int, Photo], ...]) -> list[Photo]:
        """The wanted photos, in the order given: stored ones with their key, the others with their cause."""
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
        return [_shown(self.done[_place(index, photo)], photo) for index, photo in wanted]

    async def _one(self, index: int, photo: Photo) -> None:
        context = self.context
        failed = 0

        def tell(number: int, wait: float | None, error: BaseException) -> None:
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
                photo_index=index,
            )

        work = self._fetching(photo)
        try:
            served, flight = await attempt(
                work, attempts=PHOTO_ATTEMPTS, clock=context.clock, rng=context.rng, on_failure=tell, helps=_helps
            )
        except PhotoError as error:
            self._failed(index, photo, sentence(error), failed)
            return
        try:
            self.done[_place(index, photo)] = await self._put(index, photo, served)
        finally:
            flight.end()

    def _fetching(self, photo: Photo) -> Callable[[int], Awaitable[tuple[PhotoBytes, Flight]]]:
        """The attempts at one photo: another URL is read if the first has expired or was good for one use."""
        context, expired = self.context, False

        async def work(number: int) -> tuple[PhotoBytes, Flight]:
            nonlocal expired
            source = await self._renewed(photo) if expired or (number > 1 and context.preset.media_once) else photo
            await context.control.permission()
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
        if (same := await self._kept(photo, served)) is not None:
            return same
        key = photo_key(context.user_id, listing.listing_id, index, served.extension)
        stored = await context.photos.put(
            key,
            served.body,
            content_type=served.content_type,
            sha256=served.sha256,
            metadata=object_metadata(context, listing.listing_id, index, photo.original_url),
        )
        await put_copies(context, listing.listing_id, index, photo.original_url, served.body, context.variants)
        context.emit(PhotoStored, mls_number=listing.mls_number, photo_index=index, key=key, size=stored.size)
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

    async def _kept(self, photo: Photo, served: PhotoBytes) -> Photo | None:
        """The photo under the object that holds these bytes already, where it is whole (FIELD §5: always the hash)."""
        old = self.spare.pop(served.sha256, None)
        if old is None or old.key is None:
            return None
        if not await self.context.photos.verify(old.key, sha256=served.sha256, size=len(served.body)):
            return None
        number, index = self.listing.mls_number, key_index(old.key) or 0
        self.context.emit(PhotoStored, mls_number=number, photo_index=index, key=old.key, size=len(served.body))
        return as_stored(photo, old)

    def _failed(self, index: int, photo: Photo, cause: str, attempts: int) -> None:
        self.context.photo_failed(self.listing, index, cause, attempts)
        self.done[_place(index, photo)] = photo.model_copy(update={"key": None, "error": cause})

    async def _renewed(self, photo: Photo) -> Photo:
        """The photo with a URL read anew, once per attempt at the listing: URLs expire, and some are good for one
        use (FIELD §5, §6)."""
        if self._fresh is None:
            self._fresh = asyncio.create_task(self._read_media())
        return (await asyncio.shield(self._fresh)).get(photo.identity, photo)

    async def _stop_reading(self) -> None:
        """A reading of the Media that nobody waits for any more ends with the photos."""
        if self._fresh is not None:
            self._fresh.cancel()
            await asyncio.gather(self._fresh, return_exceptions=True)

    async def _read_media(self) -> dict[tuple[str, str], Photo]:
        try:
            rows = await self.context.connector.fresh_media(self.listing.mls_id)
        except RateLimitedError:
            raise
        except MLSError as error:
            raise PhotoError(f"Its URL has expired and its Media could not be read anew: {sentence(error)}") from error
        return {photo.identity: photo for photo in self.map_media(rows)}


def _helps(error: BaseException) -> bool:
    """What the MLS refuses beside the photo itself ends the run or has had its attempts."""
    return isinstance(error, PhotoError) and may_help(error)


def _place(index: int, photo: Photo) -> tuple[int, str, str]:
    return (index, *photo.identity)


def _shown(done: Photo, now: Photo) -> Photo:
    """A photo dealt with by an earlier attempt, where the feed shows it now."""
    if (done.order, done.caption) == (now.order, now.caption):
        return done
    return done.model_copy(update={"order": now.order, "caption": now.caption})


def keepable(photo: Photo, masked: Callable[[str], str]) -> Photo:
    """As it may stand in a row. One that could not be had keeps its URL with the query, which may be its signature
    (CONTRACT: "S3"), but not what signs in to the account: a row is no place for a token in the clear, wherever in an
    address it stands."""
    url, original = photo.url, masked(photo.original_url)
    if photo.key is None:
        parts = urlsplit(url)
        kept = [pair for pair in parts.query.split("&") if _SIGNS_IN.match(pair) is None]
        host = parts.netloc.rpartition("@")[2]
        url = masked(urlunsplit((parts.scheme, host, parts.path, "&".join(kept), parts.fragment)))
    if url == photo.url and original == photo.original_url:
        return photo
    return photo.model_copy(update={"url": url, "original_url": original})
