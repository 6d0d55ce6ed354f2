"""Sign in where a user pool is configured. The password goes to the hook that the command line lends, and nowhere
else."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from mls_tui.domain.errors import MlsTuiError
from mls_tui.widgets.background import begin
from mls_tui.widgets.plain import plain

if TYPE_CHECKING:
    from mls_tui.app import MlsTuiApp

SIGN_IN = Binding.Group("Sign in")


class SignInScreen(ModalScreen[bool]):
    """Answers True once signed in."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="sign_in.cancel", tooltip="Stay signed out", group=SIGN_IN),
    ]

    def __init__(self, why: str) -> None:
        super().__init__()
        self._why = why

    def compose(self) -> ComposeResult:
        with Vertical(id="dialog"):
            yield Static("Sign in", id="question")
            yield Static(plain(self._why), classes="consequence")
            yield Input(placeholder="User name or e-mail", id="user", compact=True)
            yield Input(placeholder="Password", password=True, id="password", compact=True)
            yield Static(id="sign-in-problem")
            with Horizontal(id="answers"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Sign in", id="sign-in", variant="primary", compact=True)

    @on(Input.Submitted, "#user")
    def _next(self) -> None:
        self.query_one("#password").focus()

    @on(Input.Submitted, "#password")
    @on(Button.Pressed, "#sign-in")
    def _try(self) -> None:
        user, password = self.query_one("#user", Input).value.strip(), self.query_one("#password", Input).value
        if not user or not password:
            self._say("Both are needed.")
            return
        begin(self, partial(self._sign_in, user, password), "sign-in")

    async def _sign_in(self, user: str, password: str) -> None:
        hook = cast("MlsTuiApp", self.app).hooks.sign_in
        if hook is None:
            return
        self.query_one("#sign-in-problem", Static).update("Signing in…")
        try:
            await hook(user, password)
        except MlsTuiError as error:
            self._say(str(error))
        else:
            self.dismiss(True)

    def _say(self, problem: str) -> None:
        self.query_one("#sign-in-problem", Static).update(Content.assemble(("✖ ", "$text-error"), plain(problem)))

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        self.dismiss(False)
