"""Imports by workers on many machines: queue, control and follow runs, and run a worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

from mls_tui.actions.connections import find_connection
from mls_tui.actions.connector import clear_secrets
from mls_tui.actions.history import find_run
from mls_tui.actions.imports import open_importer
from mls_tui.actions.results import ActionResult, action, opened
from mls_tui.actions.workspace import Workspace
from mls_tui.domain.connection import Connection
from mls_tui.domain.errors import MlsTuiError, NotFoundError, sentence
from mls_tui.domain.run import ImportRun
from mls_tui.importer.engine import Importer
from mls_tui.importer.options import ImportControl, ImportOptions
from mls_tui.importer.tally import Tally, tally_of

if TYPE_CHECKING:
    from mls_tui.workers.queue import ImportQueue
    from mls_tui.workers.runs import UserImports

FOLLOW_SECONDS = 1.0


@action
async def start_distributed(
    connections: Sequence[str], options: ImportOptions | None = None, workspace: Workspace | None = None
) -> ActionResult[list[ImportRun]]:
    """Queue a run of each connection, or of all if none is named. One that is refused does not stop the others."""
    from mls_tui.workers.runs import start

    async with opened(workspace) as ws, import_queue(ws) as queue:
        ws.writable()
        runs: list[ImportRun] = []
        refused: list[MlsTuiError] = []
        for name in connections or [each.connection_id for each in await ws.store.connections(ws.user_id)]:
            try:
                connection = await find_connection(ws, name)
                runs.append(await start(_imports(ws), queue, connection, options or ImportOptions()))
            except MlsTuiError as error:
                refused.append(error)
    if refused:
        why = " ".join(sentence(each) for each in refused)
        return ActionResult(False, data=runs, error=why, exit_code=refused[0].exit_code)
    return ActionResult(True, f"Queued {len(runs)} imports for the workers", runs)


@action
async def steer_run(run_id: str, word: str, workspace: Workspace | None = None) -> ActionResult[ImportRun]:
    """``pause``, ``resume`` or ``cancel`` a run on any machine. It follows within seconds."""
    from mls_tui.workers.runs import steer

    async with opened(workspace) as ws:
        ws.writable()
        run = await find_run(ws, run_id)
        if run.distributed:
            async with import_queue(ws) as queue:
                await steer(_imports(ws), queue, run, word)
        else:
            await steer(_imports(ws), None, run, word)
        done = {"pause": "paused", "resume": "resumed", "cancel": "cancelled"}[word]
        return ActionResult(True, f"Run {run_id} is {done}", await find_run(ws, run_id))


async def follow_run(run_id: str, workspace: Workspace, every: float = FOLLOW_SECONDS) -> AsyncGenerator[Tally, None]:
    """Yield a run's tally from its stored row every ``every`` seconds; the last one has the result.

    Raises NotFoundError and StorageError.
    """
    run = await find_run(workspace, run_id)
    tally = tally_of(run, workspace.clock.now())
    yield tally
    while tally.result is None:
        await workspace.clock.sleep(every)
        found = await workspace.store.get_run(workspace.user_id, run_id, started_at=run.started_at)
        if found is None:
            raise NotFoundError(f"Run {run_id} was deleted.")
        tally = tally_of(found, workspace.clock.now(), tally)
        yield tally


@action
async def run_worker(
    workspace: Workspace, *, concurrency: int = 4, stop: asyncio.Event | None = None, poll: float | None = None
) -> ActionResult[None]:
    """Continue queued runs of all users until ``stop`` is set. ``concurrency`` is how many imports run at once, and
    ``poll`` how many seconds one look at the queue waits for a message."""
    from mls_tui.workers.queue import POLL_SECONDS
    from mls_tui.workers.worker import Worker

    async with opened(workspace) as ws, import_queue(ws) as queue:
        await queue.depths()  # raises if the queue is missing; the worker would only log that

        def imports(user: str) -> AbstractAsyncContextManager[UserImports]:
            return _user_imports(ws, user)

        worker = Worker(
            queue,
            imports,
            ws.clock,
            concurrency=concurrency,
            slice_seconds=ws.settings.import_slice,
            poll=POLL_SECONDS if poll is None else poll,
        )
        await worker.run(stop or asyncio.Event())
    return ActionResult(True, "Stopped. Other workers go on with its imports")


@asynccontextmanager
async def import_queue(workspace: Workspace) -> AsyncIterator[ImportQueue]:
    """The queue of this configuration. Raises UsageError if the storage is not on AWS."""
    from mls_tui.workers.queue import ImportQueue

    settings = workspace.settings
    queue = ImportQueue(workspace.aws, settings.queue_prefix, visibility=settings.queue_visibility)
    try:
        yield queue
    finally:
        await queue.close()


@asynccontextmanager
async def _user_imports(workspace: Workspace, user: str) -> AsyncIterator[UserImports]:
    """A worker uses the machine's own credentials for every user."""
    async with workspace.for_user(user) as own:
        yield _imports(own)


def _imports(workspace: Workspace) -> UserImports:
    from mls_tui.reso.rate_limit import budget_key
    from mls_tui.workers.runs import UserImports, options_of

    async def group(connection: Connection) -> str:
        return budget_key(connection, await clear_secrets(workspace, connection)).replace("#", "-")

    def importer(
        run: ImportRun, connection: Connection, control: ImportControl
    ) -> AbstractAsyncContextManager[Importer]:
        return open_importer(workspace, connection, run, options_of(run), control, resumable=True)

    return UserImports(workspace.user_id, workspace.store, workspace.clock, group, importer)
