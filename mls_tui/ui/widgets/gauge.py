"""How much of the provider's rate budget is used: the fullest windows, a line each."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from mls_tui.reso.base import Window
from mls_tui.ui.widgets.numbers import bar, size
from mls_tui.ui.widgets.plain import one_line

_SPANS = {1: "this second", 60: "this minute", 3_600: "this hour", 86_400: "today"}


def window_words(window: Window) -> str:
    """``1,204 of 7,200 this hour``; bytes as ``1.2 GB of 4.0 GB this hour``."""
    span = _SPANS.get(int(window.seconds), f"in {window.seconds:g} s")
    if window.unit == "bytes":
        return f"{size(window.used)} of {size(window.limit)} {span}"
    return f"{window.used:,} of {window.limit:,} {span}"


def fullest(windows: Sequence[Window], most: int) -> list[Window]:
    """The longest window first: it is the one that stops an import for long; short ones only where there is room."""
    return sorted(windows, key=lambda window: (-window.seconds, window.host, window.unit))[:most]


class Gauge(Widget, can_focus=False):
    """Empty where the provider's limits are not known yet."""

    windows: reactive[tuple[Window, ...]] = reactive(())

    def watch_windows(self, old: tuple[Window, ...], new: tuple[Window, ...]) -> None:
        self.refresh(layout=len(fullest(old, 2)) != len(fullest(new, 2)))

    def render(self) -> Content:
        roomy = self.size.width >= 100
        width = 24 if roomy else 16
        lines = []
        for window in fullest(self.windows, 2):
            share = window.used / window.limit if window.limit else None
            full = share is not None and share >= 0.9
            style = "$warning" if full else "$secondary"
            what = "Photos  " if window.unit == "bytes" else "Requests"
            lines.append(
                Content.assemble(
                    (f"{what} ", "$foreground 60%"),
                    *bar(share, width, style=style),
                    f" {window_words(window)}",
                    (f"  {one_line(window.host, 24)}" if roomy else "", "$foreground 60%"),
                    ("  ! nearly used up", "$text-warning") if full else "",
                )
            )
        return Content("\n").join(lines) if lines else Content("")
