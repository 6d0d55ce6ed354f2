"""Runs one import from sign-in to result, as an async iterator of events. Holds the connection's lease and saves the
run's row."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncGenerator, AsyncIterator

from mls_tui.domain.clock import Clock, epoch_ms
from mls_tui.domain.connection import Connection, Lease
from mls_tui.domain.errors import AuthenticationError, ImportInProgressError, MlsTuiError, StorageError, sentence
from mls_tui.domain.events import Event, RunFinished, RunStarted
from mls_tui.domain.run import ImportResult, ImportRun, RunState
from mls_tui.importer.collector import beside_an_import
from mls_tui.importer.context import ImportContext
from mls_tui.importer.stored_index import StoredIndex
from mls_tui.importer.sweep import FeedImport, resumes
from mls_tui.storage.base import IndexEntry, ListingStore
from mls_tui.storage.leases import this_lease

LEASE_SECONDS = 90
RENEW_SECONDS = 20
SAVE_SECONDS = 5
STOP_SECONDS = 1.5
"""A stopped run waits this long for its state to be saved: Ctrl-C ends the program within 2 s."""
END_SECONDS = 30
"""How long a run that ended by itself waits for its state to be saved."""
RECENT_RUNS = 100

FINAL_EXIT_CODES = frozenset({2, 3})
"""Exit codes of failures that no other worker can mend: wrong configuration, refused credentials."""

log = logging.getLogger("mls_tui")


def already_running(connection: Connection, holder: Lease) -> ImportInProgressError:
    """The error of a second import of a connection that ``holder`` is importing."""
    if holder.pid:
        host = holder.host.partition("/")[0]
        return ImportInProgressError(
            f"An import of {connection.name} is already running on {host} (process {holder.pid}). "
            "Wait for it to finish, or stop it, then import again."
        )
    return ImportInProgressError(
        f"An import of {connection.name} is already with the workers (run {holder.run_id}). "
        f"Wait for it to finish, or end it by `mls-tui cancel {holder.run_id}`, then import again."
    )


class RunLease:
    """Allows one import of a connection at a time. ``async with`` takes the lease, or raises ImportInProgressError."""

    def __init__(self, store: ListingStore, connection: Connection, run_id: str, clock: Clock) -> None:
        self._store, self._connection, self._run_id, self._clock = store, connection, run_id, clock
        self.holder = uuid.uuid4().hex

    async def __aenter__(self) -> RunLease:
        await self.renew()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Release the lease. If the store does not answer, it expires by itself."""
        release = self._store.release_lease(self._connection.user_id, self._connection.connection_id, self.holder)
        try:
            await asyncio.wait_for(asyncio.shield(asyncio.ensure_future(release)), STOP_SECONDS)
        except (TimeoutError, StorageError):
            return

    async def renew(self) -> None:
        """Take the lease, or extend it to 90 s from now. Raises ImportInProgressError if another run holds it."""
        now = epoch_ms(self._clock.now())
        lease = await asyncio.to_thread(this_lease, self._run_id, now + LEASE_SECONDS * 1000, self.holder)
        connection = self._connection
        holder = await self._store.acquire_lease(connection.user_id, connection.connection_id, lease, now_ms=now)
        if holder is not None:
            raise already_running(connection, holder)

    async def keep_renewed(self) -> None:
        """Renew the lease every 20 s until cancelled. If the store does not answer, the next renewal tries again."""
        while True:
            await self._clock.sleep(RENEW_SECONDS)
            try:
                await self.renew()
            except StorageError:
                continue


