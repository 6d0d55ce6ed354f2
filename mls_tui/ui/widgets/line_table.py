"""A table of any number of rows, drawn line by line like the listings table: a cell is made only where it is seen. It
knows nothing of what its rows mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mls_tui.ui.widgets.plain import one_line
from mls_tui.ui.widgets.row_keys import row_keys

HEADER = 1
GAP = 2


@dataclass(frozen=True, slots=True)
class LineColumn:
    """``width`` in cells; 0 takes what the others leave."""

    title: str
    width: int
    right: bool = False


class LineTable(ScrollView, can_focus=True, inherit_bindings=False):
    """``show`` says which rows; ``draw`` makes the cells of one, as many as there are columns."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "line-table--header", "line-table--cursor", "line-table--cursor-blurred",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = row_keys("move(-1)", "move(1)", "edge(0)", "edge(1)", "page(-1)", "page(1)")

    @dataclass
    class Moved(Message):
        """Another row is under the cursor; None where there are no rows."""

        row: int | None

    @dataclass
    class Chosen(Message):
        """A row was clicked that was under the cursor already."""

        row: int

    def __init__(self, draw: Callable[[int], Sequence[Text]], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._draw = draw
        self._columns: tuple[LineColumn, ...] = ()
        self._rows: Sequence[int] = ()
        self._index = 0

    @property
    def row(self) -> int | None:
        """The row under the cursor."""
        return self._rows[self._index] if self._index < len(self._rows) else None

    @property
    def page(self) -> int:
        """How many rows fit below the header."""
        return max(1, self.size.height - HEADER)

    def show(self, columns: Sequence[LineColumn], rows: Sequence[int]) -> None:
        """Other rows or columns. The cursor stays on its row, else on its place."""
        row = self.row
        self._columns, self._rows = tuple(columns), rows
        self._index = rows.index(row) if row in rows else max(0, min(self._index, len(rows) - 1))
        self.virtual_size = Size(self.size.width, len(rows) + HEADER)
        self.refresh()
        self.call_after_refresh(self._keep_visible)
        self.post_message(self.Moved(self.row))

    # drawing ---------------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        index = self.scroll_offset.y + y - HEADER
        if y < HEADER:
            style = self.get_component_rich_style("line-table--header")
            cells = [Text(column.title) for column in self._columns]
        elif index < len(self._rows):
            chosen = index == self._index
            name = "line-table--cursor" if self.has_focus else "line-table--cursor-blurred"
            style = self.get_component_rich_style(name) if chosen else self.rich_style
            cells = [_recoloured(cell, style) if chosen else cell for cell in self._draw(self._rows[index])]
        else:
            return Strip.blank(width, self.rich_style)
        return Strip(list(self._segments(cells, style))).adjust_cell_length(width, style)

    def _segments(self, cells: Sequence[Text], style: Style) -> Sequence[Segment]:
        widths = self._widths()
        segments = [Segment(" ", style)]
        for column, width, cell in zip(self._columns, widths, cells, strict=True):
            text = one_line(cell.plain, width)
            space = Segment(" " * max(0, width - Text(text).cell_len), style)
            own = cell.style if isinstance(cell.style, Style) else Style.parse(cell.style) if cell.style else None
            shown = Segment(text, style + own if own else style)
            segments += [space, shown] if column.right else [shown, space]
            segments.append(Segment(" " * GAP, style))
        return segments

    def _widths(self) -> list[int]:
        taken = sum(column.width + GAP for column in self._columns) + 1
        left = max(8, self.scrollable_content_region.width - taken)
        return [column.width or left for column in self._columns]

    # moving ----------------------------------------------------------------------------------------------------

    def go_to(self, index: int) -> None:
        """Put the cursor on the row at this place, from 0."""
        index = max(0, min(index, len(self._rows) - 1))
        self._redraw(self._index)
        self._redraw(index)
        if index != self._index:
            self._index = index
            self._keep_visible()
            self.post_message(self.Moved(self.row))

    def _redraw(self, index: int) -> None:
        y = index - self.scroll_offset.y + HEADER
        if HEADER <= y < self.size.height:
            self.refresh(Region(0, y, self.size.width, 1))

    def _keep_visible(self) -> None:
        top = self.scroll_offset.y
        wanted = min(self._index, top) if self._index < top else max(top, self._index - self.page + 1)
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, force=True)

    def on_resize(self) -> None:
        self.virtual_size = Size(self.size.width, len(self._rows) + HEADER)
        self.call_after_refresh(self._keep_visible)

    def action_move(self, rows: int) -> None:
        self.go_to(self._index + rows)

    def action_page(self, pages: int) -> None:
        self.go_to(self._index + pages * self.page)

    def action_edge(self, last: int) -> None:
        self.go_to(len(self._rows) - 1 if last else 0)

    async def _on_click(self, event: events.Click) -> None:
        event.stop()
        index = self.scroll_offset.y + event.y - HEADER
        if event.y < HEADER or index >= len(self._rows):
            return
        if index == self._index:
            self.post_message(self.Chosen(self._rows[index]))
        else:
            self.go_to(index)


def _recoloured(cell: Text, style: Style) -> Text:
    """Under the cursor a cell has the cursor's colour, which is seen on its ground."""
    bold = "bold" in str(cell.style)
    return Text(cell.plain, style=style + Style(bold=True) if bold else style)
