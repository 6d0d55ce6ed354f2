"""The import that runs in the background, in one line, on every screen but its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.content import Content
from textual.widget import Widget

from mls_tui.ui.widgets.numbers import bar, count, duration, rate
from mls_tui.ui.widgets.outcome import left_words
from mls_tui.ui.widgets.plain import one_line

if TYPE_CHECKING:
    from mls_tui.importer.tally import Tally
    from mls_tui.ui.app import MlsTuiApp


class ImportStrip(Widget, can_focus=False):
    """Hidden while there is nothing to tell. A click opens the progress screen."""

    def on_mount(self) -> None:
        self.watch(self.app, "tally", self._show)

    def _show(self, tally: Tally | None) -> None:
        self.display = tally is not None and tally.begun
        if self.display:
            self.refresh()

    def on_click(self) -> None:
        cast("MlsTuiApp", self.app).go("progress")

    def render(self) -> Content:
        tally = cast("MlsTuiApp", self.app).tally
        if tally is None:
            return Content("")
        return running_line(tally, self.size.width) if tally.running else ended_line(tally)


def running_line(tally: Tally, width: int) -> Content:
    """``▶ Importing Demo ━━━━━───── 124 of 300 · 12.3/s · 0:14 left · 2 failed``."""
    state = ("⏸ Paused", "$text-warning") if tally.paused else ("▶ Importing", "$text-primary")
    if tally.throttled_until is not None and not tally.paused:
        state = ("◷ Waiting", "$text-warning")
    words = [count(tally.done, tally.expected), rate(tally.rate)]
    if tally.eta_seconds is not None:
        words.append(f"{duration(tally.eta_seconds)} left")
    if tally.counts.failed:
        words.append(f"✖ {tally.counts.failed:,} failed")
    share = tally.done / tally.expected if tally.expected else None
    return Content.assemble(
        " ",
        state,
        " ",
        one_line(tally.connection, 24),
        "  ",
        *bar(share, max(8, min(30, width - 70))),
        "  ",
        (" · ".join(words), "$foreground 60%"),
    )


def ended_line(tally: Tally) -> Content:
    """How the last run ended, until another begins."""
    result = tally.result
    if result is None:
        return Content("")
    if result.error is not None:
        return Content.assemble((" ✖ Import failed: ", "$text-error"), one_line(result.error, 160))
    left = left_words(result.counts)
    sign = (" ! ", "$text-warning") if left else (" ✔ ", "$text-success")
    words = [f"{one_line(tally.connection, 24)}: {result.message}", *([left] if left else [])]
    return Content.assemble(sign, ", ".join(words), (" · 3 shows more", "$foreground 60%"))
