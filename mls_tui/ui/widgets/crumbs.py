"""The line at the top: where one is, and in whose store."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from mls_tui.ui.widgets.plain import one_line, plain


class Crumbs(Horizontal):
    """``mls_tui › Listings › 12 Oak St`` at the left, the store and the user at the right."""

    def compose(self) -> ComposeResult:
        yield Static(id="crumb-path")
        yield Static(id="crumb-place")

    def show(self, path: tuple[str, ...], place: str) -> None:
        """Show another path. Its parts may be feed text."""
        parts: list[Content | tuple[str, str]] = [("⌂ mls_tui", "bold $primary")]
        for index, crumb in enumerate(path):
            last = index == len(path) - 1
            parts += [(" › ", "$foreground 60%"), (one_line(crumb, 60), "bold" if last else "$foreground 60%")]
        self.query_one("#crumb-path", Static).update(Content.assemble(*parts))
        self.query_one("#crumb-place", Static).update(plain(place))
