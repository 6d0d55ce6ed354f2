"""The connection form: nothing typed is lost, every value is seen and checked as it is typed, and the provider's
settings are given back with one key."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Select

from mls_tui.actions import ActionResult, ConnectionForm, ConnectionView
from mls_tui.domain.connection import AuthKind, Connection
from mls_tui.reso.presets import COMMON_SETTINGS, SETTING_NAMES
from mls_tui.ui.screens.connection_form import ConnectionFormScreen
from mls_tui.ui.screens.connections import ConnectionsScreen
from mls_tui.ui.screens.dialogs import ConfirmDialog, TextDialog
from tests.ui.fakes import FakeActions, a_connection, a_view
from tests.ui.shell import HOSTILE, SIZES, an_app, opened, press, resized, seen, settled, text_of, toasts

LONG = "x" * 360 + "WXYZ"


def grid(**more: object) -> Connection:
    fields = {"base_url": "https://api.mlsgrid.com/v2", "mls_system": "actris", "overrides": {"page_size": 50}}
    return a_connection("Grid", "mlsgrid", **(fields | more))


def editing(connection: Connection | None = None) -> FakeActions:
    return FakeActions(connections=[a_view(connection or grid())])


async def typed(pilot: Pilot[None], key: str, value: str) -> None:
    pilot.app.screen.query_one(f"#{key}", Input).value = value
    await settled(pilot)


def saved(actions: FakeActions) -> ConnectionForm:
    form = next(call[-1] for call in actions.calls if call[0] in ("update_connection", "connect_mls"))
    assert isinstance(form, ConnectionForm)
    return form


def row_of(pilot: Pilot[None], selector: str) -> str:
    """The line of the screen on which a widget is drawn."""
    return seen(pilot).splitlines()[pilot.app.screen.query_one(selector).region.y]


@pytest.mark.parametrize("size", SIZES)
async def test_a_long_value_is_seen_in_every_field(size: tuple[int, int]) -> None:
    async with opened(an_app(editing()), size) as pilot:
        pilot.app.animation_level = "none"
        await press(pilot, "a", "ctrl+o")
        entries = list(pilot.app.screen.query(Input))
        assert len(entries) > 30
        for entry in entries:
            entry.value = LONG
            entry.focus()
            entry.cursor_position = len(LONG)
            await settled(pilot)
            await pilot.pause()
            shown = "•••" if entry.password else "WXYZ"
            assert shown in seen(pilot).splitlines()[entry.region.y], entry.id


async def test_a_form_with_changes_asks_before_it_is_left() -> None:
    async with opened(an_app(editing()), (80, 24)) as pilot:
        await press(pilot, "a", *"Hill", "escape")
        assert isinstance(pilot.app.screen, ConfirmDialog)
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, ConnectionFormScreen)
        assert pilot.app.screen.query_one("#field-name", Input).value == "Hill"
        await press(pilot, "ctrl+q")
        assert isinstance(pilot.app.screen, ConfirmDialog)
        await press(pilot, "escape", "escape", "right", "enter")
        assert isinstance(pilot.app.screen, ConnectionsScreen)


async def test_a_form_without_changes_is_left_at_once() -> None:
    async with opened(an_app(editing()), (80, 24)) as pilot:
        await press(pilot, "e", "escape")
        assert isinstance(pilot.app.screen, ConnectionsScreen)


async def test_no_letter_leaves_the_form_wherever_the_focus_is() -> None:
    async with opened(an_app(editing()), (80, 24)) as pilot:
        await pilot.press("a", "q", "2", "question_mark")
        await settled(pilot)
        assert pilot.app.is_running
        assert isinstance(pilot.app.screen, ConnectionFormScreen)
        pilot.app.screen.query_one("#provider", Select).focus()
        await press(pilot, "enter", "q", "1", "question_mark")
        assert isinstance(pilot.app.screen, ConnectionFormScreen)
        assert pilot.app.is_running


async def test_f1_explains_the_field() -> None:
    async with opened(an_app(), (80, 24)) as pilot:
        await press(pilot, "a", "f1")
        assert isinstance(pilot.app.screen, TextDialog)
        assert "Tables and messages show it" in seen(pilot)


async def test_an_error_stands_whole_below_its_field_at_80_columns() -> None:
    async with opened(an_app(), (80, 24)) as pilot:
        await press(pilot, "a")
        await typed(pilot, "field-schedule", "soon")
        pilot.app.screen.query_one("#field-schedule").focus()
        await settled(pilot)
        shown = " ".join(seen(pilot).split())
        assert "Write “every 15 minutes”, “hourly”, “daily at 06:00” or “by hand”." in shown
        below = pilot.app.screen.query_one("#check-schedule").region.y
        assert below == pilot.app.screen.query_one("#field-schedule").region.y + 1


async def test_the_form_shows_the_settings_people_change_and_lists_the_rest() -> None:
    async with opened(an_app(editing()), (80, 24)) as pilot:
        await press(pilot, "e")
        screen = pilot.app.screen
        shown = {entry.id for entry in screen.query("#common-settings Input")}
        assert shown == {f"setting-{name}" for name in COMMON_SETTINGS}
        assert not screen.query("#more-settings Input")
        await press(pilot, "ctrl+o")
        more = {entry.id for entry in screen.query("#more-settings Input")}
        # the form's own fields ask for these two
        assert more == {
            f"setting-{name}" for name in set(SETTING_NAMES) - set(COMMON_SETTINGS) - {"base_url", "system"}
        }
        assert isinstance(pilot.app.focused, Input)
        assert str(pilot.app.focused.id).startswith("setting-")
        await press(pilot, "ctrl+o")
        assert not screen.query("#more-settings Input")


async def test_a_setting_shows_its_value_or_the_presets() -> None:
    async with opened(an_app(editing()), (80, 24)) as pilot:
        await press(pilot, "e")
        for size in SIZES:
            await resized(pilot, size)
            pilot.app.screen.query_one("#setting-page_size").focus()
            await settled(pilot)
            assert "50" in row_of(pilot, "#setting-page_size")
            assert "↺" in row_of(pilot, "#setting-page_size")
        assert pilot.app.screen.query_one("#setting-media_mode", Input).placeholder == "expand"


async def test_a_wrong_value_says_so_as_it_is_typed_and_is_not_saved() -> None:
    actions = editing()
    async with opened(an_app(actions), (120, 36)) as pilot:
        await press(pilot, "e", "ctrl+o")
        await typed(pilot, "setting-keys_per_filter", "x")
        assert "It must be a whole number" in text_of(pilot, "#check-keys_per_filter")
        await press(pilot, "ctrl+o", "ctrl+s")
        assert pilot.app.focused is pilot.app.screen.query_one("#setting-keys_per_filter")
        assert not [call for call in actions.calls if call[0] == "update_connection"]


async def test_a_setting_goes_back_to_the_presets_value_by_key() -> None:
    actions = editing()
    async with opened(an_app(actions), (80, 24)) as pilot:
        await press(pilot, "e", "ctrl+r")
        assert any("settings first" in toast for toast in toasts(pilot))
        entry = pilot.app.screen.query_one("#setting-page_size", Input)
        entry.focus()
        await press(pilot, "ctrl+r")
        assert (entry.value, entry.placeholder) == ("", "1000")
        await press(pilot, "ctrl+s")
        assert saved(actions).overrides == {}


async def test_what_is_set_is_saved_and_what_was_set_before_stays() -> None:
    stored = grid(overrides={"page_size": 50, "order_by": True, "media_limits": "", "scope": "none"}, scope=None)
    actions = editing(stored)
    async with opened(an_app(actions), (120, 36)) as pilot:
        await press(pilot, "e", "ctrl+o")
        await typed(pilot, "setting-headers", "X-Feed: idx")
        await press(pilot, "ctrl+s")
        assert saved(actions).overrides == {
            "page_size": "50", "order_by": "yes", "media_limits": "none", "scope": "none", "headers": "X-Feed: idx",
        }  # fmt: skip


async def test_nothing_is_set_by_opening_all_settings_of_a_new_connection() -> None:
    actions = FakeActions()
    async with opened(an_app(actions), (80, 24)) as pilot:
        await press(pilot, "a", "L", "tab", *"https", "colon", "slash", "slash", "m", "tab", "s", "ctrl+o", "ctrl+s")
        assert saved(actions).overrides == {}
        assert saved(actions).base_url == "https://m"


async def test_one_providers_settings_and_secrets_do_not_become_anothers() -> None:
    actions = editing()
    async with opened(an_app(actions), (120, 36)) as pilot:
        await press(pilot, "e")
        choice = pilot.app.screen.query_one("#provider", Select)
        choice.value = "trestle"
        await settled(pilot)
        assert pilot.app.screen.query_one("#setting-page_size", Input).value == ""
        assert "kept as stored" not in pilot.app.screen.query_one("#field-access_token", Input).placeholder
        await typed(pilot, "setting-page_size", "70")
        choice.value = "mlsgrid"
        await settled(pilot)
        assert pilot.app.screen.query_one("#setting-page_size", Input).value == "50"


async def test_an_address_that_the_form_asks_for_is_not_asked_for_twice() -> None:
    trestle = a_connection("T", "trestle", base_url="https://api.cotality.com/trestle/odata", auth=AuthKind.BEARER)
    async with opened(an_app(editing(trestle)), (120, 36)) as pilot:
        await press(pilot, "e", "ctrl+o")
        assert pilot.app.screen.query("#setting-token_url")
        pilot.app.screen.query_one("#auth", Select).value = AuthKind.CLIENT_CREDENTIALS.value
        await settled(pilot)
        assert not pilot.app.screen.query("#setting-token_url")


async def test_hostile_text_in_a_setting_is_shown_as_text_and_never_saved_raw() -> None:
    actions = editing(grid(overrides={"scope": HOSTILE[3], "key_field": HOSTILE[1]}))
    async with opened(an_app(actions), (80, 24)) as pilot:
        await press(pilot, "e", "ctrl+o")
        entries = list(pilot.app.screen.query("#more-settings Input").results(Input))
        for entry, text in zip(entries, HOSTILE * 3, strict=False):
            entry.value = text
        for entry, size in zip(entries[::10], SIZES, strict=False):
            await resized(pilot, size)
            entry.focus()
            await settled(pilot)
            assert not {"\x1b", "\x9b", "\u202e", "\ud800"} & set(seen(pilot))
        for entry in entries:
            entry.value = ""
        await typed(pilot, "setting-headers", "X: \x1b[31mred")
        await typed(pilot, "setting-key_field", HOSTILE[1])
        await press(pilot, "ctrl+s")
        assert pilot.app.focused is pilot.app.screen.query_one("#setting-key_field")
        await press(pilot, "ctrl+r", "ctrl+s")
        assert saved(actions).overrides["headers"] == "X: red"
        assert "\x1b" not in str(saved(actions))


async def test_a_connection_of_a_newer_version_can_still_be_opened() -> None:
    stored = grid(overrides={"colour": "red", "page_size": "many"}, mls_system=None)
    async with opened(an_app(editing(stored)), (80, 24)) as pilot:
        await press(pilot, "e")
        assert "It must be" in text_of(pilot, "#check-page_size")


class Moved(FakeActions):
    """Answers an edit as one that points at another feed."""

    async def update_connection(self, *arguments: object, **more: object) -> ActionResult[ConnectionView]:
        return ActionResult(success=True, data=a_view(note="It points to another feed now."))


async def test_pointing_at_another_feed_is_reported() -> None:
    actions = Moved(connections=[a_view(grid())])
    async with opened(an_app(actions), (80, 24)) as pilot:
        await press(pilot, "e", "ctrl+s")
        assert any("another feed" in toast for toast in toasts(pilot))
