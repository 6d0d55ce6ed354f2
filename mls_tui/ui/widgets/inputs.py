"""An input whose text may come from a store or a clipboard: it holds, shows and gives only what a terminal can show."""

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
    """``✓`` where it is on, empty where not."""

    def render(self) -> Content:
        self.BUTTON_INNER = "✓" if self.value else " "
        return super().render()


class Choice(RadioButton):
    """``●`` where it is chosen, ``○`` where not."""

    def render(self) -> Content:
        self.BUTTON_INNER = "●" if self.value else "○"
        return super().render()
