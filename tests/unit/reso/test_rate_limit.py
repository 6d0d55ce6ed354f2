"""The provider's limits are never exceeded: in no window, no burst, after no restart and no kill. And how many photos
are in flight: never over the bound, fewer when it hurts, more when it does not."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mls_tui.domain.connection import AuthKind, SecretField
from mls_tui.reso.base import Notice, Paused
from mls_tui.reso.presets import Limit
from mls_tui.reso.rate_limit import SAVE_SECONDS, InFlight, RateLimit, RateLimits, Slot, budget_key
from tests.unit.reso.transport_fakes import HandClock, connection

LIMITS = st.lists(
    st.builds(Limit, st.integers(1, 12), st.sampled_from([0.5, 1.0, 10.0, 60.0])), min_size=1, max_size=3
).map(tuple)


def api(limits: tuple[Limit, ...], clock: HandClock, state: str | None = None) -> RateLimits:
    return RateLimits(clock, state).tighten(limits, ())


def unheard(notice: Notice) -> None:
    pass


async def slot(limit: RateLimit, reserve: int = 0) -> Slot:
    return await limit.slot("mls.example", reserve, unheard)


async def spend(limits: RateLimits, clock: HandClock, arrivals: list[float], took: float = 0.0) -> None:
    """One request, which the server may count at any moment until it answers."""
    async with await slot(limits.api) as each:
        arrivals.append(clock.elapsed)
        clock.elapsed += took
        each.answered()


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
        shared = api(limits, clock)
        arrivals: list[float] = []

        async def client(mine: list[float]) -> None:
            for gap in mine:
                await clock.sleep(gap / 10)
                await spend(shared, clock, arrivals, took=gap / 50)

        await asyncio.gather(*(client(gaps[start::tasks]) for start in range(tasks)))
        return arrivals

    arrivals = asyncio.run(run())
    assert len(arrivals) == len(gaps)
    for limit in limits:
        assert most_in_any_window(arrivals, limit.seconds) <= limit.limit


@pytest.mark.feed(6, "limits")
@pytest.mark.promise(15)
@given(LIMITS, st.integers(1, 30), st.floats(0, 90))
@settings(max_examples=40)
def test_restart_forgets_nothing(limits: tuple[Limit, ...], count: int, away: float) -> None:
    async def run() -> list[float]:
        clock = HandClock()
        arrivals: list[float] = []
        state = None
        for _ in range(2):
            shared = api(limits, clock, state)
            for _ in range(count):
                await spend(shared, clock, arrivals)
            state = shared.dump()
            clock.elapsed += away
        return arrivals

    arrivals = asyncio.run(run())
    for limit in limits:
        assert most_in_any_window(arrivals, limit.seconds) <= limit.limit


class Kept:
    """Where a process keeps its state; whoever is killed leaves what was saved last."""

    def __init__(self) -> None:
        self.text: str | None = None
        self.saves: list[float] = []
        self.clock = HandClock()

    async def keep(self, text: str) -> None:
        await asyncio.sleep(0)
        self.text = text
        self.saves.append(self.clock.elapsed)

    def process(self, *limits: Limit, media: tuple[Limit, ...] = ()) -> RateLimits:
        return RateLimits(self.clock, self.text, self.keep).tighten(limits, media).opened()


@pytest.mark.promise(15)
@given(LIMITS, st.lists(st.tuples(st.integers(0, 30), st.floats(0, 20), st.integers(1, 4)), min_size=2, max_size=6))
@settings(max_examples=60)
def test_no_kill_lets_a_window_hold_more_than_its_limit(
    limits: tuple[Limit, ...], lives: list[tuple[int, float, int]]
) -> None:
    """Each life sends some requests at full speed and is killed; some of them were never answered."""
    kept, arrivals = Kept(), list[float]()

    async def run() -> None:
        for count, away, at_once in lives:
            shared = kept.process(*limits)

            async def client(mine: int, shared: RateLimits = shared) -> None:
                for _ in range(mine):
                    each = await slot(shared.api)
                    arrivals.append(kept.clock.elapsed)
                    await asyncio.sleep(0)
                    each.answered()

            tasks = [asyncio.create_task(client(count)) for _ in range(at_once)]
            for _ in range(40):
                await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            kept.clock.elapsed += away

    asyncio.run(run())
    for limit in limits:
        assert most_in_any_window(arrivals, limit.seconds) <= limit.limit


async def test_it_is_saved_before_the_first_request_and_every_5_seconds() -> None:
    kept = Kept()
    shared = kept.process(Limit(10, 1.0))
    for _ in range(200):
        await spend(shared, kept.clock, [], took=0.1)
    assert kept.saves[0] == 0.0
    assert max(after - before for before, after in zip(kept.saves, kept.saves[1:], strict=False)) <= SAVE_SECONDS + 0.2
    assert len(kept.saves) < 10, "nor much more often"


async def test_a_kill_costs_what_5_seconds_may_have_used_and_an_end_costs_nothing() -> None:
    kept = Kept()
    shared = kept.process(Limit(5_000, 3600.0))
    for _ in range(100):
        await spend(shared, kept.clock, [], took=0.2)
    killed = kept.process(Limit(5_000, 3600.0)).windows()[0].used
    assert 100 <= killed <= 200
    await shared.close()
    assert kept.process(Limit(5_000, 3600.0)).windows()[0].used == 100


async def test_limits_that_are_used_again_after_their_end_are_saved_again() -> None:
    kept = Kept()
    shared = kept.process(Limit(5_000, 3600.0))
    await shared.close()
    await spend(shared.opened(), kept.clock, [])
    assert kept.process(Limit(5_000, 3600.0)).windows()[0].used >= 1


async def test_bytes_of_photos_under_way_at_a_kill_count_as_received() -> None:
    kept = Kept()
    shared = kept.process(media=(Limit(1_000_000_000, 3600.0, "bytes"),))
    async with await slot(shared.media, 25_000_000) as each:
        each.received(400_000)
    await slot(shared.media, 25_000_000)
    killed = kept.process(media=(Limit(1_000_000_000, 3600.0, "bytes"),)).windows()[0].used
    assert 25_400_000 <= killed <= 150_000_000


async def test_a_state_that_cannot_be_saved_lets_nothing_out() -> None:
    async def broken(text: str) -> None:
        raise OSError("the disk is full")

    shared = RateLimits(HandClock(), None, broken).tighten((Limit(5, 1.0),), ())
    for _ in range(2):
        with pytest.raises(OSError, match="full"):
            await slot(shared.api)
    assert shared.windows()[0].used == 0


async def test_connections_that_share_limits_keep_to_the_lower_one() -> None:
    clock = HandClock()
    shared = api((Limit(5, 1.0),), clock).tighten((Limit(2, 1.0), Limit(90, 60.0)), ())
    shared.tighten((Limit(9, 1.0),), ())
    assert [(each.limit, each.seconds) for each in shared.windows()] == [(2, 1.0), (90, 60.0)]


async def test_what_was_sent_counts_after_the_windows_have_changed() -> None:
    clock = HandClock()
    before = api((Limit(100, 60.0),), clock)
    for _ in range(8):
        await spend(before, clock, [], took=0.1)
    assert api((Limit(1_000, 3600.0),), clock, before.dump()).windows()[0].used == 8
    assert api((Limit(50, 10.0),), clock, before.dump()).windows()[0].used == 8


def test_the_budget_is_one_for_a_host_and_a_credential() -> None:
    token = {SecretField.ACCESS_TOKEN: "a-token"}
    one = connection()
    name = budget_key(one, token)
    assert name == budget_key(connection(connection_id="c2", base_url="https://MLS.example/reso/v2"), token)
    assert "a-token" not in name
    other = [
        budget_key(one, {SecretField.ACCESS_TOKEN: "another"}),
        budget_key(connection(base_url="https://else.example/odata"), token),
        budget_key(connection(auth=AuthKind.CLIENT_CREDENTIALS, client_id="me"), {}),
        budget_key(connection(auth=AuthKind.CLIENT_CREDENTIALS, client_id="you"), {}),
    ]
    assert len({name, *other}) == 5


async def test_limits_are_used_to_the_full() -> None:
    clock = HandClock()
    shared = api((Limit(100, 60.0),), clock)
    for _ in range(300):
        await spend(shared, clock, [])
    assert 120 <= clock.elapsed <= 123


async def test_request_still_under_way_counts_however_long_it_takes() -> None:
    clock = HandClock()
    shared = api((Limit(1, 1.0),), clock)
    first = await slot(shared.api)
    second = asyncio.create_task(slot(shared.api))
    clock.elapsed += 50
    for _ in range(5):
        await asyncio.sleep(0)
    assert not second.done()
    first.answered()
    await second
    assert clock.elapsed >= 51


async def test_waiters_are_served_in_order_and_a_cancelled_one_takes_nothing() -> None:
    clock = HandClock()
    shared = api((Limit(1, 1.0),), clock)
    order: list[int] = []

    async def one(number: int) -> None:
        async with await slot(shared.api):
            order.append(number)

    tasks = [asyncio.create_task(one(number)) for number in range(5)]
    await asyncio.sleep(0)
    tasks[2].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert order == [0, 1, 3, 4]
    assert clock.elapsed < 3.2


async def test_media_is_counted_apart() -> None:
    clock = HandClock()
    shared = RateLimits(clock).tighten((Limit(1, 60.0),), (Limit(5, 60.0),))
    await spend(shared, clock, [])
    for _ in range(5):
        async with await slot(shared.media):
            pass
    assert clock.elapsed == 0.0
    assert [(each.host, each.used) for each in shared.windows()] == [("api", 1), ("media", 5)]


async def test_bytes_are_limited_too() -> None:
    clock = HandClock()
    shared = api((Limit(1_000, 60.0, "bytes"),), clock)
    sent: list[tuple[float, int]] = []
    for _ in range(30):
        async with await slot(shared.api, 250) as each:
            each.received(200)
            sent.append((clock.elapsed, 200))
    for start, _ in sent:
        assert sum(size for at, size in sent if start <= at < start + 60) <= 1_000


async def test_pause_holds_everyone_and_is_told_only_when_it_is_our_own() -> None:
    clock = HandClock()
    limit = api((Limit(1, 30.0),), clock).api
    told: list[Notice] = []
    limit.pause(7.0, "429")
    async with await limit.slot("mls.example", 0, told.append):
        assert clock.elapsed == pytest.approx(7.0)
    assert told == []
    async with await limit.slot("mls.example", 0, told.append):
        pass
    (notice,) = told
    assert isinstance(notice, Paused)
    assert (notice.why, notice.answered) == ("1 requests in 30 s are used up", False)


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
    shared = api((Limit(100, 60.0), Limit(7200, 3600.0)), clock)
    shared.api.observe(headers)
    assert limit in [each.limit for each in shared.windows() if each.seconds == seconds]


async def test_higher_limit_in_the_headers_does_not_loosen() -> None:
    shared = api((Limit(100, 60.0),), HandClock())
    shared.api.observe({"minute-quota-limit": "5000"})
    assert [each.limit for each in shared.windows()] == [100]


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
    shared = api((), clock)
    shared.api.observe(headers)
    await spend(shared, clock, [])
    assert clock.elapsed == pytest.approx(waited)


async def test_what_is_left_is_not_exceeded_by_a_burst() -> None:
    clock = HandClock()
    shared = api((), clock)
    shared.api.observe({"x-ratelimit-remaining": "3", "x-ratelimit-reset": "10"})
    arrivals: list[float] = []
    await asyncio.gather(*(spend(shared, clock, arrivals) for _ in range(6)))
    assert sum(at < 10 for at in arrivals) == 3


@pytest.mark.parametrize(
    "state", ["", "{", "[]", "null", '{"at": "x"}', '{"at": 1, "hosts": {"api": {"windows": [1]}}}']
)
async def test_damaged_state_does_not_stop_an_import(state: str) -> None:
    shared = api((Limit(2, 1.0),), HandClock(), state)
    async with await slot(shared.api):
        assert shared.windows()[0].used == 1


async def test_state_is_small_whatever_was_spent_and_survives_a_clock_set_back() -> None:
    clock = HandClock()
    shared = api((Limit(40_000, 86_400.0),), clock)
    for _ in range(5_000):
        async with await slot(shared.api):
            clock.elapsed += 1.0
    state = shared.dump()
    assert len(state) < 4_000
    assert "at" in json.loads(state)
    clock.elapsed -= 4_000
    assert api((Limit(40_000, 86_400.0),), clock, state).windows()[0].used == 5_000


async def _round(limit: InFlight, count: int, seconds: float, fails: bool = False) -> int:
    most = 0

    async def one() -> None:
        nonlocal most
        flight = await limit.begin()
        most = max(most, limit.count)
        await asyncio.sleep(0)
        if not fails:
            flight.fetched(seconds, 1_000)
        flight.end(failed=fails)

    await asyncio.gather(*(one() for _ in range(count)))
    return most


async def test_grows_to_its_bound_while_latency_holds_and_no_further() -> None:
    limit = InFlight(start=4, highest=16)
    assert await _round(limit, 400, 0.05) == 16
    assert (limit.allowed, limit.count) == (16, 0)


async def test_backs_off_on_failures_to_its_floor_and_recovers() -> None:
    limit = InFlight(start=16, lowest=2, highest=32)
    await _round(limit, 500, 0.05, fails=True)
    assert limit.allowed == 2
    await _round(limit, 2000, 0.05)
    assert limit.allowed == 32


async def test_one_burst_of_failures_halves_once() -> None:
    limit = InFlight(start=16, highest=32)
    await _round(limit, 8, 0.05, fails=True)
    assert limit.allowed == 8


async def test_rising_latency_shrinks_it() -> None:
    limit = InFlight(start=8, highest=64)
    await _round(limit, 200, 0.05)
    before = limit.allowed
    await _round(limit, 400, 1.0)
    assert limit.allowed < before / 2


async def test_cancelled_waiter_gives_its_turn_to_the_next() -> None:
    limit = InFlight(start=1, highest=1)
    turns: list[int] = []

    async def one(number: int) -> None:
        flight = await limit.begin()
        turns.append(number)
        flight.end()

    first = await limit.begin()
    tasks = [asyncio.create_task(one(number)) for number in range(3)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    await asyncio.sleep(0)
    first.end()
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert limit.count == 0
    assert turns == [2]


@given(st.lists(st.one_of(st.none(), st.floats(0, 60)), max_size=200))
def test_no_history_moves_it_out_of_its_bounds(history: list[float | None]) -> None:
    async def run() -> None:
        limit = InFlight(start=8, lowest=2, highest=12)
        for seconds in history:
            flight = await limit.begin()
            if seconds is not None:
                flight.fetched(seconds, 1_000)
            flight.end(failed=seconds is None)
            assert 2 <= limit.allowed <= 12

    asyncio.run(run())


def test_start_outside_the_bounds_is_moved_inside() -> None:
    assert InFlight(start=99, highest=4).allowed == 4


async def test_cancelling_everybody_at_once_cancels_them_and_nothing_else() -> None:
    limit = InFlight(start=1, highest=1)

    async def transfer() -> None:
        flight = await limit.begin()
        try:
            await asyncio.Event().wait()
        finally:
            flight.end()

    tasks = [asyncio.create_task(transfer()) for _ in range(5)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ends] == [asyncio.CancelledError] * 5
    assert limit.count == 0


async def test_no_photo_begins_while_those_in_memory_are_too_many_bytes() -> None:
    limit = InFlight(start=8, bytes_at_most=50)
    large = await limit.begin()
    large.fetched(0.1, 60)
    waiting = asyncio.create_task(limit.begin())
    await asyncio.sleep(0)
    assert not waiting.done()
    large.end()
    (await waiting).end()
    assert limit.count == 0
