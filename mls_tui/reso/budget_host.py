"""The budget of one kind of host (the API's, or the photos'): its windows, what the server says is left, its pause.
It must never let a request out before every one of them allows it, nor let a later caller pass an earlier one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType

from mls_tui.domain.clock import Clock
from mls_tui.domain.errors import BudgetWaitError
from mls_tui.reso.base import Window
from mls_tui.reso.budget_headers import Announced, announced
from mls_tui.reso.budget_window import SlidingWindow
from mls_tui.reso.presets import Limit

OnWait = Callable[[datetime, str], None]
"""Told before a wait that a person would notice: until when, and why."""

_NOTICEABLE_SECONDS = 2.0
_NEARLY_FULL = 0.9
_LONGEST_LEARNED = 8


@dataclass(slots=True)
class _Allowance:
    left: int
    until: float


class Slot:
    """Leave for one request. ``answered()`` once its headers are there; ``received(n)`` counts bytes of its body."""

    def __init__(self, host: HostBudget, reserve: int, granted: float) -> None:
        self.granted = granted
        self._host = host
        self._reserve = reserve
        self._bytes = 0
        self._open = True
        self._closed = False

    def answered(self) -> None:
        if self._open:
            self._open = False
            self._host.settle("requests", 1, 1)

    def received(self, size: int) -> None:
        self._bytes += size

    def unused(self) -> None:
        """Nothing was sent after all: it counts as nothing."""
        if self._open:
            self._open, self._closed = False, True
            self._host.settle("requests", 1, 0)
            self._host.settle("bytes", self._reserve, 0)

    async def __aenter__(self) -> Slot:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.answered()
        if not self._closed:
            self._closed = True
            self._host.settle("bytes", self._reserve, self._bytes)


class HostBudget:
    """``name`` is "api" or "media"; ``limits`` are the preset's. All times inside are monotonic seconds.

    ``bytes_received`` is the sum of all bodies that have ended.
    """

    def __init__(self, name: str, limits: Sequence[Limit], clock: Clock) -> None:
        self.name = name
        self._clock = clock
        self._granted_by_preset = {(each.seconds, each.unit): each.limit for each in limits}
        self._windows = [SlidingWindow(each.limit, each.seconds, each.unit) for each in limits]
        self._allowances: dict[str, _Allowance] = {}
        self._paused_until = 0.0
        self._why = ""
        self._told = 0.0
        self._held = 0
        self.bytes_received = 0
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()

    async def acquire(self, reserve: int = 0, on_wait: OnWait | None = None, *, patience: float = float("inf")) -> Slot:
        """Wait for leave to send one request whose body may have ``reserve`` bytes; first come, first served.

        Raises BudgetWaitError instead of waiting longer than ``patience`` seconds.
        """
        async with self._turn:
            while True:
                now = self._clock.monotonic()
                wait, why = self._wait(now, reserve)
                if wait == 0.0:
                    return self._grant(now, reserve)
                if wait is not None and wait > patience:
                    raise BudgetWaitError(wait, why)
                self._tell(now, wait, why, on_wait)
                await self._rest(wait)

    def pause(self, seconds: float, why: str) -> None:
        """Send nothing for ``seconds``; a longer pause stays."""
        until = self._clock.monotonic() + max(0.0, seconds)
        if until > self._paused_until:
            self._paused_until, self._why = until, why
            self._told = until  # whoever pauses has said so
        self._changed.set()

    def paused_for(self) -> float:
        """Seconds left of the pause, 0 where there is none."""
        return max(0.0, self._paused_until - self._clock.monotonic())

    def exhausted_for(self) -> float:
        """Seconds for which the server says that no request is left, 0 where it does not."""
        now = self._clock.monotonic()
        return max((each.until - now for each in self._allowances.values() if each.left <= 0), default=0.0)

    def settle(self, unit: str, held: int, spent: int) -> None:
        now = self._clock.monotonic()
        if unit == "requests":
            self._held -= 1
        else:
            self.bytes_received += spent
        for window in self._windows:
            if window.unit == unit:
                window.settle(now, self._share(window, held), spent)
        self._changed.set()

    def window_end(self) -> float:
        """Seconds until the (nearly) full window frees, else the whole of the shortest; 1 where there is none."""
        now = self._clock.monotonic()
        requests = [window for window in self._windows if window.unit == "requests"]
        full = [window.frees_in(now) for window in requests if window.used(now) >= window.limit * _NEARLY_FULL]
        return max(full, default=min((window.seconds for window in requests), default=1.0))

    def observe(self, headers: Mapping[str, str]) -> None:
        """Learn from the headers (lower-case names) of an answer: a lower limit tightens, none left waits."""
        now = self._clock.monotonic()
        for each in announced(headers, self._clock.now()):
            if each.limit and each.seconds:
                self._learn(each.limit, each.seconds)
            if each.remaining is not None:
                self._allow(now, each, each.remaining)

    def windows(self) -> list[Window]:
        now = self._clock.monotonic()
        return [Window(self.name, each.seconds, each.limit, each.used(now), each.unit) for each in self._windows]

    def dump(self) -> dict[str, object]:
        now = self._clock.monotonic()
        return {
            "windows": [[each.seconds, each.unit, each.limit, each.ages(now)] for each in self._windows],
            "paused": self.paused_for(),
            "why": self._why,
        }

    def restore(self, windows: Sequence[tuple[float, str, int, list[tuple[float, int]]]], paused: float) -> None:
        """Take over what an earlier process counted; ages and ``paused`` are in seconds, from now."""
        now = self._clock.monotonic()
        for seconds, unit, limit, ages in windows:
            if unit == "requests" and not self._of(seconds, unit):
                self._learn(limit, seconds)
            for window in self._of(seconds, unit):
                window.restore(now, ages)
        if paused > 0:
            self.pause(paused, "the provider asked for a pause before this start")
            self._told = float("-inf")  # that was another run: this one says so when it waits

    def _wait(self, now: float, reserve: int) -> tuple[float | None, str]:
        """The longest of all waits, None where it is not known yet; and its reason."""
        longest, why = max(0.0, self._paused_until - now), self._why
        for name, allowance in list(self._allowances.items()):
            if allowance.until <= now:
                del self._allowances[name]
            elif allowance.left <= 0 and allowance.until - now > longest:
                longest, why = allowance.until - now, "the provider says that no request is left"
        for window in self._windows:
            wait = window.wait(now, 1 if window.unit == "requests" else self._share(window, reserve))
            if wait is None:
                return None, ""
            if wait > longest:
                longest, why = wait, f"{window.limit:,} {window.unit} in {window.seconds:g} s are used up"
        return longest, why

    def _grant(self, now: float, reserve: int) -> Slot:
        self._held += 1
        for window in self._windows:
            window.hold(1 if window.unit == "requests" else self._share(window, reserve))
        for allowance in self._allowances.values():
            allowance.left -= 1
        return Slot(self, reserve, now)

    def _share(self, window: SlidingWindow, size: int) -> int:
        # A body's size is known only afterwards. A quarter of the window at most is set aside for it, so that a small
        # byte limit can still be used.
        return min(size, window.limit // 4) if window.unit == "bytes" else size

    def _tell(self, now: float, wait: float | None, why: str, on_wait: OnWait | None) -> None:
        if on_wait is None or wait is None or wait < _NOTICEABLE_SECONDS or now + wait <= self._told + 1.0:
            return
        self._told = now + wait
        on_wait(self._clock.now() + timedelta(seconds=wait), why)

    async def _rest(self, seconds: float | None) -> None:
        self._changed.clear()
        waits: list[asyncio.Task[object]] = [asyncio.ensure_future(self._changed.wait())]
        if seconds is not None:
            waits.append(asyncio.ensure_future(self._clock.sleep(seconds)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    def _of(self, seconds: float, unit: str) -> list[SlidingWindow]:
        return [window for window in self._windows if window.seconds == seconds and window.unit == unit]

    def _learn(self, limit: int, seconds: float) -> None:
        granted = self._granted_by_preset.get((seconds, "requests"))
        limit = max(1, limit if granted is None else min(limit, granted))
        known = self._of(seconds, "requests")
        for window in known:
            window.limit = limit
        if not known and len(self._windows) < _LONGEST_LEARNED:
            fresh = SlidingWindow(limit, seconds)
            for _ in range(self._held):
                fresh.hold(1)
            self._windows.append(fresh)

    def _allow(self, now: float, said: Announced, remaining: int) -> None:
        seconds = said.reset if said.reset is not None else said.seconds
        if seconds is None:
            return
        before = self._allowances.get(said.name)
        left = remaining - self._held
        if before and abs(before.until - (now + seconds)) < 2.0:
            left = min(left, before.left)
        self._allowances[said.name] = _Allowance(left, now + seconds)
