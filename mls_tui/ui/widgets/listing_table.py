"""The table of listings: its columns, its cells, marks and sorting. It shows the rows that a query found and fetches
only the lines on the screen."""

from __future__ import annotations

from array import array
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from mls_tui.storage.summaries import Summary
from mls_tui.ui.formats import NOTHING, age, money, number
from mls_tui.ui.tasks import start_task
from mls_tui.ui.text import brief, clean, one_line
from mls_tui.ui.widgets.tables import VirtualTable

TABLE = Binding.Group("Table")
MOVE = Binding.Group("Move")
MARKS = Binding.Group("Marks")
STATUS_GLYPHS = {"active": "●", "pending": "◐", "sold": "✔", "expired": "○"}
MARK_WIDTH = 2
MAX_SUMMARIES = 2_000
"""Summaries that are kept in memory."""

# columns ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Column:
    """``least`` and ``most`` are widths in cells; ``short`` is the title if the column is narrow. ``look`` is the name
    of the cell's colour."""

    key: str
    title: str
    short: str
    least: int
    most: int
    right: bool = False
    look: str = ""
    descending: bool = False
    """Which way it is sorted first: numbers and dates from the top, texts from A."""


@dataclass(frozen=True, slots=True)
class PlacedColumn:
    """A column that is shown, with its first cell and its width."""

    column: Column
    x: int
    width: int

    @property
    def title(self) -> str:
        return self.column.title if len(self.column.title) < self.width else self.column.short


COLUMNS = (
    Column("status", "Status", "", 1, 10),
    Column("price", "Price", "Price", 10, 14, right=True, look="strong", descending=True),
    Column("beds", "Beds", "Bd", 3, 5, right=True, descending=True),
    Column("baths", "Baths", "Ba", 3, 6, right=True, descending=True),
    Column("sqft", "ft²", "ft²", 6, 8, right=True, descending=True),
    Column("address", "Address", "Address", 14, 44),
    Column("city", "City", "City", 8, 20),
    Column("type", "Type", "Type", 6, 16, look="dim"),
    Column("mls", "MLS №", "MLS №", 10, 14, look="dim"),
    Column("listed", "Listed", "Listed", 10, 10, look="dim", descending=True),
    Column("photos", "Photos", "Photo", 6, 7, right=True, descending=True),
    Column("synced", "Synced", "Sync", 7, 10, right=True, look="dim", descending=True),
)
_BY_KEY = {column.key: column for column in COLUMNS}

_FIRST = ("status", "price", "address", "beds", "baths", "sqft", "city", "photos")
_THEN = ("mls", "type", "listed")
_LAST = tuple(column.key for column in COLUMNS if column.key not in (*_FIRST, *_THEN))
_STATUS_WORD = 9
_HIDDEN_WIDTH = 4
_GROW_FIRST = (("address", 17), ("city", 10))
_GROW_STEPS = (("address", 26), ("city", 14), ("address", 44))


def place_columns(width: int, sort: str = "listed") -> tuple[PlacedColumn, ...]:
    """The columns that fit into ``width`` cells, in the order of COLUMNS. The most important are chosen first; the sort
    column is always among them if any fits.

    A column that does not fit is left out, and four cells at the right are kept for the ``+3`` that says so.
    """
    laid = _place_columns(width, sort)
    return laid if len(laid) == len(COLUMNS) else _place_columns(width - _HIDDEN_WIDTH, sort)


def _place_columns(width: int, sort: str) -> tuple[PlacedColumn, ...]:
    gap = 1 if width < 100 else 2
    free = width - MARK_WIDTH
    widths: dict[str, int] = {}
    for key in dict.fromkeys(("status", sort, *_FIRST)):
        free = _add(widths, key, free, gap)
    if "status" in widths and free >= _STATUS_WORD - 1:
        widths["status"] = _STATUS_WORD
        free -= _STATUS_WORD - 1
    free = _grow(widths, free, _GROW_FIRST)
    for key in (*_THEN, *_LAST):
        free = _add(widths, key, free, gap)
    _grow(widths, free, (*_GROW_STEPS, *((column.key, column.most) for column in COLUMNS)))
    laid, x = [], MARK_WIDTH
    for column in COLUMNS:
        if column.key in widths:
            laid.append(PlacedColumn(column, x, widths[column.key]))
            x += widths[column.key] + gap
    return tuple(laid)


