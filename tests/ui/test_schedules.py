"""Imports that begin by themselves: on time, never two at once, stopped where the MLS refuses the credentials."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from mls_tui.domain.run import ImportResult, RunState
from tests.ui.fakes import NOW_MS, FakeActions, FrozenClock, a_connection, a_view
from tests.ui.shell import an_app, at, begun, finished, opened, press, seen, settled, toasts, until


class HeldClock(FrozenClock):
    """Time that only the test moves; whoever sleeps waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self._moved = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        await self._moved.wait()

    def move(self, seconds: float) -> None:
        super().move(seconds)
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()


def scheduled(*script: object) -> FakeActions:
    view = a_view(a_connection(schedule_minutes=15), state="connected", next_run_at=NOW_MS + 600_000)
    return FakeActions(connections=[view], script=script)  # type: ignore[arg-type]


def imports(actions: FakeActions) -> int:
    return len([call for call in actions.calls if call[0] == "import_events"])


async def test_a_connection_is_imported_when_it_is_due_and_again_after_its_interval() -> None:
    actions = scheduled(*begun(), finished(total=1, created=1))
    clock = HeldClock()
    app = an_app(actions, clock=clock)
    async with opened(app) as pilot:
        assert "in 10 min, every 15 minutes" in seen(pilot)
        clock.move(599)
        await settled(pilot)
        assert imports(actions) == 0
        clock.move(2)
        await until(pilot, lambda: imports(actions) == 1 and not app.imports.running)
        await until(pilot, lambda: (watch := app.schedules.of("demo-mls")) is not None and watch.next_at is not None)
        clock.move(15 * 60)
        await until(pilot, lambda: imports(actions) == 2)


async def test_refused_credentials_stop_the_schedule_and_say_what_to_do() -> None:
    from mls_tui.domain.events import RunFinished

    refused = ImportResult(state=RunState.FAILED, error="MLS connection expired. Please re-authenticate.", exit_code=3)
    actions = scheduled(*begun(), RunFinished(at=at(0), run="r", result=refused))
    clock = HeldClock()
    app = an_app(actions, clock=clock)
    async with opened(app) as pilot:
        clock.move(601)
        await until(pilot, lambda: any("no longer imported by itself" in toast for toast in toasts(pilot)))
        await press(pilot, "r")
        assert "stopped: press e" in seen(pilot)
        clock.move(3_600)
        await settled(pilot)
        assert imports(actions) == 1


async def test_a_read_only_session_begins_nothing_by_itself() -> None:
    actions = scheduled()
    clock = HeldClock()
    app = an_app(actions, read_only=True, clock=clock)
    async with opened(app) as pilot:
        assert "not in a read-only session" in seen(pilot)
        clock.move(3_600)
        await settled(pilot)
        assert imports(actions) == 0


async def test_a_daily_schedule_is_due_at_its_time_of_day() -> None:
    """The clock of the test stands at noon UTC."""
    local = datetime.fromtimestamp(NOW_MS / 1000).astimezone() + timedelta(minutes=30)
    view = a_view(a_connection(schedule_minutes=1_440, schedule_at=f"{local:%H:%M}"), state="connected")
    actions = FakeActions(connections=[view], script=[*begun(), finished(total=1, created=1)])
    clock = HeldClock()
    app = an_app(actions, clock=clock)
    async with opened(app) as pilot:
        assert f"in 30 min, daily at {local:%H:%M}" in seen(pilot)
        clock.move(31 * 60)
        await until(pilot, lambda: imports(actions) == 1 and not app.imports.running)
        due = NOW_MS + (24 * 60 + 30) * 60_000
        await until(pilot, lambda: (own := app.schedules.of("demo-mls")) is not None and own.next_at == due)
