"""Filter bar, status tabs and table as one: what the user asks to see, arranged off the event loop. It reads no store;
its screen fills ``rows`` and calls ``changed``."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import perf_counter

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from mls_tui.search import Query
from mls_tui.ui.background import begin
from mls_tui.ui.widgets.filter_bar import FilterBar
from mls_tui.ui.widgets.listing_rows import Arrangement, Arranger, ListingRows
from mls_tui.ui.widgets.listing_table import ListingTable
from mls_tui.ui.widgets.status_tabs import StatusTabs

AT_ONCE = 3_000
"""Up to this many rows are arranged in under 5 ms, without a thread."""

REST_SECONDS = 1.0
"""The shortest time between two paintings of rows that stream in."""

NOTHING_STORED = (
    "No homes here yet",
    "",
    "Press 1 for your connections, choose one, and press i to import.",
    "No MLS at hand? The connections screen offers a demo.",
)


class ListingPane(Vertical):
    """``trouble`` is shown in place of the rows where there are none; ``loading`` while they are being read."""

    def __init__(self, rows: ListingRows, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.rows = rows
        self.loading_rows = True
        self.trouble: str | None = None
        self._arranger = Arranger(rows)
        self._query = Query()
        self._wanted = asyncio.Event()
        self._asked = asyncio.Event()
        self._shown = Arrangement([], 0)
        self._had_rows: bool | None = None

    def compose(self) -> ComposeResult:
        yield FilterBar(id="filter")
        yield StatusTabs(id="status-tabs")
        yield ListingTable(self.rows, id="listings-table")

    def on_mount(self) -> None:
        begin(self, self._keep_arranged, "arrange")
        self.table.focus()

    @property
    def table(self) -> ListingTable:
        return self.query_one(ListingTable)

    @property
    def bar(self) -> FilterBar:
        return self.query_one(FilterBar)

    @property
    def tabs(self) -> StatusTabs:
        return self.query_one(StatusTabs)

    @property
    def shown_ids(self) -> list[str]:
        """The listings that are shown, in order, those above and below the screen too."""
        return [self.rows.ids[row] for row in self._shown.view]

    @property
    def shown_count(self) -> int:
        return len(self._shown.view)

    @property
    def narrowed(self) -> bool:
        """A filter or a status tab leaves something out."""
        return bool(self.bar.text) or self.tabs.status is not None

    def changed(self) -> None:
        """The rows changed: arrange anew, soon; while more are being read, now and then."""
        if self.loading_rows and self._shown.view:
            self._wanted.set()
        else:
            self._at_once()

    def _at_once(self) -> None:
        """Arrange anew now: the user waits for it."""
        if self.rows.count <= AT_ONCE and self.is_mounted:
            self._show(self._arrange())
        else:
            self._asked.set()
            self._wanted.set()

    def position(self, listing_id: str) -> tuple[int, int] | None:
        """Where a listing stands among those shown, from 0, and how many there are."""
        row = self.rows.row_of(listing_id)
        if row is None or row not in self._shown.view:
            return None
        return self._shown.view.index(row), len(self._shown.view)

    # arranging -------------------------------------------------------------------------------------------------

    def _arrange(self) -> Arrangement:
        table = self.table
        return self._arranger.arrange(self._query, self.tabs.status, table.sort_key, descending=table.descending)

    async def _keep_arranged(self) -> None:
        """One arrangement at a time, in a thread; wishes that come meanwhile are one wish.

        While rows stream in, it rests unless the user asks: to sort and to paint beside a thread that reads costs the
        interface twice its time.
        """
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            self._asked.clear()
            began = perf_counter()
            arrangement = await asyncio.to_thread(self._arrange)
            self._show(arrangement)
            if self.loading_rows:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._asked.wait(), max(REST_SECONDS, 10 * (perf_counter() - began)))

    def _show(self, arrangement: Arrangement) -> None:
        self._shown = arrangement
        self.tabs.counts = arrangement.counts
        self.table.note = self._note()
        self.table.show(arrangement.view)
        self.count()

    def count(self) -> None:
        """Say again how many are shown, stored and marked."""
        marked = len(self.table.cursor.marks)
        self.bar.counted(
            len(self._shown.view), self._shown.total, marked=marked, loading=self.loading_rows,
            order=self.table.hidden_order,
        )  # fmt: skip

    def _note(self) -> tuple[str, ...]:
        if self.trouble is not None:
            return ("The listings could not be read", "", self.trouble, "Press r to try again.")
        if self.rows.living == 0:
            return ("Reading the listings…",) if self.loading_rows else NOTHING_STORED
        status = f"{self.tabs.status} " if self.tabs.status else ""
        text = f" matches “{self.bar.text}”" if self.bar.text else ""
        lines = [f"No {status}listing{text}", ""]
        if self.bar.text:
            lines.append("Press / to change the filter, escape to clear it.")
        if self.tabs.status:
            lines.append("Press [ or ] for another status.")
        return tuple(lines)

    # what the user asks ----------------------------------------------------------------------------------------

    @on(FilterBar.Changed)
    def _filter_changed(self, event: FilterBar.Changed) -> None:
        event.stop()
        if event.query.problem is not None:
            return  # the last readable filter stays, and the bar says what is wrong
        if event.query.terms != self._query.terms:
            self._query = event.query
            self.table.to_top()
            self._at_once()

    @on(FilterBar.Left)
    def _filter_left(self, event: FilterBar.Left) -> None:
        event.stop()
        self.table.focus()

    @on(StatusTabs.Chosen)
    def _status_chosen(self, event: StatusTabs.Chosen) -> None:
        event.stop()
        self.table.to_top()
        self._at_once()

    @on(ListingTable.SortChosen)
    def _sort_chosen(self, event: ListingTable.SortChosen) -> None:
        event.stop()
        table = self.table
        table.descending = not table.descending if event.descending is None else event.descending
        table.sort_key = event.key
        self._at_once()

    @on(ListingTable.Moved)
    def _moved(self, event: ListingTable.Moved) -> None:
        event.stop()
        self.count()
        if self._had_rows is not bool(self.table.cursor.view):  # the key bar is costly to draw anew
            self._had_rows = bool(self.table.cursor.view)
            self.screen.refresh_bindings()
