"""The filter of the listings: what is typed, how many rows it leaves, and what is wrong with it. It filters nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from mls_tui.search import Query, parse
from mls_tui.ui.text import clean, one_line, plain

FILTER = Binding.Group("Filter")
EXAMPLES = {
    "status": "status:pending  status:active,sold  status:withdrawn",
    "price": "price:<500k  price:300k-450k  price:none",
    "beds": "beds:3  beds:>=3",
    "baths": "baths:2.5+",
    "sqft": "sqft:1500-2500",
    "city": "city:austin  city:austin,buda",
    "type": "type:condo",
    "mls": "mls:48213",
    "zip": "zip:787",
}


class FilterInput(Input):
    """Down and enter go to the table; escape is the screen's."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,down", "submit", "To the rows", id="filter.table", tooltip="Go to the rows", group=FILTER),
        Binding("escape", "screen.back", "Clear", id="filter.clear", tooltip="Show all rows again", group=FILTER),
    ]


class FilterBar(Vertical):
    """One line to type in; a second one appears for a problem or a hint."""

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
                placeholder="filter: oak pool  status:pending  price:<500k  beds:>=3  city:austin",
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

    def counted(self, shown: int, total: int, *, marked: int = 0, loading: bool = False, order: str = "") -> None:
        """``12 marked · 431 of 12,431``: always both numbers, so that nothing is left out in silence.

        ``order`` names a column that is sorted by but does not fit on the screen.
        """
        parts: list[Content | tuple[str, str] | str] = []
        if marked:
            parts += [(f"✓ {marked:,} marked", "bold $accent"), " · "]
        parts += [(f"{shown:,}", "bold"), f" of {total:,}"]
        if order:
            parts.append((f" by {order}", "$text-muted"))
        if loading:
            parts.append((" · loading…", "$text-muted"))
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
        self.counted(0, 0, loading=True)

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        query = parse(clean(event.value, newlines=False))
        self._note(query)
        self.post_message(self.Changed(query))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Left())

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.start()
