"""Imports at an interval: never two at once, seldom while the provider is down, and no more once its credentials are
refused."""

from __future__ import annotations

import random
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

from mls_tui.domain.clock import Clock
from mls_tui.domain.errors import UsageError
from mls_tui.domain.run import ImportResult, RunState

WRONG_USAGE = 2
AUTHENTICATION_REFUSED = 3
UNREACHABLE = 4
INTERRUPTED = 130

JITTER = 0.05
"""Share of the interval that an import begins early; up to as much again is drawn, so that not all ask at once."""

MOST_BACKOFF_SECONDS = 3600.0
STEP_SECONDS = 30.0
LONGEST_SECONDS = 366 * 86_400

_INTERVAL = re.compile(r"(\d+)\s*(s|m|h|d)?")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, None: 60}


def parse_interval(text: str) -> float:
    """``90s``, ``15m``, ``2h``, ``1d`` or minutes, in seconds. Raises UsageError below a minute and above
    a year."""
    found = _INTERVAL.fullmatch(text.strip().lower())
    seconds = int(found[1]) * _SECONDS[found[2]] if found and len(found[1]) < 10 else 0
    if not 60 <= seconds <= LONGEST_SECONDS:
        raise UsageError(
            f"'{text[:40]}' is not an interval: write for example 15m, 2h or 1d, from one minute to a year."
        )
    return float(seconds)


def next_daily(at: str, after_ms: int) -> int:
    """The next moment (epoch ms) after another at which local clocks show ``at``, ``06:00``."""
    hour, minute = (int(part) for part in at.split(":"))
    after = datetime.fromtimestamp(after_ms / 1000).astimezone()
    found = after.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if found <= after:
        found += timedelta(days=1)
    return int(found.replace(tzinfo=None).astimezone().timestamp() * 1000)  # the zone's offset on that day


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
    that slept). It begins 5 to 10 % before the interval is over, so that what appears just after one import has read
    is stored within the interval by the next. While the provider is down, waits double up to an hour. It ends when
    the credentials are refused, when it is interrupted, and when the connection is gone.
    """
    drawn = rng or random.Random()
    failures = 0
    while True:
        began, mono = clock.now().timestamp(), clock.monotonic()
        result = await once()
        if _final(result):
            return result
        failures = failures + 1 if result.exit_code == UNREACHABLE else 0
        pause = every * (1 - JITTER * (1 + drawn.random()))
        why = ""
        if failures > 1:
            pause = max(pause, min(every * 2 ** (failures - 1), max(every, MOST_BACKOFF_SECONDS)))
            why = f": the MLS or the store has failed {failures} times in a row"
        await _until(began + pause, mono + pause, clock, partial(_say, on_wait, why))


def _say(on_wait: Callable[[float, str], None], why: str, wait: float) -> None:
    on_wait(wait, why)


def hopeless(result: ImportResult) -> bool:
    """Whether another import of this connection would end the same way: its credentials are refused, or it is gone."""
    gone = result.exit_code == WRONG_USAGE and result.state is RunState.FAILED
    return gone or result.exit_code == AUTHENTICATION_REFUSED


def _final(result: ImportResult) -> bool:
    return hopeless(result) or result.exit_code == INTERRUPTED or result.state is RunState.INTERRUPTED


async def _until(due: float, due_mono: float, clock: Clock, on_wait: Callable[[float], None]) -> None:
    """Wait in short steps, by whichever clock is due first: the wall clock jumps over a machine's sleep, and the other
    is not set back with it."""
    said = False
    while (left := min(due - clock.now().timestamp(), due_mono - clock.monotonic())) > 0:
        if not said:
            on_wait(left)
            said = True
        await clock.sleep(min(left, STEP_SECONDS))
