"""The keys of the listings table: arrows, vim's, marks and sorting."""

from __future__ import annotations

from textual.binding import Binding, BindingType

TABLE = Binding.Group("Table")
MOVE = Binding.Group("Move")
MARKS = Binding.Group("Marks")


def _move(keys: str, action: str, label: str, name: str, tooltip: str) -> Binding:
    return Binding(keys, action, label, show=False, id=f"table.{name}", tooltip=tooltip, group=MOVE)


LISTING_TABLE_KEYS: list[BindingType] = [
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
    Binding("S", "turn_round", "Turn round", show=False, id="table.turn", tooltip="Turn the order round", group=TABLE),
    _move("up,k", "move(-1)", "Up", "up", "One row up"),
    _move("down,j", "move(1)", "Down", "down", "One row down"),
    _move("left,h", "column(-1)", "Left", "left", "The cell to the left"),
    _move("right,l", "column(1)", "Right", "right", "The cell to the right"),
    _move("pageup", "page(-1)", "Page up", "page-up", "One page up"),
    _move("pagedown", "page(1)", "Page down", "page-down", "One page down"),
    _move("ctrl+u", "page(-0.5)", "Half page up", "half-up", "Half a page up"),
    _move("ctrl+d", "page(0.5)", "Half page down", "half-down", "Half a page down"),
    _move("home,g", "first", "First", "first", "The first row"),
    _move("end,G", "last", "Last", "last", "The last row"),
]  # fmt: skip
