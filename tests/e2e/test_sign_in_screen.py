"""The sign-in screen at a pool that checks the proof: refused, asked for a new password and a code, too late, in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from mls_tui.actions.workspace import Workspace
from mls_tui.config import load_settings
from mls_tui.ui.app import MlsTuiApp
from mls_tui.ui.screens.connections import ConnectionsScreen
from mls_tui.ui.screens.sign_in import SignInScreen
from tests.cognito.pool import Pool, code_of
from tests.cognito.server import serving
from tests.ui.shell import seen, text_of, until

TEMPORARY, CHOSEN, APP = "Canary-temp-123456", "Canary-chosen-654321", b"12345678901234567890"
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def pool() -> Pool:
    pool = Pool(now=lambda: NOON)
    pool.add("ann", TEMPORARY, must_change=True, totp=APP)
    return pool


@asynccontextmanager
async def asked(pool: Pool, home: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[tuple[MlsTuiApp, Pilot[None]]]:
    """The interface of somebody who is not signed in."""
    with serving(pool) as url:
        patch.setenv("AWS_ENDPOINT_URL", url)
        ids = {"MLS_TUI_USER_POOL_ID": pool.pool_id, "MLS_TUI_USER_POOL_CLIENT_ID": pool.client_id}
        app = MlsTuiApp(Workspace(load_settings(ids, home=str(home))))
        async with app.run_test(size=(100, 30), notifications=True) as pilot:
            await until(pilot, lambda: isinstance(app.screen, SignInScreen) and len(app.screen.query(Input)) == 2, 20)
            yield app, pilot


async def typed(pilot: Pilot[None], **fields: str) -> None:
    """Into the fields that the screen has by now, and entered."""
    await until(pilot, lambda: [each.id for each in pilot.app.screen.query(Input)] == [*fields], 20)
    for name, text in fields.items():
        pilot.app.screen.query_one(f"#{name}", Input).value = text
    pilot.app.screen.query(Input).last().focus()
    await pilot.press("enter")


async def told(pilot: Pilot[None], words: str) -> None:
    """Once the screen says so; and never a password."""
    await until(pilot, lambda: words in text_of(pilot, "#sign-in-why") + text_of(pilot, "#sign-in-problem"), 20)
    assert "Canary" not in seen(pilot)


@pytest.mark.promise("sign-in")
async def test_a_first_sign_in_goes_through_every_question(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asked(pool, tmp_path, monkeypatch) as (app, pilot):
        await typed(pilot, user="ann", password=CHOSEN)
        await told(pilot, "password is wrong")
        await typed(pilot, user="ann", password=TEMPORARY)
        await told(pilot, "A new password is required")
        await typed(pilot, answer=CHOSEN)
        await told(pilot, "authenticator app")
        await typed(pilot, answer="000000")
        await told(pilot, "the code is wrong")
        await typed(pilot, answer=code_of(APP, NOON))
        await until(pilot, lambda: isinstance(app.screen, ConnectionsScreen), 20)
        user = app.workspace.users.current()
        assert user is not None
        assert (user.user_id, user.name) == ("sub-of-ann", "ann@example.com")


@pytest.mark.promise("sign-in")
async def test_an_answer_that_comes_too_late_leads_back_to_name_and_password(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asked(pool, tmp_path, monkeypatch) as (_, pilot):
        await typed(pilot, user="ann", password=TEMPORARY)
        await told(pilot, "A new password is required")
        pool.forget_sessions()
        await typed(pilot, answer=CHOSEN)
        await told(pilot, "it took too long")
        assert text_of(pilot, "#sign-in-why").startswith("Authentication required")
        await typed(pilot, user="ann", password=TEMPORARY)
        await told(pilot, "A new password is required")
