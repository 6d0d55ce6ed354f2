"""Reads the feed and imports each record: first the listings that an earlier import did not finish, then the whole
scope or what changed since the last import, then the listings that left the feed.

One page is read ahead while the listings of another are stored. The cursor moves past a page once it is stored.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from mls_tui.domain.clock import iso_z
from mls_tui.domain.connection import Cursor
from mls_tui.domain.errors import (
    AuthenticationError,
    MLSError,
    MlsTuiError,
    RateLimitedError,
    StorageError,
    sentence,
)
from mls_tui.domain.events import ListingFailed, ListingRemoved, ListingSkipped, ListingStored, PageFetched
from mls_tui.domain.listing import Change, ListingStatus, address_key
from mls_tui.domain.run import Problem, ProblemKind
from mls_tui.domain.wording import plural
from mls_tui.importer.cleanup import (
    delete_listing_orphans,
    delete_orphans,
    erase_listing,
    retry_deletions,
    save_undeleted,
)
from mls_tui.importer.context import ImportContext
from mls_tui.importer.cursor import CursorMove, CursorTracker, position_of
from mls_tui.importer.listing_task import ListingTask
from mls_tui.importer.options import ImportOptions
from mls_tui.importer.plan import Decision, FeedRecord, Planner, RecordReader, entry_of
from mls_tui.importer.stored_index import StoredIndex
from mls_tui.reso.base import FeedQuery, RawRecord
from mls_tui.reso.mapping.record import Gone, Mapped, Quarantined
from mls_tui.reso.mapping.values import silent
from mls_tui.storage.base import IndexEntry, PutOutcome

STORE_FAILURES = 10
"""After this many failures of the store in a row the run stops: the store is down, not one listing at fault."""

MAX_MISSING_SHARE = 0.10
"""If more than this share of a connection's listings is missing at once, the feed is assumed to be at fault."""

ON_MARKET = frozenset({ListingStatus.ACTIVE, ListingStatus.PENDING})
"""The statuses of listings that are marked off-market if they leave the feed. Sold and expired ones stay so."""

log = logging.getLogger("mls_tui")

Work = asyncio.Queue[FeedRecord | None]


