"""One import from sign-in to result, as an async iterator of events. The run's row and its lease are kept here; what is
asked for and what becomes of each record is in ``sweep``, how a listing is stored in ``listing_task``."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncGenerator
from functools import cache

from mls_tui.domain.errors import AuthenticationError, ImportInProgressError, MlsTuiError, StorageError, sentence
from mls_tui.domain.events import Event, RunFinished, RunStarted
from mls_tui.domain.run import ImportResult, ImportRun, RunState
from mls_tui.importer.context import ImportContext
from mls_tui.importer.lease import RunLease
from mls_tui.importer.stored_index import StoredIndex
from mls_tui.importer.sweep import FeedImport, resumes

SAVE_SECONDS = 5
STOP_SECONDS = 1.5
"""How long a stop may take to save the run's state before it is given up (CONTRACT: Ctrl-C stops within 2 s)."""
END_SECONDS = 30
"""The same for a run that ended by itself: its store may be slow, or be what failed."""
RUNS_LOOKED_AT = 100

log = logging.getLogger("mls_tui")


class Importer:
    """Runs once. ``run`` yields every event; the last is RunFinished whatever happens. Closing it cancels the run."""

    def __init__(self, context: ImportContext, *, workers: int) -> None:
        self._context = context
        self._workers = workers
        self._began = False

    async def run(self) -> AsyncGenerator[Event, None]:
        """The events of the import, as they happen."""
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
        """A task that was cancelled before its first step, or died of what no run can handle, has said no end."""
        if self._context.journal.finished:
            return
        error = None if task.cancelled() else task.exception()
        result = self._stopped() if error is None else self._failure(error)
        self._context.emit(RunFinished, result=result)

    async def _main(self) -> None:
        context = self._context
        result: ImportResult | None = None
        try:
            async with RunLease(context.store, context.connection, context.journal.run.run_id, context.clock) as lease:
                result = await self._held(lease)
        except Exception as error:
            result = result or self._failure(error)
        except asyncio.CancelledError:
            result = result or self._stopped()
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
        context, connection = self._context, self._context.connection
        context.emit(
            RunStarted,
            connection=connection.name,
            provider=connection.provider,
            full=context.options.full,
            resumed=resumes(context.options, connection.cursor),
        )
        await context.connector.authenticate()
        self._began = True
        await context.journal.save()
        await self._close_cut_short()
        _spare_the_collector()
        index = await StoredIndex.read(context.store.index(context.user_id))
        await FeedImport(context, index, workers=self._workers).run()

    async def _close_cut_short(self) -> None:
        """Runs of this connection that say they are running: their lease is ours now, so their process is gone."""
        context = self._context
        for run in await context.store.runs(context.user_id, limit=RUNS_LOOKED_AT):
            mine = run.connection_id == context.connection.connection_id and run.run_id != context.journal.run.run_id
            if mine and run.state is RunState.RUNNING:
                await context.store.put_run(context.user_id, _cut_short(run))

    async def _keep_saved(self) -> None:
        """The run's row every few seconds, so that a run cut short still tells what it did. A store that does not
        answer is asked again: what it could not take is written with the next save."""
        while True:
            await self._context.clock.sleep(SAVE_SECONDS)
            if not self._began:
                continue
            try:
                await self._context.journal.save()
            except StorageError as error:
                log.warning("the run's row could not be saved: %s", sentence(error))

    async def _save_end(self, result: ImportResult) -> None:
        async def saving() -> None:
            await self._context.journal.save(state=result.state, error=result.error)

        stopped = result.state in (RunState.CANCELLED, RunState.INTERRUPTED)
        try:
            seconds = STOP_SECONDS if stopped else END_SECONDS
            await asyncio.wait_for(asyncio.shield(asyncio.ensure_future(saving())), seconds)
        except (TimeoutError, StorageError) as error:
            log.warning("the end of the run could not be saved: %s", sentence(error))

    def _stopped(self) -> ImportResult:
        state = RunState.INTERRUPTED if self._context.control.interrupted else RunState.CANCELLED
        stored = self._context.journal.counts.successful
        error = f"The import was stopped. {stored} listings are stored and stay; import again to go on from there."
        return self._context.journal.result(state, error=error, exit_code=130)

    def _failure(self, error: BaseException) -> ImportResult:
        cause = speaking(error)
        text = sentence(cause)
        if not isinstance(cause, MlsTuiError):
            log.error("unforeseen error", exc_info=cause)
            text = f"{text}. This is a fault in mls-tui; the log has more."
        code = cause.exit_code if isinstance(cause, MlsTuiError) else 1
        state = RunState.CANCELLED if isinstance(cause, ImportInProgressError) else RunState.FAILED
        return self._context.journal.result(state, error=text, exit_code=code)


@cache
def _spare_the_collector() -> None:
    """Once a process: take what was loaded, botocore's models above all, out of the garbage collector's rounds. They
    live as long as the process, and walking them was a tenth of an import's work."""
    gc.freeze()


def speaking(error: BaseException) -> BaseException:
    """The error of a group that the user should hear of: refused credentials first, then what we foresaw."""
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


def _cut_short(run: ImportRun) -> ImportRun:
    error = "The import was cut short: its process ended without saying so. What it had stored stays."
    return run.model_copy(update={"state": RunState.INTERRUPTED, "error": error, "finished_at": run.updated_at})
