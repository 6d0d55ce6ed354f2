"""How many photos are in flight: never over the bound, fewer when it hurts, more when it does not."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mls_tui.reso.limits import InFlightLimit


async def _round(limit: InFlightLimit, count: int, seconds: float, fails: bool = False) -> int:
    most = 0

    async def one() -> None:
        nonlocal most
        async with limit:
            most = max(most, limit.in_flight)
            await asyncio.sleep(0)
            limit.failed() if fails else limit.ok(seconds)

    await asyncio.gather(*(one() for _ in range(count)))
    return most


async def test_grows_to_its_bound_while_latency_holds_and_no_further() -> None:
    limit = InFlightLimit(start=4, highest=16)
    assert await _round(limit, 400, 0.05) == 16
    assert (limit.allowed, limit.in_flight) == (16, 0)


async def test_backs_off_on_failures_to_its_floor_and_recovers() -> None:
    limit = InFlightLimit(start=16, lowest=2, highest=32)
    await _round(limit, 500, 0.05, fails=True)
    assert limit.allowed == 2
    await _round(limit, 2000, 0.05)
    assert limit.allowed == 32


async def test_one_burst_of_failures_halves_once() -> None:
    limit = InFlightLimit(start=16, highest=32)
    await _round(limit, 8, 0.05, fails=True)
    assert limit.allowed == 8


async def test_rising_latency_shrinks_it() -> None:
    limit = InFlightLimit(start=8, highest=64)
    await _round(limit, 200, 0.05)
    before = limit.allowed
    await _round(limit, 400, 1.0)
    assert limit.allowed < before / 2


async def test_cancelled_waiter_gives_its_turn_to_the_next() -> None:
    limit = InFlightLimit(start=1, highest=1)
    turns: list[int] = []

    async def one(number: int) -> None:
        async with limit:
            turns.append(number)

    async with limit:
        tasks = [asyncio.create_task(one(number)) for number in range(3)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert limit.in_flight == 0
    assert turns == [2]


@given(st.lists(st.one_of(st.none(), st.floats(0, 60)), max_size=200))
def test_no_history_moves_it_out_of_its_bounds(history: list[float | None]) -> None:
    limit = InFlightLimit(start=8, lowest=2, highest=12)
    for seconds in history:
        limit.failed() if seconds is None else limit.ok(seconds)
        assert 2 <= limit.allowed <= 12


def test_start_outside_the_bounds_is_moved_inside() -> None:
    assert InFlightLimit(start=99, highest=4).allowed == pytest.approx(4)


async def test_cancelling_everybody_at_once_cancels_them_and_nothing_else() -> None:
    limit = InFlightLimit(start=1, highest=1)

    async def transfer() -> None:
        async with limit:
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(transfer()) for _ in range(5)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ends] == [asyncio.CancelledError] * 5
    assert limit.in_flight == 0
