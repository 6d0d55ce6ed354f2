"""The demo says that it is one, can be left, and takes no connection of the user's own."""

from __future__ import annotations

import pytest

from mls_tui.actions.workspace import Workspace
from mls_tui.ui.app import Hooks
from mls_tui.ui.screens.connection_form import ConnectionFormScreen
from mls_tui.ui.screens.dialogs import ConfirmDialog
from tests.ui.fakes import FakeActions, a_view, fake_workspace, gate
from tests.ui.shell import SIZES, an_app, begun, opened, press, resized, seen, until

OWN = fake_workspace()


def own() -> Workspace:
    return OWN


async def test_every_screen_says_that_it_is_the_demo_and_how_to_leave_it() -> None:
    async with opened(an_app(demo=True, hooks=Hooks(own_workspace=own))) as pilot:
        for size in SIZES:
            await resized(pilot, size)
            for key in "1234":
                await press(pilot, key)
                assert "Demo. " in seen(pilot)
                assert "L leaves it" in seen(pilot)


@pytest.mark.parametrize("key", ["L", "o"])
async def test_the_demo_is_left_for_the_users_own_store_without_quitting(key: str) -> None:
    actions = FakeActions(connections=[a_view()], script=[*begun(), gate()])
    app = an_app(actions, demo=True, hooks=Hooks(own_workspace=own))
    async with opened(app) as pilot:
        await press(pilot, "i")
        await until(pilot, lambda: "▶ importing" in seen(pilot))
        await press(pilot, "1", key)
        await until(pilot, lambda: app.workspace is OWN)
        await until(pilot, lambda: "Demo. " not in seen(pilot))
        assert "mporting" not in seen(pilot)
        assert not app.imports.running


async def test_a_connection_added_in_the_demo_goes_to_the_users_own_store_after_saying_so() -> None:
    actions = FakeActions(connections=[a_view()])
    app = an_app(actions, demo=True, hooks=Hooks(own_workspace=own))
    async with opened(app) as pilot:
        await press(pilot, "a")
        assert isinstance(app.screen, ConfirmDialog)
        assert "your own store" in seen(pilot)
        await press(pilot, "escape")
        assert app.demo
        await press(pilot, "a", "right", "enter")
        await until(pilot, lambda: isinstance(app.screen, ConnectionFormScreen))
        assert app.workspace is OWN
        assert not app.demo
