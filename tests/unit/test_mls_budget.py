"""The provider's limits are never exceeded: in no window, no burst, after no restart."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mls_tui.reso.budget import HostKind, RateBudget
from mls_tui.reso.presets import Limit
from tests.unit.mls_transport_fakes import HandClock

API, MEDIA = HostKind.API, HostKind.MEDIA
LIMITS = st.lists(
    st.builds(Limit, st.integers(1, 12), st.sampled_from([0.5, 1.0, 10.0, 60.0])), min_size=1, max_size=3
).map(tuple)


async def spend(budget: RateBudget, clock: HandClock, arrivals: list[float], took: float = 0.0) -> None:
    """One request, which the server may count at any moment between leave and answer."""
    async with await budget.acquire(API) as slot:
        arrivals.append(clock.elapsed)
        clock.elapsed += took
        slot.answered()


def most_in_any_window(arrivals: list[float], seconds: float) -> int:
    """Two arrivals a window apart are in two windows, whatever the last digit of a float says."""
    seconds -= 1e-6
    return max((sum(start <= other < start + seconds for other in arrivals) for start in arrivals), default=0)


@pytest.mark.promise(15)
@given(LIMITS, st.lists(st.floats(0, 5), max_size=40), st.integers(1, 6))
@settings(max_examples=40)
def test_no_window_ever_holds_more_than_its_limit(limits: tuple[Limit, ...], gaps: list[float], tasks: int) -> None:
    async def run() -> list[float]:
        clock = HandClock()
        budget = RateBudget(limits, (), clock)
        arrivals: list[float] = []

        async def client(mine: list[float]) -> None:
            for gap in mine:
                await clock.sleep(gap / 10)
                await spend(budget, clock, arrivals, took=gap / 50)

        await asyncio.gather(*(client(gaps[start::tasks]) for start in range(tasks)))
        return arrivals

    arrivals = asyncio.run(run())
    assert len(arrivals) == len(gaps)
    for limit in limits:
        assert most_in_any_window(arrivals, limit.seconds) <= limit.limit


@pytest.mark.promise(15)
@given(LIMITS, st.integers(1, 30), st.floats(0, 90))
@settings(max_examples=40)
def test_restart_forgets_nothing(limits: tuple[Limit, ...], count: int, away: float) -> None:
    async def run() -> list[float]:
        clock = HandClock()
        arrivals: list[float] = []
        state = None
        for _ in range(2):
            budget = RateBudget(limits, (), clock, state)
            for _ in range(count):
                await spend(budget, clock, arrivals)
            state = budget.dump()
            clock.elapsed += away
        return arrivals

    arrivals = asyncio.run(run())
    for limit in limits:
        assert most_in_any_window(arrivals, limit.seconds) <= limit.limit


async def test_budget_is_used_to_the_full() -> None:
    clock = HandClock()
    budget = RateBudget((Limit(100, 60.0),), (), clock)
    for _ in range(300):
        await spend(budget, clock, [])
    assert 120 <= clock.elapsed <= 123


async def test_request_still_under_way_counts_however_long_it_takes() -> None:
    clock = HandClock()
    budget = RateBudget((Limit(1, 1.0),), (), clock)
    slot = await budget.acquire(API)
    second = asyncio.create_task(budget.acquire(API))
    clock.elapsed += 50
    for _ in range(5):
        await asyncio.sleep(0)
    assert not second.done()
    slot.answered()
    await second
    assert clock.elapsed >= 51


async def test_waiters_are_served_in_order_and_a_cancelled_one_takes_nothing() -> None:
    clock = HandClock()
    budget = RateBudget((Limit(1, 1.0),), (), clock)
    order: list[int] = []

    async def one(number: int) -> None:
        async with await budget.acquire(API):
            order.append(number)

    tasks = [asyncio.create_task(one(number)) for number in range(5)]
    await asyncio.sleep(0)
    tasks[2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == [0, 1, 3, 4]
    assert clock.elapsed < 3.2


async def test_media_is_counted_apart() -> None:
    clock = HandClock()
    budget = RateBudget((Limit(1, 60.0),), (Limit(5, 60.0),), clock)
    await spend(budget, clock, [])
    for _ in range(5):
        async with await budget.acquire(MEDIA):
            pass
    assert clock.elapsed == 0.0
    assert [(each.host, each.used) for each in budget.windows()] == [("api", 1), ("media", 5)]


async def test_bytes_are_limited_too() -> None:
    clock = HandClock()
    budget = RateBudget((Limit(1_000, 60.0, "bytes"),), (), clock)
    sent: list[tuple[float, int]] = []
    for _ in range(30):
        async with await budget.acquire(API, reserve=250) as slot:
            slot.received(200)
            sent.append((clock.elapsed, 200))
    for start, _ in sent:
        assert sum(size for at, size in sent if start <= at < start + 60) <= 1_000


async def test_pause_holds_everyone_and_is_told_only_when_it_is_our_own() -> None:
    clock = HandClock()
    budget = RateBudget((Limit(1, 30.0),), (), clock)
    told: list[tuple[datetime, str]] = []
    budget.pause(API, 7.0, "429")
    async with await budget.acquire(API, on_wait=lambda until, why: told.append((until, why))):
        assert clock.elapsed == pytest.approx(7.0)
    assert told == []
    async with await budget.acquire(API, on_wait=lambda until, why: told.append((until, why))):
        pass
    assert [why for _, why in told] == ["1 requests in 30 s are used up"]


@pytest.mark.parametrize(
    ("headers", "limit", "seconds"),
    [
        ({"hour-quota-limit": "50", "hour-quota-available": "49"}, 50, 3600.0),
        ({"minute-quota-limit": "9"}, 9, 60.0),
        ({"application-ratelimit-limit": "50"}, 50, 3600.0),
        ({"burst-ratelimit-limit": "9"}, 9, 60.0),
        ({"x-ratelimit-limit-minute": "9"}, 9, 60.0),
        ({"ratelimit-limit": "9, 9;w=60"}, 9, 60.0),
        ({"ratelimit-policy": '"default";q=9;w=60'}, 9, 60.0),
        ({"ratelimit-policy": "9;w=60"}, 9, 60.0),
    ],
)
async def test_lower_limit_in_the_headers_tightens(headers: dict[str, str], limit: int, seconds: float) -> None:
    clock = HandClock()
    budget = RateBudget((Limit(100, 60.0), Limit(7200, 3600.0)), (), clock)
    budget.observe(API, headers)
    assert limit in [each.limit for each in budget.windows() if each.seconds == seconds]


async def test_higher_limit_in_the_headers_does_not_loosen() -> None:
    budget = RateBudget((Limit(100, 60.0),), (), HandClock())
    budget.observe(API, {"minute-quota-limit": "5000"})
    assert [each.limit for each in budget.windows()] == [100]


@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "20"}, 20.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(HandClock().now().timestamp()) + 20)}, 20.0),
        ({"ratelimit": "limit=5, remaining=0, reset=20"}, 20.0),
        ({"ratelimit": '"default";r=0;t=20'}, 20.0),
        ({"burst-ratelimit-remaining": "0", "burst-ratelimit-reset": "20"}, 20.0),
        ({"minute-quota-available": "0", "minute-quota-resettime": "2026-06-01T12:00:20Z"}, 20.0),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": "Mon, 01 Jun 2026 12:00:20 GMT"}, 20.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9999999999999"}, 3600.0),
        ({"x-ratelimit-remaining": "many", "x-ratelimit-reset": "nan"}, 0.0),
        ({"x-ratelimit-remaining": "0"}, 0.0),
        ({"x-ratelimit-limit": "-1", "ratelimit-policy": "w=0;q=x", "quota": ";;;", "ratelimit": ""}, 0.0),
    ],
)
async def test_nothing_left_waits_until_the_reset(headers: dict[str, str], waited: float) -> None:
    clock = HandClock()
    budget = RateBudget((), (), clock)
    budget.observe(API, headers)
    await spend(budget, clock, [])
    assert clock.elapsed == pytest.approx(waited)


async def test_what_is_left_is_not_exceeded_by_a_burst() -> None:
    clock = HandClock()
    budget = RateBudget((), (), clock)
    budget.observe(API, {"x-ratelimit-remaining": "3", "x-ratelimit-reset": "10"})
    arrivals: list[float] = []
    await asyncio.gather(*(spend(budget, clock, arrivals) for _ in range(6)))
    assert sum(at < 10 for at in arrivals) == 3


@pytest.mark.parametrize(
    "state", ["", "{", "[]", "null", '{"at": "x"}', '{"at": 1, "hosts": {"api": {"windows": [1]}}}']
)
async def test_damaged_state_does_not_stop_an_import(state: str) -> None:
    budget = RateBudget((Limit(2, 1.0),), (), HandClock(), state)
    async with await budget.acquire(API):
        assert budget.windows()[0].used == 1


async def test_state_is_small_whatever_was_spent_and_survives_a_clock_set_back() -> None:
    clock = HandClock()
    budget = RateBudget((Limit(40_000, 86_400.0),), (), clock)
    for _ in range(5_000):
        async with await budget.acquire(API):
            clock.elapsed += 1.0
    state = budget.dump()
    assert len(state) < 4_000
    assert "at" in json.loads(state)
    clock.elapsed -= 4_000
    assert RateBudget((Limit(40_000, 86_400.0),), (), clock, state).windows()[0].used == 5_000
