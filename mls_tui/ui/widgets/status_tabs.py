"""The status tabs above the listings, each with how many the filter leaves. They count nothing themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textual import events
from textual.app import RenderResult
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from mls_tui.ui.widgets.listing_columns import STATUS_GLYPHS
from mls_tui.ui.widgets.listing_rows import STATUSES

TABS: tuple[str | None, ...] = (None, *STATUSES)
COLOURS = {"active": "$success", "pending": "$warning", "sold": "$secondary", "expired": "$foreground 60%"}


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
            colour = "$primary" if tab is None else COLOURS[tab]
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
