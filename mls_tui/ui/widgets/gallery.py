"""The strip of small photos below the large one. A click chooses; what is missing shows as an empty frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from mls_tui.domain.listing import Photo
from mls_tui.ui.widgets.background import begin
from mls_tui.ui.widgets.photo_shelf import PhotoShelf
from mls_tui.ui.widgets.picture import Picture, written_over

THUMB = 12
GAP = 1


class Gallery(Widget, can_focus=False):
    """As many thumbnails as fit, the chosen one always among them and underlined."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"gallery--chosen", "gallery--number", "gallery--missing"}

    @dataclass
    class Chosen(Message):
        """The user clicked the photo with this index, from 0."""

        index: int

    chosen: reactive[int] = reactive(0)

    def __init__(self, shelf: PhotoShelf, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shelf = shelf
        self.photos: Sequence[Photo] = ()
        self._drawn: dict[int, Picture | None] = {}

    def show(self, photos: Sequence[Photo], chosen: int) -> None:
        self.photos = photos
        self._drawn = {}
        self.set_reactive(Gallery.chosen, chosen)
        self._draw_soon()

    def watch_chosen(self) -> None:
        self._draw_soon()

    def on_resize(self) -> None:
        self._drawn = {}
        self._draw_soon()

    @property
    def visible_range(self) -> range:
        """Indices of the photos whose thumbnails fit, the chosen one in the middle where there are more."""
        fits = max(1, (self.size.width + GAP) // (THUMB + GAP))
        first = max(0, min(self.chosen - fits // 2, len(self.photos) - fits))
        return range(first, min(len(self.photos), first + fits))

    def _draw_soon(self) -> None:
        self.refresh()
        if self.is_attached and self.size.area and self.photos:
            begin(self, self._draw, "gallery")

    async def _draw(self) -> None:
        for index in self.visible_range:
            answer = await self._shelf.picture(self.photos[index], THUMB, max(1, self.size.height - 1))
            picture = answer if isinstance(answer, Picture) else None
            if index not in self._drawn or self._drawn[index] is not picture:
                self._drawn[index] = picture
                self.refresh()

    def render_line(self, y: int) -> Strip:
        style = self.rich_style
        segments: list[Segment] = []
        for index in self.visible_range:
            if segments:
                segments.append(Segment(" " * GAP, style))
            segments += self._number(index) if y == self.size.height - 1 else self._thumb(index, y)
        cells = Strip(segments).adjust_cell_length(self.size.width, style)
        return written_over(cells, "" if y == self.size.height - 1 else self._over(y))

    def _over(self, y: int) -> str:
        """What is written over the thumbnails of a line, where the terminal draws them so."""
        over = ""
        for place, index in enumerate(self.visible_range):
            picture = self._drawn.get(index)
            at = y - self._top(picture)
            if picture is not None and 0 <= at < len(picture.strips):
                left = place * (THUMB + GAP) + (THUMB - picture.width) // 2
                over += picture.over_line(at, self.size.width - left, in_front=self.screen.is_active)
        return over

    def _top(self, picture: Picture | None) -> int:
        """The line of the strip on which a thumbnail begins."""
        return 0 if picture is None else (max(1, self.size.height - 1) - len(picture.strips)) // 2

    def _number(self, index: int) -> list[Segment]:
        name = "gallery--chosen" if index == self.chosen else "gallery--number"
        sign = "▔" if index == self.chosen else " "
        return [Segment(f"{index + 1}".center(THUMB, sign), self.get_component_rich_style(name))]

    def _thumb(self, index: int, y: int) -> list[Segment]:
        style = self.rich_style
        height = max(1, self.size.height - 1)
        picture = self._drawn.get(index)
        if picture is None:
            missing = self.get_component_rich_style("gallery--missing")
            sign = "✗" if self.photos[index].key is None or index in self._drawn else "…"
            return [Segment(sign.center(THUMB) if y == height // 2 else " " * THUMB, missing)]
        at = y - self._top(picture)
        if not 0 <= at < len(picture.strips):
            return [Segment(" " * THUMB, style)]
        left = (THUMB - picture.width) // 2
        right = THUMB - picture.width - left
        line = picture.line(at, in_front=self.screen.is_active).apply_style(Style(bgcolor=style.bgcolor))
        return [Segment(" " * left, style), *line, Segment(" " * right, style)]

    def on_click(self, event: events.Click) -> None:
        event.stop()
        index = self.visible_range.start + event.x // (THUMB + GAP)
        if index in self.visible_range:
            self.post_message(self.Chosen(index))
