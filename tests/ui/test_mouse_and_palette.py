"""What the keys do, the mouse and the palette do too; what changes something is out of reach of all three where the
session is read-only."""

from __future__ import annotations

import pytest
from textual.binding import Binding
from textual.dom import DOMNode
from textual.events import MouseScrollDown
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Button

from mls_tui.actions import Preview, PreviewRow
from mls_tui.ui.app import MlsTuiApp
from mls_tui.ui.screens.base import READ_ONLY, MlsScreen
from mls_tui.ui.screens.detail import DetailScreen
from mls_tui.ui.screens.dialogs import ConfirmDialog
from mls_tui.ui.widgets.filter_bar import StatusTabs
from mls_tui.ui.widgets.frame import KeyBar
from mls_tui.ui.widgets.listing_table import ListingTable
from tests.ui.fakes import FakeActions, a_view
from tests.ui.listings_app import actions_with, homes, listings_desk
from tests.ui.shell import an_app, opened, press, seen, settled, toasts
from tests.ui.test_everywhere import a_run

ROUTES = {
    "connections": ("1",),
    "preview": ("1", "p"),
    "listings": ("2",),
    "detail": ("2", "enter"),
    "progress": ("3",),
    "history": ("4",),
    "past import": ("4", "enter"),
}
MOVES = frozenset({"up", "down", "left", "right", "page up", "page down", "first", "last", "first row", "last row"})
EVERYWHERE = ("Go to: ", "Application: ")
"""The application's own entries do the same on every screen; they are tried on the first."""
CHANGING = frozenset({"delete_listings", "undo_deletion", "connect_mls", "update_connection", "disconnect_mls",
                      "import_events", "retry_events", "refetch_photos"})  # fmt: skip


def full_actions() -> FakeActions:
    actions = actions_with(homes(7))
    actions.connections = FakeActions(connections=[a_view()]).connections
    actions.history = [a_run()]
    actions.preview = Preview((PreviewRow("44", "k", "new"),))
    return actions


def offered(app: MlsTuiApp) -> list[tuple[str, str]]:
    return [(command.title, command.help) for command in app.commands(app.screen)]