def _add(widths: dict[str, int], key: str, free: int, gap: int) -> int:
    need = _BY_KEY[key].least + (gap if widths else 0)
    if key in widths or need > free:
        return free
    widths[key] = _BY_KEY[key].least
    return free - need


def _grow(widths: dict[str, int], free: int, steps: Iterable[tuple[str, int]]) -> int:
    for key, wanted in steps:
        if key in widths and not (key == "status" and widths[key] == 1):
            more = max(0, min(free, wanted - widths[key]))
            widths[key] += more
            free -= more
    return free


def cell_text(home: Summary, key: str, now_ms: int) -> str:
    """The text of a cell, not yet cut or padded. Feed text in it is not yet made safe to show."""
    return _CELLS[key](home, now_ms)


def _photos(home: Summary, _now: int) -> str:
    return f"{home.photos}/{home.photos_total}" if home.photos_total else NOTHING


_CELLS: dict[str, Callable[[Summary, int], str]] = {
    "status": lambda home, _: f"{STATUS_GLYPHS.get(home.status, '?')} {home.status.capitalize()}",
    "price": lambda home, _: money(home.price) + (home.per if home.price is not None else ""),
    "beds": lambda home, _: number(home.beds),
    "baths": lambda home, _: number(home.baths),
    "sqft": lambda home, _: number(home.sqft),
    "address": lambda home, _: home.street or "(address withheld)",
    "city": lambda home, _: home.city or NOTHING,
    "type": lambda home, _: home.kind or NOTHING,
    "mls": lambda home, _: home.mls_number,
    "listed": lambda home, _: home.list_date or NOTHING,
    "photos": _photos,
    "synced": lambda home, now: age(home.synced, now),
}


# keys ------------------------------------------------------------------------------------------------------------


def _move(keys: str, action: str, label: str, name: str, tooltip: str) -> Binding:
    return Binding(keys, action, label, show=False, id=f"table.{name}", tooltip=tooltip, group=MOVE)


_KEYS: list[BindingType] = [
    Binding("enter", "open", "Open", id="table.open", tooltip="Photos, facts and history of this listing", group=TABLE),
    Binding("space", "mark", "Mark", id="table.mark", tooltip="Mark this listing, or take its mark away", group=MARKS),
    Binding("asterisk", "mark_all", "Mark all", show=False, id="table.mark-all", tooltip="Mark all shown", group=MARKS),
    Binding(
        "shift+up", "extend(-1)", "Range up", show=False, id="table.extend-up", tooltip="Mark upwards", group=MARKS
    ),
    Binding(
        "shift+down", "extend(1)", "Range down", show=False, id="table.extend-down", tooltip="Mark downwards",
        group=MARKS,
    ),
    Binding("s", "sort", "Sort", id="table.sort", tooltip="Sort by this column; again: by the next one", group=TABLE),
    Binding("S", "reverse", "Reverse", show=False, id="table.reverse", tooltip="Reverse the order", group=TABLE),
    _move("up,k", "move(-1)", "Up", "up", "One row up"),
    _move("down,j", "move(1)", "Down", "down", "One row down"),
    _move("left,h", "column(-1)", "Left", "left", "The cell to the left"),
    _move("right,l", "column(1)", "Right", "right", "The cell to the right"),
    _move("pageup", "page(-1)", "Page up", "page-up", "One page up"),
    _move("pagedown", "page(1)", "Page down", "page-down", "One page down"),
    _move("ctrl+u", "page(-0.5)", "Half page up", "half-up", "Half a page up"),
    _move("ctrl+d", "page(0.5)", "Half page down", "half-down", "Half a page down"),
    _move("home,g", "edge(0)", "First", "first", "The first row"),
    _move("end,G", "edge(1)", "Last", "last", "The last row"),
]  # fmt: skip

_PARTS = (
    "header", "header-sorted", "header-column", "cursor", "cursor-blurred", "cell", "hover", "marked", "mark",
    "active", "pending", "sold", "expired", "warning", "dim", "strong",
)  # fmt: skip


Fetch = Callable[[Sequence[int]], Awaitable[Sequence[Summary]]]


