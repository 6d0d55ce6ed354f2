"""Imports at an interval, one at a time: less often while the provider is down, and no longer once it refuses the
credentials."""

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
"""An import begins this share of the interval early, plus a random part of up to the same share, so that not all
clients send requests at the same moment."""

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
    """The next time in epoch ms, after ``after_ms``, at which the local time is ``at`` (``06:00``)."""
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
    """Call ``once`` every ``every`` seconds, until the credentials are refused, it is interrupted, or the connection is
    deleted. Returns the last result.

    The next import begins an interval after the last one began, less 5 to 10 %, so that a change just after one import
    is stored within the interval. If that time has passed (a long import, a machine that slept), it begins at once.
    While the provider is down, the waits double, up to an hour. ``on_wait`` gets the seconds to wait and the reason.
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
    """True if another import would end the same way: the credentials are refused, or the connection is deleted."""
    gone = result.exit_code == WRONG_USAGE and result.state is RunState.FAILED
    return gone or result.exit_code == AUTHENTICATION_REFUSED


def _final(result: ImportResult) -> bool:
    return hopeless(result) or result.exit_code == INTERRUPTED or result.state is RunState.INTERRUPTED


async def _until(due: float, due_mono: float, clock: Clock, on_wait: Callable[[float], None]) -> None:
    """Wait, in steps of 30 s, until one of two clocks reaches its time: the wall clock counts the time that the machine
    sleeps, and the monotonic clock cannot be set back."""
    said = False
    while (left := min(due - clock.now().timestamp(), due_mono - clock.monotonic())) > 0:
        if not said:
            on_wait(left)
            said = True
        await clock.sleep(min(left, STEP_SECONDS))
