"""An input that is safe for any text, and check boxes and radio buttons with a sign for each state."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Checkbox, Input, RadioButton

from mls_tui.ui.text import clean


class PlainInput(Input):
    """Escape sequences and control characters are gone from its value before they are drawn. Not for secrets, which
    are not drawn and must stay as they were typed."""

    def validate_value(self, value: str) -> str:
        return clean(value, newlines=False)


class Tick(Checkbox):
    """``✓`` if it is on, else empty."""

    def render(self) -> Content:
        self.BUTTON_INNER = "✓" if self.value else " "
        return super().render()


class Choice(RadioButton):
    """``●`` if it is chosen, else ``○``."""

    def render(self) -> Content:
        self.BUTTON_INNER = "●" if self.value else "○"
        return super().render()
