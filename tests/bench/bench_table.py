"""The listings screen with 100,000 homes, measured: ``python -m tests.bench.bench_table [N]``. Prints milliseconds.

The homes lie in a real SQLite store and are read through the real actions. A freeze is how much later than asked the
event loop came back; everything runs in one process, as in the program.
"""

# ruff: noqa: ASYNC110 - what is measured has no event to wait for
from __future__ import annotations

import asyncio
import sys
import tempfile
from time import perf_counter

from mls_tui.app import MlsTuiApp
from mls_tui.config import load_settings
from mls_tui.domain.listing import Listing
from mls_tui.screens.listings import ListingsScreen
from mls_tui.workspace import Workspace
from tests.ui.fakes import FrozenClock
from tests.ui.homes import a_home

TICK = 0.005
FELT = 0.016
"""Lags under one frame are not felt and not counted into the total."""


class Lag:
    """Watches the event loop."""

    def __init__(self) -> None:
        self.worst = self.total = 0.0

    def reset(self) -> None:
        self.worst = self.total = 0.0

    async def watch(self) -> None:
        while True:
            began = perf_counter()
            await asyncio.sleep(TICK)
            late = perf_counter() - began - TICK
            self.worst = max(self.worst, late)
            self.total += late if late > FELT else 0.0


def homes(count: int) -> list[Listing]:
    """``count`` homes; a thousand different ones, told apart by number and address."""
    models = [a_home(number) for number in range(1, 1001)]
    out = []
    for number in range(count):
        model = models[number % 1000]
        address = model.address.model_copy(update={"street": f"{number} {model.address.street}"})
        out.append(model.model_copy(update={"listing_id": f"demo-{number}-1", "mls_number": str(number),
                                            "address": address}))  # fmt: skip
    return out


async def fill(folder: str, count: int) -> None:
    """Store ``count`` homes, many in one commit."""
    async with Workspace(load_settings(environ={}, home=folder, storage="local")) as workspace:
        stored = homes(count)
        for start in range(0, count, 1000):
            await asyncio.gather(
                *(workspace.store.put(workspace.user_id, home) for home in stored[start : start + 1000])
            )


async def measure(count: int, folder: str) -> None:
    workspace = Workspace(load_settings(environ={}, home=folder, storage="local"))
    app = MlsTuiApp(workspace, clock=FrozenClock())
    lag = Lag()

    def report(what: str, began: float) -> None:
        print(f"{what:38} {1000 * (perf_counter() - began):8.0f}   worst freeze {1000 * lag.worst:5.0f}   "
              f"freezes together {1000 * lag.total:6.0f}")  # fmt: skip
        lag.reset()

    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await pilot.pause()
        watcher = asyncio.create_task(lag.watch())
        lag.reset()
        began = perf_counter()
        app.go("listings")  # not pilot.press, which waits until the application is idle
        while not isinstance(screen := app.screen, ListingsScreen) or not screen.pane.shown_count:
            await asyncio.sleep(0.001)
        pane = screen.pane
        report("first rows on screen", began)
        while pane.loading_rows or pane.shown_count < count:
            await asyncio.sleep(TICK)
        report(f"all {count:,} rows in", began)

        async def until_shown(what: str, change: object) -> None:
            assert callable(change)
            before = pane._shown
            began = perf_counter()
            change()
            while pane._shown is before:
                await asyncio.sleep(0)
            report(what, began)

        for key in ("address", "price", "city", "status", "listed"):
            chosen = pane.table.SortChosen(key, True)
            await until_shown(f"sort by {key}", lambda chosen=chosen: pane.table.post_message(chosen))
        for text in ("lake", "zzzz", "price:<500k beds:>=3", "status:active oak", ""):
            field = pane.bar.query_one("FilterInput")
            await until_shown(f"filter {text!r}", lambda text=text, field=field: setattr(field, "value", text))

        pane.table.cursor.extend(99)
        ids = pane.table.marked_ids
        lag.reset()
        began = perf_counter()
        before = pane._shown
        result = await app.actions.delete_listings(ids, workspace, undoable=True)
        assert result.data is not None
        report("(the store deletes 100)", began)
        began = perf_counter()
        screen._deleted(result.data)
        while pane._shown is before:
            await asyncio.sleep(0)
        report("delete 100 marked rows", began)
        began = perf_counter()
        for _ in range(100):
            pane.table.action_page(1)
            await asyncio.sleep(0)
        report("100 pages down", began)
        watcher.cancel()


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory(prefix="table-") as place:
        asyncio.run(fill(place, wanted))
        asyncio.run(measure(wanted, place))
