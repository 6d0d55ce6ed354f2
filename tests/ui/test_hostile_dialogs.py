"""Hostile text in every dialog, at three sizes: shown letter by letter, and nothing of it acts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.screen import Screen

from mls_tui.ui.screens.dialogs import ConfirmDialog, FailuresDialog, ListingToDelete, TextDialog, delete_question
from mls_tui.ui.screens.errors import ErrorScreen
from mls_tui.ui.screens.help import HelpScreen, KeyLine
from mls_tui.ui.screens.sign_in import SignInScreen
from mls_tui.users.base import Challenge, ChallengeKind
from tests.ui.shell import HOSTILE, SIZES, an_app, harmless, opened, press, resized, seen, settled
from tests.ui.test_sign_in import AskingUsers

ATTACK = "[@click=app.quit]x[/]" + "".join(HOSTILE)

DIALOGS: dict[str, Callable[[], Screen[Any]]] = {
    "question": lambda: ConfirmDialog(ATTACK, (ATTACK,), action="Go", cancel="Stay"),
    "delete": lambda: delete_question([ListingToDelete("1", ATTACK, 3)], ATTACK),
    "failures": lambda: FailuresDialog(1, {"1": ATTACK}, {"1": ATTACK}),
    "error": lambda: ErrorScreen(ValueError(ATTACK), ATTACK),
    "help": lambda: HelpScreen(ATTACK, [KeyLine(ATTACK[:40], "k", ATTACK, ATTACK)]),
    "problem": lambda: TextDialog(ATTACK, ATTACK, known=ATTACK, raw=ATTACK),
}  # fmt: skip


@pytest.mark.parametrize("name", DIALOGS)
async def test_a_dialog_shows_hostile_text_as_text_at_every_size(name: str) -> None:
    app = an_app()
    async with opened(app) as pilot:
        app.push_screen(DIALOGS[name]())
        await settled(pilot)
        dialog = app.screen
        for size in SIZES:
            await resized(pilot, size)
            assert "[@click=app.quit]x[/]" in seen(pilot)
            assert harmless(seen(pilot))
            await pilot.click("#question", offset=(3, 0))
            assert app.screen is dialog
        await press(pilot, "escape")
        assert app.screen is not dialog


async def test_what_cognito_asks_and_refuses_is_shown_as_text_at_every_size() -> None:
    app = an_app()
    app.workspace.users = AskingUsers()  # type: ignore[misc, assignment]
    async with opened(app) as pilot:
        screen = SignInScreen(ATTACK)
        app.push_screen(screen)
        await settled(pilot)
        for size in SIZES:
            await resized(pilot, size)
            assert "[@click=app.quit]x[/]" in seen(pilot)
            assert harmless(seen(pilot))
        screen._say(ATTACK)
        await screen._show(Challenge(ChallengeKind.SMS, ATTACK, True, ATTACK))
        for size in SIZES:
            await resized(pilot, size)
            assert harmless(seen(pilot))
            assert app.screen is screen
