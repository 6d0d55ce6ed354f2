"""A virtual table of listings: draws only the lines on screen, whatever the number of rows. It shows an arrangement
that its screen computed; it never sorts, filters, or reads a store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mls_tui.ui.text import clean
from mls_tui.ui.widgets.lines import set_length
from mls_tui.ui.widgets.listing_columns import MARK_WIDTH, Laid, cell_text, lay_out, title_of
from mls_tui.ui.widgets.listing_cursor import Cursor
from mls_tui.ui.widgets.listing_keys import LISTING_TABLE_KEYS
from mls_tui.ui.widgets.listing_lines import COMPONENTS, LinePainter, Look
from mls_tui.ui.widgets.listing_rows import ListingRows

HEADER = 1


class ListingTable(ScrollView, can_focus=True, inherit_bindings=False):
    """``rows`` is the memory, ``show`` says which of them to show in what order. Enter and double click open."""

    COMPONENT_CLASSES: ClassVar[set[str]] = COMPONENTS
    BINDINGS = LISTING_TABLE_KEYS

    @dataclass
    class Opened(Message):
        """The user wants to see a listing."""

        listing_id: str

    @dataclass
    class Moved(Message):
        """Another row is under the cursor, or marks changed."""

        index: int

    @dataclass
    class SortChosen(Message):
        """The user wants another order; ``key`` is a column's, ``descending`` None turns the present one round."""

        key: str
        descending: bool | None = None

    sort_key: reactive[str] = reactive("listed", init=False)
    descending: reactive[bool] = reactive(True, init=False)
    column_key: reactive[str] = reactive("status", init=False)
    hovered: reactive[int] = reactive(-1, init=False, repaint=False)

    def __init__(self, rows: ListingRows, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.rows = rows
        self.cursor = Cursor()
        self.now_ms = 0
        self.note: tuple[str, ...] = ()
        """Lines that say what to do, shown in place of rows where there are none."""
        self._painter = LinePainter(self)

    # what is shown ---------------------------------------------------------------------------------------------

    @property
    def laid(self) -> tuple[Laid, ...]:
        """The columns on screen."""
        return lay_out((self.scrollable_content_region.width or 80) - 1)

    @property
    def hidden_order(self) -> str:
        """``Listed ▼`` where the rows are sorted by a column that does not fit; else empty."""
        if self.sort_key in {laid.column.key for laid in self.laid}:
            return ""
        return f"{title_of(self.sort_key)} {'▼' if self.descending else '▲'}"

    @property
    def page(self) -> int:
        """How many rows fit below the header."""
        return max(1, self.size.height - HEADER)

    @property
    def listing_id(self) -> str | None:
        """The listing under the cursor."""
        row = self.cursor.row
        return None if row is None else self.rows.ids[row]

    @property
    def marked_ids(self) -> list[str]:
        """Marked listings that still exist, those on screen first, in the order shown."""
        marks, alive = self.cursor.marks, self.rows.alive
        shown = [row for row in self.cursor.view if row in marks]
        hidden = sorted(marks.difference(shown))
        return [self.rows.ids[row] for row in (*shown, *hidden) if alive[row]]

    def show(self, view: list[int]) -> None:
        """Show these rows. The cursor and its line on screen stay where they are as far as that is possible."""
        line = self.cursor.index - self.scroll_offset.y
        touched = self.cursor.touched
        self.cursor.show(view)
        self._painter.forget()
        set_length(self, len(view) + HEADER)
        self.scroll_to(y=max(0, self.cursor.index - line) if touched else 0, animate=False, force=True)
        self.refresh()
        self.call_after_refresh(self._keep_visible)
        self.post_message(self.Moved(self.cursor.index))

    def to_top(self) -> None:
        """Forget where the cursor was: the next rows shown are shown from the first."""
        self.cursor.touched = False
        self.cursor.index = 0

    def current_cell(self) -> str:
        """The cell under the cursor as text."""
        row = self.cursor.row
        return "" if row is None else clean(cell_text(self.rows, row, self.column_key, self.now_ms), newlines=False)

    def go_to(self, listing_id: str) -> None:
        """Put the cursor on a listing, if it is shown."""
        row = self.rows.row_of(listing_id)
        if row is not None and row in self.cursor.view:
            self._move(self.cursor.view.index(row))

    # drawing ---------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        if y < HEADER:
            return self._painter.header(self.laid)
        index = self.scroll_offset.y + y - HEADER
        if not self.cursor.view:
            return self._painter.note(self.note, y - HEADER - 2)
        if index >= len(self.cursor.view):
            return self._painter.blank()
        row = self.cursor.view[index]
        look = Look(
            cursor=index == self.cursor.index,
            focused=self.has_focus,
            hovered=index == self.hovered,
            marked=row in self.cursor.marks,
        )
        return self._painter.line(row, look, self.laid)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._painter.forget()

    def refresh_rows(self) -> None:
        """Draw again what is on screen: the time has moved on."""
        self._painter.forget()
        self.refresh()

    def on_resize(self) -> None:
        self._painter.forget()
        self.virtual_size = Size(self.scrollable_content_region.width, len(self.cursor.view) + HEADER)
        if self.column_key not in {laid.column.key for laid in self.laid}:
            self.column_key = self.laid[0].column.key
        self.call_after_refresh(self._keep_visible)
        self.post_message(self.Moved(self.cursor.index))

    def watch_hovered(self, old: int, new: int) -> None:
        for index in (old, new):
            self._redraw(index)

    # moving ----------------------------------------------------------------------------------------------------

    def _move(self, index: int) -> None:
        old = self.cursor.index
        self.cursor.move(index)
        self._after_move(old)

    def _after_move(self, old: int) -> None:
        self._redraw(old)
        self._redraw(self.cursor.index)
        self._keep_visible()
        self.post_message(self.Moved(self.cursor.index))

    def _keep_visible(self) -> None:
        top, index = self.scroll_offset.y, self.cursor.index
        if index < top:
            self.scroll_to(y=index, animate=False, force=True)
        elif index >= top + self.page:
            self.scroll_to(y=index - self.page + 1, animate=False, force=True)

    def _redraw(self, index: int) -> None:
        y = index - self.scroll_offset.y + HEADER
        if HEADER <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def action_move(self, rows: int) -> None:
        self._move(self.cursor.index + rows)

    def action_page(self, pages: float) -> None:
        """``pages`` may be a half, or negative."""
        step = max(1, int(self.page * abs(pages)))
        self._move(self.cursor.index + (step if pages > 0 else -step))

    def action_first(self) -> None:
        self._move(0)

    def action_last(self) -> None:
        self._move(len(self.cursor.view) - 1)

    def action_column(self, step: int) -> None:
        keys = [laid.column.key for laid in self.laid]
        at = keys.index(self.column_key) if self.column_key in keys else 0
        self.column_key = keys[max(0, min(at + step, len(keys) - 1))]
        self.refresh()

    # marking ---------------------------------------------------------------------------------------------------

    def action_mark(self) -> None:
        """Mark the row under the cursor and go one down, as file managers do."""
        old = self.cursor.index
        self.cursor.toggle()
        self.cursor.move(old + 1)
        self._after_move(old)

    def action_mark_all(self) -> None:
        self.cursor.toggle_all()
        self.refresh()
        self.post_message(self.Moved(self.cursor.index))

    def action_extend(self, rows: int) -> None:
        self.cursor.extend(self.cursor.index + rows)
        self._keep_visible()
        self.refresh()
        self.post_message(self.Moved(self.cursor.index))

    def clear_marks(self) -> None:
        self.cursor.marks = set()
        self.refresh()
        self.post_message(self.Moved(self.cursor.index))

    # opening and sorting ---------------------------------------------------------------------------------------

    def action_open(self) -> None:
        if self.listing_id is not None:
            self.post_message(self.Opened(self.listing_id))

    def action_sort(self) -> None:
        """Sort by the column of the cell cursor; pressed again, by the next one."""
        keys = [laid.column.key for laid in self.laid]
        key = self.column_key
        if key == self.sort_key and key in keys:
            key = keys[(keys.index(key) + 1) % len(keys)]
        self.column_key = key
        self.post_message(self.SortChosen(key, first_descending(key)))

    def action_turn_round(self) -> None:
        self.post_message(self.SortChosen(self.sort_key))

    # mouse -----------------------------------------------------------------------------------------------------

    def on_mouse_move(self, event: events.MouseMove) -> None:
        index = self.scroll_offset.y + event.y - HEADER
        self.hovered = index if event.y >= HEADER and index < len(self.cursor.view) else -1

    def on_leave(self) -> None:
        self.hovered = -1

    async def _on_click(self, event: events.Click) -> None:
        event.stop()
        if event.y < HEADER:
            self._clicked_header(event.x)
            return
        index = self.scroll_offset.y + event.y - HEADER
        if index >= len(self.cursor.view):
            return
        if event.shift:
            self.action_extend(index - self.cursor.index)
            return
        self._move(index)
        if event.x < MARK_WIDTH or event.ctrl:
            self.cursor.toggle()
            self._after_move(index)
        elif event.chain == 2:
            self.action_open()

    def _clicked_header(self, x: int) -> None:
        for laid in self.laid:
            if laid.x <= x <= laid.x + laid.width:
                key = laid.column.key
                self.column_key = key
                self.post_message(self.SortChosen(key, None if key == self.sort_key else first_descending(key)))


def first_descending(key: str) -> bool:
    """Which way a column is sorted first: numbers and dates from the top, texts from A."""
    return key not in ("status", "address", "city", "type", "mls")
