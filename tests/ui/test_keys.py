"""Keys can be found, filtered with, and given another meaning; a section [keys] that is wrong says so."""

from __future__ import annotations

import pytest

from mls_tui.ui.keys import key_ids, key_problems
from mls_tui.ui.screens.connections import ConnectionsScreen
from mls_tui.ui.widgets.tables import SmallTable
from tests.ui.fakes import FakeActions, a_connection, a_view
from tests.ui.shell import SIZES, an_app, opened, press, resized, seen, toasts


def test_an_unknown_id_is_named_with_the_nearest_known_one() -> None:
    [problem] = key_problems({"go.histori": "f9"})
    assert "“go.histori”" in problem
    assert "Did you mean “go.history”?" in problem


def test_a_key_with_two_meanings_on_one_screen_is_named() -> None:
    [problem] = key_problems({"connection.preview": "a"})
    assert "connection.preview" in problem
    assert "connection.add" in problem


@pytest.mark.parametrize(
    "keymap", [{}, {"go.history": "f9"}, {"connection.preview": "a", "connection.add": "p"}, {"history.open": "f7"}]
)
def test_what_is_right_is_not_called_wrong(keymap: dict[str, str]) -> None:
    assert key_problems(keymap) == []


def test_no_two_keys_of_ours_clash() -> None:
    assert key_problems({name: keys for name, (keys, _) in key_ids().items() if name.startswith(("go.", "app."))}) == []


async def test_problems_of_the_keys_are_shown_when_the_interface_opens() -> None:
    async with opened(an_app(keymap={"go.histori": "f9"})) as pilot:
        assert any("Did you mean “go.history”?" in toast for toast in toasts(pilot))


async def test_slash_filters_the_rows_of_a_list_and_escape_shows_all() -> None:
    views = [a_view(a_connection(name)) for name in ("Cedar", "Lakeside", "Hill Country")]
    async with opened(an_app(FakeActions(connections=views))) as pilot:
        await press(pilot, "slash", *"hill")
        assert "Hill Country" in seen(pilot)
        assert "Lakeside" not in seen(pilot)
        await press(pilot, "enter")
        assert isinstance(pilot.app.focused, SmallTable)
        await press(pilot, "escape")
        assert "Lakeside" in seen(pilot)
        assert isinstance(pilot.app.screen, ConnectionsScreen)


async def test_a_row_of_keys_that_does_not_fit_ends_in_dots_and_a_question_mark() -> None:
    async with opened(an_app(), (64, 24)) as pilot:
        first, second = seen(pilot).splitlines()[-2:]
        assert first.rstrip().endswith("… ?")
        assert "f2 Log" in second
        await resized(pilot, (80, 24))
        assert "? Help" in seen(pilot).splitlines()[-1]
        await resized(pilot, SIZES[-1])
        assert "…" not in seen(pilot).splitlines()[-2]


async def test_ctrl_c_says_in_plain_words_how_one_quits() -> None:
    async with opened(an_app()) as pilot:
        await press(pilot, "ctrl+c")
        assert toasts(pilot) == ["Press ctrl+q to quit."]
        assert "[b]" not in seen(pilot)
