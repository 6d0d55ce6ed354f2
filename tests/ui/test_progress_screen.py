"""The import at work: cause and countdown of retries, photos, budget, pause and cancel, an end to retry."""

from __future__ import annotations

from datetime import timedelta

import pytest
from textual._compositor import Compositor

from mls_tui.domain.events import Throttled
from mls_tui.domain.run import ImportCounts
from mls_tui.reso.base import Window
from mls_tui.ui.screens.progress import ProgressScreen
from mls_tui.ui.widgets.log_view import LogView
from mls_tui.ui.widgets.run_view import outcomes
from tests.ui.fakes import NOW, FakeActions, Step, gate
from tests.ui.shell import (
    HOSTILE,
    RUN,
    SIZES,
    again,
    an_app,
    at,
    begun,
    failed,
    finished,
    harmless,
    opened,
    photo,
    press,
    resized,
    scripted,
    seen,
    settled,
    started,
    stored,
    text_of,
    toasts,
    until,
)


async def test_a_retry_shows_attempt_countdown_and_cause() -> None:
    actions = scripted(*begun(), started("441"), photo("441"), again("441"), gate())
    async with opened(an_app(actions)) as pilot:
        await press(pilot, "i")
        for size in SIZES:
            await resized(pilot, size)
            await until(pilot, lambda: "503 Service Unavailable · attempt 2 of 3 in 2.4 s" in seen(pilot))
            assert "441" in seen(pilot)
            assert "1/2" in seen(pilot)


async def test_the_import_goes_on_while_other_screens_are_shown() -> None:
    more = gate()
    actions = scripted(*begun(), stored("1"), more, stored("2"), gate())
    async with opened(an_app(actions)) as pilot:
        await press(pilot, "i")
        await until(pilot, lambda: "1 of 10" in seen(pilot))
        await press(pilot, "1")
        await until(pilot, lambda: "Importing" in seen(pilot))
        more.set()
        await until(pilot, lambda: "2 of 10" in seen(pilot))
        await press(pilot, "3")
        await until(pilot, lambda: "2 of 10 listings" in seen(pilot))
        assert "2 created" in seen(pilot)


async def test_pausing_and_resuming_reaches_the_importer() -> None:
    actions = scripted(*begun(), gate())
    app = an_app(actions)
    async with opened(app) as pilot:
        await press(pilot, "i")
        await until(pilot, lambda: "▶ importing" in seen(pilot))
        [importer] = actions.controls
        await press(pilot, "space")
        await until(pilot, lambda: "⏸ paused" in seen(pilot))
        assert importer.paused
        await press(pilot, "space")
        await until(pilot, lambda: "▶ importing" in seen(pilot))
        assert not importer.paused


async def test_cancelling_asks_first_and_says_what_is_kept() -> None:
    app = an_app(scripted(*begun(), stored("1"), gate()))
    async with opened(app) as pilot:
        await press(pilot, "i")
        await until(pilot, lambda: "1 of 10" in seen(pilot))
        await press(pilot, "x")
        assert "What is imported stays in the store: 1 listing so far." in seen(pilot)
        await press(pilot, "enter")
        assert app.imports.running
        await press(pilot, "x", "right", "enter")
        await until(pilot, lambda: not app.imports.running)
        await until(pilot, lambda: "what is stored stays" in seen(pilot))


async def test_a_throttled_import_says_until_when_and_why() -> None:
    wait = Throttled(at=at(0), run=RUN, until=NOW + timedelta(seconds=32), why="429 Too Many Requests", host="x")
    async with opened(an_app(scripted(*begun(), wait, gate()))) as pilot:
        await press(pilot, "i")
        await until(pilot, lambda: "◷ waiting for the MLS" in seen(pilot))
        assert "until 12:00:32, 0:32 from now: 429 Too Many Requests" in text_of(pilot, "#banner")


async def test_the_budget_is_a_gauge_with_words() -> None:
    actions = scripted(*begun(), gate())
    actions.windows = [Window(host="mls.example", seconds=3_600, limit=7_200, used=1_204)]
    async with opened(an_app(actions)) as pilot:
        await press(pilot, "i")
        await until(pilot, lambda: "▶ importing" in seen(pilot))
        await press(pilot, "1", "3")
        await until(pilot, lambda: "this hour" in seen(pilot))
        [gauge] = [line for line in seen(pilot).splitlines() if "Requests" in line]
        assert "1,204 of 7,200 this hour  mls.example" in gauge
        assert "nearly used up" not in gauge


async def test_the_log_can_be_filtered_to_errors() -> None:
    actions = scripted(*begun(), stored("100"), failed("200", "larger than 400 KB"), gate())
    async with opened(an_app(actions)) as pilot:
        await press(pilot, "i")
        await until(pilot, lambda: "larger than 400 KB" in seen(pilot))
        assert "100 created" in seen(pilot)
        await press(pilot, "slash")
        assert pilot.app.screen.query_one(LogView).only_errors
        assert "100 created" not in seen(pilot)
        assert "larger than 400 KB" in seen(pilot)


