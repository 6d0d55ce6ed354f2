"""Imports again and again: on time, never two at once, gentle with a provider that is down, and stopped for good when
its credentials are refused."""

from __future__ import annotations

import random
import re
from collections.abc import Awaitable, Callable

from mls_tui.domain.clock import Clock
from mls_tui.domain.errors import UsageError
from mls_tui.domain.run import ImportResult, RunState

AUTHENTICATION_REFUSED = 3
UNREACHABLE = 4
INTERRUPTED = 130

JITTER = 0.05
"""Share of the interval that is drawn at random, so that many installations do not ask in the same second."""

MOST_BACKOFF_SECONDS = 3600.0

_INTERVAL = re.compile(r"(\d+)\s*(s|m|h|d)?")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, None: 60}


def parse_interval(text: str) -> float:
    """``90s``, ``15m``, ``2h``, ``1d`` or minutes, in seconds. Raises UsageError below 60 s."""
    found = _INTERVAL.fullmatch(text.strip().lower())
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if seconds < 60:
        raise UsageError(f"{text!r} is no interval: write for example 15m or 2h; one minute is the least.")
    return float(seconds)


async def watch(
    once: Callable[[], Awaitable[ImportResult]],
    every: float,
    *,
    clock: Clock,
    on_wait: Callable[[float, str], None] = lambda wait, why: None,
    rng: random.Random | None = None,
) -> ImportResult:
    """Call ``once`` every ``every`` seconds until the credentials are refused or it is interrupted; the last result.

    The next import is due an interval after the last one began, at once if that is past (a long import, a machine
    that slept). It is planned to begin before the interval is over by the jitter, so that an interval of 15 minutes
    keeps the promise of 15 minutes. While the provider is down, waits double up to an hour.
    """
    drawn = rng or random.Random()
    failures = 0
    while True:
        began = clock.now().timestamp()
        result = await once()
        if result.exit_code in (AUTHENTICATION_REFUSED, INTERRUPTED) or result.state is RunState.INTERRUPTED:
            return result
        failures = failures + 1 if result.exit_code == UNREACHABLE else 0
        pause = every * (1 - JITTER * drawn.random())
        why = ""
        if failures > 1:
            pause = max(pause, min(every * 2 ** (failures - 1), max(every, MOST_BACKOFF_SECONDS)))
            why = f": the MLS or the store has failed {failures} times in a row"
        due = began + pause
        await _until(due, clock, on_wait, why)


async def _until(due: float, clock: Clock, on_wait: Callable[[float, str], None], why: str) -> None:
    """Wait by the wall clock, in short steps: a sleeping machine's clock jumps, its timers do not."""
    said = False
    while (left := due - clock.now().timestamp()) > 0:
        if not said:
            on_wait(left, why)
            said = True
        await clock.sleep(min(left, 30.0))