class Importer:
    """Runs one import, once. ``run`` yields its events; the last is always RunFinished. Closing it cancels the run."""

    def __init__(self, context: ImportContext, *, workers: int) -> None:
        self._context = context
        self._workers = workers
        self._began = False
        self._paused = False

    async def run(self) -> AsyncGenerator[Event, None]:
        context = self._context
        task = asyncio.create_task(self._main(), name="import")
        task.add_done_callback(self._ended)
        context.control.attach(task)
        try:
            async for event in context.journal.events():
                yield event
        finally:
            context.control.detach()
            if not task.done():
                task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Emit RunFinished for a task that was cancelled before its first step, or that ended by an unhandled error."""
        if self._context.journal.finished:
            return
        error = None if task.cancelled() else task.exception()
        result = self._stopped() if error is None else self._failure(error)
        self._context.emit(RunFinished, result=result)

    async def _main(self) -> None:
        context, journal = self._context, self._context.journal
        result: ImportResult | None = None
        try:
            async with RunLease(context.store, context.connection, journal.run.run_id, context.clock) as lease:
                journal.holder = lease.holder
                result = await self._import_with_lease(lease)
        except Exception as error:
            result = result or self._failure(error)
        except asyncio.CancelledError:
            result = result or self._stopped()
        context.emit(RunFinished, result=result)

    async def _import_with_lease(self, lease: RunLease) -> ImportResult:
        """Import while holding the lease, then save how the run ended, even if it was cancelled."""
        context = self._context
        try:
            async with asyncio.TaskGroup() as group:
                keeping = [group.create_task(lease.keep_renewed()), group.create_task(self._keep_saved())]
                await self._import()
                for task in keeping:
                    task.cancel()
            result = context.journal.result(RunState.DONE)
        except asyncio.CancelledError:
            result = self._stopped()
        except Exception as error:
            result = self._failure(error)
        if self._began or context.resumable:
            await self._save_end(result)
        return result

    async def _import(self) -> None:
        context, connection = self._context, self._context.connection
        context.emit(
            RunStarted,
            connection=connection.name,
            provider=connection.provider,
            full=context.options.full,
            resumed=context.journal.resumed or resumes(context.options, connection.cursor),
        )
        await context.connector.authenticate()
        self._began = True
        with beside_an_import():
            await self._save()
            await self._close_interrupted_runs()
            index = await StoredIndex.read(self._stored_entries())
            await FeedImport(context, index, workers=self._workers).run()

    async def _stored_entries(self) -> AsyncIterator[IndexEntry]:
        """The stored listings of the connection's preset. Adds those that this run stored before it was resumed to the
        journal."""
        context, journal = self._context, self._context.journal
        async for entry in context.store.index(context.user_id, context.connection.provider):
            if journal.resumed and entry.last_import is not None and entry.last_import.run == journal.run.run_id:
                journal.stored_before[entry.listing_id] = entry.last_import
            yield entry

    async def _close_interrupted_runs(self) -> None:
        """Mark other unfinished runs of this connection as interrupted. This run has the lease, so their processes are
        gone."""
        context = self._context
        for run in await context.store.runs(context.user_id, limit=RECENT_RUNS):
            mine = run.connection_id == context.connection.connection_id and run.run_id != context.journal.run.run_id
            if mine and not run.ended:
                await context.store.put_run(context.user_id, _interrupted(run))

    async def _keep_saved(self) -> None:
        """Save the run's row every 5 s, and pause, resume or cancel as its ``control`` field asks. A failed save is a
        warning; the next one writes everything."""
        while True:
            await self._context.clock.sleep(SAVE_SECONDS)
            if self._began:
                try:
                    await self._save()
                except StorageError as error:
                    log.warning("the run's row could not be saved: %s", sentence(error))

    async def _save(self) -> None:
        word = await self._context.journal.save()
        control = self._context.control
        if word == "cancel":
            control.cancel()
        elif word == "pause" and self._context.resumable:
            control.cancel(handed_over=True)
        elif word == "pause":
            self._paused = True
            control.pause()
        elif self._paused:
            self._paused = False
            control.resume()

    async def _save_end(self, result: ImportResult) -> None:
        stopped = result.state in (RunState.CANCELLED, RunState.INTERRUPTED, RunState.QUEUED)
        saving = asyncio.ensure_future(self._context.journal.save_end(result))
        try:
            await asyncio.wait_for(asyncio.shield(saving), STOP_SECONDS if stopped else END_SECONDS)
        except (TimeoutError, StorageError) as error:
            log.warning("the end of the run could not be saved: %s", sentence(error))

    def _stopped(self) -> ImportResult:
        context = self._context
        if context.control.handed_over:
            return context.journal.result(RunState.QUEUED, exit_code=0)
        state = RunState.INTERRUPTED if context.control.interrupted else RunState.CANCELLED
        stored = context.journal.counts.successful
        error = f"The import was stopped. {stored} listings are stored and stay; import again to go on from there."
        return context.journal.result(state, error=error, exit_code=130)

    def _failure(self, error: BaseException) -> ImportResult:
        cause = error_to_report(error)
        text = sentence(cause)
        if not isinstance(cause, MlsTuiError):
            log.error("unexpected error", exc_info=cause)
            text = f"{text}. This is a fault in mls-tui. The log has the details."
        code = cause.exit_code if isinstance(cause, MlsTuiError) else 1
        state = RunState.FAILED
        if isinstance(cause, ImportInProgressError):
            state = RunState.CANCELLED
        elif self._context.resumable and code not in FINAL_EXIT_CODES:
            state = RunState.QUEUED
        return self._context.journal.result(state, error=text, exit_code=code)


def error_to_report(error: BaseException) -> BaseException:
    """The error to report of a group: refused credentials first, then another MlsTuiError, then any."""
    found = _leaves(error)
    for kind in (AuthenticationError, MlsTuiError):
        for each in found:
            if isinstance(each, kind):
                return each
    return found[0]


def _leaves(error: BaseException) -> list[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for each in error.exceptions for leaf in _leaves(each)]


def _interrupted(run: ImportRun) -> ImportRun:
    error = "The import was interrupted: its process ended unexpectedly. What it had stored stays."
    return run.model_copy(
        update={
            "state": RunState.INTERRUPTED,
            "error": error,
            "exit_code": 130,
            "checkpoint": None,
            "finished_at": run.updated_at,
        }
    )