async def test_the_end_is_summed_up_and_what_failed_can_be_retried() -> None:
    end = finished(total=10, created=7, updated=1, unchanged=1, failed=1, photos_stored=20, bytes=3_000)
    actions = scripted(*begun(), end)
    async with opened(an_app(actions)) as pilot:
        await press(pilot, "i")
        for size in SIZES:
            await resized(pilot, size)
            await until(pilot, lambda: "retries what failed" in seen(pilot))
            assert "2 listings" in seen(pilot)
        for words in ("created", "updated", "unchanged", "failed", "photos"):
            assert words in text_of(pilot, "#summary")
        await press(pilot, "R")
        await until(pilot, lambda: ("retry_events", RUN) in actions.calls)


async def test_a_run_that_failed_as_a_whole_shows_its_sentence() -> None:
    actions = scripted(*begun(), finished("MLS connection expired. Please re-authenticate."))
    app = an_app(actions)
    async with opened(app) as pilot:
        await press(pilot, "i")
        await until(pilot, lambda: "Summary" in seen(pilot))
        assert "Demo MLS   ✖ MLS connection expired. Please re-authenticate." in seen(pilot)
        assert not app.imports.running


async def test_an_import_that_is_refused_before_it_begins_says_why() -> None:
    app = an_app(scripted(finished("The stored token cannot be read with this key.")))
    async with opened(app) as pilot:
        await press(pilot, "i")
        await until(pilot, lambda: not app.imports.running)
        await until(pilot, lambda: "Summary" in seen(pilot))
        assert "Demo MLS   ✖ The stored token cannot be read with this key." in seen(pilot)
        await press(pilot, "1")
        assert "✖ Import failed: The stored token cannot be read with this key." in seen(pilot)


async def test_an_import_without_a_word_yet_is_said_to_begin() -> None:
    async with opened(an_app(scripted(gate(), *begun(), gate()))) as pilot:
        await press(pilot, "i")
        for size in SIZES:
            await resized(pilot, size)
            assert "Beginning the import of Demo MLS" in seen(pilot)


async def test_an_end_out_of_sight_is_told_by_a_toast() -> None:
    end = gate()
    actions = scripted(*begun(), end, finished(total=2, created=2))
    app = an_app(actions)
    async with opened(app) as pilot:
        await press(pilot, "i")
        await until(pilot, lambda: "▶ importing" in seen(pilot))
        await press(pilot, "1")
        end.set()
        await until(pilot, lambda: len(app._notifications) > 0)
        [toast] = app._notifications
        assert (toast.title, toast.message) == ("Import of Demo MLS", "Imported 2 of 2 listings")


async def test_an_end_out_of_sight_names_its_import_though_it_never_began() -> None:
    end = gate()
    app = an_app(scripted(end, finished("The store is full.")))
    async with opened(app) as pilot:
        await press(pilot, "i", "1")
        end.set()
        await until(pilot, lambda: len(app._notifications) > 0)
        [toast] = app._notifications
        assert (toast.title, toast.message) == ("Import of Demo MLS", "The store is full.")


async def test_a_connection_is_not_imported_twice_at_once() -> None:
    actions = scripted(*begun(), gate())
    async with opened(an_app(actions)) as pilot:
        await press(pilot, "i")
        await until(pilot, lambda: "▶ importing" in seen(pilot))
        await press(pilot, "1", "i")
        assert any("is being imported" in toast for toast in toasts(pilot))
        assert len([call for call in actions.calls if call[0] == "import_events"]) == 1


def imported(actions: FakeActions) -> list[object]:
    return [call[1] for call in actions.calls if call[0] == "import_events"]


async def test_a_second_connection_waits_for_the_first_and_progress_says_what_is_next() -> None:
    first = gate()
    actions = scripted(*begun(), first, finished(total=1, created=1), views=("Cedar", "Demo MLS", "Lakeside"))
    async with opened(an_app(actions)) as pilot:
        await press(pilot, "I")
        await until(pilot, lambda: "▶ importing" in seen(pilot))
        assert imported(actions) == ["cedar"]
        assert any("Lakeside is imported after Demo MLS" in toast for toast in toasts(pilot))
        for size in SIZES:
            await resized(pilot, size)
            assert "Next: Demo MLS, Lakeside" in seen(pilot)
        await press(pilot, "o", "down", "K")
        await press(pilot, "down", "x", "escape")
        assert "Next: Lakeside" in seen(pilot)
        first.set()
        await until(pilot, lambda: imported(actions) == ["cedar", "lakeside"])
        await until(pilot, lambda: "✔ done" in seen(pilot) and "Next" not in seen(pilot))


