"""The contract's retries: how long to wait and what may help. A loop of our own: tenacity builds
its machinery anew for each call, which cost a quarter of a photo's time."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from mls_tui.domain.clock import Clock
from mls_tui.domain.errors import MLSError, PhotoError, RateLimitedError, StorageError

LISTING_ATTEMPTS = 3
PHOTO_ATTEMPTS = 2

T = TypeVar("T")

OnFailure = Callable[[int, float | None, BaseException], None]
"""Told of each failed attempt: its number from 1, the wait before the next (None: there is none), the error."""


def backoff_seconds(failed_attempts: int, rng: random.Random) -> float:
    """``1 s · 2^attempt + random(0…1 s)``, attempts counted from 0: 1-2 s, 2-3 s, 4-5 s (CONTRACT: "Retries")."""
    return float(2 ** (failed_attempts - 1)) + rng.random()


def may_help(error: BaseException) -> bool:
    """Whether the same call may succeed later. A rate limit is waited out elsewhere and never retried here."""
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
    helps: Callable[[BaseException], bool] = may_help,
) -> T:
    """Call ``work(number)`` up to ``attempts`` times; the last error is raised as it was.

    ``helps`` says whether another attempt may succeed.
    ``on_failure`` hears of every failed attempt that is within the count, the final one included.
    """

    number = 1
    while True:
        try:
            return await work(number)
        except Exception as error:
            wait = backoff_seconds(number, rng) if number < attempts and helps(error) else None
            on_failure(number, wait, error)
            if wait is None:
                raise
        await clock.sleep(wait)
        number += 1
