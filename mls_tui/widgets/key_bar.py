"""The keys at the bottom: this screen's own in the first row, the way to the other screens in the second."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import HorizontalGroup
from textual.reactive import reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets._footer import FooterKey

from mls_tui.widgets.plain import plain


class BarKey(FooterKey):
    """One key and what it does; a dimmed one says why when it is clicked."""

    def on_mouse_down(self) -> None:
        self.app.simulate_key(self.key)


class KeyBar(Widget, can_focus=False):
    """Two rows. What does not fit is left to ``?``, never cut in the middle."""

    ready = reactive(False)

    def __init__(self) -> None:
        super().__init__()
        self._looks: list[tuple[str, str, bool]] = []

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[object]) -> None:
        if not self.is_attached or screen is not self.screen:
            return
        looks = [
            (binding.key, binding.description, enabled)
            for _, binding, enabled, _ in screen.active_bindings.values()
            if binding.show
        ]
        if looks != self._looks:  # building the keys anew costs tens of milliseconds
            self._looks = looks
            self.ready = True
            self.call_after_refresh(self.recompose)

    async def on_resize(self) -> None:
        if self.ready:
            await self.recompose()

    def compose(self) -> ComposeResult:
        if not self.ready:
            return
        local: list[BarKey] = []
        everywhere: list[BarKey] = []
        seen: set[str] = set()
        for node, binding, enabled, tooltip in self.screen.active_bindings.values():
            if not binding.show or binding.action in seen:
                continue
            seen.add(binding.action)
            (everywhere if node is self.app else local).append(self._key(binding, enabled, tooltip))
        yield HorizontalGroup(*self._fitting(local), classes="row -local")
        yield HorizontalGroup(*self._fitting(everywhere), classes="row -everywhere")

    def _key(self, binding: Binding, enabled: bool, tooltip: str) -> BarKey:
        key = BarKey(
            binding.key,
            self.app.get_key_display(binding),
            binding.description,
            binding.action,
            disabled=not enabled,
        )
        if tooltip:
            key.tooltip = plain(tooltip)
        return key

    def _fitting(self, keys: list[BarKey]) -> list[BarKey]:
        room = self.size.width - 2
        fitting: list[BarKey] = []
        for key in keys:
            room -= len(key.key_display) + len(key.description) + 3
            if room < 0:
                break
            fitting.append(key)
        return fitting
