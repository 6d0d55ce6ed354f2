"""One import from sign-in to result, as an async iterator of events. The run's row, lease and cursor are kept here;
what happens to each listing is in ``sweep`` and ``record``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable

from mls_tui.domain.connection import Cursor
from mls_tui.domain.errors import ImportInProgressError, MlsTuiError, StorageError, sentence
from mls_tui.domain.events import Event, RunFinished, RunStarted
from mls_tui.domain.listing import ListingStatus
from mls_tui.domain.run import ImportResult, RunState
from mls_tui.importer.context import ImportContext
from mls_tui.importer.cursor import CursorKeeper
from mls_tui.importer.gone import follow_missing
from mls_tui.importer.lease import RunLease
from mls_tui.importer.plan import StoredIndex
from mls_tui.importer.reading import Reader
from mls_tui.importer.record import first_of
from mls_tui.importer.scope import first_query, resumes
from mls_tui.importer.sweep import Sweep
from mls_tui.mls.base import FeedQuery

SAVE_SECONDS = 5
STOP_SECONDS = 1.5
"""How long a stop may take to save the run's state before it is given up (CONTRACT: Ctrl-C stops within 2 s)."""


class Importer:
    """Runs once. ``run`` yields every event; the last is RunFinished whatever happens. Closing it cancels the run."""

    def __init__(self, context: ImportContext, *, workers: int) -> None:
        self._context = context
        self._workers = workers
        self._reader = Reader(context.connection, context.preset, context.options, context.journal.warn)
        self._cursor: Cursor = context.connection.cursor
        self._began = False

    async def run(self) -> AsyncGenerator[Event, None]:
        """The events of the import, as they happen."""
        context = self._context
        task = asyncio.create_task(self._main(), name="import")
        context.control.attach(task)
        try:
            async for event in context.journal.events():
                yield event
        finally:
            context.control.detach()
            if not task.done():
                task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _main(self) -> None:
        context = self._context
        result: ImportResult
        try:
            async with RunLease(context.store, context.connection, context.journal.run.run_id, context.clock) as lease:
                result = await self._held(lease)
        except Exception as error:
            result = self._failure(error)
        except asyncio.CancelledError:
            result = self._stopped()
        context.emit(RunFinished, result=result)

    async def _held(self, lease: RunLease) -> ImportResult:
        """With the lease held: import, then save how it ended, even when cancelled."""
        context = self._context
        try:
            async with asyncio.TaskGroup() as group:
                keeping = [group.create_task(lease.keep()), group.create_task(self._keep_saved())]
                await self._import()
                for task in keeping:
                    task.cancel()
            result = context.journal.result(RunState.DONE)
        except asyncio.CancelledError:
            result = self._stopped()
        except Exception as error:
            result = self._failure(error)
        if self._began:
            await self._save_end(result)
        return result

    async def _import(self) -> None:
        context = self._context
        await context.connector.authenticate()
        context.emit(
            RunStarted,
            connection=context.connection.name,
            provider=context.connection.provider,
            full=context.options.full,
            resumed=resumes(context.options, self._cursor),
        )
        self._began = True
        await context.journal.save()
        index = await self._stored_index()
        if context.options.selective:
            await self._selected(index)
            return
        await self._save_cursor(self._cursor.model_copy(update={"epoch": context.epoch}))
        await self._owed(index)
        await self._main_sweep(index)

    async def _stored_index(self) -> StoredIndex:
        return StoredIndex.of([entry async for entry in self._context.store.index(self._context.user_id)])

    async def _selected(self, index: StoredIndex) -> None:
        options = self._context.options
        await self._sweep(index, scope_free=bool(options.only or options.keys)).run(self._query())

    async def _owed(self, index: StoredIndex) -> None:
        """Listings that failed before, and those with photos still missing, before anything new."""
        context = self._context
        owed = set(self._cursor.failed_keys)
        if context.options.photos and self._cursor.swept and not context.options.full:
            owed |= _with_missing_photos(index, context.connection.connection_id)
        if owed:
            keeper = CursorKeeper(context.preset, self._cursor)
            sweep = self._sweep(index, scope_free=True)
            sweep.keeper = keeper
            await sweep.run(FeedQuery(keys=tuple(sorted(owed))))
            self._cursor = self._cursor.model_copy(update={"failed_keys": keeper.owed()})

    async def _main_sweep(self, index: StoredIndex) -> None:
        context, options = self._context, self._context.options
        started = context.clock.now().timestamp()
        statuses = tuple(sorted(status.value for status in options.scope))
        query = self._query()
        sweep = await self._one_sweep(index, query)
        if query.resume_after is not None and not await self._whole(index):
            sweep = await self._one_sweep(index, FeedQuery(statuses=options.scope))
        if query.since is None:
            await follow_missing(context, index, sweep, whole=query.resume_after is None)
        if sweep.keeper is not None:
            await self._save_cursor(sweep.keeper.finish(started=started, statuses=statuses))

    def _query(self) -> FeedQuery:
        return first_query(self._context.options, self._cursor, self._context.connector.since(self._cursor))

    async def _one_sweep(self, index: StoredIndex, query: FeedQuery) -> Sweep:
        sweep = self._sweep(index)
        sweep.keeper = CursorKeeper(self._context.preset, self._cursor)
        sweep.save_cursor = self._save_cursor
        await sweep.run(query)
        return sweep

    def _sweep(self, index: StoredIndex, *, scope_free: bool = False) -> Sweep:
        return Sweep(self._context, index, self._reader, self._workers, scope_free=scope_free)

    async def _whole(self, index: StoredIndex) -> bool:
        """After a resumed sweep: whether as much is stored as the MLS counts in this scope."""
        context = self._context
        waiting = await context.connector.count(FeedQuery(statuses=context.options.scope))
        mine = sum(
            1
            for entry in index.entries()
            if entry.connection_id == context.connection.connection_id and entry.status in context.options.scope
        )
        return waiting is None or mine >= waiting

    async def _save_cursor(self, cursor: Cursor) -> None:
        context = self._context
        scope = tuple(sorted(status.value for status in context.options.scope))
        moved = cursor if cursor.swept else cursor.model_copy(update={"statuses": scope})
        moved = moved.model_copy(update={"updated_at": context.now_ms()})
        await context.store.put_cursor(
            context.user_id, context.connection.connection_id, moved, run_id=context.journal.run.run_id
        )
        self._cursor = moved

    async def _keep_saved(self) -> None:
        """The run's row every few seconds, so that a run cut short still tells what it did."""
        while True:
            await self._context.clock.sleep(SAVE_SECONDS)
            if self._began:
                await self._context.journal.save()
                await self._save_more()

    async def _save_more(self) -> None:
        if self._context.on_save is not None:
            await self._context.on_save()

    async def _save_end(self, result: ImportResult) -> None:
        async def saving() -> None:
            await self._context.journal.save(state=result.state, error=result.error)
            await self._save_more()

        try:
            await asyncio.wait_for(asyncio.shield(asyncio.ensure_future(saving())), STOP_SECONDS)
        except (TimeoutError, StorageError):
            return

    def _stopped(self) -> ImportResult:
        state = RunState.INTERRUPTED if self._context.control.interrupted else RunState.CANCELLED
        stored = self._context.journal.counts.successful
        error = f"The import was stopped. {stored} listings are stored and stay; import again to go on from there."
        return self._context.journal.result(state, error=error, exit_code=130)

    def _failure(self, error: BaseException) -> ImportResult:
        cause = first_of(error) if isinstance(error, BaseExceptionGroup) else error
        code = cause.exit_code if isinstance(cause, MlsTuiError) else 1
        state = RunState.CANCELLED if isinstance(cause, ImportInProgressError) else RunState.FAILED
        return self._context.journal.result(state, error=sentence(cause), exit_code=code)


def _with_missing_photos(index: StoredIndex, connection_id: str) -> set[str]:
    found: Iterable[str] = (
        entry.mls_id
        for entry in index.entries()
        if entry.photos_missing and entry.connection_id == connection_id and entry.status is ListingStatus.ACTIVE
    )
    return set(sorted(found)[:500])
