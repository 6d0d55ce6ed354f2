"""A question that is answered with yes or no. It starts on no, whoever asks it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from mls_tui.ui.widgets.plain import plain

DIALOG = Binding.Group("Dialog")


class ConfirmDialog(ModalScreen[bool]):
    """Answers True only where the user chose ``action``.

    ``consequences`` are the lines under the question: what goes, from where, what stays. With ``type_to_confirm``
    (a count, say ``"12"``) the action stays out of reach until that text is typed.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer(False)", "Cancel", id="dialog.cancel", tooltip="Change nothing", group=DIALOG),
        Binding("left,up", "app.focus_previous", "Previous", show=False, id="dialog.previous", group=DIALOG),
        Binding("right,down", "app.focus_next", "Next", show=False, id="dialog.next", group=DIALOG),
    ]
    AUTO_FOCUS = "#cancel"

    def __init__(
        self,
        question: str,
        consequences: Sequence[str] = (),
        *,
        action: str = "Delete",
        cancel: str = "Cancel",
        danger: bool = True,
        type_to_confirm: str | None = None,
    ) -> None:
        super().__init__()
        self._question = question
        self._consequences = tuple(consequences)
        self._action = action
        self._cancel = cancel
        self._danger = danger
        self._expected = type_to_confirm

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog", classes="-danger" if self._danger else ""):
            yield Static(plain(self._question), id="question", classes="head")
            with VerticalScroll(id="consequences", classes="middle", can_focus=False):
                for line in self._consequences:
                    yield Static(plain(line), classes="consequence")
            with Vertical(classes="foot"):
                if self._expected is not None:
                    yield Static(plain(f"Type {self._expected} to go on:"), id="expect")
                    yield Input(id="typed", compact=True)
                yield from self._answers()

    def _answers(self) -> ComposeResult:
        with Horizontal(id="answers"):
            yield Button(self._cancel, id="cancel", compact=True)
            yield Button(
                self._action,
                id="act",
                compact=True,
                variant="error" if self._danger else "primary",
                disabled=self._expected is not None,
            )

    @on(Input.Changed, "#typed")
    def _typed(self, event: Input.Changed) -> None:
        self.query_one("#act", Button).disabled = event.value.strip() != self._expected

    @on(Input.Submitted, "#typed")
    def _submitted(self) -> None:
        if not self.query_one("#act", Button).disabled:
            self.query_one("#act", Button).focus()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "act")

    def action_answer(self, answer: bool) -> None:
        self.dismiss(answer)