# one sweep ---------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class FeedSweep:
    """Reads the records of one query and imports them. ``served`` are the ListingKeys that came, collected only if the
    query asks by key or resumes. ``complete`` is True if the pager could prove that it read the whole feed."""

    context: ImportContext
    planner: Planner
    workers: int
    tracker: CursorTracker | None = None
    move_cursor: Callable[[CursorMove], Awaitable[None]] | None = None
    served: set[str] = field(default_factory=set)
    complete: bool = False
    number: int = field(init=False)
    """The sweep's number in the index, from 1."""
    _saving: asyncio.Lock = field(default_factory=asyncio.Lock)
    _store_failures: int = 0

    def __post_init__(self) -> None:
        self.number = self.planner.index.begin_sweep()

    async def run(self, query: FeedQuery) -> None:
        """Import all records. Raises only errors that stop the whole run. If the feed fails midway, the records before
        the failure are imported first."""
        queue: Work = asyncio.Queue(maxsize=self.workers * 2)
        async with asyncio.TaskGroup() as group:
            for _ in range(self.workers):
                group.create_task(self._work(queue))
            reading = group.create_task(self._read(query, queue))
        if (failure := reading.result()) is not None:
            raise failure

    async def _read(self, query: FeedQuery, queue: Work) -> MlsTuiError | None:
        """Queue the records, then one end marker for each worker. Returns the error if the feed failed midway."""
        failure: MlsTuiError | None = None
        try:
            async for page in self.context.connector.pages(query):
                self.context.emit(PageFetched, number=page.number, records=len(page.records), total=page.total)
                if self.tracker is not None:
                    self.tracker.page_fetched(page)
                for raw in page.records:
                    record = self.planner.reader.record(page.number, raw)
                    if query.keys or query.resume_after:
                        self.served.add(record.listing_key)
                    if self._counted_before(query, raw):
                        self._finished(record)
                        continue
                    with self.context.journal.page(page.number):
                        await self._dispatch(record, queue)
                await self._advance()
                self.complete = page.last and page.complete
        except (MLSError, AuthenticationError) as error:
            failure = error
        for _ in range(self.workers):
            await queue.put(None)
        return failure

    def _counted_before(self, query: FeedQuery, raw: RawRecord) -> bool:
        """True for a record that this run counted before it was resumed: servers repeat the last one of a page."""
        if query.resume_after is None or not self.context.journal.resumed:
            return False
        timestamp, key = query.resume_after
        preset = self.context.preset
        before = position_of({preset.timestamp_field: timestamp, preset.key_field: key}, preset)
        here = position_of(raw, preset)
        return before is not None and here is not None and here <= before

    async def _dispatch(self, record: FeedRecord, queue: Work) -> None:
        """Queue the record for a worker, unless it needs nothing. Records with the same ListingKey are imported one
        after the other."""
        await self.context.journal.reader_caught_up()
        if record.raw_key in self.planner.locks or not self._needs_nothing(record):
            await self.context.control.wait_while_paused()
            self.planner.locks.reserve(record.raw_key)
            await queue.put(record)
            return
        self._finished(record)

    async def _work(self, queue: Work) -> None:
        while (record := await queue.get()) is not None:
            async with self.planner.locks.holding(record.raw_key):
                self.planner.locks.release(record.raw_key)
                await self.context.journal.reader_caught_up()
                await self.context.control.wait_while_paused()
                with self.context.journal.page(record.page):
                    if not self._needs_nothing(record):
                        await self._handle(record)
            self._finished(record)
            await self._advance()

    def _finished(self, record: FeedRecord) -> None:
        if self.tracker is not None:
            self.tracker.record_done(record.page)

    async def _advance(self) -> None:
        if self.tracker is None or self.move_cursor is None:
            return
        async with self._saving:
            if (move := self.tracker.advance()) is not None:
                await self.move_cursor(move)

    # one record

    def _needs_nothing(self, record: FeedRecord) -> bool:
        """True, with the outcome emitted, if nothing has to be requested or written for the record."""
        index, planner = self.planner.index, self.planner
        same = None if self._verifies_unchanged else planner.identical(record)
        if same is not None:
            index.mark_seen(same, self.number)
            self._unchanged(same)
            return True
        verdict = record.verdict
        if index.has_failed(record.listing_key):
            return True
        if isinstance(verdict, Quarantined):
            self._quarantine(record, verdict)
            return True
        entry = planner.entry(record)
        if not isinstance(verdict, Mapped):
            if isinstance(verdict, Gone) and entry is not None:
                return False
            self._skip(record, verdict.reason)
            return True
        if entry is None:
            if planner.predecessors(record) or planner.decide(record, verdict.listing, None) is Decision.NEW:
                return False
            self._skip(record, f"its status is {verdict.listing.status.value}")
            return True
        if entry.provider != record.provider and verdict.listing.version >= entry.version:
            return False  # its system name changed: the worker stores it
        index.mark_seen(entry, self.number)
        if self._verifies_unchanged or planner.decide(record, verdict.listing, entry) is not Decision.UNCHANGED:
            return False
        self._unchanged(entry)
        return True

    async def _handle(self, record: FeedRecord) -> None:
        """Store the listing with its photos, or remove it. Emits the outcome. Raises only errors that stop the run."""
        if not isinstance(record.verdict, Mapped):
            try:
                await self._remove(record)
            except StorageError as error:
                self._failed(record, error, 1)
            return
        task = ListingTask(self.context, self.planner, record, record.verdict.listing)
        try:
            if (await task.settle_identity() and self._needs_nothing(record)) or await self._cleaned_unchanged(record):
                return
            await task.run()
        except (AuthenticationError, RateLimitedError):
            raise
        except Exception as error:
            if not isinstance(error, MlsTuiError):
                log.error("unexpected error on listing %s", record.mls_number, exc_info=error)
            self._failed(record, error, max(1, task.attempts))
            with contextlib.suppress(StorageError):
                await task.clean_up()
        else:
            self._store_failures = 0
            self._succeeded(record.listing_key)
            if (entry := self.planner.entry(record)) is not None:
                self.planner.index.mark_seen(entry, self.number)

    @property
    def _verifies_unchanged(self) -> bool:
        """True if unchanged listings get their photos verified (``--full``) or their orphans deleted."""
        return self.context.options.full or self.context.remove_orphans

    async def _cleaned_unchanged(self, record: FeedRecord) -> bool:
        """Delete the orphans of an unchanged listing, after an interrupted run. False if it is not unchanged."""
        context, planner = self.context, self.planner
        if not context.remove_orphans or context.options.full or not isinstance(record.verdict, Mapped):
            return False
        entry = planner.entry(record)
        if entry is None:
            return False
        if planner.decide(record, record.verdict.listing, entry) is not Decision.UNCHANGED:
            return False
        stored = await context.store.get(context.user_id, entry.listing_id)
        if stored is None:
            return False
        await delete_listing_orphans(context, stored)
        self._unchanged(entry)
        return True

    def _unchanged(self, entry: IndexEntry) -> None:
        index = self.planner.index
        if not index.outcome_of(entry):
            outcome = self.context.journal.final_outcome(entry.listing_id, "unchanged")
            index.set_outcome(entry, outcome)
            self.context.emit(
                ListingStored,
                mls_number=entry.mls_number,
                listing_key=entry.mls_id,
                listing_id=entry.listing_id,
                outcome=outcome,
            )
        self._succeeded(entry.mls_id)

    async def _remove(self, record: FeedRecord) -> None:
        """Delete a stored listing that its MLS hides or has deleted."""
        context, index = self.context, self.planner.index
        entry = self.planner.entry(record)
        if entry is None or not isinstance(record.verdict, Gone):
            self._skip(record, "")
            return
        erased = await erase_listing(context.store, context.photos, context.user_id, entry.listing_id)
        if erased is not None and erased.left:
            context.undeleted.extend(erased.left)
            context.journal.warn("photos of a removed listing could not be deleted: the next import tries again")
        replaces = index.outcome_of(entry) or None
        index.remove(entry)
        self._succeeded(record.listing_key)
        context.emit(
            ListingRemoved,
            mls_number=entry.mls_number,
            listing_key=entry.mls_id,
            listing_id=entry.listing_id,
            reason=record.verdict.reason,
            replaces=replaces,
        )

    def _skip(self, record: FeedRecord, reason: str) -> None:
        self.context.emit(ListingSkipped, mls_number=record.mls_number, reason=reason)
        self._succeeded(record.listing_key)

    def _succeeded(self, listing_key: str) -> None:
        if self.tracker is not None:
            self.tracker.succeeded(listing_key)

    def _failed(self, record: FeedRecord, error: Exception, attempts: int) -> None:
        if isinstance(error, StorageError) and (error.retryable or error.fatal):
            self._store_failures += 1
            if error.fatal or self._store_failures >= STORE_FAILURES:
                raise error
        self._problem(record, ProblemKind.LISTING, sentence(error), attempts)
        if self.tracker is not None and record.listing_key:
            self.tracker.failed(record.listing_key)

    def _quarantine(self, record: FeedRecord, verdict: Quarantined) -> None:
        raw = self.context.connector.masked(verdict.raw)
        self._problem(record, ProblemKind.QUARANTINED, verdict.reason, 1, raw=raw)
        self._succeeded(record.listing_key)

    def _problem(
        self, record: FeedRecord, kind: ProblemKind, error: str, attempts: int, *, raw: str | None = None
    ) -> None:
        context, index = self.context, self.planner.index
        number, key = record.mls_number, record.listing_key
        entry = self.planner.entry(record) if key else None
        if key:
            index.mark_failed(key)
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
        context.emit(
            ListingFailed,
            mls_number=number,
            listing_key=key,
            error=error,
            attempts=attempts,
            quarantined=kind is ProblemKind.QUARANTINED,
            replaces=index.set_outcome(entry, "failed") if entry is not None else None,
        )


