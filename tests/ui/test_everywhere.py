"""What holds on every screen: help and palette from its own bindings, a way back, remapped keys, sizes, errors."""

from __future__ import annotations

import pytest
from textual.binding import Binding
from textual.widgets._toast import Toast

import mls_tui.actions
from mls_tui.actions import Preview, PreviewRow
from mls_tui.domain.errors import StorageError
from mls_tui.domain.run import ImportCounts, ImportRun, Problem, ProblemKind, RunState
from mls_tui.ui.actions_port import ActionsPort
from mls_tui.ui.app import MlsTuiApp
from mls_tui.ui.screens.connection_form import ConnectionFormScreen
from mls_tui.ui.screens.connections import ConnectionsScreen
from mls_tui.ui.screens.dialogs import ConfirmDialog, TextDialog
from mls_tui.ui.screens.errors import ErrorScreen
from mls_tui.ui.screens.help import HelpScreen
from mls_tui.ui.screens.history import HistoryScreen, RunDetailScreen
from mls_tui.ui.screens.log import LogScreen
from mls_tui.ui.screens.preview import PreviewScreen
from mls_tui.ui.screens.progress import ProgressScreen
from mls_tui.ui.screens.sign_in import SignInScreen
from mls_tui.ui.widgets.log_view import LogView
from mls_tui.ui.widgets.tables import SmallTable
from tests.ui.fakes import NOW_MS, FakeActions, a_view
from tests.ui.shell import HOSTILE, SIZES, an_app, opened, press, resized, seen, text_of, until

OURS = [
    MlsTuiApp, ConnectionsScreen, ConnectionFormScreen, ProgressScreen, HistoryScreen, PreviewScreen, RunDetailScreen,
    LogScreen, TextDialog, ErrorScreen, HelpScreen, SignInScreen, ConfirmDialog, SmallTable, LogView,
]  # fmt: skip


def a_run(error: str = "404 Not Found") -> ImportRun:
    return ImportRun(
        run_id="r1", user_id="local", connection_id="demo-mls", connection_name="Demo MLS", provider="reso",
        state=RunState.DONE, started_at=NOW_MS, finished_at=NOW_MS + 64_000, error=error, problems=1,
        counts=ImportCounts(total=10, created=9, failed=1),
    )  # fmt: skip


def test_the_real_actions_are_what_the_interface_asks_for() -> None:
    port: ActionsPort = mls_tui.actions
    assert callable(port.import_events)


@pytest.mark.parametrize("owner", OURS)
def test_every_binding_has_an_id_a_tooltip_and_a_group(owner: type) -> None:
    for binding in owner.__dict__["BINDINGS"]:
        assert isinstance(binding, Binding)
        assert binding.id
        assert binding.tooltip or binding.description
        assert binding.group is not None


async def test_keys_can_be_remapped() -> None:
    async with opened(an_app(keymap={"go.history": "f9"})) as pilot:
        await press(pilot, "f9")
        assert isinstance(pilot.app.screen, HistoryScreen)


async def test_escape_returns_to_where_one_came_from() -> None:
    app = an_app()
    async with opened(app) as pilot:
        await press(pilot, "4", "3", "escape")
        assert app.current_mode == "history"
        await press(pilot, "escape")
        assert app.current_mode == "connections"


async def test_a_small_terminal_gets_a_polite_notice() -> None:
    async with opened(an_app(), (50, 12)) as pilot:
        assert "needs at least 60 × 16" in seen(pilot)


async def test_a_store_that_cannot_open_is_explained_and_can_be_tried_again() -> None:
    app = an_app()
    app.workspace.fails = StorageError("The store is in use [/] by another mls-tui.")  # type: ignore[attr-defined]
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: isinstance(app.screen, ErrorScreen) and "in use [/] by another" in seen(pilot))
        assert "mls-tui doctor" in seen(pilot)
        app.workspace.fails = None  # type: ignore[attr-defined]
        await pilot.press("r")
        await until(pilot, lambda: bool(app.screen.query(SmallTable)))
        await press(pilot, "1")
        assert "Demo MLS" in seen(pilot)


async def test_a_past_import_opens_with_each_problem_and_its_raw_record() -> None:
    actions = FakeActions(connections=[a_view()], history=[a_run()])
    raw = '{"ListingKey": "k7", "PublicRemarks": "[@click=app.quit]x[/]"}'
    put_aside = Problem(kind=ProblemKind.QUARANTINED, mls_number="", listing_key="k7", error="no ListingId", raw=raw)
    actions.problems["r1"] = [put_aside]
    async with opened(an_app(actions)) as pilot:
        await press(pilot, "4", "enter")
        for size in SIZES:
            await resized(pilot, size)
            assert "no ListingId" in seen(pilot)
        await press(pilot, "enter")
        assert text_of(pilot, "#raw") == raw
        await press(pilot, "escape", "escape")
        assert isinstance(pilot.app.screen, HistoryScreen)


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_text_passes_through_the_history(size: tuple[int, int]) -> None:
    run = a_run(HOSTILE[0]).model_copy(update={"connection_name": HOSTILE[1]})
    actions = FakeActions(connections=[a_view()], history=[run])
    actions.problems["r1"] = [Problem(kind=ProblemKind.LISTING, mls_number=t, error=t, raw=t) for t in HOSTILE]
    async with opened(an_app(actions), size) as pilot:
        await press(pilot, "4", "enter", *["j"] * 3)
        assert "\x1b" not in seen(pilot)
        for _ in HOSTILE[3:7]:
            await press(pilot, "enter")
            assert isinstance(pilot.app.screen, TextDialog)
            assert not {letter for letter in seen(pilot) if ord(letter) < 32 and letter != "\n"}
            await press(pilot, "escape", "j")
        await press(pilot, "escape")
        assert isinstance(pilot.app.screen, HistoryScreen)


async def test_only_what_is_marked_in_the_preview_is_imported() -> None:
    actions = FakeActions(connections=[a_view()])
    rows = tuple(PreviewRow(mls_number=f"44{n}", listing_key=f"k{n}", change="new") for n in range(3))
    actions.preview = Preview(rows=rows)
    async with opened(an_app(actions)) as pilot:
        await press(pilot, "p", "space", "i")
        call = next(call for call in actions.calls if call[0] == "import_events")
        assert call[2].keys == ("k1", "k2")  # type: ignore[attr-defined]


async def test_a_toast_leaves_the_keys_in_sight_and_says_a_thing_once() -> None:
    async with opened(an_app()) as pilot:
        await press(pilot, "3", "x", "x", "x")
        for size in SIZES:
            await resized(pilot, size)
            [toast] = pilot.app.screen.query(Toast)
            assert not toast.region.overlaps(pilot.app.screen.query_one("#foot").region)
            assert "q Quit" in seen(pilot)
