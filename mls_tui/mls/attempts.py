"""Up to three attempts at one request, with the contract's waits (CONTRACT: "Retries"; FIELD §3). It must never repeat
what cannot help."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import tenacity

from mls_tui.domain.clock import Clock
from mls_tui.domain.errors import MLSError, RateLimitedError

ATTEMPTS = 3

T = TypeVar("T")

Tell = Callable[[int, float | None, MLSError], None]
"""Told of each failed attempt: its number from 1, seconds until the next (None: given up), the error."""


def wait_seconds(failed: int, rng: random.Random) -> float:
    """``1 s · 2^n + random(0…1 s)`` after the n-th failure, n from 0: 1-2 s, 2-3 s, 4-5 s."""
    return float(2 ** (failed - 1)) + rng.random()


def may_help(error: BaseException) -> bool:
    """Whether the same request may succeed later."""
    return isinstance(error, MLSError) and error.retryable and not isinstance(error, RateLimitedError)


async def in_attempts(
    work: Callable[[int], Awaitable[T]], *, attempts: int, clock: Clock, rng: random.Random, tell: Tell
) -> T:
    """``work(number)`` until it succeeds, fails for good or ``attempts`` are used up; its own error is raised."""

    def before_sleep(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, MLSError) and state.next_action is not None:
            tell(state.attempt_number, state.next_action.sleep, error)

    retrying = tenacity.AsyncRetrying(
        stop=tenacity.stop_after_attempt(attempts),
        wait=lambda state: wait_seconds(state.attempt_number, rng),
        retry=tenacity.retry_if_exception(may_help),
        sleep=clock.sleep,
        before_sleep=before_sleep,
        reraise=True,
    )
    async for trial in retrying:
        number = trial.retry_state.attempt_number
        with trial:
            try:
                return await work(number)
            except MLSError as error:
                if number >= attempts or not may_help(error):
                    tell(number, None, error)
                raise
    raise AssertionError("unreachable: tenacity returns or raises")
