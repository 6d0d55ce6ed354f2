"""The import of one listing: its Media, its photos, its row. Every step is idempotent: running it again after a
crash ends in the same state."""

from __future__ import annotations

from collections.abc import Collection
from contextvars import ContextVar
from dataclasses import dataclass, field

from mls_tui.domain.clock import iso_z
from mls_tui.domain.errors import AuthenticationError, MLSError, StorageError, sentence
from mls_tui.domain.events import AttemptFailed, ListingStarted, ListingStored, Throttled
from mls_tui.domain.listing import LastImport, Listing, Photo, address_key
from mls_tui.domain.retry import LISTING_ATTEMPTS, attempt, worth_retrying
from mls_tui.importer.cleanup import damaged_keys, delete_listing_orphans, delete_objects, with_variants
from mls_tui.importer.context import ImportContext
from mls_tui.importer.journal import Journal
from mls_tui.importer.photos import ListingPhotos, complete_variants, storable
from mls_tui.importer.plan import FeedRecord, PhotoPlan, Planner, content_hash, entry_of, hash_parts, plan_photos
from mls_tui.reso.base import MediaCutError, Notice, Observer, Paused, RawRecord, RequestFailed
from mls_tui.reso.mapping.changes import history_changes
from mls_tui.reso.mapping.media import map_media
from mls_tui.storage.base import IndexEntry, PutOutcome


