"""The handler of one listing: its media, its photos, its row. Idempotent: run again after any crash it ends in the
same state, so a queue may drive it as well as the engine does."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from mls_tui.domain.clock import iso_z
from mls_tui.domain.errors import AuthenticationError, MLSError, StorageError, sentence
from mls_tui.domain.events import AttemptFailed, ListingStarted, ListingStored
from mls_tui.domain.keys import new_listing_id
from mls_tui.domain.listing import Listing, Photo
from mls_tui.domain.retry import LISTING_ATTEMPTS, attempt, may_help
from mls_tui.domain.same_home import address_key
from mls_tui.importer.audit import damaged_keys
from mls_tui.importer.context import ImportContext
from mls_tui.importer.copies import complete_copies
from mls_tui.importer.in_hand import IN_HAND, InHand
from mls_tui.importer.photos import ListingPhotos, keepable
from mls_tui.importer.plan import PhotoPlan, content_hash, entry_of, hash_parts, plan_photos
from mls_tui.importer.reading import Job
from mls_tui.importer.stored_index import StoredIndex
from mls_tui.importer.tidy import tidy_listing, with_variants
from mls_tui.reso.base import MediaCutError, RawRecord
from mls_tui.reso.mapping.differences import history_changes
from mls_tui.reso.mapping.media import map_media
from mls_tui.storage.base import IndexEntry, PutOutcome


@dataclass(slots=True)
class ListingTask:
    """One mapped record on its way into the stores. ``mapped`` holds facts only; ids and photos are added here."""

    context: ImportContext
    index: StoredIndex
    job: Job
    mapped: Listing
    verify: bool = False
    in_hand: InHand = field(init=False)
    _home: str | None = field(init=False)
    """What the home is known by where it is listed again."""
    _photos: ListingPhotos | None = field(default=None, repr=False)
    _told_start: bool = False
    _media_asked: int | None = None
    _fingerprint: str | None = None
    _cut: str | None = None
    """Why the Media came in part."""

    def __post_init__(self) -> None:
        self.in_hand = InHand(self.mapped.mls_number)
        self._home = address_key(self.mapped.address)

    @property
    def attempts(self) -> int:
        """How many attempts failed, by whoever made them."""
        return self.in_hand.attempts

    async def run(self) -> None:
        """Up to three attempts; raises the last one's error.

        A request to the MLS has had its three attempts in the connector, each told there: it is not multiplied here.
        """
        context = self.context
        before = IN_HAND.set(self.in_hand)
        try:
            await attempt(
                self._attempt,
                attempts=LISTING_ATTEMPTS,
                clock=context.clock,
                rng=context.rng,
                on_failure=self._tell,
                helps=lambda error: may_help(error) and not isinstance(error, MLSError),
            )
        finally:
            IN_HAND.reset(before)

    def _tell(self, number: int, wait: float | None, error: BaseException) -> None:
        if isinstance(error, MLSError | AuthenticationError):
            return
        self.in_hand.failed(number)
        self._start(self.mapped.photos_count or 0)
        self.context.emit(
            AttemptFailed,
            what="listing",
            attempt=number,
            of=LISTING_ATTEMPTS,
            wait=wait,
            cause=sentence(error),
            mls_number=self.mapped.mls_number,
        )

    def _start(self, photos: int) -> None:
        """Say once that the listing is in hand: a second attempt is no second start."""
        if self._told_start:
            return
        self._told_start = True
        mapped = self.mapped
        self.context.emit(
            ListingStarted,
            mls_number=mapped.mls_number,
            listing_key=mapped.mls_id,
            address=mapped.address.one_line,
            photos=photos,
        )

    async def clean_up(self) -> None:
        """After the last failed attempt: delete what was put for a row that was not written."""
        if self._photos is None:
            return
        context, listing_id = self.context, self._photos.listing.listing_id
        put = {photo.key for photo in self._photos.done.values() if photo.key}
        row = await context.store.get(context.user_id, listing_id) if put else None
        stray = put - ({photo.key for photo in row.photos} if row else set())
        if stray:
            await context.photos.delete(with_variants(context.user_id, listing_id, sorted(stray), context.variants))

    async def _attempt(self, number: int) -> None:
        entry = self.index.number(self.mapped.mls_provider, self.mapped.mls_number)
        try:
            await self._import(entry)
        except BaseExceptionGroup as group:
            raise first_of(group) from None

    async def _import(self, entry: IndexEntry | None) -> None:
        context = self.context
        old = await context.store.get(context.user_id, entry.listing_id) if entry is not None else None
        draft = self._identified(old, entry)
        feed = await self._feed_photos(old)
        damaged = await self._damaged(old) if self.verify and old is not None else ()
        stored = tuple(photo for photo in old.photos if photo.key not in damaged) if old else ()
        plan = plan_photos(feed, stored)
        wanted = plan.wanted if context.options.photos else ()
        self._start(len(wanted))
        listing = self._complete(draft, old, feed, plan, await self._fetch(draft, wanted, plan.spare))
        await self._store(listing, old, plan)
        context.journal.reused(len(plan.kept))

    def _identified(self, old: Listing | None, entry: IndexEntry | None) -> Listing:
        """The mapped facts under the id they are, or will be, stored by."""
        mapped, context = self.mapped, self.context
        listing_id = old.listing_id if old else new_listing_id(mapped.mls_provider, mapped.mls_number, context.epoch)
        relisted_from = old.relisted_from if old else None
        if entry is None:
            relisted_from = relisted_from or self.index.same_home(mapped, self._home)
        return mapped.model_copy(
            update={
                "listing_id": listing_id,
                "connection_id": context.connection.connection_id,
                "synced_at": context.now_ms(),
                "relisted_from": relisted_from,
            }
        )

    async def _feed_photos(self, old: Listing | None) -> tuple[Photo, ...]:
        """The photos the feed names. None at all against a PhotosCount, or a part, wipes nothing (FIELD §5), and later
        imports ask again; without photos (``--no-photos``) those of a stored listing stay as they are."""
        self._media_asked = self._fingerprint = self._cut = None
        if old is not None and not self.context.options.photos:
            self._media_asked = old.media_asked
            return old.photos
        try:
            rows = await self.context.connector.media(self.job.record)
        except MediaCutError as error:
            rows, self._cut = list(error.rows), sentence(error)
        photos = self._map_media(rows)
        if self._cut is None and (photos or not self.mapped.photos_count):
            if self.job.came_with(rows):
                self._fingerprint = self.job.lasting_fingerprint
            return photos
        self.context.journal.warn("Media cut short" if self._cut else "Media missing though PhotosCount is not 0")
        self._media_asked = 1 + ((old.media_asked or 0) if old and old.version == self.mapped.version else 0)
        return old.photos if old and len(old.photos) > len(photos) else photos

    def _map_media(self, rows: list[RawRecord]) -> tuple[Photo, ...]:
        context = self.context
        return map_media(rows, self.job.record, base_url=context.preset.base_url, warn=context.journal.warn)

    async def _damaged(self, old: Listing) -> Collection[str]:
        """What ``--full`` finds of the stored photos."""
        bad = await damaged_keys(self.context.photos, old)
        for _ in bad:
            self.context.journal.warn("stored photo damaged or missing")
        return bad

    async def _fetch(
        self, draft: Listing, wanted: tuple[tuple[int, Photo], ...], spare: tuple[Photo, ...]
    ) -> list[Photo]:
        if self._photos is None:
            self._photos = ListingPhotos(self.context, draft, self._map_media)
        self._photos.spare = {photo.sha256: photo for photo in spare if photo.sha256}
        return await self._photos.fetch(wanted)

    def _complete(
        self, draft: Listing, old: Listing | None, feed: tuple[Photo, ...], plan: PhotoPlan, fetched: list[Photo]
    ) -> Listing:
        by_order = {photo.order: photo for photo in (*plan.kept, *fetched)}
        photos = tuple(keepable(by_order.get(photo.order, photo), self.context.connector.masked) for photo in feed)
        history = (*old.history, *history_changes(old, draft, iso_z(self.context.clock.now()))) if old else ()
        return draft.model_copy(
            update={
                "photos": photos,
                "history": history,
                "content_hash": content_hash(self.mapped, feed, self._fingerprint),
                "off_market_at": None,
                "media_asked": self._media_asked,
            }
        )

    async def _store(self, listing: Listing, old: Listing | None, plan: PhotoPlan) -> None:
        """Write the row unless it says what is stored already, then let go of the objects it no longer points at."""
        context = self.context
        same = old is not None and _says_the_same(listing, old)
        if not same:
            result = await context.store.put(context.user_id, listing, new=old is None)
            if result.outcome is PutOutcome.STALE:
                await self._beaten(listing, result.listing_id)
                return
        self.index.add(entry_of(listing, self._home))
        await self._let_go(listing, plan)
        if self._cut is not None:
            context.photo_failed(listing, len(listing.photos), self._cut, attempts=1)
        context.emit(
            ListingStored,
            mls_number=listing.mls_number,
            listing_key=listing.mls_id,
            listing_id=listing.listing_id,
            outcome="unchanged" if same else "updated" if old else "created",
            photos=len(listing.photos),
            photos_missing=listing.photos_missing,
        )

    async def _let_go(self, listing: Listing, plan: PhotoPlan) -> None:
        context, user_id = self.context, self.context.user_id
        if context.tidy or self.verify:
            present = await tidy_listing(context.photos, user_id, listing)
            if self.verify:
                await complete_copies(context, listing, present)
            return
        obsolete = [key for key in plan.obsolete if key not in {photo.key for photo in listing.photos}]
        if obsolete:
            await context.photos.delete(with_variants(user_id, listing.listing_id, obsolete, context.variants))

    async def _beaten(self, listing: Listing, winner_id: str) -> None:
        """Somebody else stored this MLS number, or a newer version of it: ours goes, theirs is taken up."""
        context = self.context
        winner = await context.store.get(context.user_id, winner_id)
        if winner is None:
            raise StorageError("The listing was deleted while it was being imported.", retryable=True)
        kept = {photo.key for photo in winner.photos}
        ours = [photo.key for photo in listing.photos if photo.key and photo.key not in kept]
        if ours:
            # Under one id the copies of both stand under the same keys.
            widths = context.variants if winner.listing_id != listing.listing_id else ()
            await context.photos.delete(with_variants(context.user_id, listing.listing_id, ours, widths))
        self.index.add(entry_of(winner, address_key(winner.address)))
        if winner.version < listing.version:
            self._photos = None
            await self._import(entry_of(winner, None))
            return
        context.emit(
            ListingStored,
            mls_number=winner.mls_number,
            listing_key=winner.mls_id,
            listing_id=winner.listing_id,
            outcome="unchanged",
            photos=len(winner.photos),
            photos_missing=winner.photos_missing,
        )


def _says_the_same(new: Listing, old: Listing) -> bool:
    """Whether two versions differ in nothing but when they were read, the URLs of photos that could not be had, and
    the record's fingerprint, which is worth no write of its own."""

    def plain(listing: Listing) -> Listing:
        photos = tuple(photo if photo.key else photo.model_copy(update={"url": ""}) for photo in listing.photos)
        content = ".".join(hash_parts(listing.content_hash)[:2])
        return listing.model_copy(update={"synced_at": 0, "photos": photos, "content_hash": content})

    return plain(new) == plain(old)


def first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first plain error of a group: a store's refusal of one photo speaks for its siblings."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
