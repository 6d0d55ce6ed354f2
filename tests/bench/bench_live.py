"""The interface while an import runs in it at full speed: event-loop lag. Started by the bench with a job."""

from __future__ import annotations

import asyncio
import statistics
from time import perf_counter

from tests.bench.job import Report, answer, given
from tests.bench.project import connected, environment

TICK = 0.005
SECONDS = 6.0
"""How long it is watched, unless the import ends before."""


async def lags(until: float) -> list[float]:
    """By how many seconds the event loop came back too late, every few milliseconds."""
    found = []
    while perf_counter() < until:
        began = perf_counter()
        await asyncio.sleep(TICK)
        found.append(perf_counter() - began - TICK)
    return found


async def watched(report: Report) -> None:
    from mls_tui import actions
    from mls_tui.actions.workspace import Workspace
    from mls_tui.config import load_settings
    from mls_tui.ui.app import MlsTuiApp
    from mls_tui.ui.messages import ImportRequested

    workspace = Workspace(load_settings())
    await workspace.open()
    await connected(workspace, given())
    connection = await workspace.store.get_connection(workspace.user_id, "bench")
    assert connection is not None
    app = MlsTuiApp(workspace, actions)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await pilot.pause()
        app.post_message(ImportRequested(connection, actions.ImportOptions(photos=False)))
        while app.tally is None or not app.tally.counts.total:  # noqa: ASYNC110 - nothing else tells
            await asyncio.sleep(TICK)
        began, before = perf_counter(), app.tally.counts.total
        found = sorted(await lags(began + SECONDS))
        if not app.imports.running:
            raise SystemExit("the import ended before it could be watched: give it more listings")
        report.extra = {
            "p50": statistics.median(found) * 1000,
            "p99": found[round(len(found) * 0.99) - 1] * 1000,
            "rate": (app.tally.counts.total - before) / (perf_counter() - began),
        }


if __name__ == "__main__":
    environment(given())
    done = Report()
    asyncio.run(watched(done))
    answer(done)
