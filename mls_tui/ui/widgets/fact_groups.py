"""Facts, remarks, features and history of a listing as widgets. Whatever they say is shown letter by letter."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from mls_tui.domain.listing import Listing
from mls_tui.ui.widgets.listing_facts import Row, fact_groups, history_rows, source_groups
from mls_tui.ui.widgets.plain import clean, plain

MOVE = Binding.Group("Move")
LABEL_WIDTH = 14
VALUE_LIMIT = 300


class FactGroup(Vertical):
    """A heading above labels and values; long values wrap below themselves."""

    def __init__(self, title: str, rows: Iterable[Row]) -> None:
        super().__init__()
        self._title = title
        self._rows = tuple(rows)

    def compose(self) -> ComposeResult:
        yield Static(plain(self._title), classes="group-title")
        grid = Table.grid(padding=(0, 1, 0, 0), expand=True)
        grid.add_column(width=max([LABEL_WIDTH, *(min(20, len(label)) for label, _ in self._rows)]), style="dim")
        grid.add_column(ratio=1)
        for label, value in self._rows:
            shown = clean(value[: 4 * VALUE_LIMIT], newlines=False)
            cut = shown if len(shown) <= VALUE_LIMIT else shown[: VALUE_LIMIT - 1] + "…"
            grid.add_row(Text(clean(label, newlines=False)[:20]), Text(cut, overflow="fold"))
        yield Static(grid, classes="group-rows")


class TextGroup(Vertical):
    """A heading above wrapped text."""

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        yield Static(plain(self._title), classes="group-title")
        yield Static(plain(self._text), classes="group-text")


class FactScroll(VerticalScroll, inherit_bindings=False):
    """Leaves the arrows to the left and right to the photos."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_up", "Up", show=False, id="facts.up", tooltip="Up", group=MOVE),
        Binding("down", "scroll_down", "Down", show=False, id="facts.down", tooltip="Down", group=MOVE),
        Binding("pageup", "page_up", "Page up", show=False, id="facts.page-up", tooltip="A page up", group=MOVE),
        Binding("pagedown", "page_down", "Page down", show=False, id="facts.page-down", tooltip="A page down",
                group=MOVE),
        Binding("home", "scroll_home", "First", show=False, id="facts.first", tooltip="The first fact", group=MOVE),
        Binding("end", "scroll_end", "Last", show=False, id="facts.last", tooltip="The last fact", group=MOVE),
    ]  # fmt: skip


class FactGroups(Vertical):
    """Facts, the story, the source, one below the other; where the screen is wide, the story stands beside the rest."""

    async def show(self, listing: Listing, now: datetime) -> None:
        """Say everything that is known of a listing."""
        facts = [FactGroup(group.title, group.rows) for group in fact_groups(listing)]
        source = [FactGroup(group.title, group.rows) for group in source_groups(listing, now)]
        history = history_rows(listing)
        story: list[Vertical] = [FactGroup("History", history)] if history else []  # remarks may fill screens
        if listing.description:
            story.append(TextGroup("Remarks", listing.description))
        if listing.features:
            story.append(TextGroup("Features", " · ".join(clean(each, newlines=False) for each in listing.features)))
        if not history:
            story.append(TextGroup("History", "No change since it came."))
        with self.app.batch_update():
            await self.remove_children()
            await self.mount(
                Vertical(*facts, classes="facts-column"),
                Vertical(*story, classes="facts-column -story"),
                Vertical(*source, classes="facts-column"),
            )
