"""The listings screen with 100,000 homes, measured: ``python -m tests.bench.bench_table [N]``. Prints milliseconds.

The homes lie in a real SQLite store and are read through the real actions. A freeze is how much later than asked the
event loop came back; everything runs in one process, as in the program.
"""

# ruff: noqa: ASYNC110 - what is measured has no event to wait for
from __future__ import annotations

import asyncio
import multiprocessing
import resource
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from time import perf_counter, process_time

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
    """Watches the event loop. On a loaded machine it also waits for a core: of each lag the process can have caused no
    more than the CPU time that it used meanwhile, in all its threads."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.worst = self.total = self.own = 0.0
        self.cpu = process_time()

    async def watch(self) -> None:
        while True:
            began, cpu = perf_counter(), process_time()
            await asyncio.sleep(TICK)
            late = perf_counter() - began - TICK
            self.worst = max(self.worst, late)
            self.own = max(self.own, min(late, process_time() - cpu))
            self.total += late if late > FELT else 0.0


def homes(first: int, last: int) -> list[Listing]:
    """Of a thousand different homes, told apart by number and address."""
    out = []
    for number in range(first, last):
        model = a_home(number % 1000 + 1)
        address = model.address.model_copy(update={"street": f"{number} {model.address.street}"})
        out.append(model.model_copy(update={"listing_id": f"demo-{number}-1", "mls_number": str(number),
                                            "mls_id": f"KEY{number}", "address": address}))  # fmt: skip
    return out


PROTOTYPES = 1_000


def fill(folder: str, count: int) -> None:
    """Store a thousand homes, then multiply them by SQL, as quickly as the disk takes them."""
    asyncio.run(_put(folder, min(count, PROTOTYPES)))
    (path,) = Path(folder).rglob("*.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        for first in range(PROTOTYPES, count, PROTOTYPES):
            for statement in MULTIPLY:
                db.execute(statement, {"first": first, "end": count})


async def _put(folder: str, count: int) -> None:
    async with Workspace(load_settings(environ={}, home=folder, storage="local")) as workspace:
        await asyncio.gather(*(workspace.store.put(workspace.user_id, home) for home in homes(0, count)))


def _later(column: str) -> str:
    """A text of home ``n`` as that of home ``n + first``; both are found by their keys alone."""
    return (
        f"replace(replace({column}, 'demo-' || n || '-1', 'demo-' || (n + :first) || '-1'),"
        " 'KEY' || n, 'KEY' || (n + :first))"
    )


_COPIED = (
    "updated, connection_id, status, raw_status, price, per, beds, baths, sqft, city, state, zip, kind, list_date,"
    " photos, photos_total, synced, city_key, zip_key, kind_key, types, source"
)
_NUMBER = "CAST(substr(coalesce(json_extract(entry, '$.Data.mlsId'), substr(sk, instr(sk, '#KEY') + 1)), 4) AS INTEGER)"
MULTIPLY = (
    f"INSERT INTO items (pk, sk, gsi1pk, gsi1sk, entry, body)"
    f" SELECT pk, {_later('sk')}, gsi1pk, gsi1sk, {_later('entry')}, {_later('body')}"
    f" FROM (SELECT *, {_NUMBER} AS n FROM items WHERE rowid <= 2000) WHERE n + :first < :end",
    f"INSERT INTO summaries (pk, listing_id, mls_number, mls_key, street, street_key, {_COPIED})"
    " SELECT pk, 'demo-' || (mls_number + :first) || '-1', mls_number + :first, mls_number + :first,"
    " replace(street, mls_number || ' ', (mls_number + :first) || ' '),"
    f" replace(street_key, mls_number || ' ', (mls_number + :first) || ' '), {_COPIED}"
    " FROM summaries WHERE row <= 1000 AND mls_number + :first < :end",
    "INSERT INTO summary_texts (row, text)"
    " SELECT row + :first, text FROM summary_texts WHERE row <= 1000 AND row + :first <= :end",
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
        took, lag = perf_counter() - began, self.lag
        print(f"{what:38} {1000 * took:8.0f}   CPU {1000 * (process_time() - lag.cpu):6.0f}   "
              f"worst freeze {1000 * lag.worst:5.0f} (own {1000 * lag.own:3.0f})   "
              f"freezes together {1000 * lag.total:6.0f}")  # fmt: skip
        self.lag.reset()

    async def shown(self, what: str, change: Callable[[], object]) -> None:
        """Do it, and wait until other rows are shown."""
        before, began = self.screen.selected, perf_counter()
        change()
        while self.screen.selected is before:
            await asyncio.sleep(0.001)
        self.report(what, began)


async def measure(count: int, folder: str) -> None:
    bench = Bench(folder)
    async with bench.app.run_test(size=(120, 36), notifications=True) as pilot:
        await pilot.pause()
        watcher = asyncio.create_task(bench.lag.watch())
        await open_table(bench, count)
        await arrange(bench)
        await delete(bench)
        print(f"memory of the process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f} MB")
        watcher.cancel()


async def open_table(bench: Bench, count: int) -> None:
    bench.lag.reset()
    began = perf_counter()
    bench.app.post_message(GoTo("listings"))  # not pilot.press, which waits until the application is idle
    while not (isinstance(screen := bench.app.screen, ListingsScreen) and screen.selected.total):
        await asyncio.sleep(0.001)
    assert len(screen.table.rows) == count
    bench.report(f"{count:,} opened, sorted, counted", began)


async def arrange(bench: Bench) -> None:
    table, field = bench.screen.table, bench.screen.bar.query_one(FilterInput)
    for key in ("address", "price", "city", "status", "listed"):
        await bench.shown(f"sort by {key}", partial(table.post_message, table.SortChosen(key, True)))
    for status in ("pending", None):
        await bench.shown(f"status tab {status}", partial(bench.screen.tabs.choose, status))
    for text in ("lake", "zzzz", "price:<500k beds:>=3", "status:active oak", ""):
        await bench.shown(f"filter {text!r}", partial(setattr, field, "value", text))


async def delete(bench: Bench) -> None:
    table, summaries = bench.screen.table, bench.screen.summaries
    assert summaries is not None
    table.action_edge(0)
    table.action_extend(99)
    marked = table.marked_rows
    bench.lag.reset()
    began = perf_counter()
    result = await bench.app.actions.delete_listings(await summaries.ids(marked), bench.workspace, undoable=True)
    assert result.data is not None
    bench.report("(the store deletes 100)", began)
    began = perf_counter()
    table.drop(set(marked))
    await asyncio.sleep(0)
    bench.report("delete 100 marked rows", began)
    await bench.shown("the list is read again", bench.screen.select)
    began = perf_counter()
    for _ in range(100):
        table.action_page(1)
        await asyncio.sleep(0)
    bench.report("100 pages down", began)


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory(prefix="table-") as place:
        filling = multiprocessing.get_context("spawn").Process(target=fill, args=(place, wanted))
        filling.start()  # in a process of its own: its memory is not the interface's
        filling.join()
        asyncio.run(measure(wanted, place))
