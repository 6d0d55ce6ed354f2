"""The interface shows the log: each error with its kind, number, attempts and cause, whatever is in them; and a warning
of the program where its user sees it."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from textual.pilot import Pilot

from mls_tui import actions
from mls_tui.actions.workspace import Workspace
from mls_tui.config import Settings, load_settings
from mls_tui.domain.errors import ConnectionExpiredError
from mls_tui.domain.events import ListingFailed, PhotoFailed, Throttled
from mls_tui.log import log_error, log_event, recent, setup_logging
from mls_tui.ui.app import MlsTuiApp
from mls_tui.ui.screens.dialogs import TextDialog
from mls_tui.ui.screens.log import LogScreen
from tests.ui.shell import HOSTILE, SIZES, press, resized, seen, settled, text_of, toasts, until

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def settings_in(home: Path) -> Settings:
    return load_settings(environ={}, home=str(home), storage="local", allow_private_hosts=True)


@asynccontextmanager
async def opened(home: Path) -> AsyncIterator[tuple[MlsTuiApp, Pilot[None]]]:
    app: MlsTuiApp
    workspace = Workspace(settings_in(home), on_warning=lambda text: app.warn(text))
    app = MlsTuiApp(workspace, actions)
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await settled(pilot)
        yield app, pilot


def logged(home: Path, hostile: bool = False) -> None:
    log = setup_logging(settings_in(home))
    try:
        log_event(Throttled(at=NOON, run="r1", until=NOON, why="429 Too Many Requests"))
        log_event(
            PhotoFailed(
                at=NOON, run="r1", mls_number="N7", listing_key="K7", photo_index=2, cause="404 Not Found", attempts=2
            )
        )
        log_event(ListingFailed(at=NOON, run="r1", mls_number="N8", listing_key="k", error="bad page", attempts=3))
        log_error(ConnectionExpiredError(), "Import failed", connection="Lakeside")
        for text in HOSTILE if hostile else ():
            log_event(ListingFailed(at=NOON, run=text, mls_number=text, listing_key="k", error=text, attempts=1))
    finally:
        log.close()


async def test_times_are_local_in_the_table_and_utc_in_the_line_read_in_full(tmp_path: Path, new_york: None) -> None:
    logged(tmp_path)
    async with opened(tmp_path) as (_, pilot):
        await press(pilot, "f2")
        at = recent(settings_in(tmp_path).log_path)[-1].at
        there = datetime.fromisoformat(at).astimezone(ZoneInfo("America/New_York"))
        assert f"{there:%m-%d %H:%M:%S}" in seen(pilot)
        assert f"When ({there:%Z})" in seen(pilot)
        await press(pilot, "enter")
        assert text_of(pilot, "#dialog-text").startswith(f"at: {at}")


@pytest.mark.promise("logs")
async def test_f2_shows_each_error_with_its_kind_number_attempts_and_cause(tmp_path: Path) -> None:
    logged(tmp_path)
    async with opened(tmp_path) as (app, pilot):
        await press(pilot, "f2")
        assert isinstance(app.screen, LogScreen)
        for size in SIZES:
            await resized(pilot, size)
            shown = seen(pilot)
            for fact in ("photo", "N7", "404", "import", "N8", "authentication", "network", "429"):
                assert fact in shown, (size, fact)
        rows = [line for line in seen(pilot).splitlines() if "N7" in line or "N8" in line]
        assert ["N8" in row for row in rows] == [True, False]
        assert " 3 " in rows[0]
        await resized(pilot, (80, 24))
        assert "MLS connection expired. " in seen(pilot)  # the cause has the room that attempts would take
        await press(pilot, "e")
        assert "429" not in seen(pilot)
        await press(pilot, "enter")
        assert isinstance(app.screen, TextDialog)
        assert "Please re-authenticate" in text_of(pilot, "#dialog-text")
        assert "connection: Lakeside" in text_of(pilot, "#dialog-text")
        await press(pilot, "escape", "escape")
        assert app.current_mode == "connections"
        assert not isinstance(app.screen, LogScreen)


async def test_lines_that_are_added_come_with_a_reload(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, pilot):
        await press(pilot, "f2")
        assert "Nothing has been logged yet" in seen(pilot)
        logged(tmp_path)
        await press(pilot, "r")
        assert "N8" in seen(pilot)


async def test_hostile_text_in_the_log_is_shown_letter_by_letter(tmp_path: Path) -> None:
    logged(tmp_path, hostile=True)
    async with opened(tmp_path) as (app, pilot):
        await press(pilot, "f2")
        for _ in HOSTILE:
            await press(pilot, "enter")
            assert isinstance(app.screen, TextDialog)
            shown = seen(pilot)
            assert not [letter for letter in shown if letter in "\x1b\x9b\u202e\u2066"]
            await press(pilot, "escape", "j")
        assert app.is_running
        assert "[@click=app.quit]" in seen(pilot)


@pytest.mark.promise("secrets at rest")
async def test_a_key_that_is_put_into_a_file_is_warned_of_once_in_sight(tmp_path: Path) -> None:
    async with opened(tmp_path) as (app, pilot):
        for name in ("One", "Two"):
            form = actions.ConnectionForm(
                name=name, provider="reso", base_url="https://mls.example/odata", access_token="canary-token"
            )
            assert (await actions.connect_mls(form, app.workspace)).success
        await until(pilot, lambda: bool(toasts(pilot)))
        (warning,) = [toast for toast in toasts(pilot) if "MLS_TUI_KEY" in toast]
        path = app.workspace.settings.key_path
        assert str(path) in warning
        assert stat.S_IMODE((await asyncio.to_thread(path.stat)).st_mode) == 0o600
