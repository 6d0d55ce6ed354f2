"""The help names every key by itself, in our words, and stays readable where its lines are long."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from textual.pilot import Pilot
from textual.widgets import Static

from mls_tui.ui.screens.help import HelpScreen, key_lines
from tests.ui.shell import an_app, opened, press
from tests.ui.test_mouse_and_palette import full_actions


def told(pilot: Pilot[None], width: int) -> list[str]:
    """The help's table as it is at so many columns."""
    console = Console(width=width, file=io.StringIO())
    with console.capture() as written:
        console.print(pilot.app.screen.query_one("#help-table", Static).content)
    return [line.rstrip() for line in written.get().splitlines() if line.strip()]


@pytest.mark.parametrize("key", ["1", "3", "4"])
async def test_help_lists_what_the_screen_beneath_can_do(key: str) -> None:
    async with opened(an_app()) as pilot:
        await press(pilot, key)
        lines = key_lines(pilot.app.screen)
        await press(pilot, "question_mark")
        assert isinstance(pilot.app.screen, HelpScreen)
        shown = "\n".join(told(pilot, 200))
        assert all(line.words in shown for line in lines)
        await press(pilot, "escape")
        assert not isinstance(pilot.app.screen, HelpScreen)


async def test_what_is_too_long_goes_on_below_itself() -> None:
    async with opened(an_app(full_actions())) as pilot:
        await press(pilot, "2", "enter")
        groups = {line.group for line in key_lines(pilot.app.screen)}
        await press(pilot, "question_mark")
        lines = told(pilot, 60)
        assert groups <= set(lines)
        words = {line.index("The next photo") for line in lines if "The next photo" in line}.pop()
        assert sum(line.startswith(" " * words) for line in lines) > 2
        assert all(line in groups or line.startswith("  ") for line in lines)


async def test_each_key_has_its_own_name_and_our_words_come_before_textuals() -> None:
    async with opened(an_app(full_actions())) as pilot:
        await press(pilot, "2", "enter", "question_mark")
        lines = "\n".join(" ".join(line.split()) for line in told(pilot, 120))
        assert "] → l The next photo" in lines
        assert "[ ← h The previous photo" in lines
        assert "Quit at once; an import goes on later" in lines
        assert "Quit the app" not in lines
        assert "Scroll Left" not in lines
