"""Imports by workers on many machines: not available while the queue is being replaced."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from mls_tui.actions.answering import answering
from mls_tui.actions.history import find_run
from mls_tui.actions.results import ActionResult
from mls_tui.actions.workspace import Workspace
from mls_tui.domain.errors import UsageError
from mls_tui.domain.run import ImportRun
from mls_tui.importer.options import ImportOptions
from mls_tui.importer.tally import Tally, tally_of

FOLLOW_SECONDS = 1.0


def no_workers() -> UsageError:
    return UsageError("Imports by workers cannot be used in this version. Import here: `mls-tui import CONNECTION`.")


@answering
async def start_distributed(
    connections: Sequence[str], options: ImportOptions | None = None, workspace: Workspace | None = None
) -> ActionResult[list[ImportRun]]:
    raise no_workers()


@answering
async def steer_run(run_id: str, word: str, workspace: Workspace | None = None) -> ActionResult[ImportRun]:
    raise no_workers()


async def follow_run(run_id: str, workspace: Workspace, every: float = FOLLOW_SECONDS) -> AsyncGenerator[Tally, None]:
    """Yield a run's tally from its stored row every ``every`` seconds; the last one has the result.

    Raises NotFoundError and StorageError.
    """
    tally: Tally | None = None
    while tally is None or tally.result is None:
        if tally is not None:
            await workspace.clock.sleep(every)
        tally = tally_of(await find_run(workspace, run_id), workspace.clock.now(), tally)
        yield tally


@answering
async def run_worker(
    workspace: Workspace, *, concurrency: int = 8, stop: asyncio.Event | None = None
) -> ActionResult[None]:
    raise no_workers()
