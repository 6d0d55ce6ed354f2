"""A run that workers do: starting it, continuing it message by message, pausing, cancelling and ending it."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from enum import Enum

from mls_tui.domain.clock import Clock, epoch_ms
from mls_tui.domain.connection import Connection
from mls_tui.domain.errors import (
    DamagedItemError,
    ImportInProgressError,
    NotFoundError,
    SecretError,
    StorageError,
    UsageError,
    sentence,
)
from mls_tui.domain.events import RunFinished
from mls_tui.domain.listing import ListingStatus
from mls_tui.domain.run import ImportRun, RunState
from mls_tui.importer.engine import Importer, RunLease, already_running
from mls_tui.importer.options import ImportControl, ImportOptions
from mls_tui.reso.presets import with_valid_cursor
from mls_tui.storage.base import ListingStore
from mls_tui.workers.queue import MAX_RECEIVES, Delivery, ImportQueue, Job

TRUSTED_DELIVERIES = 5
"""After this many deliveries a run that has made progress gets a new message. Otherwise workers that were stopped or
killed would bring a healthy run to the dead-letter queue."""

CANCELLED = "The import was cancelled. What is stored stays; import again to go on from there."
DELETED = "The connection was deleted before the import could run. What is stored stays."

log = logging.getLogger("mls_tui")


@dataclass(frozen=True, slots=True)
class UserImports:
    """What a worker needs for the runs of one user. ``group`` returns the message group of a connection;
    ``importer`` opens the importer of a run."""

    user: str
    store: ListingStore
    clock: Clock
    group: Callable[[Connection], Awaitable[str]]
    importer: Callable[[ImportRun, Connection, ImportControl], AbstractAsyncContextManager[Importer]]


class Disposition(Enum):
    """What to do with a message. ``done``: delete it. ``more``: send the run's next message, then delete it. ``back``:
    deliver it again after a wait. ``busy``: again after the visibility timeout, as another worker has the connection.
    ``reject``: again at once, until SQS moves it to the dead-letter queue."""

    DONE = "done"
    MORE = "more"
    BACK = "back"
    BUSY = "busy"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Handled:
    """``group`` and ``number`` are those of the run's next message. ``unreachable``: the MLS or a store did not answer,
    so that waits get longer."""

    disposition: Disposition
    group: str = ""
    number: int = 0
    unreachable: bool = False


DONE = Handled(Disposition.DONE)
REJECT = Handled(Disposition.REJECT)


def options_of(run: ImportRun) -> ImportOptions:
    """The options that the run was started with."""
    return ImportOptions(
        full=run.full,
        statuses=frozenset(ListingStatus(status) for status in run.statuses),
        photos=run.photos,
        resumed=run.checkpoint is not None,
    )


async def start(imports: UserImports, queue: ImportQueue, connection: Connection, options: ImportOptions) -> ImportRun:
    """Write the row of a new run and send its message.

    Raises:
        UsageError: the options choose listings.
        ImportInProgressError: the connection has a run that has not ended.
        StorageError: the table or the queue cannot be reached.
    """
    if options.selective:
        raise UsageError("Workers import whole MLSs: leave out --only and --limit, or --distributed.")
    connection = with_valid_cursor(connection)
    group = await imports.group(connection)
    now = epoch_ms(imports.clock.now())
    run = ImportRun(
        run_id=uuid.uuid4().hex[:12],
        user_id=imports.user,
        connection_id=connection.connection_id,
        connection_name=connection.name,
        provider=connection.provider,
        state=RunState.QUEUED,
        started_at=now,
        updated_at=now,
        full=options.full,
        statuses=tuple(sorted(status.value for status in options.scope)),
        photos=options.photos,
        distributed=True,
        message=1,
    )
    holder = await imports.store.reserve(imports.user, run, now_ms=now)
    if holder is not None:
        raise already_running(connection, holder)
    try:
        await queue.send(Job(imports.user, connection.connection_id, run.run_id), group, run.message)
    except StorageError as error:
        await end(imports, run, RunState.FAILED, sentence(error))
        raise
    return run


async def end(imports: UserImports, run: ImportRun, state: RunState, error: str, exit_code: int = 4) -> ImportRun:
    """End a run that no worker has."""
    now = epoch_ms(imports.clock.now())
    ended = run.model_copy(
        update={
            "state": state,
            "error": error,
            "exit_code": exit_code,
            "checkpoint": None,
            "updated_at": now,
            "finished_at": now,
        }
    )
    await imports.store.put_run(imports.user, ended)
    return ended


async def end_unless_running(
    imports: UserImports, run: ImportRun, state: RunState, error: str, exit_code: int = 4
) -> bool:
    """End a run if no worker holds its connection's lease; False if one does, or the run has ended meanwhile."""
    connection = await imports.store.get_connection(imports.user, run.connection_id)
    if connection is None:
        await end(imports, run, state, error, exit_code)
        return True
    try:
        async with RunLease(imports.store, connection, run.run_id, imports.clock):
            now = await imports.store.get_run(imports.user, run.run_id, started_at=run.started_at)
            if now is None or now.ended:
                return False
            await end(imports, now, state, error, exit_code)
            return True
    except ImportInProgressError:
        return False


