"""Begin a run that workers will do: the connection's lease, the run's row, and one message."""

from __future__ import annotations

import uuid

from mls_tui.distributed.holding import WORKERS_HOST, end_run, hold
from mls_tui.distributed.ledger import Ledger
from mls_tui.distributed.messages import Task, TaskKind
from mls_tui.distributed.outcome import RunKey
from mls_tui.distributed.queues import QueueName, Queues
from mls_tui.domain.clock import Clock, epoch_ms
from mls_tui.domain.connection import Connection, Lease
from mls_tui.domain.errors import StorageError, UsageError, sentence
from mls_tui.domain.run import ImportRun, RunState
from mls_tui.importer.lease import in_progress
from mls_tui.importer.options import ImportOptions
from mls_tui.reso.feed_identity import at_its_feed
from mls_tui.storage.base import ListingStore

RUNS_LOOKED_AT = 100


async def start_run(
    store: ListingStore, ledger: Ledger, queues: Queues, connection: Connection, options: ImportOptions, clock: Clock
) -> ImportRun:
    """The row of the new run, as workers will find it.

    Raises:
        UsageError: the options choose listings, which one machine does.
        ImportInProgressError: an import of this connection is under way.
        StorageError: the table or the queues cannot be reached.
    """
    if options.selective:
        raise UsageError("A distributed import brings in whole MLSs: leave out --only and --limit, or --distributed.")
    connection = at_its_feed(connection)
    run = _row(connection, options, epoch_ms(clock.now()))
    holder = await hold(store, connection, run.run_id, clock)
    if holder is not None and await _is_nobodys(store, run.user_id, holder):
        await store.release_lease(run.user_id, run.connection_id, holder.run_id)
        holder = await hold(store, connection, run.run_id, clock)
    if holder is not None:
        raise in_progress(connection, holder)
    await _close_cut_short(store, ledger, run)
    await ledger.create(run)
    cursor = connection.cursor.model_copy(update={"epoch": connection.cursor.epoch or run.started_at})
    await store.put_cursor(run.user_id, run.connection_id, cursor, run_id=run.run_id)
    try:
        await queues.send(QueueName.PAGES, [Task(TaskKind.PAGE, run.user_id, run.run_id, run.connection_id)])
    except StorageError as error:
        await end_run(store, ledger, run, RunState.FAILED, sentence(error))
        raise
    return run


async def _is_nobodys(store: ListingStore, user: str, holder: Lease) -> bool:
    """Whether a lease is left from a run of the workers that has ended, or was never begun."""
    if holder.host != WORKERS_HOST:
        return False
    run = await store.get_run(user, holder.run_id)
    return run is None or run.state is not RunState.RUNNING


async def _close_cut_short(store: ListingStore, ledger: Ledger, run: ImportRun) -> None:
    """Runs of this connection that say they are running: their lease is ours now, so nobody works on them."""
    for old in await store.runs(run.user_id, limit=RUNS_LOOKED_AT):
        if old.connection_id == run.connection_id and old.state is RunState.RUNNING:
            error = "The import was cut short: nobody worked on it any more. What it had stored stays."
            await ledger.end(RunKey.of(old), RunState.INTERRUPTED, error=error)


def _row(connection: Connection, options: ImportOptions, now: int) -> ImportRun:
    return ImportRun(
        run_id=uuid.uuid4().hex[:12],
        user_id=connection.user_id,
        connection_id=connection.connection_id,
        connection_name=connection.name,
        provider=connection.provider,
        state=RunState.RUNNING,
        started_at=now,
        updated_at=now,
        full=options.full,
        statuses=tuple(sorted(status.value for status in options.scope)),
        photos=options.photos,
        distributed=True,
    )
