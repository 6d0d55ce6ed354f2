"""Retries by tenacity: how often, how long to wait, and for which errors (docs/contract.md, section Retries)."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import tenacity

from mls_tui.domain.clock import Clock
from mls_tui.domain.errors import MLSError, PhotoError, RateLimitedError, StorageError

LISTING_ATTEMPTS = 3
PHOTO_ATTEMPTS = 2
REQUEST_ATTEMPTS = 3
"""Of one request to an MLS (docs/reso-feeds.md, section 3)."""

T = TypeVar("T")

OnFailure = Callable[[int, float | None, BaseException], None]
"""Called after each failed attempt with its number from 1, the seconds until the next one (None if it was the last) and
the error."""


def backoff_seconds(failed_attempts: int, rng: random.Random) -> float:
    """The wait after the n-th failure: 1-2 s, 2-3 s, 4-5 s and so on. Three attempts use the first two."""
    return float(2 ** (failed_attempts - 1)) + rng.random()


def worth_retrying(error: BaseException) -> bool:
    """True if the same call may succeed later. RateLimitedError is not: ``reso/rate_limit`` does that waiting."""
    if isinstance(error, RateLimitedError):
        return False
    if isinstance(error, MLSError | PhotoError | StorageError):
        return error.retryable
    return isinstance(error, TimeoutError | ConnectionError)


async def attempt(
    work: Callable[[int], Awaitable[T]],
    *,
    attempts: int,
    clock: Clock,
    rng: random.Random,
    on_failure: OnFailure,
    retry_if: Callable[[BaseException], bool] = worth_retrying,
) -> T:
    """Call ``work(number)`` up to ``attempts`` times, as long as ``retry_if`` is true for the error.

    ``on_failure`` is called after every failed attempt. Raises the last attempt's error.
    """
    try:
        return await work(1)
    except Exception as error:
        first = error

    # Not through tenacity: what it builds for every call takes a quarter of a photo's CPU time.
    def report(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if error is not None and state.next_action is not None:
            on_failure(state.attempt_number, state.next_action.sleep, error)

    retrying = tenacity.AsyncRetrying(
        stop=tenacity.stop_after_attempt(attempts),
        wait=lambda state: backoff_seconds(state.attempt_number, rng),
        retry=tenacity.retry_if_exception(retry_if),
        sleep=clock.sleep,
        before_sleep=report,
        reraise=True,
    )
    async for trial in retrying:
        number = trial.retry_state.attempt_number
        with trial:
            try:
                if number == 1:
                    raise first
                return await work(number)
            except Exception as error:
                if number == attempts or not retry_if(error):
                    on_failure(number, None, error)
                raise
    raise AssertionError("unreachable: tenacity returns or raises")