async def steer(imports: UserImports, queue: ImportQueue | None, run: ImportRun, word: str) -> None:
    """``pause``, ``resume`` or ``cancel`` a run by its row: the process that runs it reads the row when it saves next.
    Raises UsageError if the run has ended. ``queue`` is needed to resume a run of the workers."""
    was_paused = run.paused
    if not await imports.store.control_run(imports.user, run, None if word == "resume" else word):
        raise UsageError(f"Run {run.run_id} has ended: there is nothing to {word}.")
    if word == "cancel" and run.distributed:
        await end_unless_running(imports, run, RunState.CANCELLED, CANCELLED, 130)
    elif word == "resume" and was_paused and run.distributed and queue is not None:
        group = await imports.group(await _connection(imports, run))
        more = await _next_message(imports, run, group)
        await queue.send(Job(imports.user, run.connection_id, run.run_id), group, more.number)


async def perform(imports: UserImports, delivery: Delivery, control: ImportControl) -> Handled:
    """Continue the run of a message until it ends, is stopped through ``control``, or fails. Raises StorageError."""
    job = delivery.job
    run = None if job is None else await imports.store.get_run(imports.user, job.run)
    if job is None or run is None or not run.distributed or run.connection_id != job.connection:
        return REJECT
    if run.ended or run.paused:
        return DONE  # ``resume`` sends another message
    if run.control == "cancel":
        await end_unless_running(imports, run, RunState.CANCELLED, CANCELLED, 130)
        return DONE
    try:
        connection = await _connection(imports, run)
        group = await imports.group(connection)
    except (NotFoundError, UsageError, SecretError) as error:
        await end_unless_running(imports, run, RunState.FAILED, sentence(error), error.exit_code)
        return DONE
    progressed = run.counts.total > run.counted_when_sent
    if group != delivery.group or (delivery.count >= TRUSTED_DELIVERIES and progressed):
        return await _next_message(imports, run, group)
    result = None
    async with imports.importer(run, connection, control) as importer, aclosing(importer.run()) as events:
        async for event in events:
            if isinstance(event, RunFinished):
                result = event.result
    now = await imports.store.get_run(imports.user, run.run_id, started_at=run.started_at)
    if now is None or now.ended or now.paused:
        return DONE
    if control.handed_over:
        return await _next_message(imports, now, group)
    if result is not None and result.state is RunState.CANCELLED:
        return Handled(Disposition.BUSY)  # another run has the lease
    return Handled(Disposition.BACK, unreachable=result is not None and result.exit_code == StorageError.exit_code)


async def _next_message(imports: UserImports, run: ImportRun, group: str) -> Handled:
    """Save in the run's row that its next message is about to be sent."""
    update = {"message": run.message + 1, "counted_when_sent": run.counts.total}
    await imports.store.put_run(imports.user, run.model_copy(update=update))
    return Handled(Disposition.MORE, group, run.message + 1)


async def fail_dead_letter(imports: UserImports, job: Job) -> None:
    """Mark the run of a dead letter as failed, unless a worker has it."""
    run = await imports.store.get_run(imports.user, job.run)
    if run is None or run.ended or not run.distributed or run.connection_id != job.connection:
        return
    why = run.error or "The logs of the workers say why."
    text = f"No worker could do this import in {MAX_RECEIVES} attempts. {why}"
    try:
        await end_unless_running(imports, run, RunState.FAILED, text)
    except DamagedItemError:  # no worker can read its connection
        await end(imports, run, RunState.FAILED, text)


async def _connection(imports: UserImports, run: ImportRun) -> Connection:
    connection = await imports.store.get_connection(imports.user, run.connection_id)
    if connection is None:
        raise NotFoundError(DELETED)
    now = with_valid_cursor(connection)
    if run.checkpoint is not None and connection.cursor.feed not in (None, now.cursor.feed):
        raise UsageError(
            f"Connection {connection.name} was pointed at another feed while its import ran. Import again to read that."
        )
    return now
