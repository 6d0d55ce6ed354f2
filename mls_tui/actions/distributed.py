"""Imports that many machines do: begin one, hold its reins, follow it from its row, and be one of its workers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from weakref import WeakSet

from mls_tui.actions.answering import answering, opened
from mls_tui.actions.connections import find_connection
from mls_tui.actions.history import find_run
from mls_tui.actions.imports import photo_slots
from mls_tui.actions.results import ActionResult
from mls_tui.actions.session import clear_secrets, open_connector_for, open_queues
from mls_tui.actions.workspace import Workspace
from mls_tui.domain.connection import Connection
from mls_tui.domain.errors import MlsTuiError, UsageError, sentence
from mls_tui.domain.run import ImportRun, RunState
from mls_tui.importer.control import ImportControl
from mls_tui.importer.options import ImportOptions
from mls_tui.importer.tally import Tally
from mls_tui.log import log_event
from mls_tui.reso.base import Connector

if TYPE_CHECKING:
    from mls_tui.distributed.ledger import Ledger
    from mls_tui.distributed.live import House
    from mls_tui.distributed.queues import Queues

FOLLOW_SECONDS = 1.0
LONGEST_LOOK_SECONDS = 10.0
BUDGET_THREADS = 4
CLOSE_SECONDS = 2.0


@answering
async def start_distributed(
    connections: Sequence[str], options: ImportOptions | None = None, workspace: Workspace | None = None
) -> ActionResult[list[ImportRun]]:
    """Begin a run of each connection for the workers to do. One that cannot begin does not stop the others."""
    from mls_tui.distributed.starting import start_run

    async with opened(workspace) as ws, _books(ws) as (queues, ledger):
        ws.writable()
        runs: list[ImportRun] = []
        refused: list[MlsTuiError] = []
        for name in connections:
            try:
                connection = await find_connection(ws, name)
                runs.append(await start_run(ws.store, ledger, queues, connection, options or ImportOptions(), ws.clock))
            except MlsTuiError as error:
                refused.append(error)
    if refused:
        why = " ".join(sentence(each) for each in refused)
        return ActionResult(False, data=runs, error=why, exit_code=refused[0].exit_code)
    return ActionResult(True, f"Began {len(runs)} runs for the workers", runs)


@answering
async def steer_run(run_id: str, word: str, workspace: Workspace | None = None) -> ActionResult[ImportRun]:
    """``pause``, ``resume`` or ``cancel`` a distributed run, by its row: every worker heeds it within seconds."""
    from mls_tui.distributed.holding import end_run
    from mls_tui.distributed.outcome import RunKey

    async with opened(workspace) as ws, _books(ws) as (_, ledger):
        ws.writable()
        run = await find_run(ws, run_id)
        if not run.distributed:
            raise UsageError(f"Run {run_id} is no distributed one: pause or stop it where it runs.")
        if word == "cancel":
            error = "The import was cancelled. What is stored stays; import again to go on from there."
            heeded = await end_run(ws.store, ledger, run, RunState.CANCELLED, error)
        else:
            heeded = await ledger.control(RunKey.of(run), "pause" if word == "pause" else None)
        if not heeded:
            raise UsageError(f"Run {run_id} has ended: there is nothing to {word}.")
        done = {"pause": "paused", "resume": "resumed", "cancel": "cancelled"}[word]
        return ActionResult(True, f"Run {run_id} is {done}", await find_run(ws, run_id))


async def follow_run(run_id: str, workspace: Workspace, every: float = FOLLOW_SECONDS) -> AsyncGenerator[Tally, None]:
    """A distributed run as it goes, a look every second; the last one has its result. Leaving changes nothing.

    Raises NotFoundError and StorageError.
    """
    from mls_tui.distributed.follow import tally_of

    tally: Tally | None = None
    while tally is None or tally.result is None:
        if tally is not None:
            await workspace.clock.sleep(every)
        tally = tally_of(await find_run(workspace, run_id), workspace.clock.now(), tally)
        yield tally


@answering
async def run_worker(
    workspace: Workspace, *, concurrency: int = 8, stop: asyncio.Event | None = None, poll: float | None = None
) -> ActionResult[None]:
    """Work for any run of any user until ``stop`` is set, then finish what is begun. A look at a queue waits ``poll``
    seconds for a message, and stopping takes as long: 10, or less where a message is kept for less than 30."""
    from mls_tui.distributed.houses import Houses
    from mls_tui.distributed.queues import QueueName
    from mls_tui.distributed.worker import Worker

    async with opened(workspace) as ws, _books(ws) as (queues, ledger):
        for queue in QueueName:
            await queues.depth(queue)  # told now where it is missing: at work a worker only logs that, and looks again
        houses = Houses(lambda user: _house(ws, user, ledger), ws.clock)
        seconds = min(LONGEST_LOOK_SECONDS, queues.visibility / 3) if poll is None else poll
        await Worker(queues, houses, ws.clock, concurrency, seconds).run(stop or asyncio.Event())
    return ActionResult(True, "Stopped; nothing is left undone here")


@asynccontextmanager
async def _books(workspace: Workspace) -> AsyncIterator[tuple[Queues, Ledger]]:
    """Queues and ledger of the configured table. Raises UsageError where storage is not on AWS."""
    from mls_tui.distributed.ledger import Ledger

    queues = open_queues(workspace)
    ledger = Ledger(workspace.aws, workspace.settings.table, workspace.clock)
    try:
        yield queues, ledger
    finally:
        await ledger.close()
        await queues.close()


@asynccontextmanager
async def _house(workspace: Workspace, user: str, ledger: Ledger) -> AsyncIterator[House]:
    """What a worker needs for the tasks of one user; it works with the machine's own credentials."""
    from mls_tui.distributed.live import JOURNAL, House
    from mls_tui.distributed.shared_budget import SharedBudget, shared_budget
    from mls_tui.distributed.stored import StoredEntries
    from mls_tui.importer.noticing import observer
    from mls_tui.storage.dynamodb.table import Table
    from mls_tui.storage.threads import DaemonPool

    pool = DaemonPool(BUDGET_THREADS, "mls-tui-budget")
    budgets: WeakSet[SharedBudget] = WeakSet()  # of runs that have not ended
    async with workspace.for_user(user) as own:
        settings = own.settings
        entries = StoredEntries(own.aws, settings.table)

        async def open_connector(connection: Connection) -> Connector:
            secrets = await clear_secrets(own, connection)
            budget = shared_budget(connection, secrets, Table(own.aws, settings.table), pool, own.clock)
            budgets.add(budget)
            return await open_connector_for(own, connection, secrets, observer(JOURNAL.get), budget)

        try:
            yield House(
                user=user,
                store=own.store,
                photos=own.photos,
                ledger=ledger,
                entries=entries,
                clock=own.clock,
                photo_slots=photo_slots(settings, ImportControl()),
                open_connector=open_connector,
                tell=log_event,
                variants=settings.webp_variants,
            )
        finally:
            await asyncio.gather(*(budget.told() for budget in budgets), return_exceptions=True)
            await entries.close()
            await asyncio.to_thread(pool.close, CLOSE_SECONDS)
