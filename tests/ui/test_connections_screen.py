"""Connections: a table with every state, a form that checks as one types, an empty state that offers the demo."""

from __future__ import annotations

import pytest
from textual.widgets import Button, Input, Select

from mls_tui.actions import ConnectionForm
from mls_tui.actions.workspace import Workspace
from mls_tui.domain.connection import AuthKind
from mls_tui.domain.run import RunState
from mls_tui.reso.presets import PRESETS
from mls_tui.ui.app import Hooks
from mls_tui.ui.formats import every
from mls_tui.ui.screens.connection_form import fields_for, problem, schedule_minutes, time_of_day
from mls_tui.ui.screens.dialogs import ConfirmDialog
from mls_tui.ui.widgets.tables import SmallTable
from tests.ui.fakes import NOW_MS, FakeActions, a_connection, a_view, fake_workspace
from tests.ui.shell import (
    HOSTILE,
    SIZES,
    an_app,
    harmless,
    opened,
    press,
    resized,
    seen,
    settled,
    text_of,
    toasts,
    until,
)
from tests.ui.test_everywhere import a_run


async def demo() -> Workspace:
    return fake_workspace()


async def test_a_fresh_machine_is_offered_the_demo_which_replaces_the_workspace() -> None:
    actions = FakeActions()
    app = an_app(actions, hooks=Hooks(start_demo=demo))
    async with opened(app) as pilot:
        for size in SIZES:
            await resized(pilot, size)
            assert "See the demo" in seen(pilot)
            assert isinstance(app.focused, Button)
        await press(pilot, "i")
        assert any("no connection yet" in toast for toast in toasts(pilot))
        before = app.workspace
        actions.connections = {"demo-mls": a_view()}
        await press(pilot, "o")
        assert app.workspace is not before
        await until(pilot, lambda: any(call[0] == "import_events" for call in actions.calls))
        assert app.current_mode == "progress"


async def test_each_connection_shows_its_state_in_words() -> None:
    views = [
        a_view(a_connection("One"), state="connected", listings=12_431),
        a_view(a_connection("Two", token_expires_at=NOW_MS + 5 * 3_600_000), state="expires soon"),
        a_view(a_connection("Three"), state="expired"),
        a_view(a_connection("Four")),
    ]
    async with opened(an_app(FakeActions(connections=views))) as pilot:
        for size in SIZES:
            await resized(pilot, size)
            shown = seen(pilot)
            for words in ("connected", "token expires in 5 h", "expired: press e", "never imported", "12,431"):
                assert words in shown


async def test_a_connection_whose_last_import_failed_is_not_called_connected() -> None:
    failed = a_run("The MLS could not be reached.").model_copy(update={"state": RunState.FAILED})
    async with opened(an_app(FakeActions(connections=[a_view(state="connected", last_run=failed)]))) as pilot:
        for size in SIZES:
            await resized(pilot, size)
            assert "✖ import failed" in seen(pilot)
            assert "connected" not in seen(pilot)


async def test_hostile_names_are_shown_as_text_everywhere() -> None:
    named = [a_connection(f"c{n}").model_copy(update={"name": text}) for n, text in enumerate(HOSTILE)]
    app = an_app(FakeActions(connections=[a_view(connection) for connection in named]))
    async with opened(app) as pilot:
        for size in SIZES:
            await resized(pilot, size)
            assert "[@click=app.quit]press me[/]" in seen(pilot)
            for _ in HOSTILE[:5]:
                await press(pilot, "x")
                assert harmless(seen(pilot))
                await press(pilot, "escape", "j")
            await press(pilot, "e")
            assert harmless(seen(pilot))
            await press(pilot, "escape")
        assert app.is_running


async def test_removing_starts_on_cancel_and_removes_only_when_told() -> None:
    actions = FakeActions(connections=[a_view()])
    async with opened(an_app(actions)) as pilot:
        await press(pilot, "x", "enter")
        assert actions.connections
        await press(pilot, "x")
        assert isinstance(pilot.app.screen, ConfirmDialog)
        assert pilot.app.focused is pilot.app.screen.query_one("#cancel")
        await press(pilot, "right", "enter")
        assert not actions.connections