@dataclass(slots=True)
class ListingTask:
    """The import of one record. ``mapped`` is the listing as mapped from it, without id and photos."""

    context: ImportContext
    planner: Planner
    record: FeedRecord
    mapped: Listing
    attempts: int = 0
    """The highest number of an attempt that failed: the task's own, or that of a request made for it."""
    _address_key: str | None = field(init=False)
    _photos: ListingPhotos | None = field(default=None, repr=False)
    _started: bool = False
    _apart: bool | None = None
    """True if another host has a listing of this provider and ListingKey."""
    _media_asked: int | None = None
    _fingerprint: str | None = None
    _cut: str | None = None
    """Why the Media is incomplete; None if it is complete."""

    def __post_init__(self) -> None:
        self._address_key = address_key(self.mapped.address)

    async def settle_identity(self) -> bool:
        """Find out whether this is a stored listing under a new ListingKey. True if the MLS was asked."""
        before = _current.set(self)
        try:
            return await self.planner.settle_identity(self.record, self.context.connector)
        finally:
            _current.reset(before)

    async def run(self) -> None:
        """Import the listing in up to three attempts. Raises the error of the last one. A failed request to the MLS is
        not retried here: the connector has made and reported its three attempts."""
        context = self.context
        before = _current.set(self)
        try:
            await attempt(
                self._attempt,
                attempts=LISTING_ATTEMPTS,
                clock=context.clock,
                rng=context.rng,
                on_failure=self._report,
                retry_if=lambda error: worth_retrying(error) and not isinstance(error, MLSError),
            )
        finally:
            _current.reset(before)

    def _report(self, number: int, wait: float | None, error: BaseException) -> None:
        if isinstance(error, MLSError | AuthenticationError):
            return
        self.attempts = max(self.attempts, number)
        self._start(self.mapped.photos_count or 0)
        self.context.emit(
            AttemptFailed,
            what="listing",
            attempt=number,
            of=LISTING_ATTEMPTS,
            wait=wait,
            cause=sentence(error),
            mls_number=self.mapped.mls_number,
            listing_key=self.mapped.mls_id,
        )

    def _start(self, photos: int) -> None:
        """Emit ListingStarted, once for all attempts."""
        if self._started:
            return
        self._started = True
        mapped = self.mapped
        self.context.emit(
            ListingStarted,
            mls_number=mapped.mls_number,
            listing_key=mapped.mls_id,
            address=mapped.address.one_line,
            photos=photos,
        )

    async def clean_up(self) -> None:
        """After the last failed attempt: delete the photos of a row that was not written."""
        if self._photos is None:
            return
        context, listing_id = self.context, self._photos.listing.listing_id
        put = {photo.key for photo in self._photos.done.values() if photo.key}
        row = await context.store.get(context.user_id, listing_id) if put else None
        orphans = put - ({photo.key for photo in row.photos} if row else set())
        await delete_objects(context, with_variants(context.user_id, listing_id, sorted(orphans), context.variants))

    async def _attempt(self, number: int) -> None:
        try:
            await self._import(self.planner.entry(self.record))
        except BaseExceptionGroup as group:
            raise first_of(group) from None

    async def _import(self, entry: IndexEntry | None) -> None:
        context = self.context
        old = await context.store.get(context.user_id, entry.listing_id) if entry is not None else None
        if entry is not None and old is None:
            self.planner.index.remove(entry)
        draft = self._with_id(old)
        if old is not None and self.record.raw.get("OpenHouse", ()) is None:
            draft = draft.model_copy(update={"open_houses": old.open_houses})  # could not be read
        feed = await self._feed_photos(old)
        damaged = await self._damaged(old) if context.options.full and old is not None else ()
        stored = tuple(photo for photo in old.photos if photo.key not in damaged) if old else ()
        plan = plan_photos(feed, stored)
        wanted = plan.wanted if context.options.photos else ()
        self._start(len(wanted))
        listing = self._complete(draft, old, feed, plan, await self._fetch(draft, wanted, plan.spare))
        await self._store(listing, old, plan)

    def _with_id(self, old: Listing | None) -> Listing:
        """The mapped listing with the id that it is, or will be, stored under."""
        mapped, context, index = self.mapped, self.context, self.planner.index
        if old is None:
            listing_id = index.new_id(mapped.mls_provider, mapped.mls_number, mapped.mls_id, context.epoch)
            relisted_from = index.at_address(mapped.mls_provider, self._address_key)
        else:
            listing_id, relisted_from = old.listing_id, old.relisted_from
        return mapped.model_copy(
            update={
                "listing_id": listing_id,
                "connection_id": context.connection.connection_id,
                "source": (old.source if old else None) or self.planner.reader.source,
                "apart": old.apart if old else self._apart,
                "synced_at": context.now_ms(),
                "relisted_from": relisted_from,
            }
        )

    async def _feed_photos(self, old: Listing | None) -> tuple[Photo, ...]:
        """The photos in the feed. If the Media is incomplete, or is missing although PhotosCount is not 0, no stored
        photo is removed (docs/reso-feeds.md, section 5) and later imports ask again. With ``--no-photos``: the stored
        photos."""
        self._media_asked = self._fingerprint = self._cut = None
        if old is not None and not self.context.options.photos:
            self._media_asked = old.media_asked
            return old.photos
        try:
            rows = await self.context.connector.media(self.record.raw)
        except MediaCutError as error:
            rows, self._cut = list(error.rows), sentence(error)
        photos = self._map_media(rows)
        if self._cut is None and (photos or not self.mapped.photos_count):
            if self.record.covers(rows):
                self._fingerprint = self.record.fingerprint_to_store
            return photos
        self.context.journal.warn("Media cut short" if self._cut else "Media missing though PhotosCount is not 0")
        self._media_asked = 1 + ((old.media_asked or 0) if old and old.version == self.mapped.version else 0)
        return old.photos if old and len(old.photos) > len(photos) else photos

    def _map_media(self, rows: list[RawRecord]) -> tuple[Photo, ...]:
        context = self.context
        return map_media(rows, self.record.raw, base_url=context.preset.base_url, warn=context.journal.warn)

    async def _damaged(self, old: Listing) -> Collection[str]:
        """Keys of stored photos that are damaged or missing, each with a warning."""
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
        photos = tuple(storable(by_order.get(photo.order, photo), self.context.connector.masked) for photo in feed)
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
        """Write the row unless it equals the stored one, then delete the objects that it no longer names."""
        context, index = self.context, self.planner.index
        same = old is not None and _same_content(listing, old)
        if not same:
            listing = listing.model_copy(update={"last_import": self._last_import(old, plan)})
            moved = old is not None and _identity(listing) != _identity(old)
            result = await context.store.put(context.user_id, listing, new=old is None, moved=moved)
            if result.outcome is PutOutcome.TAKEN:
                await self._id_taken(listing, old)
                return
            if result.outcome is PutOutcome.STALE:
                await self._stored_by_another(listing, result.listing_id)
                return
        entry = entry_of(listing, self._address_key)
        index.add(entry)
        await self._delete_obsolete(listing, plan)
        if self._cut is not None:
            context.photo_failed(listing, len(listing.photos), self._cut, attempts=1)
        if listing.listing_id not in context.journal.stored_before:
            context.journal.count(photos_reused=len(plan.kept))
        outcome = context.journal.final_outcome(
            listing.listing_id, "unchanged" if same else "updated" if old else "created"
        )
        if not (same and index.outcome_of(entry)):
            self._stored(listing, outcome, index.set_outcome(entry, outcome))

    def _last_import(self, old: Listing | None, plan: PhotoPlan) -> LastImport:
        run = self.context.journal.run.run_id
        fetched = [photo for photo in self._photos.done.values() if photo.key] if self._photos else []
        mine = LastImport(
            run=run,
            outcome="updated" if old else "created",
            photos_stored=len(fetched),
            photos_reused=len(plan.kept),
            bytes=sum(photo.size or 0 for photo in fetched),
        )
        before = old.last_import if old else None
        if before is None or before.run != run:
            return mine
        return before.model_copy(
            update={
                "photos_stored": before.photos_stored + mine.photos_stored,
                "bytes": before.bytes + mine.bytes,
            }
        )

    def _stored(self, listing: Listing, outcome: str, replaces: str | None = None) -> None:
        self.context.emit(
            ListingStored,
            mls_number=listing.mls_number,
            listing_key=listing.mls_id,
            listing_id=listing.listing_id,
            outcome=outcome,
            photos=len(listing.photos),
            photos_missing=listing.photos_missing,
            replaces=replaces,
        )

    async def _delete_obsolete(self, listing: Listing, plan: PhotoPlan) -> None:
        context, user_id = self.context, self.context.user_id
        if context.remove_orphans or context.options.full:
            present = await delete_listing_orphans(context, listing)
            if context.options.full:
                await complete_variants(context, listing, present)
            return
        obsolete = [key for key in plan.obsolete if key not in {photo.key for photo in listing.photos}]
        await delete_objects(context, with_variants(user_id, listing.listing_id, obsolete, context.variants))

    async def _id_taken(self, listing: Listing, old: Listing | None) -> None:
        """Another program stored a listing under this id meanwhile: import this one under another id. Photos that this
        task has overwritten are found by ``storage check --photos``."""
        context, index = self.context, self.planner.index
        if old is not None:
            row = await context.store.get(context.user_id, old.listing_id)
            if row is not None:
                index.add(entry_of(row, address_key(row.address)))
            raise StorageError("The listing was changed by another import at the same time.", retryable=True)
        index.mark_taken(listing.listing_id)
        self._photos = None
        await self._import(None)

    async def _stored_by_another(self, listing: Listing, winner_id: str) -> None:
        """Another program stored this ListingKey, or a newer version of it, meanwhile. If its listing is from the same
        host, continue with that one and delete our photos. If not, import ours under a mark of its own."""
        context, index = self.context, self.planner.index
        winner = await context.store.get(context.user_id, winner_id)
        if winner is None:
            raise StorageError("The listing was deleted while it was being imported.", retryable=True)
        entry = entry_of(winner, address_key(winner.address))
        if not self.planner.reader.may_change(entry):
            self._apart = True
            context.journal.warn("another host uses the same name for its MLS: its listings are kept apart")
            await self._import(None)
            return
        kept = {photo.key for photo in winner.photos}
        ours = [photo.key for photo in listing.photos if photo.key and photo.key not in kept]
        # Under one id the variants of both have the same keys.
        widths = context.variants if winner.listing_id != listing.listing_id else ()
        await delete_objects(context, with_variants(context.user_id, listing.listing_id, ours, widths))
        index.add(entry)
        if winner.version < listing.version:
            self._photos = None
            await self._import(entry)
            return
        if not index.outcome_of(entry):
            self._stored(winner, "unchanged", index.set_outcome(entry, "unchanged"))


