"""The one source of time and waiting, which tests replace."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Wall clock, monotonic clock and sleep."""

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go backwards."""
        ...

    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class SteadyClock:
    """A clock for one run that never goes back. If the machine's clock is set back, its time continues from where it
    was, so that no duration is negative and no lease ends early. It follows every jump forward."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last, self._at = clock.now(), clock.monotonic()

    def now(self) -> datetime:
        at = self._clock.monotonic()
        self._last = max(self._clock.now(), self._last + timedelta(seconds=at - self._at))
        self._at = at
        return self._last

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)


def epoch_ms(moment: datetime) -> int:
    """Epoch milliseconds of an aware datetime."""
    return int(moment.timestamp() * 1000)


def iso_z(moment: datetime) -> str:
    """``2026-06-01T12:00:00.123Z``: UTC, milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
