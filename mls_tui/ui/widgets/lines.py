"""Widgets whose lines change several times a second. Only the cells that changed are sent to the terminal, and the
screen is not laid out again, which would cost as much as painting it whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from textual.content import Content
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual
from textual.widget import Widget


class ChangingLines(Widget):
    """Shows one Content a line. As high as its lines unless the style sheet says otherwise."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._contents: tuple[Content, ...] = ()
        self._strips: list[Strip] = []

    def show_lines(self, lines: Sequence[Content]) -> None:
        """Replace the lines; repaint what differs."""
        before, self._contents = self._strips, tuple(lines)
        self._draw()
        if len(before) != len(self._strips):
            self.refresh(layout=True)
            return
        for y, (old, new) in enumerate(zip(before, self._strips, strict=True)):
            if (part := changed_cells(old, new)) is not None:
                self.refresh(Region(part[0], y, part[1] - part[0], 1))

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._draw()

    def on_resize(self) -> None:
        self._draw()
        self.refresh()

    def _draw(self) -> None:
        width = self.content_size.width
        self._strips = [
            next(iter(Visual.to_strips(self, line, width, 1, self.visual_style)), Strip.blank(width))
            for line in self._contents
            if width
        ]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._contents)

    def render_line(self, y: int) -> Strip:
        if y < len(self._strips):
            return self._strips[y]
        return Strip.blank(self.content_size.width, self.rich_style)


def changed_cells(old: Strip, new: Strip) -> tuple[int, int] | None:
    """The first cell that differs and the one after the last; None if none does. One run, as Textual sends each from
    the left edge of the widget."""
    if old == new:
        return None
    before, after = _cells(old), _cells(new)
    if len(before) != len(after):
        return 0, max(len(before), len(after))
    differing = [at for at, (one, other) in enumerate(zip(before, after, strict=True)) if one != other]
    return (differing[0], differing[-1] + 1) if differing else None


def _cells(strip: Strip) -> list[tuple[str, Style | None]]:
    """One entry a cell: a wide character gives two, so that a difference never begins in the middle of one."""
    return [(letter, style) for text, style, _ in strip for letter in text for _ in range(cell_len(letter))]


def set_length(view: ScrollView, lines: int) -> None:
    """How many lines there are. The screen is laid out again only if the scrollbar comes or goes."""
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


def jump(view: ScrollView, line: int) -> None:
    """Show the lines from here without painting the whole view: the caller refreshes what differs."""
    if view.show_vertical_scrollbar:
        for name in (Widget.scroll_y, Widget.scroll_target_y):
            view.set_reactive(name, float(line))
        view.vertical_scrollbar.position = line


class LongLines(ScrollView):
    """Subclasses give ``draw_row``. ``look`` is the style of the component ``{LOOKS}--{name}`` over the widget's own,
    or ``alone``: only what the component itself sets."""

    LOOKS: ClassVar[str] = ""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._looks: dict[tuple[str, bool], Style] = {}
        self._painted: dict[int, Strip] = {}
        """What is on the screen, by the line of the widget."""

    def draw_row(self, row: int, width: int) -> Strip:
        """The line at this place of the whole, from 0."""
        raise NotImplementedError

    def draw_visible(self, y: int) -> Strip:
        """The line at this place of the widget, from its top."""
        return self.draw_row(y + self.scroll_offset.y, self.scrollable_content_region.width)

    def render_line(self, y: int) -> Strip:
        strip = self._painted[y] = self.draw_visible(y)
        return strip

    def refresh_changed(self) -> None:
        """Repaint the visible lines that differ from what is on the screen."""
        for y in range(self.size.height):
            old = self._painted.get(y)
            part = (0, self.size.width) if old is None else changed_cells(old, self.draw_visible(y))
            if part is not None:
                self.refresh(Region(part[0], y, part[1] - part[0], 1))

    def look(self, name: str = "", *, alone: bool = False) -> Style:
        found = self._looks.get((name, alone))
        if found is None:
            found = Style() if alone else self.rich_style
            if name:
                found += self.get_component_rich_style(f"{self.LOOKS}--{name}", partial=alone)
            self._looks[name, alone] = found
        return found

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._looks.clear()
