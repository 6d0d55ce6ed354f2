"""The machine's clock is set back, or forward, while an import runs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mls_tui import actions
from mls_tui.actions import ImportOptions
from mls_tui.domain.clock import SteadyClock
from mls_tui.domain.events import PageFetched
from tests.clocks import StepClock, SwiftClock
from tests.e2e.house import House


@pytest.mark.parametrize("seconds", [-3_600, -10 * 86_400, 3_600])
async def test_an_import_whose_clock_is_set_ends_whole_with_times_in_order(
    house: House, seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_back, now = [0], SwiftClock.now
    monkeypatch.setattr(SwiftClock, "now", lambda clock: now(clock) + timedelta(seconds=set_back[0]))
    async for event in actions.import_events(house.connection_id, ImportOptions(), house.ws):
        house.events.append(event)
        if isinstance(event, PageFetched):
            set_back[0] = seconds
    result = house.result()
    assert (result.message, result.exit_code) == ("Imported 12 of 12 listings", 0)
    assert result.to_contract()["data"]["seconds"] >= 0
    moments = [event.at for event in house.events]
    assert moments == sorted(moments)
    [run] = await house.ws.store.runs(house.ws.user_id)
    assert run.started_at <= run.updated_at <= (run.finished_at or 0)
    await house.whole()
    again = await house.run()
    assert (again.counts.created, again.counts.failed) == (0, 0)


def test_a_steady_clock_goes_on_when_it_is_set_back_and_follows_when_it_is_set_forward() -> None:
    machine = StepClock()
    steady, began = SteadyClock(machine), machine.now()
    machine.jump(-3_600)
    assert steady.now() == began
    machine.jump(7_200)
    assert steady.now() == machine.now() == began + timedelta(hours=1)
