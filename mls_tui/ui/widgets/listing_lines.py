"""How one line of the listings table looks. Lines are remembered until the data, the width or the theme changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from mls_tui.ui.text import brief, one_line
from mls_tui.ui.widgets.listing_columns import MARK_WIDTH, STATUS_GLYPHS, Laid, cell_look, cell_text

if TYPE_CHECKING:
    from mls_tui.ui.widgets.listing_table import ListingTable

_PARTS = (
    "header", "header-sorted", "header-column", "cursor", "cursor-blurred", "cell", "hover", "marked", "mark",
    "active", "pending", "sold", "expired", "warning", "dim", "strong",
)  # fmt: skip
COMPONENTS = {f"listing-table--{part}" for part in _PARTS}
REMEMBERED = 2_000


@dataclass(frozen=True, slots=True)
class Look:
    """The state of a line."""

    cursor: bool = False
    focused: bool = False
    hovered: bool = False
    marked: bool = False


class LinePainter:
    """Draws lines for one table."""

    def __init__(self, table: ListingTable) -> None:
        self._table = table
        self._lines: dict[tuple[int, Look, str, int], Strip] = {}

    def forget(self) -> None:
        self._lines.clear()

    def header(self, laid: tuple[Laid, ...]) -> Strip:
        table = self._table
        base = self._style("header")
        segments = [Segment(" " * MARK_WIDTH, base)]
        for place in laid:
            key = place.column.key
            style = base
            title = place.title
            if key == table.sort_key:
                style += self._style("header-sorted", partial=True)
                title = one_line(title, place.width - 1) + ("▼" if table.descending else "▲")
            if key == table.column_key and table.has_focus:
                style += self._style("header-column", partial=True)
            segments += self._pad(segments, place, base)
            segments.append(Segment(_fit(title, place), style))
        return self._finish(segments, base)

    def blank(self) -> Strip:
        return self._finish([], self._table.rich_style)

    def note(self, lines: tuple[str, ...], line: int) -> Strip:
        """One line of what an empty table says; the first is the headline."""
        style = self._table.rich_style
        if not 0 <= line < len(lines):
            return self.blank()
        width = self._table.scrollable_content_region.width
        text = one_line(lines[line], width - 4)
        shown = style + (Style(bold=True) if line == 0 else Style(color=self._style("dim").color))
        left = max(0, (width - cell_len(text)) // 2)
        return self._finish([Segment(" " * left, style), Segment(text, shown)], style)

    def line(self, row: int, look: Look, laid: tuple[Laid, ...]) -> Strip:
        width = self._table.scrollable_content_region.width
        remembered = (row, look, self._table.column_key if look.cursor else "", width)
        strip = self._lines.get(remembered)
        if strip is None:
            if len(self._lines) >= REMEMBERED:
                self._lines.clear()
            strip = self._lines[remembered] = self._draw(row, look, laid)
        return strip

    def _draw(self, row: int, look: Look, laid: tuple[Laid, ...]) -> Strip:
        table = self._table
        base = self._base(look)
        mark = Segment("✓ ", base + self._style("mark", partial=True)) if look.marked else Segment("  ", base)
        segments = [mark]
        for place in laid:
            key = place.column.key
            text = cell_text(table.rows, row, key, table.now_ms)
            if key == "status" and place.width == 1:
                text = STATUS_GLYPHS.get(table.rows.columns.status[row], "?")
            style = base
            name = cell_look(table.rows, row, key)
            if name and not (look.cursor and look.focused):
                style += Style(color=self._style(name).color, bold=name == "strong" or None)
            if look.cursor and look.focused and key == table.column_key:
                style += self._style("cell", partial=True)
            segments += self._pad(segments, place, base)
            segments.append(Segment(_fit(text, place), style))
        return self._finish(segments, base)

    def _base(self, look: Look) -> Style:
        """The line's background. Styles are whole, not partial: only then is a translucent colour blended."""
        if look.cursor:
            return self._style("cursor" if look.focused else "cursor-blurred")
        if look.marked:
            return self._style("marked")
        return self._style("hover") if look.hovered else self._table.rich_style

    def _style(self, name: str, *, partial: bool = False) -> Style:
        return self._table.get_component_rich_style(f"listing-table--{name}", partial=partial)

    def _pad(self, segments: list[Segment], place: Laid, style: Style) -> list[Segment]:
        """The gap before a column."""
        gap = place.x - sum(segment.cell_length for segment in segments)
        return [Segment(" " * gap, style)] if gap > 0 else []

    def _finish(self, segments: list[Segment], style: Style) -> Strip:
        return Strip(segments).adjust_cell_length(self._table.scrollable_content_region.width, style)


def _fit(text: str, place: Laid) -> str:
    """Exactly ``place.width`` cells."""
    cut = brief(text, place.width)
    space = " " * (place.width - cell_len(cut))
    return space + cut if place.column.right else cut + space
