"""A DataTable for small tables (hundreds of rows), with vim keys and with every binding named. It measures every cell,
so it must never hold the listings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widgets import DataTable

MOVE = Binding.Group("Move")


def _move(keys: str, action: str, name: str, words: str) -> Binding:
    return Binding(keys, action, words, show=False, id=f"table.{name}", tooltip=words, group=MOVE)


class SmallTable(DataTable[object], inherit_bindings=False):
    """Rows are chosen whole. Cells must be ``rich.text.Text`` (see ``plain.cell``): a ``str`` would be markup."""

    BINDINGS: ClassVar[list[BindingType]] = [
        _move("up,k", "cursor_up", "up", "Up"),
        _move("down,j", "cursor_down", "down", "Down"),
        _move("left,h", "cursor_left", "left", "Left"),
        _move("right,l", "cursor_right", "right", "Right"),
        _move("home,g", "scroll_top", "top", "First row"),
        _move("end,G", "scroll_bottom", "bottom", "Last row"),
        _move("pageup,ctrl+u", "page_up", "page_up", "A page up"),
        _move("pagedown,ctrl+d", "page_down", "page_down", "A page down"),
        Binding("enter", "select_cursor", "Open", show=False, id="table.open", tooltip="Open the row", group=MOVE),
    ]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, cursor_type="row", zebra_stripes=False, cursor_foreground_priority="css")

    def show(self, columns: Sequence[str], rows: Mapping[str, Sequence[Text]]) -> None:
        """Replace everything, keeping the cursor on its row. Columns are as wide as their widest cell."""
        chosen, y = self.chosen, self.scroll_offset.y
        self.clear(columns=True)
        for index, label in enumerate(columns):
            cells = [row[index] for row in rows.values()]
            right = bool(cells) and cells[0].justify == "right"
            width = max([cell_len(label), *(each.cell_len for each in cells)])
            self.add_column(Text(label, justify="right" if right else "left"), width=width, key=label)
        for key, row in rows.items():
            self.add_row(*row, key=key)
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
