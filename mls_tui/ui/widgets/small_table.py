"""A DataTable for small tables (hundreds of rows), with vim keys and with every binding named. It measures every cell,
so it must never hold the listings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.binding import BindingType
from textual.widgets import DataTable

from mls_tui.ui.widgets.row_keys import move, row_keys

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

    def show(self, columns: Sequence[str], rows: Mapping[str, Sequence[Text]], *, elastic: str = "") -> None:
        """Replace everything, keeping the cursor on its row. Columns are as wide as their widest cell; ``elastic``
        gives way where they do not fit."""
        chosen, y = self.chosen, self.scroll_offset.y
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
