"""One photo, as large as fits, or why there is none. It draws what the shelf gives it and does no I/O."""

from __future__ import annotations

from functools import partial

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from mls_tui.domain.listing import Photo
from mls_tui.ui.widgets.background import begin
from mls_tui.ui.widgets.photo_shelf import PhotoShelf
from mls_tui.ui.widgets.picture import Picture, written_over
from mls_tui.ui.widgets.plain import clean, one_line

LONGEST_NOTE = 400


class PhotoView(Widget, can_focus=False):
    """``show`` draws a photo off the event loop; a later call wins over one that still runs."""

    COMPONENT_CLASSES = {"photo-view--title", "photo-view--note"}  # noqa: RUF012 - Textual's own shape

    def __init__(self, shelf: PhotoShelf, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._shelf = shelf
        self._photo: Photo | None = None
        self.picture: Picture | None = None
        self.lines: tuple[str, ...] = ()
        """What is written where there is no picture; the first line is the headline."""

    def show(self, photo: Photo | None) -> None:
        self._photo = photo
        self.picture = None if photo is None else self._shelf.kept(photo, self.size.width, self.size.height)
        self.lines = ("No photos", "The MLS gives none for this listing.") if photo is None else ("…",)
        self.refresh()
        if photo is not None and self.picture is None and self.size.area:
            begin(self, partial(self._draw, photo), "photo")

    async def _draw(self, photo: Photo) -> None:
        answer = await self._shelf.picture(photo, self.size.width, self.size.height)
        if photo is not self._photo:
            return
        if isinstance(answer, Picture):
            self.picture = answer
        else:
            self.lines = _why(photo, answer)
        self.refresh()

    def on_resize(self) -> None:
        if self._photo is not None:
            self.show(self._photo)

    def render_line(self, y: int) -> Strip:
        width, height = self.size
        style = self.rich_style
        if self.picture is None:
            return self._written(y, width, height, style)
        top = (height - len(self.picture.strips)) // 2
        if not 0 <= y - top < len(self.picture.strips):
            return Strip.blank(width, style)
        left = (width - self.picture.width) // 2
        in_front = self.screen.is_active
        line = self.picture.line(y - top, in_front=in_front).apply_style(Style(bgcolor=style.bgcolor))
        cells = Strip([Segment(" " * left, style), *line]).adjust_cell_length(width, style)
        return written_over(cells, self.picture.over_line(y - top, width - left, in_front=in_front))

    def _written(self, y: int, width: int, height: int, style: Style) -> Strip:
        lines = [part for line in self.lines for part in _wrapped(line, width - 4)]
        at = y - (height - len(lines)) // 2
        if not 0 <= at < len(lines):
            return Strip.blank(width, style)
        name = "photo-view--title" if at == 0 and len(lines) > 1 else "photo-view--note"
        left = (width - cell_len(lines[at])) // 2
        shown = self.get_component_rich_style(name)
        return Strip([Segment(" " * left, style), Segment(lines[at], shown)]).adjust_cell_length(width, style)


def _why(photo: Photo, reason: str) -> tuple[str, ...]:
    """A photo that is stored and cannot be shown is not missing, and ``f`` would not fetch it."""
    if photo.stored:
        return f"Photo {photo.order + 1} cannot be shown", reason, "An import with --full reads it anew."
    return f"Photo {photo.order + 1} is missing", reason, "Press f to fetch it again."


def _wrapped(text: str, width: int) -> list[str]:
    """At most four lines; words longer than a line are cut."""
    lines: list[str] = []
    line = ""
    for word in clean(text[:LONGEST_NOTE], newlines=False).split():
        short = one_line(word, max(1, width))
        if line and cell_len(line) + 1 + cell_len(short) > width:
            lines.append(line)
            line = short
        else:
            line = f"{line} {short}" if line else short
    return [*lines, line][:4]