# one import --------------------------------------------------------------------------------------------------


class FeedImport:
    """The sweeps of one run. Saves the connection's cursor."""

    def __init__(self, context: ImportContext, index: StoredIndex, *, workers: int) -> None:
        self._context, self._index, self._workers = context, index, workers
        self._reader = RecordReader(context.connection, context.preset, context.options, context.journal.warn)
        self._cursor: Cursor = context.connection.cursor
        self._started = context.clock.now().timestamp()
        self._interrupted = False

    async def run(self) -> None:
        """Raises only errors that stop the run."""
        before = self._cursor.epoch
        self._interrupted = self._context.remove_orphans = before != 0
        if self._context.journal.phase == "done":
            return
        await self._save_cursor(self._first_cursor())
        try:
            await retry_deletions(self._context)
            if self._context.options.selective:
                options = self._context.options
                await self._sweep(any_status=bool(options.only or options.keys)).run(self._query())
                await self._save_cursor(self._cursor.model_copy(update={"epoch": before}))
                return
            await self._retry_unfinished()
            await self._read_scope()
        finally:
            with contextlib.suppress(StorageError):
                await save_undeleted(self._context)

    def _first_cursor(self) -> Cursor:
        """The cursor to start with. One left by an unfinished sweep of another scope starts over."""
        context, options = self._context, self._context.options
        cursor = self._cursor.model_copy(update={"epoch": context.epoch})
        keeps = cursor.swept and not (options.full and context.resumable)
        if options.selective or keeps or resumes(options, cursor):
            return cursor
        return cursor.model_copy(update={"watermark": None, "last_key": None, "swept": False, "statuses": self._scope})

    @property
    def _scope(self) -> tuple[str, ...]:
        return tuple(sorted(status.value for status in self._context.options.scope))

    def _sweep(self, *, any_status: bool = False, tracker: CursorTracker | None = None) -> FeedSweep:
        planner = Planner(self._reader, self._index, any_status=any_status)
        return FeedSweep(self._context, planner, self._workers, tracker=tracker)

    def _tracker(self) -> CursorTracker:
        return CursorTracker(self._context.preset, self._cursor, self._started)

    async def _retry_unfinished(self) -> None:
        """Import again the listings that failed before and those with missing photos."""
        context, tracker = self._context, self._tracker()
        if context.journal.phase != "retries":
            return
        pending = set(self._cursor.failed_keys)
        if context.options.photos and self._cursor.swept and not context.options.full:
            mine = (entry for entry in self._mine(list(self._index)) if entry.status is not ListingStatus.EXPIRED)
            pending |= {entry.mls_id for entry in mine if entry.photos_missing}
        if context.journal.stored_before:  # counted again, as their counts were not saved
            pending |= {entry.mls_id for entry in self._index if entry.listing_id in context.journal.stored_before}
        if pending:
            sweep = self._sweep(any_status=True, tracker=tracker)
            await sweep.run(FeedQuery(keys=tuple(sorted(pending))))
            for key in pending - sweep.served:
                tracker.succeeded(key)  # no longer in the feed
        context.journal.phase = "sweep"
        context.journal.close_pages()
        await self._save_cursor(self._cursor.model_copy(update={"failed_keys": tracker.failed_keys()}))

    def _mine(self, entries: list[IndexEntry]) -> list[IndexEntry]:
        """The entries that belong to this connection and that it may change."""
        mine, may_change = self._context.connection.connection_id, self._reader.may_change
        return [entry for entry in entries if entry.connection_id == mine and may_change(entry)]

    async def _read_scope(self) -> None:
        context = self._context
        incremental = is_incremental(context.options, self._cursor, context.connector.since(self._cursor))
        context.journal.changes_only = incremental
        query, tracker = self._query(), self._tracker()
        sweep = self._sweep(tracker=tracker)
        sweep.move_cursor = self._move_cursor
        context.journal.begin_sweep()
        await sweep.run(query)
        if query.resume_after is not None:
            await self._import_overlooked(sweep, tracker)
        if not incremental:
            await self._follow_missing(sweep)
        elif query.since is not None:
            await self._import_open_houses(query.since)
        if self._interrupted:
            await delete_orphans(context, self._index)
        context.journal.phase = "done"
        context.journal.close_pages()
        await self._save_cursor(tracker.finish(statuses=self._scope))

    async def _import_open_houses(self, since: str) -> None:
        """Import again the stored listings whose open houses changed: their own records may be unchanged."""
        changed = set(await self._context.connector.open_houses_changed(since))
        keys = sorted(entry.mls_id for entry in self._mine(list(self._index)) if entry.mls_id in changed)
        if keys:
            await self._sweep(any_status=True).run(FeedQuery(keys=tuple(keys)))

    def _query(self) -> FeedQuery:
        return first_query(self._context.options, self._cursor, self._context.connector.since(self._cursor))

    async def _import_overlooked(self, resumed: FeedSweep, tracker: CursorTracker) -> None:
        """Read the keys of the whole scope after a resumed sweep, and import what it did not meet.

        The pages before the interruption were read once, and a record that left the feed meanwhile may have moved
        another out of them. Stored listings whose key came count as seen, so that ``_follow_missing`` can follow.
        """
        context = self._context
        reader = replace(self._reader, warn=silent)  # a record of keys alone lacks most fields
        planner = Planner(reader, self._index)
        keys: list[str] = []
        resumed.complete = False
        async for page in context.connector.pages(FeedQuery(statuses=context.options.scope, bare=True)):
            for raw in page.records:
                record = reader.record(page.number, raw)
                if (entry := planner.entry(record)) is not None:
                    self._index.mark_seen(entry, resumed.number)
                    continue
                wanted = isinstance(record.verdict, Mapped) and record.verdict.listing.status in context.options.scope
                if wanted and record.listing_key not in resumed.served:
                    keys.append(record.listing_key)
            resumed.complete = page.last and page.complete
        if not keys:
            return
        late = self._tracker()
        await self._sweep(tracker=late).run(FeedQuery(keys=tuple(keys)))
        for key in late.failed_keys():
            tracker.failed(key)

    async def _move_cursor(self, move: CursorMove) -> None:
        """Save a move of the cursor within the sweep."""
        if move.back:
            await self._context.journal.rewind()
        else:
            self._context.journal.close_pages(move.passed)
        await self._save_cursor(move.cursor)

    async def _save_cursor(self, cursor: Cursor) -> None:
        moved = cursor.model_copy(update={"updated_at": self._context.now_ms()})
        await self._context.journal.save_cursor(moved)
        self._cursor = moved

    # what left the feed (docs/reso-feeds.md, section 7)

    async def _follow_missing(self, sweep: FeedSweep) -> None:
        """Ask by key for every stored listing that a sweep of the whole scope did not meet. Those that come are
        imported like any other. The others are marked off-market if the sweep was complete and they are few.
        """
        context = self._context
        unseen = self._index.unseen(context.connection.connection_id, sweep.number)
        missing = self._mine(unseen)
        if foreign := len(unseen) - len(missing):
            context.journal.warn(
                f"{plural(foreign, 'listing')} of this connection came from another address and stay as they are; if "
                "it is the same MLS, say so with --mls"
            )
        if not missing:
            return
        again = self._sweep(any_status=True)
        await again.run(FeedQuery(keys=tuple(entry.mls_id for entry in missing)))
        still = self._mine(self._index.unseen(context.connection.connection_id, sweep.number))
        absent = [entry for entry in still if entry.status in ON_MARKET and entry.mls_id not in again.served]
        if not absent:
            return
        mine = len(self._mine(list(self._index)))
        if not sweep.complete:
            context.journal.warn("listings missing from a sweep that was not complete: nothing was removed")
        elif len(absent) > MAX_MISSING_SHARE * mine:
            warning = f"{len(absent)} of {mine} listings missing from the feed: too many, nothing was removed"
            context.journal.warn(warning)
        else:
            for entry in absent:
                if await self._is_gone(entry):
                    await self._mark_off_market(entry)

    async def _is_gone(self, entry: IndexEntry) -> bool:
        """Ask for one key a last time. False, with a warning, if the MLS does not answer."""
        try:
            return await self._context.connector.listing(entry.mls_id) is None
        except RateLimitedError:
            raise
        except MLSError:
            warning = "a listing missing from the feed could not be asked for again: it was not removed"
            self._context.journal.warn(warning)
            return False

    async def _mark_off_market(self, entry: IndexEntry) -> None:
        context = self._context
        listing = await context.store.get(context.user_id, entry.listing_id)
        if listing is None or listing.off_market_at is not None:
            return
        at = iso_z(context.clock.now())
        change = Change(at=at, field="status", old=listing.status.value, new=ListingStatus.EXPIRED.value)
        marked = listing.model_copy(
            update={
                "status": ListingStatus.EXPIRED,
                "off_market_at": at,
                "history": (*listing.history, change),
                "content_hash": None,
                "synced_at": context.now_ms(),
            }
        )
        result = await context.store.put(context.user_id, marked)
        if result.outcome is not PutOutcome.UPDATED:
            return
        self._index.add(entry_of(marked, address_key(marked.address)))
        context.emit(
            ListingRemoved,
            mls_number=entry.mls_number,
            listing_key=entry.mls_id,
            listing_id=entry.listing_id,
            reason="no longer in the feed; kept, marked off-market",
            replaces=self._index.set_outcome(entry, "removed"),
        )


