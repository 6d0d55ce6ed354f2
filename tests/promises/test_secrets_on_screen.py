"""No secret stands on any screen of the interface, nor in a picture taken of it, whatever an MLS repeats."""

from __future__ import annotations

import html
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from mls_tui import actions
from mls_tui.actions.workspace import Workspace
from mls_tui.config import load_settings
from mls_tui.log import setup_logging
from mls_tui.ui.app import MlsTuiApp
from mls_tui.ui.screens.connection_form import ConnectionFormScreen as FormScreen
from mls_tui.ui.screens.errors import ErrorScreen
from tests.clocks import SwiftClock
from tests.promises import canaries
from tests.promises.leaky_mls import LeakyMLS, leaky_mls
from tests.ui.shell import press, seen, settled, until

FORM = {
    "name": "Leaky",
    "provider": "reso",
    "username": "ann",
    "password": canaries.PASSWORD,
    "client_id": "id",
    "client_secret": canaries.CLIENT_SECRET,
}


def spotless(pilot: Pilot[None]) -> str:
    """The screen's text; neither it nor its picture shows so much as the beginning of a secret."""
    text = seen(pilot)
    picture = html.unescape(pilot.app.export_screenshot())
    for shown in (text, picture, text.replace("\n", "")):
        assert "canary" not in shown.lower(), text
    assert text.strip()
    return text


@asynccontextmanager
async def opened(home: Path, *, importing: bool = False) -> AsyncIterator[tuple[LeakyMLS, MlsTuiApp, Pilot[None]]]:
    settings = load_settings(environ={}, home=str(home), allow_private_hosts=True)
    log = setup_logging(settings)
    try:
        async with leaky_mls() as mls:
            workspace = Workspace(settings, clock=SwiftClock(), on_secret=log.masker.add)
            async with workspace:
                form = actions.ConnectionForm(base_url=mls.base_url, token_url=mls.token_url, **FORM)  # type: ignore[arg-type]
                made = await actions.connect_mls(form, workspace)
            assert made.data is not None, made.error
            app = MlsTuiApp(workspace, start_import=made.data.connection.connection_id if importing else None)
            async with app.run_test(size=(160, 50), notifications=True) as pilot:
                if importing:
                    await until(pilot, lambda: app.tally is not None and app.tally.result is not None, 60)
                await settled(pilot)
                yield mls, app, pilot
    finally:
        log.close()


@pytest.mark.promise("secrets nowhere else")
async def test_no_screen_and_no_picture_of_one_shows_a_secret(tmp_path: Path) -> None:
    async with opened(tmp_path / "home", importing=True) as (mls, app, pilot):
        assert "quarantined" in spotless(pilot)
        await press(pilot, "f")
        assert "could not be fetched" in spotless(pilot)
        await press(pilot, "4")
        spotless(pilot)
        await press(pilot, "enter")
        assert "photo" in spotless(pilot)
        await press(pilot, "enter")
        spotless(pilot)
        await press(pilot, "escape", "escape", "2")
        assert "N2" in spotless(pilot)
        await press(pilot, "enter")
        assert "Quiet street" in spotless(pilot)
        await press(pilot, "Y")
        assert "Quiet street" in app.clipboard
        assert canaries.found_in(app.clipboard.encode(), canaries.BUT_URLS) == []
        mls.broken = True
        await press(pilot, "escape", "1", "t")
        await until(pilot, lambda: "403" in seen(pilot))
        spotless(pilot)
    assert canaries.search_folder(tmp_path / "home", canaries.BUT_URLS) == []


@pytest.mark.promise("secrets nowhere else")
async def test_what_is_typed_into_a_secrets_field_is_not_shown(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as (_, app, pilot):
        await until(pilot, lambda: "Leaky" in seen(pilot))
        await press(pilot, "e")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        spotless(pilot)
        typed = [field for field in app.screen.query(Input) if field.password]
        assert len(typed) >= 2
        for field in typed:
            field.value = canaries.TOKEN
            field.focus()
            await pilot.pause()
            spotless(pilot)


@pytest.mark.promise("secrets nowhere else")
async def test_an_unforeseen_error_shows_its_kind_and_not_its_words(tmp_path: Path) -> None:
    async with opened(tmp_path / "home") as (_, app, pilot):
        app.failed(RuntimeError(f"cannot sign in with {canaries.TOKEN}"), lambda: None)
        await until(pilot, lambda: isinstance(app.screen, ErrorScreen) and "RuntimeError" in seen(pilot))
        assert "RuntimeError" in spotless(pilot)
        app.failed(RuntimeError(f"nor with {canaries.PASSWORD}"), lambda: None)
        await settled(pilot)
        spotless(pilot)
