"""Signing in: asked for where nobody is, with every question Cognito may add, and never with a secret shown."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from mls_tui.domain.errors import AuthenticationError, ConnectionExpiredError, CredentialsRefusedError
from mls_tui.ui.screens.connections import ConnectionsScreen
from mls_tui.ui.screens.errors import ErrorScreen
from mls_tui.ui.screens.sign_in import SignInScreen
from mls_tui.users.base import Challenge, ChallengeKind, User
from tests.ui.fakes import FakeActions, a_view
from tests.ui.shell import an_app, opened, press, seen, settled, text_of, until


class AskingUsers:
    """A user pool that refuses one password and asks for a new one and a code."""

    def __init__(self, asks: bool = True) -> None:
        self.heard: list[str] = []
        self._asks = asks

    def needs_password(self) -> bool:
        return self._asks

    def sign_in(self, username: str, password: str) -> User | Challenge:
        self.heard.append(password)
        if password == "wrong":
            raise AuthenticationError("Cognito refused the user name or the password [/].")
        if not self._asks:
            return User("local")
        return Challenge(ChallengeKind.NEW_PASSWORD, "Choose a new password", True, username)

    def answer(self, challenge: Challenge, text: str) -> User | Challenge:
        self.heard.append(text)
        if challenge.kind is ChallengeKind.NEW_PASSWORD:
            return Challenge(ChallengeKind.TOTP, "Enter the code of your authenticator app", False, "ana")
        return User("ana")


async def test_a_store_without_a_user_asks_for_one_and_goes_on_after_every_question() -> None:
    app = an_app()
    users = AskingUsers()
    app.workspace.users = users  # type: ignore[misc, assignment]
    app.workspace.fails = AuthenticationError("Authentication required")  # type: ignore[attr-defined]
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.screen, SignInScreen))
        await pilot.press(*"ana", "enter", *"wrong", "enter")
        await until(pilot, lambda: "password [/]" in seen(pilot))
        app.screen.query_one("#password", Input).value = "right"
        await pilot.press("enter")
        await until(pilot, lambda: text_of(pilot, "#sign-in-why") == "Choose a new password")
        assert app.screen.query_one("#answer", Input).password
        await pilot.press(*"n3w", "enter")
        await until(pilot, lambda: text_of(pilot, "#sign-in-why").startswith("Enter the code"))
        app.workspace.fails = None  # type: ignore[attr-defined]
        await pilot.press(*"123456", "enter")
        await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen))
        await until(pilot, lambda: "Demo MLS" in seen(pilot))
    assert users.heard == ["wrong", "right", "n3w", "123456"]


async def test_a_sign_in_that_ends_while_one_works_is_asked_for_again() -> None:
    actions = FakeActions(connections=[a_view()])
    app = an_app(actions)
    app.workspace.users = AskingUsers(asks=False)  # type: ignore[misc, assignment]
    async with opened(app) as pilot:
        actions.errors["get_connections"] = "Authentication required"
        await press(pilot, "r")
        assert isinstance(app.screen, SignInScreen)
        actions.errors.clear()
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen))
        await settled(pilot)
        assert "Demo MLS" in seen(pilot)


@pytest.mark.parametrize("error", [CredentialsRefusedError("The MLS refused the client id."), ConnectionExpiredError()])
async def test_credentials_that_the_mls_refused_are_no_reason_to_sign_in_here(error: AuthenticationError) -> None:
    app = an_app(FakeActions(connections=[a_view()]))
    async with opened(app) as pilot:
        app.failed(error, lambda: None)
        await until(pilot, lambda: isinstance(app.screen, ErrorScreen))
        await until(pilot, lambda: str(error)[:24] in seen(pilot))
