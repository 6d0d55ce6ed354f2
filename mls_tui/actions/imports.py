"""Run an import, or import again what failed in one."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager

from mls_tui.actions.connections import find_connection
from mls_tui.actions.connector import clear_secrets, open_connector_for
from mls_tui.actions.history import find_run, run_problems
from mls_tui.actions.results import ActionResult, action, opened, refusal
from mls_tui.actions.workspace import Workspace
from mls_tui.domain.clock import SteadyClock, epoch_ms
from mls_tui.domain.connection import Connection
from mls_tui.domain.errors import UsageError
from mls_tui.domain.events import Event, RunFinished
from mls_tui.domain.run import ImportResult, ImportRun, ProblemKind, RunState
from mls_tui.importer.context import ImportContext
from mls_tui.importer.engine import Importer
from mls_tui.importer.journal import Journal
from mls_tui.importer.listing_task import observer
from mls_tui.importer.options import ImportControl, ImportOptions
from mls_tui.log import log_event
from mls_tui.reso.presets import for_connection, with_valid_cursor
from mls_tui.reso.rate_limit import InFlight


async def import_events(
    connection_id: str,
    options: ImportOptions,
    workspace: Workspace,
    control: ImportControl | None = None,
) -> AsyncGenerator[Event, None]:
    """Run an import and yield its events. The last is RunFinished, also if the import cannot begin.

    Closing the iterator cancels the run; the stores stay consistent.
    """
    run_id = uuid.uuid4().hex[:12]
    async with AsyncExitStack() as stack:
        try:
            await workspace.open()
            workspace.writable()
            connection = with_valid_cursor(await find_connection(workspace, connection_id))
            run = _new_run(workspace, connection, options, run_id)
            opening = open_importer(workspace, connection, run, options, control or ImportControl())
            importer = await stack.enter_async_context(opening)
        except Exception as error:
            yield _failed_to_start(workspace, run_id, error)
            return
        events = await stack.enter_async_context(aclosing(importer.run()))
        async for event in events:
            log_event(event)
            yield event


@asynccontextmanager
async def open_importer(
    workspace: Workspace,
    connection: Connection,
    run: ImportRun,
    options: ImportOptions,
    control: ImportControl,
    *,
    resumable: bool = False,
) -> AsyncIterator[Importer]:
    """The importer of a run, with a connector of its own. ``resumable``: see ImportContext."""
    journal = Journal(run, workspace.store, SteadyClock(workspace.clock))
    secrets = await clear_secrets(workspace, connection)
    connector = await open_connector_for(workspace, connection, secrets, observer(journal))
    try:
        highest = workspace.settings.photos_in_flight
        context = ImportContext(
            user_id=workspace.user_id,
            connection=connection,
            preset=for_connection(connection),
            options=options,
            connector=connector,
            store=workspace.store,
            photos=workspace.photos,
            journal=journal,
            control=control,
            clock=journal.clock,
            in_flight=InFlight(start=min(8, highest), highest=highest),
            epoch=connection.cursor.epoch or run.started_at,
            variants=workspace.settings.webp_variants,
            resumable=resumable,
        )
        yield Importer(context, workers=workspace.settings.listings_in_flight)
    finally:
        await connector.close()


@action
async def import_mls_listings(
    connection_id: str, options: ImportOptions | None = None, workspace: Workspace | None = None
) -> ActionResult[ImportResult]:
    """Import to the end. If some listings failed, ``data`` is the result all the same and ``exit_code`` is 1."""
    async with opened(workspace) as ws:
        return await _result_of(import_events(connection_id, options or ImportOptions(), ws))


async def retry_events(
    run_id: str, workspace: Workspace, control: ImportControl | None = None
) -> AsyncGenerator[Event, None]:
    """Import again only what failed or was quarantined in a run; yields events as ``import_events`` does."""
    try:
        await workspace.open()
        run = await find_run(workspace, run_id)
        options = await _failed_options(workspace, run)
    except Exception as error:
        yield _failed_to_start(workspace, run_id, error)
        return
    async with aclosing(import_events(run.connection_id, options, workspace, control)) as events:
        async for event in events:
            yield event


@action
async def retry_run(run_id: str, workspace: Workspace | None = None) -> ActionResult[ImportResult]:
    """As ``retry_events``, to the end."""
    async with opened(workspace) as ws:
        return await _result_of(retry_events(run_id, ws))


async def _failed_options(workspace: Workspace, run: ImportRun) -> ImportOptions:
    keys: dict[str, None] = {}
    numbers: dict[str, None] = {}
    for problem in await run_problems(workspace, run):
        if problem.listing_key:
            keys[problem.listing_key] = None
        elif problem.kind is not ProblemKind.QUARANTINED:
            numbers[problem.mls_number] = None
    if not keys and not numbers:
        raise UsageError(f"Nothing failed in run {run.run_id} that could be tried again.")
    return ImportOptions(keys=tuple(keys), only=tuple(numbers))


async def _result_of(events: AsyncGenerator[Event, None]) -> ActionResult[ImportResult]:
    async for event in events:
        if isinstance(event, RunFinished):
            return result_as_answer(event.result)
    raise AssertionError("unreachable: a run always ends with RunFinished")


def result_as_answer(result: ImportResult) -> ActionResult[ImportResult]:
    """A run's result as an action's answer."""
    if result.error is not None:
        return ActionResult(False, data=result, error=result.error, exit_code=result.exit_code)
    return ActionResult(True, result.message, result, exit_code=result.exit_code)


def _new_run(workspace: Workspace, connection: Connection, options: ImportOptions, run_id: str) -> ImportRun:
    return ImportRun(
        run_id=run_id,
        user_id=workspace.user_id,
        connection_id=connection.connection_id,
        connection_name=connection.name,
        provider=connection.provider,
        state=RunState.RUNNING,
        started_at=epoch_ms(workspace.clock.now()),
        full=options.full,
        statuses=tuple(sorted(status.value for status in options.scope)),
    )


def _failed_to_start(workspace: Workspace, run_id: str, error: Exception) -> RunFinished:
    now = workspace.clock.now()
    answer: ActionResult[None] = refusal(error)
    moment = epoch_ms(now)
    result = ImportResult(
        state=RunState.FAILED,
        error=answer.error,
        exit_code=answer.exit_code,
        started_at=moment,
        finished_at=moment,
    )
    return RunFinished(at=now, run=run_id, result=result)
