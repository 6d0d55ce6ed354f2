"""What narrows the list of listings: the filter, with how many rows it leaves or what is wrong with it, and the status
tabs, each with its count. Neither filters anything itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult, RenderResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input, Static

from mls_tui.search import EXAMPLES, STATUSES, Query, parse
from mls_tui.ui.text import clean, one_line, plain
from mls_tui.ui.widgets.listing_table import STATUS_GLYPHS

FILTER = Binding.Group("Filter")
STATUS_COLOURS = {"active": "$success", "pending": "$warning", "sold": "$secondary", "expired": "$foreground 60%"}
TABS: tuple[str | None, ...] = (None, *STATUSES)


class FilterInput(Input):
    """Down and enter go to the table; escape is the screen's."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,down", "submit", "To the rows", id="filter.table", tooltip="Go to the rows", group=FILTER),
        Binding("escape", "screen.back", "Clear", id="filter.clear", tooltip="Show all rows again", group=FILTER),
    ]


class FilterBar(Vertical):
    """One line to type in; a second one appears for a problem or a hint."""

    connections: Mapping[str, str] = {}
    """The user's connections, id -> name, for ``from:``."""

    @dataclass
    class Changed(Message):
        """What was typed reads as ``query``; it may have a problem."""

        query: Query

    class Left(Message):
        """The user is done typing."""

    def compose(self) -> ComposeResult:
        with Horizontal(id="filter-line"):
            yield Static("/", id="filter-sign")
            yield FilterInput(
                placeholder="filter: oak pool  status:pending  price:<500k  beds:>=3  city:austin  from:lakeside",
                id="filter-input",
                compact=True,
            )
            yield Static(id="filter-count")
        yield Static(id="filter-note")

    @property
    def text(self) -> str:
        return self.query_one(FilterInput).value

    def clear(self) -> None:
        self.query_one(FilterInput).value = ""

    def start(self) -> None:
        """Put the cursor into the filter."""
        self.query_one(FilterInput).focus()

    def counted(self, shown: int, total: int, *, marked: int = 0, note: str = "") -> None:
        """``12 marked · 431 of 12,431``: always both numbers, so that nothing is left out in silence."""
        parts: list[Content | tuple[str, str] | str] = []
        if marked:
            parts += [(f"✓ {marked:,} marked", "bold $accent"), " · "]
        parts += [(f"{shown:,}", "bold"), f" of {total:,}"]
        if note:
            parts.append((f" · {note}", "$text-muted"))
        self.query_one("#filter-count", Static).update(Content.assemble(*parts))

    def _note(self, query: Query) -> None:
        note = self.query_one("#filter-note", Static)
        note.set_class(query.problem is not None, "-problem")
        if query.problem is not None:
            note.update(plain(one_line("✗ " + query.problem, max(20, self.size.width - 4))))
        elif query.unfinished is not None:
            note.update(plain("e.g. " + EXAMPLES[query.unfinished]))
        note.display = query.problem is not None or query.unfinished is not None

    def on_mount(self) -> None:
        self.query_one("#filter-note").display = False
        self.counted(0, 0, note="loading…")

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        query = parse(clean(event.value, newlines=False), self.connections)
        self._note(query)
        self.post_message(self.Changed(query))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Left())

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.start()


class StatusTabs(Widget, can_focus=False):
    """``status`` is the chosen one; None is All."""

    @dataclass
    class Chosen(Message):
        """The user wants to see only this status; None means all."""

        status: str | None

    status: reactive[str | None] = reactive(None)
    counts: reactive[Mapping[str, int]] = reactive(dict, always_update=True)

    def step(self, by: int) -> None:
        """The next or previous tab, round the end."""
        self.choose(TABS[(TABS.index(self.status) + by) % len(TABS)])

    def choose(self, status: str | None) -> None:
        if status != self.status:
            self.status = status
            self.post_message(self.Chosen(status))

    def _label(self, tab: str | None) -> str:
        count = sum(self.counts.values()) if tab is None else self.counts.get(tab, 0)
        if tab is None:
            return f" All {count:,} "
        return f" {STATUS_GLYPHS[tab]} {tab.capitalize()} {count:,} "

    def render(self) -> RenderResult:
        parts: list[tuple[str, str] | str] = []
        for tab in TABS:
            colour = "$primary" if tab is None else STATUS_COLOURS[tab]
            chosen = tab == self.status
            parts.append((self._label(tab), f"bold reverse {colour}" if chosen else colour))
            parts.append(" ")
        return Content.assemble(*parts)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        x = 0
        for tab in TABS:
            x += len(self._label(tab)) + 1
            if event.x < x:
                self.choose(tab)
                return
