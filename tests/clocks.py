"""Clocks for tests. None of them makes a test wait for seconds, and none lets a background loop spin."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

START = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


class StepClock:
    """Time moves only by sleeping: for code with one task. ``slept`` holds every wait in seconds."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._passed = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        return self._passed

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._passed += max(0.0, seconds)
        await asyncio.sleep(0)

    def jump(self, seconds: float) -> None:
        """The wall clock moves without anybody having slept."""
        self._start += timedelta(seconds=seconds)


class SwiftClock:
    """Time runs ``speed`` times as fast, for whole imports over real HTTP: every loop still takes turns."""

    def __init__(self, speed: float = 40.0, start: datetime = START) -> None:
        self._speed, self._start, self._began = speed, start, time.monotonic()
        self._moved = 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return (time.monotonic() - self._began) * self._speed + self._moved

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds) / self._speed)

    def move(self, seconds: float) -> None:
        """Let time pass at once."""
        self._moved += seconds
