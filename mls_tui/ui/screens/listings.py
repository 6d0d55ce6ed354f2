"""The homes that are stored: filter, sort, mark, open, delete, undo, copy and export them. All through ``actions``."""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from mls_tui.domain.clock import epoch_ms
from mls_tui.domain.errors import MlsTuiError, sentence
from mls_tui.domain.wording import plural
from mls_tui.search import Query
from mls_tui.storage.summaries import Selected, Selection, Summaries, Summary
from mls_tui.ui.screens.base import MlsScreen
from mls_tui.ui.screens.dialogs import ExportDialog, FailuresDialog, ListingToDelete, delete_question
from mls_tui.ui.tasks import start_task
from mls_tui.ui.text import brief
from mls_tui.ui.widgets.filter_bar import FILTER, FilterBar, FilterInput, StatusTabs
from mls_tui.ui.widgets.listing_table import ListingTable

if TYPE_CHECKING:
    from mls_tui.actions import Deletion

LISTINGS = Binding.Group("Listings")
SECONDS_BETWEEN_AGES = 30
SECONDS_BETWEEN_LOOKS = 1.0
"""How often the store is asked whether another process has written."""
SECONDS_DURING_IMPORT = 1.5
"""The least time between two readings while this program imports: each new row moves all below it, and repainting them
takes 12 kB of a slow line."""
LEAST_SHARE = 5
"""While an import writes all the time, the list is read again for a sixth of the time at most."""

NOTHING_STORED = (
    "No homes here yet",
    "",
    "Press 1 for your connections, choose one, and press i to import.",
    "No MLS at hand? The connections screen offers a demo.",
)