async def test_cancelling_one_import_starts_the_next() -> None:
    actions = scripted(*begun(), gate(), views=("Cedar", "Lakeside"))
    async with opened(an_app(actions)) as pilot:
        await press(pilot, "I")
        await until(pilot, lambda: "▶ importing" in seen(pilot))
        await press(pilot, "x", "tab", "enter")
        await until(pilot, lambda: imported(actions) == ["cedar", "lakeside"])


async def test_quitting_in_the_middle_says_in_the_shell_what_is_stored(capsys: pytest.CaptureFixture[str]) -> None:
    app = an_app(scripted(*begun(), stored("1"), gate()))
    async with opened(app) as pilot:
        await press(pilot, "i")
        await until(pilot, lambda: "1 of 10 listings" in seen(pilot))
        await pilot.press("q")
    words = " ".join(capsys.readouterr().err.split())
    assert "1 of 10 listings are stored" in words
    assert "the next import continues" in words


async def test_without_an_import_the_screen_says_how_to_begin_one() -> None:
    async with opened(an_app()) as pilot:
        await press(pilot, "3", "x", "R")
        assert "No import is running." in seen(pilot)
        assert any("No import is running" in toast for toast in toasts(pilot))


async def test_hostile_events_are_shown_as_text() -> None:
    script: list[Step] = [*begun(connection=HOSTILE[0])]
    for text in HOSTILE:
        number = text[:200] or "-"
        script += [started(number, text), again(number, text), failed("x", text)]
    async with opened(an_app(scripted(*script, gate())), (80, 24)) as pilot:
        await press(pilot, "i")
        await until(pilot, lambda: f"{len(HOSTILE)} failed" in seen(pilot))
        for size in SIZES:
            await resized(pilot, size)
            for key in ("1", "3", "slash"):
                await press(pilot, key)
                assert harmless(seen(pilot))
                assert "[/]" in seen(pilot)
        assert isinstance(pilot.app.screen, ProgressScreen)


@pytest.mark.promise(9)
async def test_quitting_in_the_middle_stops_the_importer() -> None:
    actions = scripted(*begun(), gate())
    app = an_app(actions)
    async with opened(app) as pilot:
        await press(pilot, "i")
        await until(pilot, lambda: "▶ importing" in seen(pilot))
        await pilot.press("q")
    [control] = actions.controls
    assert control.cancelled
    assert control.interrupted
    assert not app.imports.running


async def test_a_step_of_the_import_repaints_only_what_it_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole: list[Compositor] = []
    paint = Compositor.render_full_update

    def counted(compositor: Compositor, simplify: bool = False) -> object:
        whole.append(compositor)
        return paint(compositor, simplify)

    first, second = gate(), gate()
    script: list[Step] = [started("1"), started("2"), started("3"), first, stored("1"), second, stored("2"), gate()]
    async with opened(an_app(scripted(*begun(), *script))) as pilot:
        await press(pilot, "i")
        first.set()
        await until(pilot, lambda: "1 of 10 listings" in seen(pilot))
        await settled(pilot)
        monkeypatch.setattr(Compositor, "render_full_update", counted)
        second.set()
        await until(pilot, lambda: "2 of 10 listings" in seen(pilot))
        await settled(pilot)
        assert whole == []


async def test_another_line_of_the_log_asks_for_no_new_layout_of_the_screen() -> None:
    async with opened(an_app()) as pilot:
        await press(pilot, "3")
        log = pilot.app.screen.query_one(LogView)
        log.seconds_between = 0
        pilot.app.screen.query_one("#run").display = True
        log.add([stored(str(number)) for number in range(60)])
        await settled(pilot)
        assert log.show_vertical_scrollbar
        log.add([stored("late")])
        assert not pilot.app.screen._layout_required
        assert log.vertical_scrollbar.window_virtual_size == log.virtual_size.height == 61


@pytest.mark.parametrize("width", [40, 76, 120])
def test_the_counts_of_a_run_fit_the_screen_and_name_what_failed(width: int) -> None:
    counts = ImportCounts(created=12_431, failed=12, photos_stored=123_456, photos_failed=7)
    shown = outcomes(counts, width)
    assert shown.cell_length <= width
    for number in ("12,431", "✖ 12", "123,456", "✖ 7"):
        assert number in shown.plain


async def test_the_log_shows_its_end_though_its_first_lines_came_before_the_screen() -> None:
    async with opened(an_app(scripted(*begun(), *map(stored, "abcdefghijklmnopqrstuvwxyz"), gate()))) as pilot:
        await press(pilot, "i")
        await until(pilot, lambda: "z created" in seen(pilot))
        assert pilot.app.screen.query_one(LogView).scroll_offset.y > 0
