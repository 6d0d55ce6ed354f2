"""The course of one import: what is owed from before, the sweep of its scope or of what changed, what left the feed.
The cursor is saved from here and nowhere else."""

from __future__ import annotations

from dataclasses import replace

from mls_tui.domain.connection import Cursor
from mls_tui.domain.listing import ListingStatus
from mls_tui.importer.context import ImportContext
from mls_tui.importer.cursor import CursorKeeper
from mls_tui.importer.gone import follow_missing
from mls_tui.importer.reading import Reader
from mls_tui.importer.scope import first_query, is_incremental, resumes
from mls_tui.importer.stored_index import StoredIndex
from mls_tui.importer.sweep import Sweep
from mls_tui.importer.tidy import delete_unowned
from mls_tui.reso.base import FeedQuery
from mls_tui.reso.mapping.fields import silent
from mls_tui.reso.mapping.record import Mapped


class Course:
    """One run over an index of what is stored."""

    def __init__(self, context: ImportContext, index: StoredIndex, *, workers: int) -> None:
        self._context, self._index, self._workers = context, index, workers
        self._reader = Reader(context.connection, context.preset, context.options, context.journal.warn)
        self._cursor: Cursor = context.connection.cursor
        self._started = context.clock.now().timestamp()
        self._cut_short = False

    async def run(self) -> None:
        """Raises what stops the whole run."""
        before = self._cursor.epoch
        self._cut_short = self._context.tidy = before != 0
        await self._save_cursor(self._beginning())
        if self._context.options.selective:
            await self._selected()
            await self._save_cursor(self._cursor.model_copy(update={"epoch": before}))
            return
        await self._owed()
        await self._main()

    def _beginning(self) -> Cursor:
        """The cursor to start with: one left by an unfinished sweep of another scope says nothing about this one."""
        context, options = self._context, self._context.options
        cursor = self._cursor.model_copy(update={"epoch": context.epoch})
        if options.selective or cursor.swept or resumes(options, cursor):
            return cursor
        return cursor.model_copy(update={"watermark": None, "last_key": None, "statuses": self._scope})

    @property
    def _scope(self) -> tuple[str, ...]:
        return tuple(sorted(status.value for status in self._context.options.scope))

    async def _selected(self) -> None:
        options = self._context.options
        await self._sweep(scope_free=bool(options.only or options.keys)).run(self._query())

    async def _owed(self) -> None:
        """Listings that failed before, and those with photos still missing, before anything new."""
        context = self._context
        owed = set(self._cursor.failed_keys)
        if context.options.photos and self._cursor.swept and not context.options.full:
            owed |= self._with_missing_photos()
        if not owed:
            return
        sweep = self._sweep(scope_free=True)
        sweep.keeper = CursorKeeper(context.preset, self._cursor, self._started)
        await sweep.run(FeedQuery(keys=tuple(sorted(owed))))
        for key in owed - sweep.served:
            sweep.keeper.succeeded(key)  # the MLS has it no more
        self._cursor = self._cursor.model_copy(update={"failed_keys": sweep.keeper.owed()})

    def _with_missing_photos(self) -> set[str]:
        lacking = self._index.lacking_photos(self._context.connection.connection_id)
        return {entry.mls_id for entry in lacking if entry.status is not ListingStatus.EXPIRED}

    async def _main(self) -> None:
        context = self._context
        incremental = is_incremental(context.options, self._cursor, context.connector.since(self._cursor))
        query = self._query()
        sweep = await self._one_sweep(query)
        if query.resume_after is not None:
            await self._slipped(sweep)
        if not incremental and query.resume_after is None:
            await follow_missing(context, self._index, sweep)
        if self._cut_short:
            await delete_unowned(context.photos, context.store, context.connection, self._index)
        if sweep.keeper is not None:
            await self._save_cursor(sweep.keeper.finish(statuses=self._scope))

    def _query(self) -> FeedQuery:
        return first_query(self._context.options, self._cursor, self._context.connector.since(self._cursor))

    async def _one_sweep(self, query: FeedQuery) -> Sweep:
        sweep = self._sweep()
        sweep.keeper = CursorKeeper(self._context.preset, self._cursor, self._started)
        sweep.save_cursor = self._save_cursor
        await sweep.run(query)
        return sweep

    def _sweep(self, *, scope_free: bool = False) -> Sweep:
        return Sweep(self._context, self._index, self._reader, self._workers, scope_free=scope_free)

    async def _slipped(self, resumed: Sweep) -> None:
        """After a resumed sweep: import what was missed by the part that was read before the cut. Nobody looked twice
        there, and counts tell nothing: each record that went may have taken another along."""
        context, known = self._context, resumed.served
        reader = replace(self._reader, warn=silent)  # what a record without its fields lacks is no warning
        keys: list[str] = []
        async for page in context.connector.pages(FeedQuery(statuses=context.options.scope, bare=True)):
            for record in page.records:
                job = reader.job(page.number, record)
                wanted = isinstance(job.verdict, Mapped) and job.verdict.listing.status in context.options.scope
                if wanted and job.listing_key not in known and not self._index.keyed(job.provider, job.listing_key):
                    keys.append(job.listing_key)
        if not keys:
            return
        sweep = self._sweep()
        sweep.keeper = CursorKeeper(context.preset, self._cursor, self._started)
        await sweep.run(FeedQuery(keys=tuple(keys)))
        for key in sweep.keeper.owed():
            if resumed.keeper is not None:
                resumed.keeper.failed(key)

    async def _save_cursor(self, cursor: Cursor) -> None:
        """After the problems of what it passes: a quarantined record is owed to nobody, only told of."""
        context = self._context
        await context.journal.save_problems()
        moved = cursor.model_copy(update={"updated_at": context.now_ms()})
        await context.store.put_cursor(
            context.user_id, context.connection.connection_id, moved, run_id=context.journal.run.run_id
        )
        self._cursor = moved
