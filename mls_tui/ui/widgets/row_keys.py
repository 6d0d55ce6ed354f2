"""The keys that go through the rows of a table: the same in each, whatever it calls its actions."""

from __future__ import annotations

from textual.binding import Binding, BindingType

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
