"""Sign in: user name and password, and whatever is asked after them (a new password, a code). Secrets go to the
workspace's users, off the event loop, and are kept nowhere here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from mls_tui.domain.errors import MlsTuiError
from mls_tui.ui.base_app import BaseApp
from mls_tui.ui.tasks import start_task
from mls_tui.ui.text import plain
from mls_tui.users.base import Challenge, ChallengeKind, ChallengeOverError, User

SIGN_IN = Binding.Group("Sign in")
_HINTS = {
    ChallengeKind.NEW_PASSWORD: "New password",
    ChallengeKind.TOTP: "Six digits from the authenticator app",
    ChallengeKind.SMS: "Code from the text message",
}


def _name_and_password() -> tuple[Input, Input]:
    return (
        Input(placeholder="User name or e-mail", id="user", compact=True),
        Input(placeholder="Password", password=True, id="password", compact=True),
    )


class SignInScreen(ModalScreen[bool]):
    """Answers True once signed in."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="sign_in.cancel", tooltip="Stay signed out", group=SIGN_IN),
        Binding("ctrl+q", "app.quit", "Quit", id="sign_in.quit", tooltip="Quit the program", group=SIGN_IN),
    ]

    app = getters.app(BaseApp)

    def __init__(self, why: str) -> None:
        super().__init__()
        self._why = why
        self._challenge: Challenge | None = None

    def compose(self) -> ComposeResult:
        asks = self.app.workspace.users.needs_password()
        why = self._why if asks else f"{self._why}. You signed out here before; your listings are still there."
        with Vertical(id="dialog"):
            yield Static("Sign in", id="question")
            yield Static(plain(why), classes="consequence", id="sign-in-why")
            if asks:
                yield from _name_and_password()
            yield Static(id="sign-in-problem")
            with Horizontal(id="answers"):
                yield Button("Cancel (esc)", id="cancel", compact=True)
                yield Button("Sign in (enter)", id="sign-in", variant="primary", compact=True)

    def on_mount(self) -> None:
        if not self.query(Input):
            self.query_one("#sign-in").focus()

    @on(Input.Submitted, "#user")
    def _next(self) -> None:
        self.query_one("#password").focus()

    @on(Input.Submitted, "#password")
    @on(Input.Submitted, "#answer")
    @on(Button.Pressed, "#sign-in")
    def _try(self) -> None:
        typed = [field.value for field in self.query(Input)]
        if not all(typed):
            self._say("Both are needed." if len(typed) > 1 else "An answer is needed.")
            return
        users = self.app.workspace.users
        ask: Callable[[], User | Challenge]
        if self._challenge is not None:
            ask = partial(users.answer, self._challenge, typed[0])
        else:
            user, password = typed if typed else ("", "")
            ask = partial(users.sign_in, user.strip(), password)
        start_task(self, partial(self._ask, ask), "sign-in")

    async def _ask(self, ask: Callable[[], User | Challenge]) -> None:
        self.query_one("#sign-in-problem", Static).update("Signing in…")
        try:
            answer = await asyncio.to_thread(ask)
        except MlsTuiError as error:
            if isinstance(error, ChallengeOverError):
                await self._begin_again()
            self._say(str(error))
            return
        if isinstance(answer, Challenge):
            await self._show(answer)
        else:
            self.dismiss(True)

    async def _show(self, challenge: Challenge) -> None:
        """Replace what was asked by what is asked now."""
        self._challenge = challenge
        self.query_one("#sign-in-problem", Static).update("")
        self.query_one("#sign-in-why", Static).update(plain(challenge.prompt))
        await self.query(Input).remove()
        entry = Input(placeholder=_HINTS[challenge.kind], password=challenge.hidden, id="answer", compact=True)
        await self.query_one("#dialog").mount(entry, after="#sign-in-why")
        entry.focus()

    async def _begin_again(self) -> None:
        """Back to name and password."""
        self._challenge = None
        self.query_one("#sign-in-why", Static).update(plain(self._why))
        await self.query(Input).remove()
        await self.query_one("#dialog").mount(*_name_and_password(), after="#sign-in-why")
        self.query_one("#user").focus()

    def _say(self, problem: str) -> None:
        self.query_one("#sign-in-problem", Static).update(Content.assemble(("✖ ", "$text-error"), plain(problem)))

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        self.dismiss(False)
