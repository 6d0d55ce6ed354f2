"""The keys at the bottom: this screen's own in the first row, the way to the other screens in the second. One widget: a
widget for each key cost a screen a fifth of the time it takes to open."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.app import RenderResult
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from mls_tui.ui.widgets.plain import plain


@dataclass(frozen=True, slots=True)
class BarKey:
    """One key and what it does; ``name`` is how it is shown, ``reach`` False where it is out of reach now."""

    key: str
    name: str
    words: str
    tooltip: str
    reach: bool

    @property
    def width(self) -> int:
        return cell_len(self.name) + cell_len(self.words) + 1


class KeyBar(Widget, can_focus=False):
    """Two rows. What does not fit is left to ``?``, never cut in the middle. A click is the key."""

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
        room = self.content_size.width
        fitting: list[BarKey] = []
        for key in row:
            room -= key.width + 1
            if room < -1:
                break
            fitting.append(key)
        return fitting

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