def _identity(listing: Listing) -> tuple[str, str, str]:
    """The fields in a listing's uniqueness mark, and its MLS number."""
    return listing.mls_provider, listing.mls_id, listing.mls_number


def _same_content(new: Listing, old: Listing) -> bool:
    """True if two versions differ only in the time of reading, in URLs of failed photos, or in the record's
    fingerprint. These are not worth a write."""

    def plain(listing: Listing) -> Listing:
        photos = tuple(photo if photo.key else photo.model_copy(update={"url": ""}) for photo in listing.photos)
        content = ".".join(hash_parts(listing.content_hash)[:2])
        return listing.model_copy(
            update={"synced_at": 0, "photos": photos, "content_hash": content, "last_import": None}
        )

    return plain(new) == plain(old)


def first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of a group: if the store fails for several photos, one error is reported."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


# notices of the connector ------------------------------------------------------------------------------------

_current: ContextVar[ListingTask | None] = ContextVar("listing task", default=None)
"""The listing that the current request is for. The tasks of its photos inherit it. None while pages are read."""


def observer(journal: Journal) -> Observer:
    """Converts the connector's notices into events of the run. Waiting for our own rate limit is no event."""

    def report(notice: Notice) -> None:
        run, clock = journal.run.run_id, journal.clock
        match notice:
            case RequestFailed():
                task = _current.get()
                if task is not None:
                    task.attempts = max(task.attempts, notice.attempt)
                journal.emit(
                    AttemptFailed(
                        at=clock.now(),
                        run=run,
                        what="page" if task is None else "listing",
                        mls_number=None if task is None else task.mapped.mls_number,
                        listing_key=None if task is None else task.mapped.mls_id,
                        attempt=notice.attempt,
                        of=notice.of,
                        wait=notice.wait,
                        cause=notice.cause,
                    )
                )
            case Paused(answered=True):
                journal.emit(Throttled(at=clock.now(), run=run, until=notice.until, why=notice.why, host=notice.host))

    return report
