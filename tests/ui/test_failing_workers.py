"""Whatever breaks in the background is shown, wherever it was begun: in a widget, in a screen, in the application."""

from __future__ import annotations

import ast
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.dom import DOMNode
from textual.pilot import Pilot

import mls_tui
from mls_tui.domain.errors import StorageError
from mls_tui.ui.app import MlsTuiApp
from mls_tui.ui.screens.errors import ErrorScreen
from mls_tui.ui.screens.listings import ListingsScreen
from mls_tui.ui.tasks import start_task
from mls_tui.ui.widgets.listing_table import ListingTable
from tests.ui.shell import an_app, opened, press, seen, settled

SECRET = "Bearer sk-live-1234"
PACKAGE = Path(mls_tui.__file__).parent
NODES: dict[str, Callable[[Pilot[None]], DOMNode]] = {
    "widget": lambda pilot: pilot.app.screen.query_one(ListingTable),
    "screen": lambda pilot: pilot.app.screen,
    "application": lambda pilot: pilot.app,
}


@pytest.mark.parametrize("owner", NODES)
async def test_a_worker_that_fails_gets_the_error_screen_and_another_try(owner: str) -> None:
    tries: list[int] = []

    async def work() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise StorageError("The disk is full [/]. Free some space.")

    async with opened(an_app()) as pilot:
        await press(pilot, "2")
        start_task(NODES[owner](pilot), work, "test")
        await settled(pilot)
        assert isinstance(pilot.app.screen, ErrorScreen)
        assert "The disk is full [/]. Free some space." in seen(pilot)
        assert "mls-tui doctor" in seen(pilot)
        await pilot.press("r")
        await settled(pilot)
        assert len(tries) == 2
        assert isinstance(pilot.app.screen, ListingsScreen)


async def test_what_nobody_foresaw_is_told_without_its_words_and_stands_whole_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work() -> None:
        raise ValueError(SECRET)

    async with opened(an_app()) as pilot:
        with caplog.at_level(logging.ERROR, "mls_tui"):
            start_task(pilot.app.screen, work, "test")
            await settled(pilot)
        assert isinstance(pilot.app.screen, ErrorScreen)
        assert "ValueError" in seen(pilot)
        assert "a fault of the program" in seen(pilot)
        assert SECRET not in seen(pilot)
        assert SECRET in caplog.text


async def test_a_second_error_is_told_beside_the_first() -> None:
    async def work() -> None:
        raise StorageError("The table is gone.")

    async with opened(an_app()) as pilot:
        start_task(pilot.app, work, "one")
        await settled(pilot)
        start_task(pilot.app, work, "two")
        await settled(pilot)
        assert [note.message for note in pilot.app._notifications] == ["The table is gone."]
        await press(pilot, "escape")
        assert not isinstance(pilot.app.screen, ErrorScreen)


async def test_an_error_in_the_interface_itself_ends_it_with_a_sentence_and_no_values(
    capsys: pytest.CaptureFixture[str],
) -> None:
    app = an_app()
    with pytest.raises(ValueError, match="Bearer"):
        await run_into_a_fault(app)
    told = capsys.readouterr().err
    assert "ValueError" in told
    assert "report it" in told
    assert SECRET not in told
    assert "Traceback" not in told


async def run_into_a_fault(app: MlsTuiApp) -> None:
    def broken(token: str) -> None:
        raise ValueError(token)

    async with opened(app) as pilot:
        app.screen.call_later(broken, SECRET)
        await pilot.pause()


def test_every_worker_begins_through_the_one_door_that_tells_its_errors() -> None:
    elsewhere = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in (PACKAGE / "ui").rglob("*.py")
        if path.name != "tasks.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in ("run_worker", "work", "ensure_future")
    ]
    assert elsewhere == []
