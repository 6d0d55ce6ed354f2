"""One sweep of a feed: a reader that maps pages, a fixed number of workers that store listings, and the cursor that
follows behind them. Bounded: one page is read ahead while the listings of another are being stored."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from mls_tui.domain.connection import Cursor
from mls_tui.domain.errors import (
    AuthenticationError,
    ItemTooLargeError,
    MLSError,
    MlsTuiError,
    RateLimitedError,
    StorageError,
    sentence,
)
from mls_tui.domain.events import ListingFailed, ListingRemoved, ListingSkipped, ListingStored, PageFetched
from mls_tui.domain.listing import Listing
from mls_tui.domain.run import Problem, ProblemKind
from mls_tui.importer.context import ImportContext
from mls_tui.importer.cursor import CursorKeeper
from mls_tui.importer.erase import erase_listing
from mls_tui.importer.keyed_lock import KeyedLock
from mls_tui.importer.plan import Step, decide
from mls_tui.importer.reading import Job, Reader
from mls_tui.importer.record import ListingTask
from mls_tui.importer.stored_index import StoredIndex
from mls_tui.importer.tidy import tidy_listing
from mls_tui.mls.base import FeedQuery, Page
from mls_tui.mls.mapping import Gone, Mapped, NotWanted, Quarantined
from mls_tui.storage.base import IndexEntry

STORE_FAILURES = 10
"""After so many listings in a row that the store refused, the run stops: the store is down, not the listing bad."""

log = logging.getLogger("mls_tui")

SaveCursor = Callable[[Cursor], Awaitable[None]]

Identity = tuple[str, str]
Work = asyncio.Queue[tuple[Identity, Job] | None]


@dataclass(slots=True)
class Sweep:
    """``scope_free`` takes records of any status in hand (owed and selected listings); ``number`` is what the index
    knows it by when it notes which stored listings the feed still has; ``served`` collects the ListingKeys that came
    where a sweep asks by key;
    ``complete`` says whether the feed proved to have been read whole."""

    context: ImportContext
    index: StoredIndex
    reader: Reader
    workers: int
    keeper: CursorKeeper | None = None
    save_cursor: SaveCursor | None = None
    scope_free: bool = False
    number: int = field(init=False)
    served: set[str] = field(default_factory=set)
    complete: bool = False
    _busy: KeyedLock = field(default_factory=KeyedLock)
    _saving: asyncio.Lock = field(default_factory=asyncio.Lock)
    _store_failures: int = 0

    def __post_init__(self) -> None:
        self.number = self.index.sweep()

    async def run(self, query: FeedQuery) -> None:
        """Read to the end and store what has to be. Raises only what stops the whole run; a feed that breaks off
        stops it when what it gave has been stored."""
        queue: Work = asyncio.Queue(maxsize=self.workers * 2)
        async with asyncio.TaskGroup() as group:
            for _ in range(self.workers):
                group.create_task(self._work(queue))
            reading = group.create_task(self._read(query, queue))
        if (broken := reading.result()) is not None:
            raise broken

    async def _read(self, query: FeedQuery, queue: Work) -> MlsTuiError | None:
        """Queue what the feed gives, then the end for every worker; the error the feed broke off with, if it did."""
        broken: MlsTuiError | None = None
        try:
            await self._read_pages(query, queue)
        except (MLSError, AuthenticationError) as error:
            broken = error
        for _ in range(self.workers):
            await queue.put(None)
        return broken

    async def _read_pages(self, query: FeedQuery, queue: Work) -> None:
        async for page in self.context.connector.pages(query):
            self._open(page)
            for record in page.records:
                job = self.reader.job(page.number, record)
                if query.keys:
                    self.served.add(job.listing_key)
                await self._dispatch(job, queue)
            await self._advance()
            self.complete = page.last and page.complete

    def _open(self, page: Page) -> None:
        self.context.emit(PageFetched, number=page.number, records=len(page.records), total=page.total)
        if self.keeper is not None:
            self.keeper.opened(page)

    async def _dispatch(self, job: Job, queue: Work) -> None:
        """What costs nothing is settled here; the rest waits for a worker."""
        await self.context.journal.room()
        if isinstance(job.verdict, Quarantined):
            self._quarantine(job, job.verdict)
        elif (identity := self._identity(job)) in self._busy or not self._settled_at_once(job):
            await self.context.control.permission()
            self._busy.reserve(identity)
            await queue.put((identity, job))
            return
        self._settle(job)

    def _identity(self, job: Job) -> Identity:
        """Two records of one identity are never in work at once; a removal counts as its stored listing's number."""
        entry = None if isinstance(job.verdict, Mapped) else self._stored(job)
        return (job.provider, entry.mls_number if entry is not None else job.mls_number)

    def _settled_at_once(self, job: Job) -> bool:
        """True where nothing has to be fetched or written: unchanged, or outside the scope."""
        if not isinstance(job.verdict, Mapped):
            if self._stored(job) is not None:
                return False
            self._skip(job)
            self._succeeded(job.listing_key)
            return True
        listing = job.verdict.listing
        entry = self.index.number(listing.mls_provider, listing.mls_number)
        if entry is not None:
            self.index.saw(entry, self.number)
        step = self._decide(job, listing, entry)
        if step is Step.SKIPPED:
            self._skip(job, f"its status is {listing.status.value}")
            self._succeeded(listing.mls_id)
        elif step is Step.UNCHANGED and entry is not None and not self._looks_closer:
            self._unchanged(listing, entry)
        else:
            return False
        return True

    @property
    def _looks_closer(self) -> bool:
        """Whether a listing that did not change has its photos verified (``--full``) or its objects tidied."""
        return self.context.options.full or self.context.tidy

    def _unchanged(self, listing: Listing, entry: IndexEntry) -> None:
        self.context.emit(
            ListingStored,
            mls_number=listing.mls_number,
            listing_key=listing.mls_id,
            listing_id=entry.listing_id,
            outcome="unchanged",
        )
        self._succeeded(listing.mls_id)

    def _decide(self, job: Job, listing: Listing, stored: IndexEntry | None) -> Step:
        options = self.context.options
        scope = frozenset({listing.status}) if self.scope_free else options.scope
        photos = None if stored is None else job.photos
        return decide(listing, photos, stored, scope=scope, with_photos=options.photos)

    async def _work(self, queue: Work) -> None:
        while (work := await queue.get()) is not None:
            identity, job = work
            async with self._busy.holding(identity):
                self._busy.release(identity)
                await self.context.journal.room()
                await self.context.control.permission()
                await self._handle(job)
            self._settle(job)
            await self._advance()

    async def _handle(self, job: Job) -> None:
        verdict = job.verdict
        if not isinstance(verdict, Mapped):
            try:
                await self._remove(job)
            except StorageError as error:
                self._failed(job.mls_number, job.listing_key, error, 1)
            return
        if self._settled_at_once(job):
            return
        listing = verdict.listing
        task = ListingTask(self.context, self.index, job.record, listing, verify=self.context.options.full)
        try:
            if not await self._tidied(job, listing):
                await task.run()
        except (AuthenticationError, RateLimitedError):
            raise
        except Exception as error:
            if not isinstance(error, MlsTuiError):
                log.error("unforeseen error on listing %s", listing.mls_number, exc_info=error)
            self._failed(listing.mls_number, listing.mls_id, error, max(1, task.attempts))
            with contextlib.suppress(StorageError):
                await task.clean_up()
        else:
            self._store_failures = 0
            self._succeeded(listing.mls_id)
            entry = self.index.number(listing.mls_provider, listing.mls_number)
            if entry is not None:
                self.index.saw(entry, self.number)

    async def _tidied(self, job: Job, listing: Listing) -> bool:
        """After a run that was cut short: rid an unchanged listing of objects that its row does not point at."""
        context = self.context
        entry = self.index.number(listing.mls_provider, listing.mls_number)
        if entry is None or context.options.full or self._decide(job, listing, entry) is not Step.UNCHANGED:
            return False
        stored = await context.store.get(context.user_id, entry.listing_id)
        if stored is None:
            return False
        await tidy_listing(context.photos, context.user_id, stored)
        self._unchanged(listing, entry)
        return True

    def _failed(self, number: str, key: str, error: Exception, attempts: int) -> None:
        if isinstance(error, StorageError) and not isinstance(error, ItemTooLargeError):
            self._store_failures += 1
            if error.fatal or self._store_failures >= STORE_FAILURES:
                raise error
        self._problem(ProblemKind.LISTING, number, key, sentence(error), attempts)

    def _quarantine(self, job: Job, verdict: Quarantined) -> None:
        self._problem(ProblemKind.QUARANTINED, job.mls_number, job.listing_key, verdict.reason, 1, raw=verdict.raw)

    def _problem(
        self, kind: ProblemKind, number: str, key: str, error: str, attempts: int, *, raw: str | None = None
    ) -> None:
        context = self.context
        context.journal.problem(
            Problem(
                kind=kind,
                mls_number=number,
                listing_key=key,
                error=error,
                attempts=attempts,
                raw=raw,
                at=context.now_ms(),
            )
        )
        quarantined = kind is ProblemKind.QUARANTINED
        context.emit(
            ListingFailed,
            mls_number=number,
            listing_key=key,
            error=error,
            attempts=attempts,
            quarantined=quarantined,
        )
        if self.keeper is not None and key:
            (self.keeper.succeeded if quarantined else self.keeper.failed)(key)

    async def _remove(self, job: Job) -> None:
        """A stored listing that its MLS hides or has deleted goes; one that is merely not wanted stays."""
        entry = self._stored(job)
        self._succeeded(job.listing_key)
        if entry is None or not isinstance(job.verdict, Gone):
            self._skip(job)
            return
        context = self.context
        await erase_listing(context.store, context.photos, context.user_id, entry.listing_id)
        self.index.remove(entry)
        context.emit(
            ListingRemoved, mls_number=entry.mls_number, listing_id=entry.listing_id, reason=job.verdict.reason
        )

    def _stored(self, job: Job) -> IndexEntry | None:
        return self.index.keyed(job.provider, job.listing_key)

    def _skip(self, job: Job, reason: str | None = None) -> None:
        why = reason or (job.verdict.reason if isinstance(job.verdict, Gone | NotWanted) else "")
        self.context.emit(ListingSkipped, mls_number=job.mls_number, reason=why)

    def _settle(self, job: Job) -> None:
        if self.keeper is not None:
            self.keeper.settled(job.page)

    def _succeeded(self, listing_key: str) -> None:
        if self.keeper is not None:
            self.keeper.succeeded(listing_key)

    async def _advance(self) -> None:
        if self.keeper is None or self.save_cursor is None:
            return
        async with self._saving:
            if self.keeper.advance():
                await self.save_cursor(self.keeper.cursor)
