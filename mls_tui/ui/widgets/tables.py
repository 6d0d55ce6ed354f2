"""Tables: the keys that go through rows, a DataTable for few of them, and a virtual table, drawn line by line, for any
number."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widgets import DataTable

from mls_tui.ui.text import one_line
from mls_tui.ui.widgets.lines import LongLines, set_length

MOVE = Binding.Group("Move")
_ROWS = (
    ("up,k", "up", "Up"),
    ("down,j", "down", "Down"),
    ("home,g", "top", "First row"),
    ("end,G", "bottom", "Last row"),
    ("pageup,ctrl+u", "page_up", "A page up"),
    ("pagedown,ctrl+d", "page_down", "A page down"),
)


def move(keys: str, action: str, name: str, words: str) -> Binding:
    """A key that is not shown in the bar."""
    return Binding(keys, action, words, show=False, id=f"table.{name}", tooltip=words, group=MOVE)


def row_keys(*actions: str) -> list[BindingType]:
    """Up, down, first, last, a page up, a page down: ``actions`` says what each starts, in this order."""
    return [move(keys, action, name, words) for (keys, name, words), action in zip(_ROWS, actions, strict=True)]


MARGINS = 3
"""What the table leaves free of the screen's width: a cell on either side, and one for its scrollbar."""


