"""The contract's retries: how often, how long between, and what is never tried again."""

from __future__ import annotations

import random

import pytest

from mls_tui.domain.errors import (
    AuthenticationError,
    ConnectionExpiredError,
    ItemTooLargeError,
    MLSError,
    PagingError,
    PhotoError,
    RateLimitedError,
    StorageError,
    UsageError,
)
from mls_tui.domain.retry import LISTING_ATTEMPTS, PHOTO_ATTEMPTS, attempt, worth_retrying
from tests.clocks import StepClock

Told = list[tuple[int, float | None, str]]


class Failing:
    """Fails ``times`` times with ``error``, then answers."""

    def __init__(self, error: BaseException, times: int) -> None:
        self.error, self.times, self.numbers = error, times, list[int]()

    async def __call__(self, number: int) -> str:
        self.numbers.append(number)
        if len(self.numbers) <= self.times:
            raise self.error
        return "done"


async def tried(work: Failing, attempts: int, clock: StepClock, told: Told, seed: int = 5) -> str:
    def tell(number: int, wait: float | None, error: BaseException) -> None:
        told.append((number, wait, str(error)))

    return await attempt(work, attempts=attempts, clock=clock, rng=random.Random(seed), on_failure=tell)


@pytest.mark.promise(8)
def test_a_listing_has_three_attempts_and_a_photo_two() -> None:
    assert (LISTING_ATTEMPTS, PHOTO_ATTEMPTS) == (3, 2)


@pytest.mark.promise(8)
async def test_waits_are_a_power_of_two_and_up_to_a_second() -> None:
    clock, told, work = StepClock(), Told(), Failing(StorageError("busy", retryable=True), 3)
    assert await tried(work, 4, clock, told) == "done"
    draws = random.Random(5)
    exact = [1 + draws.random(), 2 + draws.random(), 4 + draws.random()]
    assert clock.slept == exact
    assert told == [(1, exact[0], "busy"), (2, exact[1], "busy"), (3, exact[2], "busy")]
    assert work.numbers == [1, 2, 3, 4]


async def test_the_last_failure_is_told_without_a_wait_and_raised_as_it_was() -> None:
    error = PhotoError("torn")
    clock, told, work = StepClock(), Told(), Failing(error, 9)
    with pytest.raises(PhotoError) as raised:
        await tried(work, 2, clock, told)
    assert raised.value is error
    assert [(number, wait is None) for number, wait, _ in told] == [(1, False), (2, True)]
    assert len(clock.slept) == 1


NEVER = [
    RateLimitedError("five pauses", retryable=True),
    MLSError("bad request", status=400),
    PagingError("a circle"),
    PhotoError("too large", retryable=False),
    StorageError("no table"),
    ItemTooLargeError("too large"),
    AuthenticationError("refused"),
    ConnectionExpiredError(),
    UsageError("no"),
    ValueError("a mistake of ours"),
]


@pytest.mark.promise(8)
@pytest.mark.parametrize("error", NEVER, ids=lambda error: type(error).__name__)
async def test_what_cannot_help_is_tried_once_and_told_once(error: Exception) -> None:
    clock, told, work = StepClock(), Told(), Failing(error, 9)
    with pytest.raises(type(error)):
        await tried(work, 3, clock, told)
    assert (work.numbers, clock.slept, [wait for _, wait, _ in told]) == ([1], [], [None])


PASSING = [MLSError("503", retryable=True), PhotoError("torn"), StorageError("busy", retryable=True), TimeoutError()]


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_what_may_pass_is_tried_again(error: Exception) -> None:
    assert worth_retrying(error)
