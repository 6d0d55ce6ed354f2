"""What surrounds every screen: the line at the top, the demo's banner, the import in one line, and the key bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual import events, getters
from textual.app import ComposeResult, RenderResult
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from mls_tui.ui.base_app import BaseApp
from mls_tui.ui.formats import bar, count, duration, left_words, rate
from mls_tui.ui.messages import DemoLeft, GoTo
from mls_tui.ui.text import one_line, plain
from mls_tui.ui.widgets.lines import ChangingLines

if TYPE_CHECKING:
    from mls_tui.importer.tally import Tally


class Crumbs(Horizontal):
    """``mls_tui › Listings › 12 Oak St`` at the left, the store and the user at the right."""

    path = getters.query_one("#crumb-path", Static)
    place = getters.query_one("#crumb-place", Static)

    def compose(self) -> ComposeResult:
        yield Static(id="crumb-path")
        yield Static(id="crumb-place")

    def show(self, path: tuple[str, ...], place: str) -> None:
        """The parts of the path may be feed text."""
        parts: list[Content | tuple[str, str]] = [("⌂ mls_tui", "bold $primary")]
        for index, crumb in enumerate(path):
            last = index == len(path) - 1
            parts += [(" › ", "$foreground 60%"), (one_line(crumb, 60), "bold" if last else "$foreground 60%")]
        self.path.update(Content.assemble(*parts))
        self.place.update(plain(place))


class DemoBanner(Static, can_focus=False):
    """Says on every screen that this is the demo. A click leaves it."""

    app = getters.app(BaseApp)

    def on_mount(self) -> None:
        self.update(
            Content.assemble(
                ("Demo. ", "bold"),
                "These homes are made up.  ",
                ("L", "bold"),
                " leaves it for your own store.",
            )
        )
        self.watch(self.app, "demo", self._show)

    def _show(self, demo: bool) -> None:
        self.display = demo

    def on_click(self) -> None:
        self.post_message(DemoLeft())


class ImportStrip(ChangingLines, can_focus=False):
    """The import that runs, in one line. Hidden if there is none. A click opens the progress screen."""

    app = getters.app(BaseApp)

    def on_mount(self) -> None:
        self.watch(self.app, "tally", self._show)

    def _show(self, tally: Tally | None) -> None:
        self.display = tally is not None and tally.begun
        if tally is not None and tally.begun:
            self.show_lines([running_line(tally, self.size.width) if tally.running else ended_line(tally)])

    def on_resize(self) -> None:
        self._show(self.app.tally)

    def on_click(self) -> None:
        self.post_message(GoTo("progress"))


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


@dataclass(frozen=True, slots=True)
class BarKey:
    """One key and what it does. ``name`` is how it is shown; ``reach`` is False if it is out of reach now."""

    key: str
    name: str
    words: str
    tooltip: str
    reach: bool

    @property
    def width(self) -> int:
        return cell_len(self.name) + cell_len(self.words) + 1


MORE = BarKey("question_mark", "…", "?", "All keys of this screen", True)


class KeyBar(Widget, can_focus=False):
    """This screen's keys in the first row, the way to the other screens in the second. A click is the key.

    A row that does not fit ends in ``… ?``. One widget: a widget for each key took a fifth of a screen's time to open.
    """

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[list[BarKey], list[BarKey]] = ([], [])

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[object]) -> None:
        if not self.is_attached or screen is not self.screen:
            return
        rows: tuple[list[BarKey], list[BarKey]] = ([], [])
        seen: set[str] = set()
        for node, binding, enabled, tooltip in screen.active_bindings.values():
            if not binding.show or binding.action in seen:
                continue
            seen.add(binding.action)
            name = self.app.get_key_display(binding)
            key = BarKey(binding.key, name, binding.description, tooltip or binding.tooltip, enabled)
            rows[node is self.app].append(key)
        if rows != self._rows:
            self._rows = rows
            self.refresh()

    def render(self) -> RenderResult:
        return Content("\n").join(self._line(row) for row in self._rows)

    def _line(self, row: list[BarKey]) -> Content:
        parts: list[str | tuple[str, str]] = []
        for key in self._fitting(row):
            look, words = ("bold $footer-key-foreground", "$footer-description-foreground")
            if not key.reach:
                look = words = "$footer-description-foreground 85%"
            parts += [(key.name, look), (f" {key.words}", words), " "]
        return Content.assemble(*parts)

    def _fitting(self, row: list[BarKey]) -> list[BarKey]:
        """As many keys as fit; if not all do, ``… ?`` in the place of the rest."""
        width = self.content_size.width
        taken = [key.width + 1 for key in row]
        if sum(taken) - 1 <= width:
            return row
        fitting: list[BarKey] = []
        left = width - MORE.width
        for key, wide in zip(row, taken, strict=True):
            left -= wide
            if left < 0:
                break
            fitting.append(key)
        return [*fitting, MORE]

    def _at(self, event: events.MouseEvent) -> BarKey | None:
        """The key under the pointer."""
        place = event.get_content_offset(self)
        if place is None or not 0 <= place.y < len(self._rows):
            return None
        right = 0
        for key in self._fitting(self._rows[place.y]):
            left, right = right, right + key.width + 1
            if left <= place.x < right - 1:
                return key
        return None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        key = self._at(event)
        self.tooltip = plain(key.tooltip) if key is not None and key.tooltip else None

    def on_click(self, event: events.Click) -> None:
        event.stop()
        if (key := self._at(event)) is not None:
            self.app.simulate_key(key.key)
