"""All workers together stay inside the provider's limits, whatever their clocks, delays and ends; a pause holds them
all, and nobody is held for longer than the patience."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mls_tui.distributed.reservation import SECOND
from mls_tui.domain.errors import BudgetWaitError, StorageError
from mls_tui.reso.budget import HostKind
from mls_tui.reso.preset_fields import Limit
from tests.unit.shared_slots import API, MEDIA, Fleet
from tests.virtual_time import virtually

LIMITS = st.lists(st.builds(Limit, st.integers(1, 12), st.sampled_from([1.0, 2.0, 10.0])), min_size=1, max_size=3).map(
    tuple
)
SKEWS = st.lists(st.floats(-0.05, 0.05), min_size=2, max_size=4)


@given(LIMITS, SKEWS, st.integers(0, 2**32), st.sampled_from([0.0, 0.1, 0.6]))
@settings(max_examples=40)
def test_no_window_ever_holds_more_than_its_limit(
    limits: tuple[Limit, ...], skews: list[float], seed: int, lag: float
) -> None:
    fleet = Fleet(limits, seed=seed)

    async def worker(skew: float) -> None:
        budget = fleet.worker(skew=skew, lag=lag)
        for _ in range(3):
            await asyncio.sleep(fleet.rng.uniform(0, 2))
            took = [fleet.rng.uniform(0, 0.7) for _ in range(3)]
            await asyncio.gather(
                *(fleet.request(budget, flight=fleet.rng.uniform(0, 0.15), took=seconds) for seconds in took)
            )

    async def run() -> None:
        await asyncio.gather(*(worker(skew) for skew in skews))

    virtually(run)
    assert len(fleet.arrivals) == 9 * len(skews)
    for limit in limits:
        assert fleet.most_in(limit.seconds) <= limit.limit


@given(st.integers(0, 2**32), st.integers(1, 6))
@settings(max_examples=20)
def test_a_worker_that_is_killed_and_comes_again_breaks_no_limit(seed: int, kills: int) -> None:
    fleet = Fleet((Limit(5, 1.0), Limit(30, 10.0)), seed=seed)

    async def run() -> None:
        for _ in range(kills):
            budget = fleet.worker()
            tasks = [asyncio.create_task(fleet.request(budget)) for _ in range(8)]
            await asyncio.wait(tasks, timeout=fleet.rng.uniform(0, 3))
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await fleet.request(fleet.worker())

    virtually(run)
    assert fleet.most_in(1.0) <= 5
    assert fleet.most_in(10.0) <= 30


def test_the_shared_budget_is_used_to_the_full() -> None:
    fleet = Fleet((Limit(100, 60.0),))

    async def run() -> float:
        workers = [fleet.worker() for _ in range(3)]
        await asyncio.gather(*(fleet.request(workers[number % 3]) for number in range(300)))
        return asyncio.get_running_loop().time()

    assert 60.5 * 2.99 <= virtually(run) <= 60.5 * 3.03


def test_a_slow_table_does_not_let_every_slot_pass_unused() -> None:
    fleet = Fleet((Limit(20, 1.0),), table_takes=(0.4, 0.6))

    async def run() -> float:
        budget = fleet.worker()
        async with asyncio.timeout(60):
            await asyncio.gather(*(fleet.request(budget) for _ in range(60)))
        return asyncio.get_running_loop().time()

    assert virtually(run) < 15
    assert fleet.most_in(1.0) <= 20


def test_several_slots_are_reserved_with_one_write() -> None:
    fleet = Fleet((Limit(200, 1.0),))

    async def run() -> None:
        workers = [fleet.worker() for _ in range(3)]
        await asyncio.gather(*(fleet.request(workers[number % 3]) for number in range(300)))

    virtually(run)
    assert fleet.rows[API].writes < 60
    assert fleet.most_in(1.0) <= 200


def test_bytes_are_counted_together() -> None:
    limit = Limit(80_000_000, 600.0, "bytes")
    fleet = Fleet((Limit(50, 1.0), limit))

    async def worker() -> None:
        budget = fleet.worker()
        for _ in range(100):
            await fleet.request(budget, took=0.5, size=1_000_000)

    async def run() -> None:
        await asyncio.gather(*(worker() for _ in range(3)))

    virtually(run)
    assert 0.6 * limit.limit < fleet.most_in(limit.seconds, of_bytes=True) <= limit.limit


@pytest.mark.parametrize("host", [API, MEDIA])
def test_a_429_anywhere_holds_every_worker_at_its_next_slot(host: HostKind) -> None:
    """Photos have no limit here: a worker looks at the row all the same."""
    fleet = Fleet((Limit(50, 1.0),), media=())

    async def run() -> list[float]:
        struck, other = fleet.worker(patience=10), fleet.worker(patience=10)
        await fleet.request(other, host)
        struck.pause(host, 40, "api.example answered 429")
        await struck.told()
        await asyncio.sleep(0.25)
        waits = []
        for budget in (struck, other, fleet.worker(patience=10)):
            with pytest.raises(BudgetWaitError, match="answered 429") as caught:
                await budget.acquire(host)
            waits.append(caught.value.seconds)
            assert budget.paused_for(host) > 39
        await asyncio.sleep(35)
        await fleet.request(other, host)
        return waits

    waits = virtually(run)
    assert all(39 < wait <= 40 for wait in waits)
    assert len(fleet.arrivals) == 2
    assert fleet.arrivals[1][0] >= 40


def test_a_pause_drops_the_slots_that_workers_already_hold() -> None:
    fleet = Fleet((Limit(10, 1.0),))

    async def run() -> None:
        busy, struck = fleet.worker(), fleet.worker()
        sending = [asyncio.create_task(fleet.request(busy)) for _ in range(8)]
        await asyncio.sleep(0.2)
        struck.pause(API, 5, "429")
        await asyncio.gather(*sending)

    virtually(run)
    assert len(fleet.arrivals) == 8
    during = [at for at, _ in fleet.arrivals if 0.5 < at < 5.2]
    assert during == []


def test_none_left_said_to_one_worker_holds_the_others() -> None:
    fleet = Fleet((Limit(50, 1.0),))

    async def run() -> float:
        told, other = fleet.worker(), fleet.worker(patience=5)
        told.observe(API, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "30"})
        await told.told()
        with pytest.raises(BudgetWaitError) as caught:
            await other.acquire(API)
        return caught.value.seconds

    assert 29 < virtually(run) <= 30


def test_a_lower_limit_learned_by_one_worker_binds_the_others_for_an_hour() -> None:
    fleet = Fleet((Limit(10, 1.0),))

    async def run() -> None:
        learner, other = fleet.worker(), fleet.worker()
        learner.observe(API, {"x-ratelimit-limit-minute": "12"})
        await fleet.request(learner)
        for _ in range(3):
            await fleet.request(other)
        await asyncio.sleep(3700)
        for _ in range(3):
            await fleet.request(other)

    virtually(run)
    at = [moment for moment, _ in fleet.arrivals]
    assert all(later - earlier >= 5 for earlier, later in pairwise(at[:4]))
    assert at[6] - at[4] < 1


def test_a_wait_beyond_the_patience_takes_no_slot_and_says_how_long() -> None:
    fleet = Fleet((Limit(1, 10.0),))

    async def run() -> tuple[float, int, int, int]:
        patient, hasty = fleet.worker(), fleet.worker(patience=5)
        await fleet.request(patient)
        before = fleet.rows[API].state.next_at
        for _ in range(3):
            with pytest.raises(BudgetWaitError) as caught:
                await hasty.acquire(API)
        return caught.value.seconds, before, fleet.rows[API].state.next_at, hasty.windows()[0].used

    seconds, before, after, used = virtually(run)
    assert 10 < seconds <= 10.5
    assert before == after
    assert used == 0


def test_nobody_stands_in_a_line_that_is_longer_than_the_patience() -> None:
    fleet = Fleet((Limit(1, 1.0),))

    async def run() -> list[object]:
        budget = fleet.worker(patience=6)
        return await asyncio.gather(*(fleet.request(budget) for _ in range(12)), return_exceptions=True)

    answers = virtually(run)
    refused = [answer for answer in answers if isinstance(answer, BudgetWaitError)]
    assert len(refused) + len(fleet.arrivals) == 12
    assert 3 <= len(fleet.arrivals) <= 6
    assert max(at for at, _ in fleet.arrivals) <= 6 + 1.5


def test_a_cancelled_caller_leaves_its_slot_to_the_next() -> None:
    fleet = Fleet((Limit(1, 10.0),))

    async def run() -> None:
        budget = fleet.worker()
        await fleet.request(budget)
        waiting = asyncio.create_task(fleet.request(budget))
        await asyncio.sleep(5)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await fleet.request(budget)

    virtually(run)
    assert [round(at, 1) for at, _ in fleet.arrivals] == [0.0, 10.5]


def test_a_row_that_is_away_lets_nothing_out_and_hears_of_the_pause_later() -> None:
    fleet = Fleet((Limit(10, 1.0),))
    row = fleet.rows[API]

    async def run() -> float:
        budget = fleet.worker(patience=5)
        row.broken = True
        budget.pause(API, 60, "429")
        await budget.told()
        with pytest.raises((StorageError, BudgetWaitError)):
            await budget.acquire(API)
        row.broken = False
        budget.pause(API, 1, "a shorter one changes nothing")
        await asyncio.sleep(58)
        await fleet.request(budget)
        return row.state.paused_until / SECOND

    virtually(run)
    assert fleet.arrivals[0][0] >= 60