@pytest.mark.parametrize("route", ROUTES)
async def test_every_palette_entry_of_a_screen_acts_or_says_why_not(
    route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, handled = an_app(full_actions()), list[bool]()
    run_action = app.run_action

    async def watched(action: str, node: DOMNode) -> bool:
        handled.append(await run_action(action, node))
        return handled[-1]

    async with opened(app) as pilot:
        await press(pilot, *ROUTES[route])
        monkeypatch.setattr(app, "run_action", watched)
        titles = [title for title, _ in offered(app) if not title.endswith("Quit") and not is_a_move(title)]
        assert len(titles) >= 6
        if route != "connections":
            titles = [title for title in titles if not title.startswith(EVERYWHERE)]
        screen, entries = app.screen, {entry.title: entry for entry in app.commands(app.screen)}
        for title in titles:
            if app.screen is not screen:
                screen, entries = app.screen, {entry.title: entry for entry in app.commands(app.screen)}
            entry = entries[title]
            handled.clear()
            app.clear_notifications()
            entry.callback()
            await pilot.pause()
            await settled(pilot)
            assert handled == [True] or (handled == [False] and toasts(pilot)), (route, title)
            await back_to(pilot, screen, route)


def is_a_move(title: str) -> bool:
    """Where there is nowhere to go, there is nothing to tell either."""
    return title.rpartition(": ")[2].lower().removeprefix("half ").removeprefix("a ") in MOVES


async def back_to(pilot: Pilot[None], screen: Screen[object], route: str) -> None:
    """Close what an entry has opened; open again what it has closed."""
    app = pilot.app
    if app.screen is screen:
        return
    while len(app.screen_stack) > 1 and app.screen is not screen:
        app.pop_screen()
        await pilot.pause()
    await press(pilot, *(ROUTES[route] if not screen.is_attached else ROUTES[route][:1]))


@pytest.mark.parametrize("route", ROUTES)
async def test_no_key_and_no_palette_entry_changes_anything_in_a_read_only_session(route: str) -> None:
    actions = full_actions()
    app = an_app(actions, read_only=True)
    async with opened(app) as pilot:
        await press(pilot, *ROUTES[route])
        screen = app.screen
        assert isinstance(screen, MlsScreen)
        barred = {node_binding.action for _, node_binding, _, _ in screen.active_bindings.values()} & screen.WRITES
        told = [help for title, help in offered(app) if help == READ_ONLY]
        assert len(told) == len(barred)
        for action in barred:
            app.clear_notifications()
            await app.run_action(action, screen)
            await settled(pilot)
            assert app.screen is screen
            assert toasts(pilot) == [READ_ONLY]
    assert not {str(call[0]) for call in actions.calls} & CHANGING


async def test_a_click_on_a_dimmed_key_says_why() -> None:
    actions = full_actions()
    async with opened(an_app(actions, read_only=True)) as pilot:
        await pilot.click(KeyBar, offset=(2, 0))
        await settled(pilot)
        assert toasts(pilot) == [READ_ONLY]
    assert "import_events" not in {str(call[0]) for call in actions.calls}


async def test_the_mouse_sorts_marks_scrolls_chooses_and_opens() -> None:
    async with listings_desk(homes(60)) as desk:
        price = next(placed for placed in desk.table.placed if placed.column.key == "price")
        for arrow in ("▼", "▲"):
            await desk.pilot.click(ListingTable, offset=(price.x + 1, 0))
            await desk.settle()
            assert f"Price{arrow}" in desk.text
        await desk.pilot.click(ListingTable, offset=(20, 4))
        assert desk.table.index == 3
        await desk.pilot.click(ListingTable, offset=(0, 6))
        assert desk.marked_ids == [desk.listing_id]
        await desk.pilot.click(ListingTable, offset=(20, 8), shift=True)
        assert len(desk.marked_ids) == 3
        await desk.pilot._post_mouse_events([MouseScrollDown], ListingTable, offset=(5, 5))
        await desk.settle()
        assert desk.table.scroll_offset.y > 0
        all_tab = len(" All 60 ") + 3
        await desk.pilot.click(StatusTabs, offset=(all_tab, 0))
        await desk.settle()
        assert desk.screen.tabs.status == "active"
        await desk.pilot.click(ListingTable, offset=(20, 3), times=2)
        await desk.settle()
        assert isinstance(desk.app.screen, DetailScreen)


async def test_the_mouse_presses_buttons_and_keys_of_the_bar() -> None:
    async with listings_desk(homes(3)) as desk:
        at = desk.text.splitlines()[-2].index("d Delete")
        await desk.pilot.click(KeyBar, offset=(at, 0))
        await desk.settle()
        assert isinstance(desk.app.screen, ConfirmDialog)
        assert desk.app.screen.query_one("#cancel", Button).has_focus
        await desk.pilot.click("#act")
        await desk.settle()
        assert "2 of 2" in desk.text
        assert "1 listing" in desk.toasts


REMAPPED = {"connections": "connection.preview", "listings": "listings.undo", "progress": "import.notify",
            "history": "history.open", "preview": "preview.mark_all", "past import": "run.open"}  # fmt: skip


@pytest.mark.parametrize("route", REMAPPED)
async def test_keys_can_be_remapped_on_each_screen(route: str) -> None:
    app = an_app(full_actions(), keymap={REMAPPED[route]: "f7"})
    async with opened(app) as pilot:
        await press(pilot, *ROUTES[route])
        bound = binding_of(pilot, REMAPPED[route])
        assert bound.key == "f7"
        before, screen = seen(pilot), app.screen
        await press(pilot, "f7")
        assert app.screen is not screen or seen(pilot) != before or toasts(pilot)


def binding_of(pilot: Pilot[None], name: str) -> Binding:
    return next(active.binding for active in pilot.app.screen.active_bindings.values() if active.binding.id == name)


async def test_every_binding_of_every_screen_says_what_it_is_and_can_be_given_another_key() -> None:
    app = an_app(full_actions())
    async with opened(app) as pilot:
        for keys in ROUTES.values():
            await press(pilot, *keys)
            nodes = {type(active.node) for active in app.screen.active_bindings.values()}
            declared = [binding for node in nodes if ours(node) for binding in node.__dict__.get("BINDINGS", ())]
            assert declared
            for binding in declared:
                assert isinstance(binding, Binding)
                assert binding.id
                assert binding.tooltip or binding.description
                assert binding.group is not None
            await press(pilot, "escape")


def ours(owner: type) -> bool:
    return owner.__module__.startswith("mls_tui")


@pytest.mark.parametrize("size", [(59, 30), (100, 15), (40, 10)])
async def test_under_sixty_by_sixteen_there_is_a_polite_notice_on_each_screen(size: tuple[int, int]) -> None:
    async with opened(an_app(full_actions()), size) as pilot:
        for key in "1234":
            await press(pilot, key)
            assert "needs at least 60 × 16" in seen(pilot)
        await pilot.resize_terminal(60, 16)
        await settled(pilot)
        assert "needs at least 60 × 16" not in seen(pilot)