class ListingTable(VirtualTable):
    """``fetch`` reads the summaries of rows. Enter and double click open."""

    LOOKS = "listing-table"
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"listing-table--{part}" for part in _PARTS}
    BINDINGS = _KEYS

    @dataclass
    class Opened(Message):
        """The user wants to see a listing."""

        row: int

    @dataclass
    class SortChosen(Message):
        """The user wants another order; ``key`` is a column's, ````descending`` None reverses the current order."""

        key: str
        descending: bool | None = None

    sort_key: reactive[str] = reactive("listed", init=False)
    descending: reactive[bool] = reactive(True, init=False)
    column_key: reactive[str] = reactive("status", init=False)
    hovered: reactive[int] = reactive(-1, init=False, repaint=False)

    def __init__(self, fetch: Fetch, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.marks: set[int] = set()
        self.now_ms = 0
        self.note: tuple[str, ...] = ()
        """Lines that say what to do, shown if there are no rows."""
        self._fetch = fetch
        self._fetching = False
        self._homes: dict[int, Summary] = {}
        self._strips: dict[tuple[int, bool, bool, bool, str], Strip] = {}
        self._touched = False
        """False until the user moved or marked: an untouched cursor stays at the top while rows arrive."""
        self._anchor: int | None = None
        self._before: frozenset[int] = frozenset()

    # what is shown ---------------------------------------------------------------------------------------------

    @property
    def placed(self) -> tuple[PlacedColumn, ...]:
        """The columns on screen."""
        return place_columns((self.scrollable_content_region.width or 80) - 1, self.sort_key)

    @property
    def summary(self) -> Summary | None:
        """The listing under the cursor; None if it is not read yet."""
        return None if self.row is None else self._homes.get(self.row)

    @property
    def marked_rows(self) -> Sequence[int]:
        """Marked rows, those that are shown first, in the order shown."""
        if not self.marks:
            return ()
        shown = [row for row in self.rows if row in self.marks]
        return [*shown, *sorted(self.marks.difference(shown))]

    def window(self, rows: Sequence[int], index: int) -> Sequence[int]:
        """The rows to read around a place: two pages before and after it."""
        around = 2 * self.page
        return rows[max(0, index - around) : index + around + self.page]

    def next_index(self, rows: Sequence[int]) -> int:
        """Where the cursor will stand among these rows."""
        if not self._touched or self.row is None:
            return 0
        try:
            return rows.index(self.row)
        except ValueError:
            return max(0, min(self.index, len(rows) - 1))

    def show(self, rows: array[int], homes: Iterable[Summary]) -> None:
        """Show these rows; ``homes`` are the summaries of those on the screen. The cursor stays on its listing, and its
        line on the screen where it is, if possible."""
        line = self.index - self.scroll_offset.y
        if not self._touched:
            self.index, self.rows = 0, ()
        self._anchor = None
        self._homes = {home.row: home for home in homes}
        self._strips.clear()
        self.set_rows(rows)
        top = max(0, self.index - line) if self._touched else 0
        if top != self.scroll_offset.y:
            self.scroll_to(y=top, animate=False, force=True)

    def select_next(self, row: int | None) -> None:
        """Put the cursor on this row when the next rows are shown, if it is among them."""
        if row is not None:
            self.rows, self.index, self._touched = array("q", [row]), 0, True

    def drop(self, gone: set[int]) -> None:
        """Remove rows that no longer exist."""
        self.marks -= gone
        self.show(array("q", (row for row in self.rows if row not in gone)), self._homes.values())

    def to_top(self) -> None:
        """Show the next rows from the first, with the cursor there."""
        self._touched = False
        self.index = 0

    def current_cell(self) -> str:
        """The cell under the cursor as text."""
        home = self.summary
        return "" if home is None else clean(cell_text(home, self.column_key, self.now_ms), newlines=False)

    def go_to_row(self, row: int | None) -> None:
        """Put the cursor on a row, if it is shown."""
        if row is not None and row in self.rows:
            self.go_to(self.rows.index(row))

    def forget(self) -> None:
        """Draw everything again."""
        self._strips.clear()
        self.refresh()

    # reading what is seen --------------------------------------------------------------------------------------

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._fetch_soon()

    def _missing(self) -> list[int]:
        """Rows on the screen, or a page from it, that are not read yet."""
        top, page = self.scroll_offset.y, self.page
        near = self.rows[max(0, top - page) : top + 2 * page]
        if all(row in self._homes for row in near):
            return []
        return [row for row in self.window(self.rows, top) if row not in self._homes]

    def _fetch_soon(self) -> None:
        if not self._fetching and self.is_mounted and self._missing():
            self._fetching = True
            start_task(self, self._fill, "lines", exclusive=False)

    async def _fill(self) -> None:
        try:
            while missing := self._missing():
                found = await self._fetch(missing)
                if len(self._homes) > MAX_SUMMARIES:
                    self._homes = {}
                self._homes |= {home.row: home for home in found}
                self.forget()
                if len(found) < len(missing):
                    return  # some were deleted: the next query of the store removes them
        finally:
            self._fetching = False

    # drawing ---------------------------------------------------------------------------------------------------

    def draw_header(self) -> Strip:
        base, laid = self.look("header"), self.placed
        segments = [Segment(" " * MARK_WIDTH, base)]
        for place in laid:
            key = place.column.key
            style = base
            title = place.title
            if key == self.sort_key:
                style += self.look("header-sorted", alone=True)
                title = one_line(title, place.width - 1) + ("▼" if self.descending else "▲")
            if key == self.column_key and self.has_focus:
                style += self.look("header-column", alone=True)
            segments += _pad(segments, place, base)
            segments.append(Segment(_fit(title, place), style))
        if hidden := len(COLUMNS) - len(laid):
            width = self.scrollable_content_region.width
            strip = Strip(segments).adjust_cell_length(max(0, width - _HIDDEN_WIDTH), base)
            return Strip([*strip, Segment(f" +{hidden}", base)]).adjust_cell_length(width, base)
        return self._finish(segments, base)

    def draw_line(self, index: int) -> Strip:
        row = self.rows[index]
        cursor, focused = index == self.index, self.has_focus
        state = (row, cursor and focused, cursor, row in self.marks, "")
        if cursor:
            state = (*state[:4], self.column_key)
        elif index == self.hovered:
            state = (*state[:4], "hover")
        strip = self._strips.get(state)
        if strip is None:
            home = self._homes.get(row)
            if home is None:
                return self._finish([], self._base(*state[1:4], hovered=False))
            strip = self._strips[state] = self._draw(home, *state[1:])
        return strip

    def draw_beyond(self, line: int) -> Strip:
        """An empty table says what to do; the first line is the headline."""
        style, line = self.rich_style, line - 2
        if self.rows or not 0 <= line < len(self.note):
            return super().draw_beyond(line)
        width = self.scrollable_content_region.width
        text = one_line(self.note[line], width - 4)
        shown = style + (Style(bold=True) if line == 0 else Style(color=self.look("dim").color))
        left = max(0, (width - cell_len(text)) // 2)
        return self._finish([Segment(" " * left, style), Segment(text, shown)], style)

    def _draw(self, home: Summary, focused: bool, cursor: bool, marked: bool, column: str) -> Strip:
        base = self._base(focused, cursor, marked, hovered=column == "hover")
        segments = [Segment("✓ ", base + self.look("mark", alone=True)) if marked else Segment("  ", base)]
        gap = base
        for place in self.placed:
            key = place.column.key
            text = cell_text(home, key, self.now_ms)
            name = place.column.look
            if key == "status":
                name = home.status if home.status in STATUS_GLYPHS else ""
                text = text[:1] if place.width == 1 else text
            elif key == "photos" and home.photos < home.photos_total:
                name = "warning"
            style = base
            if name and not focused and not (cursor and name == "dim"):  # dim is too faint on the cursor's colour
                style += Style(color=self.look(name).color, bold=name == "strong" or None)
            segments += _pad(segments, place, gap)
            gap = style  # a blank looks the same in any foreground, and one run of a style takes half the bytes of two
            if focused and key == column:
                style += self.look("cell", alone=True)
            segments.append(Segment(_fit(text, place), style))
        return self._finish(segments, base).simplify()

    def _base(self, focused: bool, cursor: bool, marked: bool, *, hovered: bool) -> Style:
        """The line's background. Styles are whole, not partial: only then is a translucent colour blended."""
        if cursor:
            return self.look("cursor" if focused else "cursor-blurred")
        if marked:
            return self.look("marked")
        return self.look("hover") if hovered else self.rich_style

    def _finish(self, segments: list[Segment], style: Style) -> Strip:
        return Strip(segments).adjust_cell_length(self.scrollable_content_region.width, style)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._strips.clear()

    def on_resize(self) -> None:
        super().on_resize()
        self.forget()
        shown = [placed.column.key for placed in self.placed]
        if shown and self.column_key not in shown:
            self.column_key = shown[0]
        self._fetch_soon()
        self.post_message(self.Moved(self.row))

    def watch_hovered(self, old: int, new: int) -> None:
        for index in (old, new):
            self.redraw(index)

    def watch_column_key(self) -> None:
        self.refresh()

    def watch_sort_key(self) -> None:
        self.forget()

    # moving and marking ----------------------------------------------------------------------------------------

    def go_to(self, index: int) -> None:
        self._touched, self._anchor = True, None
        super().go_to(index)

    def action_column(self, step: int) -> None:
        keys = [placed.column.key for placed in self.placed]
        if keys:
            at = keys.index(self.column_key) if self.column_key in keys else 0
            self.column_key = keys[max(0, min(at + step, len(keys) - 1))]

    def action_mark(self) -> None:
        """Mark the row under the cursor and go one down, as file managers do."""
        self._toggle()
        self.go_to(self.index + 1)
        self._marked()

    def _toggle(self) -> None:
        if self.row is not None:
            self.marks ^= {self.row}

    def action_mark_all(self) -> None:
        """Mark every row shown; if all are marked, unmark them."""
        shown = set(self.rows)
        self._touched = True
        self.marks = self.marks - shown if shown <= self.marks else self.marks | shown
        self._marked()

    def action_extend(self, rows: int) -> None:
        """Mark from the start of the range to here. Rows that leave the range get back the mark they had."""
        if not self.rows:
            return
        if self._anchor is None:
            self._anchor, self._before = self.index, frozenset(self.marks)
        anchor, before = self._anchor, self._before
        self.go_to(self.index + rows)
        self._anchor, self._before = anchor, before
        low, high = sorted((anchor, self.index))
        self.marks = set(before) | set(self.rows[low : high + 1])
        self._marked()

    def clear_marks(self) -> None:
        self.marks = set()
        self._marked()

    def _marked(self) -> None:
        self.refresh()
        self.post_message(self.Moved(self.row))

    # opening and sorting ---------------------------------------------------------------------------------------

    def action_open(self) -> None:
        if self.row is not None:
            self.post_message(self.Opened(self.row))

    def action_sort(self) -> None:
        """Sort by the column of the cell cursor; pressed again, by the next one."""
        keys = [placed.column.key for placed in self.placed]
        key = self.column_key
        if key == self.sort_key and key in keys:
            key = keys[(keys.index(key) + 1) % len(keys)]
        self.column_key = key
        self.post_message(self.SortChosen(key, _BY_KEY[key].descending))

    def action_reverse(self) -> None:
        self.post_message(self.SortChosen(self.sort_key))

    # mouse -----------------------------------------------------------------------------------------------------

    def on_mouse_move(self, event: events.MouseMove) -> None:
        index = self.place_of(event)
        self.hovered = -1 if index is None else index

    def on_leave(self) -> None:
        self.hovered = -1

    async def _on_click(self, event: events.Click) -> None:
        event.stop()
        if event.y < 1:
            self._clicked_header(event.x)
            return
        index = self.place_of(event)
        if index is None:
            return
        if event.shift:
            self.action_extend(index - self.index)
            return
        self.go_to(index)
        if event.x < MARK_WIDTH or event.ctrl:
            self._toggle()
            self._marked()
        elif event.chain == 2:
            self.action_open()

    def _clicked_header(self, x: int) -> None:
        for placed in self.placed:
            if placed.x <= x <= placed.x + placed.width:
                key = placed.column.key
                self.column_key = key
                turned = None if key == self.sort_key else placed.column.descending
                self.post_message(self.SortChosen(key, turned))


def _pad(segments: list[Segment], place: PlacedColumn, style: Style) -> list[Segment]:
    """The gap before a column."""
    gap = place.x - sum(segment.cell_length for segment in segments)
    return [Segment(" " * gap, style)] if gap > 0 else []


def _fit(text: str, place: PlacedColumn) -> str:
    """Exactly ``place.width`` cells."""
    cut = brief(text, place.width)
    space = " " * (place.width - cell_len(cut))
    return space + cut if place.column.right else cut + space
