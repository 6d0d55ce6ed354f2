"""The listings screen with 100,000 homes, measured: ``python -m tests.bench.bench_table [N]``. Prints milliseconds.

The homes lie in a real SQLite store and are read through the real actions. A freeze is how much later than asked the
event loop came back; everything runs in one process, as in the program.
"""

# ruff: noqa: ASYNC110 - what is measured has no event to wait for
from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from time import perf_counter

from mls_tui.actions.workspace import Workspace
from mls_tui.config import load_settings
from mls_tui.domain.listing import Listing
from mls_tui.ui.app import MlsTuiApp
from mls_tui.ui.messages import GoTo
from mls_tui.ui.screens.listings import ListingsScreen
from mls_tui.ui.widgets.filter_bar import FilterInput
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


class Bench:
    """The application, and a line for everything that was done to it."""

    def __init__(self, folder: str) -> None:
        self.workspace = Workspace(load_settings(environ={}, home=folder, storage="local"))
        self.app = MlsTuiApp(self.workspace, clock=FrozenClock())
        self.lag = Lag()

    @property
    def screen(self) -> ListingsScreen:
        found = self.app.screen
        assert isinstance(found, ListingsScreen)
        return found

    def report(self, what: str, began: float) -> None:
        print(f"{what:38} {1000 * (perf_counter() - began):8.0f}   worst freeze {1000 * self.lag.worst:5.0f}   "
              f"freezes together {1000 * self.lag.total:6.0f}")  # fmt: skip
        self.lag.reset()

    async def shown(self, what: str, change: Callable[[], object]) -> None:
        """Do it, and wait until other rows are shown."""
        before, began = self.screen.pane._shown, perf_counter()
        change()
        while self.screen.pane._shown is before:
            await asyncio.sleep(0)
        self.report(what, began)


async def measure(count: int, folder: str) -> None:
    bench = Bench(folder)
    async with bench.app.run_test(size=(120, 36), notifications=True) as pilot:
        await pilot.pause()
        watcher = asyncio.create_task(bench.lag.watch())
        await open_table(bench, count)
        await arrange(bench)
        await delete(bench)
        watcher.cancel()


async def open_table(bench: Bench, count: int) -> None:
    bench.lag.reset()
    began = perf_counter()
    bench.app.post_message(GoTo("listings"))  # not pilot.press, which waits until the application is idle
    while not isinstance(screen := bench.app.screen, ListingsScreen) or not screen.pane.shown_count:
        await asyncio.sleep(0.001)
    bench.report("first rows on screen", began)
    while screen.pane.loading_rows or screen.pane.shown_count < count:
        await asyncio.sleep(TICK)
    bench.report(f"all {count:,} rows in", began)


async def arrange(bench: Bench) -> None:
    table, field = bench.screen.pane.table, bench.screen.pane.bar.query_one(FilterInput)
    for key in ("address", "price", "city", "status", "listed"):
        await bench.shown(f"sort by {key}", partial(table.post_message, table.SortChosen(key, True)))
    for text in ("lake", "zzzz", "price:<500k beds:>=3", "status:active oak", ""):
        await bench.shown(f"filter {text!r}", partial(setattr, field, "value", text))


async def delete(bench: Bench) -> None:
    table = bench.screen.pane.table
    table.cursor.extend(99)
    bench.lag.reset()
    began = perf_counter()
    result = await bench.app.actions.delete_listings(table.marked_ids, bench.workspace, undoable=True)
    assert result.data is not None
    bench.report("(the store deletes 100)", began)
    await bench.shown("delete 100 marked rows", partial(bench.screen._deleted, result.data))
    began = perf_counter()
    for _ in range(100):
        table.action_page(1)
        await asyncio.sleep(0)
    bench.report("100 pages down", began)


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory(prefix="table-") as place:
        asyncio.run(fill(place, wanted))
        asyncio.run(measure(wanted, place))
