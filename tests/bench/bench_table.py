"""The listings screen with 100,000 homes, measured: ``python -m tests.bench.bench_table [N]``. Prints milliseconds.

A freeze is how much later than asked the event loop came back; everything runs in one process, as in the program.
"""

# ruff: noqa: ASYNC110 - what is measured has no event to wait for
from __future__ import annotations

import asyncio
import gc
import sys
from time import perf_counter

from mls_tui.app import MlsTuiApp
from mls_tui.domain.listing import Listing
from mls_tui.screens.listings import ListingsScreen
from tests.ui.fakes import FakeActions, FrozenClock, fake_workspace
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


async def measure(count: int) -> None:
    actions = FakeActions(listings=homes(count))
    gc.collect()
    gc.freeze()  # a real store keeps no 100,000 models, and their collection must not be measured
    app = MlsTuiApp(fake_workspace(), actions, clock=FrozenClock())
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
        result = await actions.delete_listings(ids, app.workspace, undoable=True)
        assert result.data is not None
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
    asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
