"""Lines that come and go many times a second, drawn by ``render_line``: without a new layout of the screen each time,
which costs as much as painting it whole."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.widget import Widget


def set_length(view: ScrollView, lines: int) -> None:
    """How many lines there are. The screen is laid out anew only where the scrollbar comes or goes."""
    region = view.scrollable_content_region
    size = Size(region.width, lines)
    lasting = view.styles.overflow_y == "scroll" or (lines > region.height) == view.show_vertical_scrollbar
    if not lasting or not region:
        view.virtual_size = size
        return
    view.set_reactive(Widget.virtual_size, size)
    if view.show_vertical_scrollbar:
        view.vertical_scrollbar.window_virtual_size = lines
    if view.scroll_y > view.max_scroll_y:
        view.scroll_to(y=view.max_scroll_y, animate=False, force=True)


class LongLines(ScrollView):
    """``look`` is the style of a component, ``{LOOKS}--{name}``, over the widget's own; remembered until it changes."""

    LOOKS: ClassVar[str] = ""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._looks: dict[str, Style] = {}

    def look(self, name: str = "") -> Style:
        found = self._looks.get(name)
        if found is None:
            found = self.rich_style
            if name:
                found += self.get_component_rich_style(f"{self.LOOKS}--{name}")
            self._looks[name] = found
        return found

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._looks.clear()