async def test_read_only_refuses_and_says_so() -> None:
    actions = FakeActions(connections=[a_view()])
    async with opened(an_app(actions, read_only=True)) as pilot:
        await press(pilot, "i", "a", "x")
        assert len([toast for toast in toasts(pilot) if "read-only" in toast]) >= 1
        assert {call[0] for call in actions.calls} == {"get_connections"}


async def test_a_failed_load_is_told_as_a_sentence() -> None:
    actions = FakeActions()
    actions.errors["get_connections"] = "The table mls-listings is not there: run mls-tui storage init."
    async with opened(an_app(actions)) as pilot:
        assert any("storage init" in toast for toast in toasts(pilot))


async def type_into(pilot: object, name: str, value: str) -> None:
    app = pilot.app  # type: ignore[attr-defined]
    app.screen.query_one(f"#field-{name}", Input).value = value
    await settled(pilot)  # type: ignore[arg-type]


async def test_a_connection_can_be_added_with_the_keyboard() -> None:
    actions = FakeActions()
    async with opened(an_app(actions), (80, 24)) as pilot:
        await press(pilot, "a")
        await press(pilot, "L", "tab", *"https", "colon", "slash", "slash", "m", "tab", "s")
        await press(pilot, "ctrl+s")
        form = next(call[1] for call in actions.calls if call[0] == "connect_mls")
        assert isinstance(form, ConnectionForm)
        assert (form.name, form.base_url, form.access_token) == ("L", "https://m", "s")
        assert pilot.app.screen.query_one(SmallTable).row_count == 1


@pytest.mark.parametrize("provider", PRESETS)
async def test_what_a_field_is_for_can_be_read_whole_at_80_columns(provider: str) -> None:
    async with opened(an_app(), (80, 24)) as pilot:
        await press(pilot, "a")
        pilot.app.screen.query_one("#provider", Select).value = provider
        await settled(pilot)
        for entry in pilot.app.screen.query("#fields Input").results(Input):
            address = entry.placeholder in (PRESETS[provider].base_url, PRESETS[provider].token_url)
            assert address or entry.value or entry.placeholder in seen(pilot)
        shown = " ".join(seen(pilot).split())
        assert all(" ".join(note.split()) in shown for note in PRESETS[provider].notes)


async def test_validation_stands_beside_the_field_and_nothing_is_saved_while_something_is_missing() -> None:
    actions = FakeActions()
    async with opened(an_app(actions)) as pilot:
        await press(pilot, "a")
        await type_into(pilot, "base_url", "ftp://x")
        assert "begins with https://" in text_of(pilot, "#check-base_url")
        await type_into(pilot, "base_url", "https://mls.example/odata")
        assert "✔" in text_of(pilot, "#mark-base_url")
        await press(pilot, "ctrl+s")
        assert "needed" in text_of(pilot, "#check-name")
        assert not [call for call in actions.calls if call[0] == "connect_mls"]


async def test_a_test_says_what_it_found_stores_nothing_and_shows_no_secret() -> None:
    actions = FakeActions(connections=[a_view()])
    async with opened(an_app(actions)) as pilot:
        await press(pilot, "t")
        found = text_of(pilot, "#found")
        assert "Ana Lake" in found
        assert "Lakeside Realty" in found
        assert "300 listings" in found
        assert "This test stored nothing" in found
        assert not [call for call in actions.calls if call[0] in ("connect_mls", "update_connection")]
        actions.errors["try_connection"] = "The MLS refused the credentials [/]: check the token."
        await press(pilot, "ctrl+t")
        assert "refused the credentials [/]" in text_of(pilot, "#found")
        secret = pilot.app.screen.query_one("#field-access_token", Input)
        assert secret.password
        assert secret.value == ""
        assert "kept as stored" in secret.placeholder