# which records to ask for ------------------------------------------------------------------------------------


def first_query(options: ImportOptions, cursor: Cursor, since: str | None) -> FeedQuery:
    """The query of the main sweep. ``since`` is the cursor's watermark minus the overlap; None without a watermark."""
    if options.selective:
        chosen = bool(options.only or options.keys)
        return FeedQuery(
            statuses=frozenset() if chosen else options.scope,
            mls_numbers=options.only,
            keys=options.keys,
            limit=options.limit,
        )
    if is_incremental(options, cursor, since):
        return FeedQuery(since=since)
    if resumes(options, cursor) and cursor.watermark is not None and cursor.last_key is not None:
        return FeedQuery(statuses=options.scope, resume_after=(cursor.watermark, cursor.last_key))
    return FeedQuery(statuses=options.scope)


def is_incremental(options: ImportOptions, cursor: Cursor, since: str | None) -> bool:
    """True if the scope was swept before, so that only changes are asked for."""
    if options.full or options.selective or not cursor.swept or cursor.watermark is None or since is None:
        return False
    return {status.value for status in options.scope} <= set(cursor.statuses)


def resumes(options: ImportOptions, cursor: Cursor) -> bool:
    """True if an earlier sweep of the same scope was interrupted, so that this one continues it."""
    scope = {status.value for status in options.scope}
    fresh = (options.full and not options.resumed) or options.selective
    return not fresh and not cursor.swept and cursor.watermark is not None and set(cursor.statuses) == scope