class ListingsScreen(MlsScreen[None]):
    """Escape takes back one thing at a time: the filter, the marks, then the screen."""

    CRUMB = "Listings"
    WRITES = frozenset({"delete", "undo"})
    AUTO_FOCUS = "#listings-table"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", id="listings.filter", tooltip="Words, status:, price:, city: …",
                group=FILTER),
        Binding("left_square_bracket", "tab(-1)", "Status", key_display="[", show=False, id="listings.tab-left",
                tooltip="The status tab to the left", group=FILTER),
        Binding("right_square_bracket", "tab(1)", "Status", key_display="[ ]", id="listings.tab-right",
                tooltip="The status tab to the right", group=FILTER),
        Binding("d,delete", "delete", "Delete", id="listings.delete", tooltip="Delete what is marked, else this one",
                group=LISTINGS),
        Binding("u", "undo", "Undo", id="listings.undo", tooltip="Bring back what was deleted last", group=LISTINGS),
        Binding("e", "export", "Export", id="listings.export", tooltip="What is marked, else what is filtered",
                group=LISTINGS),
        Binding("y", "copy_cell", "Copy", id="listings.copy-cell", tooltip="Copy this cell", group=LISTINGS),
        Binding("Y", "copy_listing", "Copy JSON", id="listings.copy-json", tooltip="Copy the listing as JSON",
                group=LISTINGS),
        Binding("r", "reload", "Read again", id="listings.reload", tooltip="Read the store again", group=LISTINGS),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.summaries: Summaries | None = None
        self.selected = Selected(array("q"), {}, 0)
        self.trouble: str | None = None
        """Why the listings could not be read, shown in place of the rows."""
        self.last_deletion: Deletion | None = None
        self._query = Query()
        self._stale = self._selecting = self._refreshing = False
        self._known: dict[str, int] = {}
        """Listings that the detail screen was opened on: listing id -> row."""
        self._back: str | None = None
        """The listing that an undo brought back and that the cursor goes to."""
        self._look_after = 0.0
        self._connection_name = ""
        """The connection to filter by once the screen has loaded."""
        self._had_rows: bool | None = None

    def body(self) -> ComposeResult:
        with Vertical(id="listings-pane"):
            yield FilterBar(id="filter")
            yield StatusTabs(id="status-tabs")
            yield ListingTable(self._read, id="listings-table")

    def on_mount(self) -> None:
        self.set_interval(SECONDS_BETWEEN_AGES, self._tell_time)
        self.set_interval(SECONDS_BETWEEN_LOOKS, self._look)

    @property
    def table(self) -> ListingTable:
        return self.query_one(ListingTable)

    @property
    def bar(self) -> FilterBar:
        return self.query_one(FilterBar)

    @property
    def tabs(self) -> StatusTabs:
        return self.query_one(StatusTabs)

    async def load(self) -> None:
        self._tell_time()
        self.trouble = None
        connections = await self.actions.get_connections(self.workspace)
        self.bar.connections = {view.connection.connection_id: view.connection.name for view in connections.data or ()}
        self._filter_by_connection()
        try:
            self.summaries = await self.actions.open_summaries(self.workspace)
        except MlsTuiError as error:
            self.trouble = sentence(error)
        await self._select_all()
        self._refresh_soon()

    def _tell_time(self) -> None:
        self.table.now_ms = epoch_ms(self.app.clock.now())
        self.table.forget()

    def action_reload(self) -> None:
        self.reload()

    # reading ---------------------------------------------------------------------------------------------------

    async def _read(self, rows: Sequence[int]) -> list[Summary]:
        return [] if self.summaries is None else await self.summaries.read(rows)

    def select(self) -> None:
        """Ask the store again: the filter, the order or what is stored has changed. Wishes that come while one is
        answered are one wish."""
        self._stale = True
        if not self._selecting:
            start_task(self, self._select_all, "select", exclusive=False)

    async def _select_all(self) -> None:
        self._stale = True
        if self._selecting:
            return
        self._selecting = True
        try:
            while self._stale:
                self._stale = False
                await self._select_once()
        finally:
            self._selecting = False

    async def _select_once(self) -> None:
        table, summaries = self.table, self.summaries
        statuses = (self.tabs.status,) if self.tabs.status else ()
        wanted = Selection(self._query, statuses, table.sort_key, table.descending)
        try:
            if summaries is not None:
                began = perf_counter()
                selected = await summaries.select(wanted)
                if table.marks:
                    table.marks &= await summaries.living(table.marks)
                if self._back is not None:
                    back, self._back = await summaries.row_of(self._back), None
                    table.select_next(back)
                homes = await summaries.read(table.window(selected.rows, table.next_index(selected.rows)))
                pause = LEAST_SHARE * (perf_counter() - began)
                if self.app.imports.running:
                    pause = max(pause, SECONDS_DURING_IMPORT)
                self._look_after = perf_counter() + pause
                self.selected, self.trouble = selected, None
                table.note = self._note()
                table.show(selected.rows, homes)
        except MlsTuiError as error:
            self.trouble = sentence(error)
            if self.selected.total:
                self.notify(f"The listings could not be read: {self.trouble} Press r to try again.", severity="error")
        table.note = self._note()
        table.refresh()
        self.tabs.counts = self.selected.counts
        self.count()

    def _look(self) -> None:
        """Whether anything was written since, by this process or another."""
        if self.summaries is not None and self.is_current and perf_counter() >= self._look_after:
            start_task(self, self._look_again, "look")

    async def _look_again(self) -> None:
        try:
            if self.summaries is not None and await self.summaries.version() != self.selected.version:
                self.select()
            if self.summaries is not None and await self.summaries.stale():
                self._refresh_soon()
        except MlsTuiError:
            self._look_after = perf_counter() + SECONDS_BETWEEN_AGES

    def on_screen_resume(self) -> None:
        self._look()

    def _refresh_soon(self) -> None:
        if self.summaries is not None and self.summaries.cached and not self._refreshing:
            self._refreshing = True
            start_task(self, self._refresh_cache, "refresh", exclusive=False)

    async def _refresh_cache(self) -> None:
        """Bring a cached list up to date, while it is shown."""
        try:
            self.count()
            if self.summaries is not None:
                await self.summaries.refresh()
        except MlsTuiError as error:
            if self.selected.total:
                self.notify(f"The list could not be brought up to date: {sentence(error)}", severity="warning")
            else:
                self.trouble = sentence(error)
        finally:
            self._refreshing = False
            self.select()

    # what is shown ---------------------------------------------------------------------------------------------

    def count(self) -> None:
        """Say again how many are shown, stored and marked."""
        note = ""
        if self.summaries is None:
            note = "" if self.trouble else "loading…"
        elif self.summaries.cached:
            as_of = self.summaries.as_of
            when = "" if as_of is None else f"as of {datetime.fromtimestamp(as_of / 1000).astimezone():%H:%M}"
            note = " · ".join(part for part in (when, "refreshing…" if self._refreshing else "") if part)
        self.bar.counted(len(self.table.rows), self.selected.total, marked=len(self.table.marks), note=note)

    def _note(self) -> tuple[str, ...]:
        if self.trouble is not None:
            return ("The listings could not be read", "", self.trouble, "Press r to try again.")
        if self.selected.total == 0:
            return ("Reading the listings…",) if self.summaries is None or self._refreshing else NOTHING_STORED
        status = f"{self.tabs.status} " if self.tabs.status else ""
        text = f" matches “{self.bar.text}”" if self.bar.text else ""
        lines = [f"No {status}listing{text}", ""]
        if self.bar.text:
            lines.append("Press / to change the filter, escape to clear it.")
        if self.tabs.status:
            lines.append("Press [ or ] for another status.")
        return tuple(lines)

    @on(FilterBar.Changed)
    def _filter_changed(self, event: FilterBar.Changed) -> None:
        event.stop()
        if event.query.problem is not None:
            return  # the last readable filter stays, and the bar says what is wrong
        same = (event.query.where, event.query.values) == (self._query.where, self._query.values)
        self._query = event.query
        if not same:
            self.table.to_top()
            self.select()

    @on(FilterBar.Left)
    def _filter_left(self, event: FilterBar.Left) -> None:
        event.stop()
        self.table.focus()

    @on(StatusTabs.Chosen)
    def _status_chosen(self, event: StatusTabs.Chosen) -> None:
        event.stop()
        self.table.to_top()
        self.select()

    @on(ListingTable.SortChosen)
    def _sort_chosen(self, event: ListingTable.SortChosen) -> None:
        event.stop()
        table = self.table
        table.descending = not table.descending if event.descending is None else event.descending
        table.sort_key = event.key
        self.select()

    @on(ListingTable.Moved)
    def _moved(self, event: ListingTable.Moved) -> None:
        event.stop()
        self.count()
        if self._had_rows is not (event.row is not None):  # the key bar is costly to draw again
            self._had_rows = event.row is not None
            self.refresh_bindings()

    def show_from(self, name: str) -> None:
        """Show the listings of one connection, at once or as soon as the screen has loaded."""
        self._connection_name = name
        if self._loaded:
            self._filter_by_connection()

    def _filter_by_connection(self) -> None:
        name, self._connection_name = self._connection_name.replace(",", " "), ""
        if name:
            spaced = any(letter.isspace() for letter in name)
            self.bar.query_one(FilterInput).value = f'from:"{name}"' if spaced else f"from:{name}"

    # what can be done ------------------------------------------------------------------------------------------

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        if reason := super().why_not(action, parameters):
            return reason
        if action == "undo" and self.last_deletion is None:
            return "Nothing was deleted that could be brought back."
        if action in ("delete", "copy_cell", "copy_listing") and self.table.row is None:
            return "There is no listing under the cursor."
        if action == "export" and not self.table.rows:
            return "There is nothing to export: no listing is shown."
        return None

    def action_back(self) -> None:
        if self.bar.text or self.bar.has_focus_within:
            self.bar.clear()
            self.table.focus()
        elif self.table.marks:
            self.table.clear_marks()
        else:
            super().action_back()

    def action_filter(self) -> None:
        self.bar.start()

    def action_tab(self, step: int) -> None:
        self.tabs.step(step)

    @on(ListingTable.Opened)
    async def _open(self, event: ListingTable.Opened) -> None:
        from mls_tui.ui.screens.detail import DetailScreen

        homes = await self._read([event.row])
        for home in homes:
            self._known[home.listing_id] = home.row
            self.app.push_screen(DetailScreen(home.listing_id, self))
        if not homes:
            self.notify("There is no listing here any more: it was deleted.", severity="warning")
            self.select()

    # the neighbours that the detail screen asks for ------------------------------------------------------------

    def position(self, listing_id: str) -> tuple[int, int] | None:
        rows, row = self.table.rows, self._known.get(listing_id)
        if row is None or row not in rows:
            return None
        return rows.index(row), len(rows)

    async def neighbour(self, listing_id: str, step: int) -> str | None:
        place = self.position(listing_id)
        if place is None or not 0 <= place[0] + step < place[1]:
            return None
        for home in await self._read([self.table.rows[place[0] + step]]):
            self._known[home.listing_id] = home.row
            self.table.go_to_row(home.row)
            return home.listing_id
        return None

    # deleting --------------------------------------------------------------------------------------------------

    def action_delete(self) -> None:
        table = self.table
        rows = table.marked_rows or ([table.row] if table.row is not None else [])
        start_task(self, partial(self._delete, rows), "delete", exclusive=False)

    async def _delete(self, rows: Sequence[int]) -> None:
        await self._delete_homes(await self._read(rows))

    async def delete(self, ids: list[str]) -> bool:
        """Ask, delete, tell. True if something was deleted."""
        rows = [] if self.summaries is None else [await self.summaries.row_of(each) for each in ids]
        return await self._delete_homes(await self._read([row for row in rows if row is not None]))

    async def _delete_homes(self, homes: Sequence[Summary]) -> bool:
        to_delete = [_to_delete(home) for home in homes]
        if not to_delete or not await self.app.push_screen_wait(delete_question(to_delete, self._place())):
            return False
        ids = [each.listing_id for each in to_delete]
        result = await self.actions.delete_listings(ids, self.workspace, undoable=True)
        deletion = result.data
        if deletion is None:
            self.answered(result, title="Nothing was deleted")
            return False
        if deletion.left:
            self.notify(result.error or "", severity="warning", timeout=20)
        deleted = {listing.listing_id for listing in deletion.deleted}
        self.table.drop({home.row for home in homes if home.listing_id in deleted})
        self._deleted(deletion)
        if deletion.failures:
            names = {each.listing_id: each.name for each in to_delete}
            await self.app.push_screen_wait(FailuresDialog(len(deletion.deleted), deletion.failures, names))
        return bool(deletion.deleted)

    def _place(self) -> str:
        """Both stores by their names, as the workspace has them open."""
        store, photos = self.workspace.store, self.workspace.photos
        return f"{store.describe()} and {photos.describe()}, of user {self.workspace.user_id}"

    def _deleted(self, deletion: Deletion) -> None:
        self.select()
        if deletion.deleted:
            self.last_deletion = deletion if deletion.undoable else None
            gone = plural(len(deletion.deleted), "listing")
            more = f" and {plural(deletion.photos, 'photo')}" if deletion.photos else ""
            self.notify(f"Deleted {gone}{more}." + (" u brings them back." if deletion.undoable else ""))
        self.refresh_bindings()

    def action_undo(self) -> None:
        start_task(self, self._undo, "delete", exclusive=False)

    async def _undo(self) -> None:
        deletion, self.last_deletion = self.last_deletion, None
        if deletion is None:
            return
        result = await self.actions.undo_deletion(deletion, self.workspace)
        self.answered(result, title="" if result.data else "Nothing was brought back")
        back = result.data
        if back is None:
            self.last_deletion = deletion
            return
        self._back = next((listing.listing_id for listing in deletion.deleted), None)
        self.select()
        if back == len(deletion.deleted) and result.success:
            self.notify(f"{plural(back, 'listing')} brought back.")
        self.refresh_bindings()

    # copying and exporting -------------------------------------------------------------------------------------

    def action_copy_cell(self) -> None:
        text = self.table.current_cell()
        self.app.copy_to_clipboard(text)
        self.notify(f"Copied {brief(text, 60)}")

    async def action_copy_listing(self) -> None:
        for home in await self._read([self.table.row] if self.table.row is not None else []):
            listing = self.answered(await self.actions.get_listing(home.listing_id, self.workspace), title="Not copied")
            if listing is not None:
                self.app.copy_to_clipboard(json.dumps(listing.to_data(), indent=2, ensure_ascii=False))
                self.notify(f"Copied MLS {brief(listing.mls_number, 40)} as JSON")

    def action_export(self) -> None:
        start_task(self, self._export, "export", exclusive=False)

    async def _export(self) -> None:
        marked = self.table.marked_rows
        rows = marked or self.table.rows
        everything = len(rows) == self.selected.total
        what = "marked" if marked else "all of them" if everything else f"filtered from {self.selected.total:,}"
        wish = await self.app.push_screen_wait(ExportDialog(len(rows), what))
        if wish is None:
            return
        result = await self.actions.export_listings(
            rows, wish.path, wish.file_format, self.workspace, overwrite=wish.overwrite
        )
        if self.answered(result, title="Not exported") is not None:
            self.notify(result.message or f"Wrote {plural(result.data or 0, 'listing')} to {wish.path}", timeout=10)


def _to_delete(home: Summary) -> ListingToDelete:
    street = brief(home.street or "", 40) or "Address withheld"
    city = brief(home.city or "", 24)
    where = f"{street}, {city}" if city else street
    return ListingToDelete(home.listing_id, f"{where} (MLS {brief(home.mls_number, 20)})", home.photos)
