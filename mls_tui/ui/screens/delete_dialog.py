"""Deleting listings as a conversation: what goes and from where, what could not be deleted and why. Deletes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from mls_tui.domain.words import plural
from mls_tui.ui.widgets.confirm import DIALOG, ConfirmDialog
from mls_tui.ui.widgets.plain import one_line, plain

BACK = "u brings them back while that is possible. The MLS keeps its own copy."
ASK_FOR_COUNT_ABOVE = 10
NAMED = 5


@dataclass(frozen=True, slots=True)
class Doomed:
    """A listing as the question names it."""

    listing_id: str
    name: str
    photos: int


def delete_question(listings: Sequence[Doomed], place: str) -> ConfirmDialog:
    """Ask whether these go from ``place``. Above ten, the count must be typed."""
    count = len(listings)
    photos = sum(each.photos for each in listings)
    one = listings[0].name if count == 1 else ""
    question = f"Delete {one}?" if one else f"Delete {plural(count, 'listing')}?"
    gone = plural(count, "row") + (f" and {plural(photos, 'photo')}" if photos else ", no photos")
    lines = [f"{gone} will go from {place}.", BACK]
    if count > 1:
        lines += [f"· {one_line(each.name, 54)}" for each in listings[:NAMED]]
        if count > NAMED:
            lines.append(f"· and {count - NAMED:,} more")
    typed = str(count) if count > ASK_FOR_COUNT_ABOVE else None
    return ConfirmDialog(one_line(question, 110), lines, action="Delete", type_to_confirm=typed)


class FailuresDialog(ModalScreen[None]):
    """Which listings could not be deleted, and why. They are still there."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "close", "Close", id="failures.close", tooltip="Back to the listings", group=DIALOG),
    ]

    def __init__(self, deleted: int, failures: Mapping[str, str], names: Mapping[str, str]) -> None:
        super().__init__()
        self._deleted = deleted
        self._failures = dict(failures)
        self._names = dict(names)

    def compose(self) -> ComposeResult:
        total = self._deleted + len(self._failures)
        with Vertical(id="dialog", classes="-danger"):
            with Vertical(classes="head"):
                yield Static(plain(f"Deleted {self._deleted:,} of {plural(total, 'listing')}"), id="question")
                yield Static(plain("Not deleted, or not wholly. What is still there stays marked for another try:"))
            with VerticalScroll(id="failures", classes="middle"):
                for listing_id, why in self._failures.items():
                    yield Static(plain(self._names.get(listing_id, listing_id)), classes="failed-name")
                    yield Static(plain(why), classes="failed-why")
            with Horizontal(id="answers", classes="foot"):
                yield Button("Close", id="close", compact=True)

    @on(Button.Pressed)
    def _pressed(self) -> None:
        self.dismiss()

    def action_close(self) -> None:
        self.dismiss()
