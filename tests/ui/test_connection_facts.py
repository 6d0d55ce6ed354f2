"""The form's section of provider settings: each checked as one types, given back with one key."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Select

from mls_tui.actions import ActionResult, ConnectionForm, ConnectionView
from mls_tui.domain.connection import AuthKind, Connection
from mls_tui.reso.presets import SETTING_NAMES
from mls_tui.ui.screens.fact_fields import WORDS
from mls_tui.ui.screens.fact_section import FactSection, FoldTitle, Mark
from tests.ui.fakes import FakeActions, a_connection, a_view
from tests.ui.shell import HOSTILE, SIZES, an_app, opened, press, resized, seen, settled, text_of, toasts


def grid(**more: object) -> Connection:
    fields = {"base_url": "https://api.mlsgrid.com/v2", "mls_system": "actris", "overrides": {"page_size": 50}}
    return a_connection("Grid", "mlsgrid", **(fields | more))


def editing(connection: Connection | None = None) -> FakeActions:
    return FakeActions(connections=[a_view(connection or grid())])


async def typed(pilot: Pilot[None], fact: str, value: str) -> None:
    pilot.app.screen.query_one(f"#fact-{fact}", Input).value = value
    await settled(pilot)


def saved(actions: FakeActions) -> ConnectionForm:
    form = next(call[-1] for call in actions.calls if call[0] in ("update_connection", "connect_mls"))
    assert isinstance(form, ConnectionForm)
    return form


def line_of(pilot: Pilot[None], fact: str) -> str:
    """The line on the screen where the fact's mark stands."""
    region = pilot.app.screen.query_one(f"#mark-{fact}").region
    return seen(pilot).splitlines()[region.y]


async def test_every_setting_comes_into_sight_by_arrow() -> None:
    async with opened(an_app(editing()), (80, 24)) as pilot:
        await press(pilot, "e")
        assert "page_size" not in seen(pilot)
        assert "Provider facts: 1 set by you" in seen(pilot)
        await press(pilot, "ctrl+o")
        names = pilot.app.screen.query_one(FactSection).shown
        assert set(names) == set(SETTING_NAMES) - {"base_url", "system"}  # the form's own fields ask for these two
        pilot.app.animation_level = "none"
        marks = {mark.fact: mark for mark in pilot.app.screen.query(Mark)}
        assert {str(marks[name].content) for name in names} <= {"", "✔ set by you  ↺"}
        assert [entry.id for entry in pilot.app.screen.query("#fact-lines Input")] == [f"fact-{name}" for name in names]
        for name in (names[1], names[17], names[-1]):
            pilot.app.screen.query_one(f"#fact-{name}").focus()
            await pilot.pause()
            assert pilot.app.screen.query_one("#form").region.contains_region(marks[name].region)
            assert WORDS[name][1:20] in text_of(pilot, "#fact-help")


async def test_a_setting_and_its_mark_stand_on_one_line_at_every_size() -> None:
    async with opened(an_app(editing()), (80, 24)) as pilot:
        await press(pilot, "e", "ctrl+o", "down")
        assert pilot.app.focused is pilot.app.screen.query_one("#fact-page_size_without_media")
        await press(pilot, "up")
        for size in SIZES:
            await resized(pilot, size)
            assert line_of(pilot, "page_size").split()[:5] == ["page_size", "50", "✔", "set", "by"]
            assert line_of(pilot, "replication").split()[:2] == ["replication", "none"]
            assert "Records of a page that carries photos. Preset: 1000" in seen(pilot)


async def test_the_section_opens_and_closes_by_mouse_and_by_enter() -> None:
    async with opened(an_app(editing()), (80, 24)) as pilot:
        await press(pilot, "e")
        section = pilot.app.screen.query_one(FactSection)
        await pilot.click(FoldTitle)
        await settled(pilot)
        assert "keys_per_filter" in seen(pilot)
        pilot.app.screen.query_one(FoldTitle).focus()
        await press(pilot, "enter")
        assert section.folded
        await press(pilot, "enter")
        assert not section.folded


async def test_a_wrong_value_says_so_as_it_is_typed_and_is_not_saved() -> None:
    actions = editing()
    async with opened(an_app(actions), (120, 36)) as pilot:
        await press(pilot, "e", "ctrl+o", *"x")
        assert "✖ a whole number" in text_of(pilot, "#mark-page_size")
        assert "It must be a whole number from 1 to 1,000,000" in text_of(pilot, "#fact-help")
        assert "1 cannot be read" in seen(pilot)
        await pilot.app.screen.query_one(FactSection).fold(True)
        await press(pilot, "ctrl+s")
        assert pilot.app.focused is pilot.app.screen.query_one("#fact-page_size")
        assert not [call for call in actions.calls if call[0] == "update_connection"]


