"""What to do when a provider answers 429 (or Spark 503 with code 1550): pause its whole host, say so, and stop after
several in a row (FIELD §3). A pause must never use up an attempt, nor last longer than an hour."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from mls_tui.domain.clock import Clock
from mls_tui.reso.answers import SPARK_THROTTLED, Fault, phrase, seconds_until
from mls_tui.reso.base import Observer, Paused
from mls_tui.reso.budget import Budget, HostKind, Slot

STRIKES = 5
_LONGEST_SECONDS = 3600.0
_SHORTEST_SECONDS = 1.0


def is_throttled(status: int, fault: Fault | None) -> bool:
    """Whether this answer asks us to slow down."""
    return status == 429 or (fault is not None and fault.code in (SPARK_THROTTLED, "429"))


class Throttle:
    """The pauses of one kind of host. ``open`` once it has answered 429 ``STRIKES`` times with no success between."""

    def __init__(self, kind: HostKind, budget: Budget, clock: Clock, observer: Observer) -> None:
        self._kind = kind
        self._budget = budget
        self._clock = clock
        self._observer = observer
        self._strikes = 0
        self._last_strike = float("-inf")

    @property
    def open(self) -> bool:
        return self._strikes >= STRIKES

    @property
    def paused(self) -> bool:
        return self._budget.paused_for(self._kind) > 0

    def struck(self, slot: Slot, host: str, status: int, headers: Mapping[str, str]) -> None:
        """An answer asked for a pause. One sent before the last pause began is of the same wave, no new strike."""
        if slot.granted > self._last_strike:
            self._strikes += 1
            self._last_strike = self._clock.monotonic()
        seconds, said = self._pause(headers)
        why = f"{host} answered {phrase(status)}{said}"
        self._budget.pause(self._kind, seconds, why)
        self._observer(Paused(self._clock.now() + timedelta(seconds=seconds), why, host))

    def passed(self, slot: Slot) -> None:
        """An answer that was none of that kind, to a request sent since the last pause."""
        if slot.granted > self._last_strike:
            self._strikes = 0

    async def leave(self, host: str, reserve: int) -> Slot:
        """Wait for leave to send one request to ``host``; the observer hears of waits of our own, and of a pause that
        an earlier run was given."""

        def waiting(until: datetime, why: str) -> None:
            self._observer(Paused(until, why, host, answered=self.paused))

        return await self._budget.acquire(self._kind, reserve, waiting)

    def observe(self, headers: Mapping[str, str]) -> None:
        """Learn limits from an answer's headers."""
        self._budget.observe(self._kind, headers)

    def _pause(self, headers: Mapping[str, str]) -> tuple[float, str]:
        asked = seconds_until(headers.get("retry-after"), self._clock.now())
        if asked is None or asked < 0:
            seconds = self._budget.window_end(self._kind) * 2 ** max(0, self._strikes - 1)
            return min(max(seconds, _SHORTEST_SECONDS), _LONGEST_SECONDS), ""
        seconds = min(max(asked, _SHORTEST_SECONDS), _LONGEST_SECONDS)
        return seconds, f", to wait {seconds:g} s"