class SmallTable(DataTable[object], inherit_bindings=False):
    """Rows are chosen whole. Cells must be ``rich.text.Text`` (see ``plain.cell``): a ``str`` would be markup."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *row_keys("cursor_up", "cursor_down", "scroll_top", "scroll_bottom", "page_up", "page_down"),
        move("left,h", "cursor_left", "left", "Left"),
        move("right,l", "cursor_right", "right", "Right"),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, cursor_type="row", zebra_stripes=False, cursor_foreground_priority="css")
        self._all: tuple[Sequence[str], Mapping[str, Sequence[Text]], str] = ((), {}, "")
        self._words: list[str] = []

    def show(self, columns: Sequence[str], rows: Mapping[str, Sequence[Text]], *, elastic: str = "") -> None:
        """Replace everything, keeping the cursor on its row. Columns are as wide as their widest cell; ``elastic``
        gives way if they do not fit."""
        self._all = columns, rows, elastic
        chosen, y = self.chosen, self.scroll_offset.y
        rows = {key: row for key, row in rows.items() if self._has_words(row)}
        self.clear(columns=True)
        widths = [
            max([cell_len(label), *(row[index].cell_len for row in rows.values())])
            for index, label in enumerate(columns)
        ]
        if elastic in columns:
            index = columns.index(elastic)
            room = self.app.size.width - MARGINS - sum(widths) - 2 * len(widths)
            widths[index] = max(10, widths[index] + min(0, room))
        for index, label in enumerate(columns):
            cells = [row[index] for row in rows.values()]
            right = bool(cells) and cells[0].justify == "right"
            self.add_column(Text(label, justify="right" if right else "left"), width=widths[index], key=label)
        for key, row in rows.items():
            self.add_row(*(_cut(text, width) for text, width in zip(row, widths, strict=True)), key=key)
        self.choose(chosen)
        self.scroll_to(y=y, animate=False)

    def filter_rows(self, text: str) -> None:
        """Show only the rows that hold each of these words."""
        self._words = text.lower().split()
        self.show(self._all[0], self._all[1], elastic=self._all[2])

    def _has_words(self, row: Sequence[Text]) -> bool:
        text = " ".join(cell.plain for cell in row).lower()
        return all(word in text for word in self._words)

    @property
    def chosen(self) -> str | None:
        """The key of the row under the cursor."""
        if not self.row_count or not self.is_valid_row_index(self.cursor_row):
            return None
        return self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value

    def choose(self, key: str | None) -> None:
        """Put the cursor on a row, if it is there."""
        if key is not None and key in self.rows:
            self.move_cursor(row=self.get_row_index(key), animate=False)


def _cut(text: Text, width: int) -> Text:
    if text.cell_len > width:
        text = text.copy()
        text.truncate(width, overflow="ellipsis")
    return text


HEADER = 1
GAP = 2


class VirtualTable(LongLines, can_focus=True, inherit_bindings=False):
    """A header, rows and a cursor. ``rows`` are the numbers of the rows in the order shown, ``index`` is the cursor's
    place among them. Subclasses draw."""

    BINDINGS: ClassVar[list[BindingType]] = row_keys("move(-1)", "move(1)", "edge(0)", "edge(1)", "page(-1)", "page(1)")

    @dataclass
    class Moved(Message):
        """Another row is under the cursor; None if there are no rows."""

        row: int | None

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.rows: Sequence[int] = ()
        self.index = 0

    @abstractmethod
    def draw_header(self) -> Strip: ...

    @abstractmethod
    def draw_line(self, index: int) -> Strip: ...

    def draw_beyond(self, _line: int) -> Strip:
        """A line below the last row, counted from the header."""
        return Strip.blank(self.scrollable_content_region.width, self.rich_style)

    @property
    def row(self) -> int | None:
        """The row under the cursor."""
        return self.rows[self.index] if self.index < len(self.rows) else None

    @property
    def page(self) -> int:
        """How many rows fit below the header."""
        return max(1, self.size.height - HEADER)

    def set_rows(self, rows: Sequence[int]) -> None:
        """Other rows. The cursor stays on its row, else on its place."""
        row = self.row
        self.rows = rows
        with contextlib.suppress(ValueError):
            self.index = self.index if row is None else rows.index(row)
        self.index = max(0, min(self.index, len(rows) - 1))
        set_length(self, len(rows) + HEADER)
        self.refresh_changed()
        self.call_after_refresh(self.keep_visible)
        self.post_message(self.Moved(self.row))

    def draw_visible(self, y: int) -> Strip:
        index = self.scroll_offset.y + y - HEADER
        if y < HEADER:
            return self.draw_header()
        return self.draw_line(index) if index < len(self.rows) else self.draw_beyond(y - HEADER)

    def on_resize(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, len(self.rows) + HEADER)
        self.call_after_refresh(self.keep_visible)

    # moving ----------------------------------------------------------------------------------------------------

    def go_to(self, index: int) -> None:
        """Put the cursor on the row at this place, from 0."""
        old, self.index = self.index, max(0, min(index, len(self.rows) - 1))
        self.redraw(old)
        self.redraw(self.index)
        if self.index != old:
            self.keep_visible()
            self.post_message(self.Moved(self.row))

    def redraw(self, index: int) -> None:
        """Draw one row again."""
        y = index - self.scroll_offset.y + HEADER
        if HEADER <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def keep_visible(self) -> None:
        top = self.scroll_offset.y
        wanted = self.index if self.index < top else max(top, self.index - self.page + 1)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, force=True)

    def action_move(self, rows: int) -> None:
        self.go_to(self.index + rows)

    def action_page(self, pages: float) -> None:
        """``pages`` may be a half, or negative."""
        step = max(1, int(self.page * abs(pages)))
        self.go_to(self.index + (step if pages > 0 else -step))

    def action_edge(self, last: int) -> None:
        self.go_to(len(self.rows) - 1 if last else 0)

    def place_of(self, event: events.MouseEvent) -> int | None:
        """The place of the row under the mouse."""
        index = self.scroll_offset.y + event.y - HEADER
        return index if event.y >= HEADER and index < len(self.rows) else None


@dataclass(frozen=True, slots=True)
class LineColumn:
    """``width`` in cells; 0 takes what the others leave."""

    title: str
    width: int
    right: bool = False


class LineTable(VirtualTable):
    """``show`` says which rows; ``draw`` makes the cells of one, as many as there are columns."""

    LOOKS = "line-table"
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "line-table--header", "line-table--cursor", "line-table--cursor-blurred",
    }  # fmt: skip

    @dataclass
    class Chosen(Message):
        """A row was clicked that was under the cursor already."""

        row: int

    def __init__(self, draw: Callable[[int], Sequence[Text]], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._draw = draw
        self._columns: tuple[LineColumn, ...] = ()

    def show(self, columns: Sequence[LineColumn], rows: Sequence[int]) -> None:
        self._columns = tuple(columns)
        self.set_rows(rows)

    def draw_header(self) -> Strip:
        return self._line([Text(column.title) for column in self._columns], self.look("header"))

    def draw_line(self, index: int) -> Strip:
        cells = self._draw(self.rows[index])
        if index != self.index:
            return self._line(cells, self.rich_style)
        style = self.look("cursor" if self.has_focus else "cursor-blurred")
        return self._line([_recoloured(cell, style) for cell in cells], style)

    def _line(self, cells: Sequence[Text], style: Style) -> Strip:
        taken = sum(column.width + GAP for column in self._columns) + 1
        left = max(8, self.scrollable_content_region.width - taken)
        segments = [Segment(" ", style)]
        for column, cell in zip(self._columns, cells, strict=True):
            width = column.width or left
            text = one_line(cell.plain, width)
            space = Segment(" " * max(0, width - Text(text).cell_len), style)
            own = cell.style if isinstance(cell.style, Style) else Style.parse(cell.style) if cell.style else None
            shown = Segment(text, style + own if own else style)
            segments += [space, shown] if column.right else [shown, space]
            segments.append(Segment(" " * GAP, style))
        return Strip(segments).adjust_cell_length(self.scrollable_content_region.width, style)

    async def _on_click(self, event: events.Click) -> None:
        event.stop()
        index = self.place_of(event)
        if index is not None and index == self.index:
            self.post_message(self.Chosen(self.rows[index]))
        elif index is not None:
            self.go_to(index)


def _recoloured(cell: Text, style: Style) -> Text:
    """Under the cursor a cell has the cursor's colour, which can be read on its background."""
    bold = "bold" in str(cell.style)
    return Text(cell.plain, style=style + Style(bold=True) if bold else style)