async def test_a_fact_goes_back_to_the_presets_value_by_key_and_by_mouse() -> None:
    actions = editing()
    async with opened(an_app(actions), (80, 24)) as pilot:
        await press(pilot, "e", "ctrl+r")
        assert any("ctrl+o" in toast for toast in toasts(pilot))
        await press(pilot, "ctrl+o")
        entry = pilot.app.screen.query_one("#fact-page_size", Input)
        assert "set by you" in text_of(pilot, "#mark-page_size")
        await press(pilot, "ctrl+r")
        assert (entry.value, entry.placeholder) == ("", "1000")
        assert text_of(pilot, "#mark-page_size") == ""
        assert "all as the preset has them" in seen(pilot)
        await press(pilot, "7")
        assert "set by you" in text_of(pilot, "#mark-page_size")
        await pilot.click("#mark-page_size")
        await settled(pilot)
        assert entry.value == ""
        await press(pilot, "ctrl+s")
        assert saved(actions).overrides == {}


@pytest.mark.feed(6, "every field can be edited")
async def test_what_is_set_is_saved_and_what_was_set_before_stays() -> None:
    stored = grid(overrides={"page_size": 50, "order_by": True, "media_limits": "", "scope": "none"}, scope=None)
    actions = editing(stored)
    async with opened(an_app(actions), (120, 36)) as pilot:
        await press(pilot, "e", "ctrl+o")
        await typed(pilot, "headers", "X-Feed: idx")
        assert "✔ set by you" in text_of(pilot, "#mark-headers")
        await press(pilot, "ctrl+s")
        assert saved(actions).overrides == {
            "page_size": "50", "order_by": "yes", "media_limits": "none", "scope": "none", "headers": "X-Feed: idx",
        }  # fmt: skip


async def test_nothing_is_set_by_opening_the_section_of_a_new_connection() -> None:
    actions = FakeActions()
    async with opened(an_app(actions), (80, 24)) as pilot:
        await press(pilot, "a", "L", "tab", *"https", "colon", "slash", "slash", "m", "tab", "s", "ctrl+o", "ctrl+s")
        assert saved(actions).overrides == {}
        assert saved(actions).base_url == "https://m"


async def test_one_providers_facts_and_secrets_do_not_become_anothers() -> None:
    actions = editing()
    async with opened(an_app(actions), (120, 36)) as pilot:
        await press(pilot, "e", "ctrl+o")
        choice = pilot.app.screen.query_one("#provider", Select)
        choice.value = "trestle"
        await settled(pilot)
        assert pilot.app.screen.query_one("#fact-page_size", Input).value == ""
        assert "kept as stored" not in pilot.app.screen.query_one("#field-access_token", Input).placeholder
        await typed(pilot, "page_size", "70")
        choice.value = "mlsgrid"
        await settled(pilot)
        assert pilot.app.screen.query_one("#fact-page_size", Input).value == "50"


async def test_an_address_that_the_form_asks_for_is_not_asked_for_twice() -> None:
    trestle = a_connection("T", "trestle", base_url="https://api.cotality.com/trestle/odata", auth=AuthKind.BEARER)
    async with opened(an_app(editing(trestle)), (120, 36)) as pilot:
        await press(pilot, "e", "ctrl+o")
        section = pilot.app.screen.query_one(FactSection)
        assert "token_url" in section.shown
        assert text_of(pilot, "#check-base_url") == ""
        pilot.app.screen.query_one("#auth", Select).value = AuthKind.CLIENT_CREDENTIALS.value
        await settled(pilot)
        assert "token_url" not in section.shown
        assert not pilot.app.screen.query("#fact-token_url")


async def test_hostile_text_in_a_fact_is_shown_as_text_and_never_saved_raw() -> None:
    actions = editing(grid(overrides={"scope": HOSTILE[3], "key_field": HOSTILE[1]}))
    async with opened(an_app(actions), (80, 24)) as pilot:
        await press(pilot, "e", "ctrl+o")
        entries = list(pilot.app.screen.query("#fact-lines Input").results(Input))
        for entry, text in zip(entries, HOSTILE * 3, strict=False):
            entry.value = text
        for entry, size in zip(entries[::14], SIZES, strict=True):
            await resized(pilot, size)
            entry.focus()
            await settled(pilot)
            assert not {"\x1b", "\x9b", "\u202e", "\ud800"} & set(seen(pilot))
        for entry in entries:
            entry.value = ""
        await typed(pilot, "headers", "X: \x1b[31mred")
        await typed(pilot, "key_field", HOSTILE[1])
        await press(pilot, "ctrl+s")
        assert pilot.app.focused is pilot.app.screen.query_one("#fact-key_field")
        await press(pilot, "ctrl+r", "ctrl+s")
        assert saved(actions).overrides["headers"] == "X: red"
        assert "\x1b" not in str(saved(actions))


async def test_a_connection_of_a_newer_version_can_still_be_opened() -> None:
    stored = grid(overrides={"colour": "red", "page_size": "many"}, mls_system=None)
    async with opened(an_app(editing(stored)), (80, 24)) as pilot:
        await press(pilot, "e", "ctrl+o")
        assert "✖" in text_of(pilot, "#mark-page_size")


class Moved(FakeActions):
    """Answers an edit as one that points at another feed."""

    async def update_connection(self, *arguments: object, **more: object) -> ActionResult[ConnectionView]:
        return ActionResult(success=True, data=a_view(note="It points to another feed now."))


async def test_pointing_at_another_feed_is_told() -> None:
    actions = Moved(connections=[a_view(grid())])
    async with opened(an_app(actions), (80, 24)) as pilot:
        await press(pilot, "e", "ctrl+s")
        assert any("another feed" in toast for toast in toasts(pilot))