@pytest.mark.parametrize("provider", PRESETS)
def test_every_provider_asks_for_what_it_needs(provider: str) -> None:
    preset = PRESETS[provider]
    for auth in preset.auths:
        fields = {field.name: field for field in fields_for(preset, auth)}
        assert fields["name"].required
        assert fields["base_url"].required == ("base_url" in preset.required_fields)
        if auth is AuthKind.CLIENT_CREDENTIALS:
            assert fields["client_secret"].secret


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("every 15 minutes", 15),
        ("15m", 15),
        ("2 hours", 120),
        ("every day", 1_440),
        ("hourly", 60),
        ("Daily", 1_440),
        ("weekly", 10_080),
        ("daily at 06:00", 1_440),
        ("every day at 6", 1_440),
        ("by hand", None),
        ("", None),
    ],
)
def test_a_schedule_is_read_as_people_write_it(text: str, minutes: int | None) -> None:
    assert schedule_minutes(text) == minutes


@pytest.mark.parametrize(
    ("text", "at"),
    [("daily at 06:00", "06:00"), ("every day at 6", "06:00"), ("Daily at 23:15", "23:15"), ("daily", None)],
)
def test_a_time_of_day_is_kept_with_the_schedule(text: str, at: str | None) -> None:
    assert time_of_day(text) == at
    assert every(schedule_minutes(text), at) == (f"daily at {at}" if at else "every day")


@pytest.mark.parametrize("text", ["daily at 25:00", "0", "soon", "every", "99999 days", "-5"])
def test_a_schedule_that_cannot_be_read_says_what_to_write(text: str) -> None:
    field = next(each for each in fields_for(PRESETS["reso"], AuthKind.BEARER) if each.name == "schedule")
    assert problem(field, text)


async def test_the_background_service_is_installed_and_removed_after_a_question() -> None:
    actions = FakeActions(connections=[a_view()])
    async with opened(an_app(actions)) as pilot:
        assert "by hand" in seen(pilot)
        await press(pilot, "b", "escape")
        assert not actions.service.installed
        await press(pilot, "b", "right", "enter")
        assert actions.service.installed
        assert "every 15 minutes, by the service" in seen(pilot)
        await press(pilot, "b", "right", "enter")
        assert not actions.service.installed
        assert "by hand" in seen(pilot)


async def test_a_schedule_says_that_it_holds_while_the_program_is_open_and_offers_the_service() -> None:
    actions = FakeActions(connections=[a_view()])
    async with opened(an_app(actions)) as pilot:
        await press(pilot, "e")
        await type_into(pilot, "schedule", "hourly")
        await press(pilot, "ctrl+s")
        assert any("while this program is open; b installs a service" in toast for toast in toasts(pilot))


async def test_the_form_says_what_imports_while_the_program_is_closed() -> None:
    actions = FakeActions(connections=[a_view()])
    async with opened(an_app(actions)) as pilot:
        await press(pilot, "e")
        assert "while this program is open; a background service" in seen(pilot)
        await press(pilot, "escape", "b", "right", "enter", "e")
        assert "the background service imports every 15 minutes" in seen(pilot)


async def test_enter_shows_the_listings_of_the_connection() -> None:
    async with opened(an_app(FakeActions(connections=[a_view(a_connection("Oak Park MLS"))]), read_only=True)) as pilot:
        await press(pilot, "enter")
        assert pilot.app.current_mode == "listings"
        assert 'from:"Oak Park MLS"' in seen(pilot)


async def test_an_interrupted_import_says_how_to_continue() -> None:
    interrupted = a_run("").model_copy(update={"state": RunState.INTERRUPTED})
    async with opened(an_app(FakeActions(connections=[a_view(last_run=interrupted)]))) as pilot:
        assert "interrupted: i continues" in seen(pilot)


async def test_the_demo_gets_no_background_service() -> None:
    actions = FakeActions(connections=[a_view()])
    async with opened(an_app(actions, demo=True)) as pilot:
        await press(pilot, "b")
        assert not isinstance(pilot.app.screen, ConfirmDialog)
        assert any("only while it is open" in toast for toast in toasts(pilot))
