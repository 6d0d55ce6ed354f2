"""Retries: how often, how long to wait, and what may help (docs/contract.md, section Retries)."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from mls_tui.domain.clock import Clock
from mls_tui.domain.errors import MLSError, PhotoError, RateLimitedError, StorageError

LISTING_ATTEMPTS = 3
PHOTO_ATTEMPTS = 2
REQUEST_ATTEMPTS = 3
"""Of one request to an MLS (docs/reso-feeds.md, section 3)."""

T = TypeVar("T")

OnFailure = Callable[[int, float | None, BaseException], None]
"""Called with each failed attempt: its number from 1, the seconds until the next (None: no further one), the error."""


def backoff_seconds(failed_attempts: int, rng: random.Random) -> float:
    """``1 s · 2^attempt + random(0…1 s)``, attempts counted from 0: 1-2 s, 2-3 s, 4-5 s."""
    return float(2 ** (failed_attempts - 1)) + rng.random()


def may_help(error: BaseException) -> bool:
    """True if the same call may succeed later. A rate limit is waited out elsewhere and never retried here."""
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
    """Call ``work(number)`` up to ``attempts`` times, as long as ``helps`` says that another attempt may succeed.

    ``on_failure`` is called after every failed attempt. Raises the last attempt's error.
    """
    number = 1
    while True:
        try:
            return await work(number)
        except Exception as error:
            last = number == attempts or not helps(error)
            wait = None if last else backoff_seconds(number, rng)
            on_failure(number, wait, error)
            if wait is None:
                raise
        await clock.sleep(wait)
        number += 1
