"""The screen for an error that no other screen handles: what failed, and what to do about it, without a traceback."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from mls_tui.domain.errors import ErrorCategory, MlsTuiError
from mls_tui.ui.text import clean, plain

ERROR = Binding.Group("Error")

_WHAT_TO_DO = {
    ErrorCategory.AUTHENTICATION: (
        "Sign in again, or open the connection with 1 and e and give it a new token. Nothing was changed."
    ),
    ErrorCategory.NETWORK: "Check the network and the address of the server, then try again. What is stored is safe.",
    ErrorCategory.STORAGE: "Run “mls-tui doctor” in another terminal: it says what is missing. Then try again.",
    ErrorCategory.USAGE: "Correct what the sentence above names, then try again. Nothing was changed.",
    ErrorCategory.IMPORT: "Try again; what was stored is safe, and the next import continues there.",
    ErrorCategory.PHOTO: "Try again later; the next import asks once more for every photo that is missing.",
}
_UNEXPECTED = (
    "This is a fault of the program, not yours. What is stored is safe. Try again; if it comes back, report it with "
    "the log file that “mls-tui info” names."
)


def advice(error: BaseException) -> str:
    """What a user can do about an error."""
    return _WHAT_TO_DO[error.category] if isinstance(error, MlsTuiError) else _UNEXPECTED


class ErrorScreen(ModalScreen[bool]):
    """Answers True if the user wants to try again."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "answer(False)", "Close", id="error.close", tooltip="Back to the screen", group=ERROR),
        Binding("r", "answer(True)", "Try again", id="error.retry", tooltip="Do it once more", group=ERROR),
        Binding("y", "copy", "Copy", id="error.copy", tooltip="Copy the message", group=ERROR),
        Binding("q", "app.quit", "Quit", id="error.quit", tooltip="Quit the program", group=ERROR),
    ]
    AUTO_FOCUS = "#again"

    def __init__(self, error: BaseException, what_to_do: str) -> None:
        super().__init__()
        self._message = clean(error)
        self._advice = what_to_do

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog", classes="-danger"):
            yield Static("✖ Something went wrong", id="question", classes="head")
            with VerticalScroll(id="error-text", classes="middle", can_focus=False):
                yield Static(plain(self._message))
            with Vertical(classes="foot"):
                yield Static(plain(self._advice), id="advice")
                with Horizontal(id="answers"):
                    yield Button("Quit (q)", id="leave", compact=True)
                    yield Button("Close (esc)", id="close", compact=True)
                    yield Button("Try again (r)", id="again", compact=True, variant="primary")

    @on(Button.Pressed)
    async def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "leave":
            await self.app.run_action("quit")
        else:
            self.dismiss(event.button.id == "again")

    def action_answer(self, again: bool) -> None:
        self.dismiss(again)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self._message)
        self.notify("Copied.")
