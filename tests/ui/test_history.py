"""Past imports at a glance: numbers under their titles, all the room used, and what is left to try again."""

from __future__ import annotations

import pytest

from mls_tui.domain.run import ImportCounts, ImportRun, RunState
from mls_tui.ui.screens.history import HistoryScreen
from mls_tui.ui.widgets.tables import SmallTable
from tests.ui.fakes import NOW_MS, FakeActions, a_view
from tests.ui.shell import SIZES, an_app, begun, finished, opened, press, resized, scripted, seen, text_of, until

LONG = "Flexmls refused the credentials (401). Open the connection with e and enter a new token."


def a_run(number: int = 0, **counts: int) -> ImportRun:
    started = NOW_MS - number * 60_000
    return ImportRun(
        run_id=f"r{number}", user_id="local", connection_id="demo-mls", connection_name="Demo MLS", provider="reso",
        state=RunState.DONE, started_at=started, finished_at=started + 64_000, counts=ImportCounts(**counts),
    )  # fmt: skip


def actions_with(*runs: ImportRun) -> FakeActions:
    return FakeActions(connections=[a_view()], history=runs)


async def test_numbers_end_where_their_titles_end() -> None:
    runs = [a_run(0, created=12_431, updated=7), a_run(1, created=3, updated=1_204, failed=2)]
    async with opened(an_app(actions_with(*runs))) as pilot:
        await press(pilot, "4")
        title, first, second = (line for line in seen(pilot).splitlines() if "Changed" in line or "Demo MLS" in line)
        for column, numbers in {"New": ("12,431", "3"), "Changed": ("7", "1,204"), "Failed": ("0", "2")}.items():
            end = title.index(column) + len(column)
            for line, number in zip((first, second), numbers, strict=True):
                assert line[:end].endswith(f" {number}"), (column, line)


@pytest.mark.parametrize("rows", [1, 80])
async def test_a_table_takes_all_the_room_and_never_more(rows: int) -> None:
    refused = a_run(99).model_copy(update={"state": RunState.FAILED, "error": LONG})
    async with opened(an_app(actions_with(refused, *map(a_run, range(rows))))) as pilot:
        await press(pilot, "4")
        for size in SIZES:
            await resized(pilot, size)
            table = pilot.app.screen.query_one(SmallTable)
            assert table.max_scroll_x == 0
            assert LONG in seen(pilot) or table.region.width - table.virtual_size.width <= 1


async def test_an_import_that_left_photos_behind_says_so_wherever_its_end_is_told() -> None:
    actions = scripted(*begun(), finished(total=120, created=120, photos_failed=13))
    actions.history = [a_run(0, total=120, created=120, photos_failed=13)]
    async with opened(an_app(actions)) as pilot:
        await press(pilot, "i")
        await until(pilot, lambda: "! done, 13 photos missing" in seen(pilot))
        await press(pilot, "4")
        assert isinstance(pilot.app.screen, HistoryScreen)
        for size in SIZES:
            await resized(pilot, size)
            assert "! 120 in, 13 photos" in seen(pilot)
            assert " ! Demo MLS: Imported 120 of 120 listings, 13 photos missing" in seen(pilot)


async def test_the_numbers_of_a_past_import_fit_the_screen() -> None:
    run = a_run(0, total=298, created=298, failed=3, photos_stored=1_582, photos_failed=9)
    async with opened(an_app(actions_with(run))) as pilot:
        await press(pilot, "4", "enter")
        for size in SIZES:
            await resized(pilot, size)
            await until(pilot, lambda: "9" in seen(pilot))
            [line] = [line for line in seen(pilot).splitlines() if "298 created" in line]
            assert "✖ 3" in line
            assert "✖ 9" in line
        assert "9 photos missing" in text_of(pilot, "#run-facts")
