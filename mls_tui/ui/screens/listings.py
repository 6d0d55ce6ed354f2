"""The homes that are stored: filter, sort, mark, open, delete, undo, copy and export them. All through ``actions``."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from mls_tui.domain.clock import epoch_ms
from mls_tui.domain.events import Event, plural
from mls_tui.ui.background import begin
from mls_tui.ui.screens.base import MlsScreen
from mls_tui.ui.screens.dialogs import Doomed, ExportDialog, FailuresDialog, delete_question
from mls_tui.ui.screens.listing_feed import ListingFeed
from mls_tui.ui.text import brief
from mls_tui.ui.widgets.filter_bar import FILTER
from mls_tui.ui.widgets.listing_pane import ListingPane
from mls_tui.ui.widgets.listing_rows import ListingRows
from mls_tui.ui.widgets.listing_table import ListingTable

if TYPE_CHECKING:
    from mls_tui.actions import Deletion
    from mls_tui.domain.listing import Listing

LISTINGS = Binding.Group("Listings")
SECONDS_BETWEEN_AGES = 30


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
        Binding("e", "export", "Export", id="listings.export", tooltip="What is filtered, as CSV, JSON or Parquet",
                group=LISTINGS),
        Binding("y", "copy_cell", "Copy", id="listings.copy-cell", tooltip="Copy this cell", group=LISTINGS),
        Binding("Y", "copy_listing", "Copy JSON", id="listings.copy-json", tooltip="Copy the listing as JSON",
                group=LISTINGS),
        Binding("r", "reload", "Read again", id="listings.reload", tooltip="Read the store again", group=LISTINGS),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.rows = ListingRows()
        self.pane = ListingPane(self.rows, id="listings-pane")
        self.feed = ListingFeed(self.rows, self.pane)
        self.last_deletion: Deletion | None = None
        self._catching_up = False
        self._told: str | None = None

    def body(self) -> ComposeResult:
        yield self.pane

    def on_mount(self) -> None:
        self.app.import_events.subscribe(self, self._imported)
        self.set_interval(SECONDS_BETWEEN_AGES, self._tell_time)

    async def load(self) -> None:
        self._tell_time()
        await self.feed.read(self.actions, self.workspace)

    def _tell_time(self) -> None:
        table = self.pane.table
        table.now_ms = epoch_ms(self.app.clock.now())
        table.refresh_rows()

    def action_reload(self) -> None:
        self.reload()

    # an import in the background -------------------------------------------------------------------------------

    def _imported(self, batch: tuple[Event, ...]) -> None:
        self.feed.note(batch)
        self._catch_up_soon()

    def on_screen_resume(self) -> None:
        self._catch_up_soon()

    def _catch_up_soon(self) -> None:
        if self.feed.behind and self.is_current and not self._catching_up:
            self._catching_up = True
            begin(self, self._catch_up, "catch-up", exclusive=False)

    async def _catch_up(self) -> None:
        try:
            self._tell_time()
            trouble = await self.feed.catch_up(self.actions, self.workspace)
            if trouble is not None and trouble != self._told:
                self.notify(f"What the import changed is not shown yet: {trouble}", severity="warning")
            self._told = trouble
        finally:
            self._catching_up = False

    # what can be done ------------------------------------------------------------------------------------------

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        if reason := super().why_not(action, parameters):
            return reason
        if action == "undo" and self.last_deletion is None:
            return "Nothing was deleted that could be brought back."
        if action in ("delete", "copy_cell", "copy_listing") and self.pane.table.listing_id is None:
            return "There is no listing under the cursor."
        if action == "export" and not self.pane.shown_count:
            return "There is nothing to export: no listing is shown."
        return None

    def action_back(self) -> None:
        if self.pane.bar.text or self.pane.bar.has_focus_within:
            self.pane.bar.clear()
            self.pane.table.focus()
        elif self.pane.table.cursor.marks:
            self.pane.table.clear_marks()
        else:
            super().action_back()

    def action_filter(self) -> None:
        self.pane.bar.start()

    def action_tab(self, step: int) -> None:
        self.pane.tabs.step(step)

    @on(ListingTable.Opened)
    def _open(self, event: ListingTable.Opened) -> None:
        from mls_tui.ui.screens.detail import DetailScreen

        self.app.push_screen(DetailScreen(event.listing_id, self))

    # the neighbours that the detail screen asks for ------------------------------------------------------------

    def position(self, listing_id: str) -> tuple[int, int] | None:
        return self.pane.position(listing_id)

    def neighbour(self, listing_id: str, step: int) -> str | None:
        place = self.pane.position(listing_id)
        if place is None or not 0 <= place[0] + step < place[1]:
            return None
        found = self.pane.shown_ids[place[0] + step]
        self.pane.table.go_to(found)
        return found

    def renewed(self, listing: Listing) -> None:
        self.rows.put_many([listing])
        self.pane.changed()

    # deleting --------------------------------------------------------------------------------------------------

    def action_delete(self) -> None:
        table = self.pane.table
        ids = table.marked_ids or ([table.listing_id] if table.listing_id else [])
        begin(self, partial(self.delete, ids), "delete", exclusive=False)

    async def delete(self, ids: list[str]) -> bool:
        """Ask, delete, tell. True where something was deleted."""
        doomed = [self._doomed(each) for each in ids]
        if not doomed or not await self.app.push_screen_wait(delete_question(doomed, self._place())):
            return False
        result = await self.actions.delete_listings(ids, self.workspace, undoable=True)
        deletion = result.data
        if deletion is None:
            self.answered(result, title="Nothing was deleted")
            return False
        self._deleted(deletion)
        if deletion.failures:
            names = {each.listing_id: each.name for each in doomed}
            await self.app.push_screen_wait(FailuresDialog(len(deletion.deleted), deletion.failures, names))
            self.reload()
        return bool(deletion.deleted)

    def _place(self) -> str:
        """Both stores by their names, as the workspace has them open."""
        store, photos = self.workspace.store, self.workspace.photos
        return f"{store.describe()} and {photos.describe()}, of user {self.workspace.user_id}"

    def _doomed(self, listing_id: str) -> Doomed:
        row = self.rows.row_of(listing_id)
        if row is None:
            return Doomed(listing_id, listing_id, 0)
        street = brief(self.rows.addresses[row], 40) or "Address withheld"
        city = brief(self.rows.cities[row], 24)
        where = f"{street}, {city}" if city else street
        number = brief(self.rows.mls_numbers[row], 20)
        return Doomed(listing_id, f"{where} (MLS {number})", self.rows.photos_stored[row])

    def _deleted(self, deletion: Deletion) -> None:
        rows = {self.rows.row_of(listing.listing_id) for listing in deletion.deleted}
        self.rows.remove(listing.listing_id for listing in deletion.deleted)
        self.pane.table.cursor.forget({row for row in rows if row is not None})
        self.pane.changed()
        if deletion.deleted:
            self.last_deletion = deletion if deletion.undoable else None
            gone = plural(len(deletion.deleted), "listing")
            more = f" and {plural(deletion.photos, 'photo')}" if deletion.photos else ""
            self.notify(f"Deleted {gone}{more}." + (" u brings them back." if deletion.undoable else ""))
        self.refresh_bindings()

    def action_undo(self) -> None:
        begin(self, self._undo, "delete", exclusive=False)

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
        self.rows.bring_back(deletion.deleted)
        self.pane.changed()
        if back < len(deletion.deleted) or not result.success:
            self.reload()
        else:
            self.notify(f"{plural(back, 'listing')} brought back.")
        self.refresh_bindings()

    # copying and exporting -------------------------------------------------------------------------------------

    def action_copy_cell(self) -> None:
        text = self.pane.table.current_cell()
        self.app.copy_to_clipboard(text)
        self.notify(f"Copied {brief(text, 60)}")

    async def action_copy_listing(self) -> None:
        listing_id = self.pane.table.listing_id
        if listing_id is None:
            return
        listing = self.answered(await self.actions.get_listing(listing_id, self.workspace), title="Not copied")
        if listing is not None:
            self.app.copy_to_clipboard(json.dumps(listing.to_data(), indent=2, ensure_ascii=False))
            self.notify(f"Copied MLS {brief(listing.mls_number, 40)} as JSON")

    def action_export(self) -> None:
        begin(self, self._export, "export", exclusive=False)

    async def _export(self) -> None:
        ids = self.pane.shown_ids
        wish = await self.app.push_screen_wait(ExportDialog(len(ids), self.rows.living))
        if wish is None:
            return
        result = await self.actions.export_listings(
            ids, wish.path, wish.file_format, self.workspace, overwrite=wish.overwrite
        )
        if self.answered(result, title="Not exported") is not None:
            self.notify(result.message or f"Wrote {plural(result.data or 0, 'listing')} to {wish.path}")
