"""An import that workers do, followed from its row: shown as any other, steered by its row, left without harm."""

from __future__ import annotations

from typing import Any, cast

from mls_tui.domain.run import ImportCounts, ImportRun, RunState
from mls_tui.ui.app import MlsTuiApp
from tests.ui.fakes import NOW_MS, FakeActions, a_view, gate
from tests.ui.shell import SIZES, an_app, opened, press, resized, seen, toasts, until


def run(**more: Any) -> ImportRun:
    data: dict[str, Any] = {
        "run_id": "far",
        "user_id": "local",
        "connection_id": "lakeside",
        "connection_name": "Lakeside MLS",
        "provider": "reso",
        "state": RunState.RUNNING,
        "started_at": NOW_MS - 60_000,
        "distributed": True,
        "expected": 300,
        "counts": ImportCounts(total=120, created=120, photos_stored=800),
    }
    return ImportRun.model_validate(data | more)


def watched(*looks: Any, history: ImportRun | None = None) -> FakeActions:
    actions = FakeActions(connections=[a_view()], history=[history or run()])
    actions.looks = list(looks)
    return actions


def app(pilot: Any) -> MlsTuiApp:
    return cast(MlsTuiApp, pilot.app)


async def _follow(pilot: Any) -> None:
    """History, the run, follow."""
    await press(pilot, "4")
    await until(pilot, lambda: "Lakeside MLS" in seen(pilot))
    await press(pilot, "enter")
    await until(pilot, lambda: "Nothing failed" in seen(pilot))
    await press(pilot, "w")


async def test_a_run_elsewhere_is_followed_to_its_end_from_its_row() -> None:
    more = gate()
    done = run(state=RunState.DONE, finished_at=NOW_MS, counts=ImportCounts(total=300, created=300))
    actions = watched(run(), more, done)
    async with opened(an_app(actions)) as pilot:
        await _follow(pilot)
        await until(pilot, lambda: "120 of 300 listings" in seen(pilot))
        for size in SIZES:
            await resized(pilot, size)
            await until(pilot, lambda: "A worker does this import" in seen(pilot))
            assert "Workers log on their own machines" in seen(pilot)
            assert "Requests" not in seen(pilot)
        more.set()
        await until(pilot, lambda: "✔ done" in seen(pilot))
        assert not app(pilot).imports.running


async def test_pausing_and_cancelling_reach_the_row() -> None:
    actions = watched(run(), gate())
    async with opened(an_app(actions)) as pilot:
        await _follow(pilot)
        await until(pilot, lambda: "120 of 300" in seen(pilot))
        await press(pilot, "space")
        await until(pilot, lambda: app(pilot).imports.paused)
        await press(pilot, "space")
        await until(pilot, lambda: not app(pilot).imports.paused)
        await press(pilot, "x")
        await until(pilot, lambda: "The worker that does it stops" in seen(pilot))
        await press(pilot, "tab", "enter")
        steered = [call for call in actions.calls if call[0] == "steer_run"]
        assert steered == [("steer_run", "far", word) for word in ("pause", "resume", "cancel")]


async def test_leaving_it_frees_the_interface_and_steers_nothing() -> None:
    actions = watched(run(), gate())
    async with opened(an_app(actions)) as pilot:
        await _follow(pilot)
        await until(pilot, lambda: "120 of 300" in seen(pilot))
        await press(pilot, "Q")
        await until(pilot, lambda: not app(pilot).imports.running)
        assert not [call for call in actions.calls if call[0] == "steer_run"]


async def test_a_row_that_cannot_be_steered_says_so() -> None:
    actions = watched(run(), gate())
    actions.errors["steer_run"] = "Run far has ended: there is nothing to pause."
    async with opened(an_app(actions)) as pilot:
        await _follow(pilot)
        await until(pilot, lambda: "120 of 300" in seen(pilot))
        await press(pilot, "space")
        await until(pilot, lambda: len(toasts(pilot)) > 0)
        assert toasts(pilot) == ["Run far has ended: there is nothing to pause."]
        assert not app(pilot).imports.paused


async def test_a_run_of_another_process_cannot_be_followed_and_says_why() -> None:
    actions = watched(history=run(distributed=False))
    async with opened(an_app(actions)) as pilot:
        await _follow(pilot)
        await until(pilot, lambda: any("runs in another process" in toast for toast in toasts(pilot)))
        assert not app(pilot).imports.running


async def test_a_run_of_the_history_says_that_workers_have_it_and_how_it_is_followed() -> None:
    async with opened(an_app(watched())) as pilot:
        await press(pilot, "4")
        await until(pilot, lambda: "Lakeside MLS" in seen(pilot))
        await press(pilot, "enter")
        await until(pilot, lambda: "with a worker, 120 of 300  ·  w follows it" in seen(pilot))
        assert "no end recorded" not in seen(pilot)
