"""Counts of what was asked of the server, for tests of how gentle a client is."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable


class Meter:
    """``requests`` by resource; ``busiest_second`` by side ("api" or "photo"): the most in any one second, sliding;
    ``most_at_once`` by side."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.requests: Counter[str] = Counter()
        self.busiest_second: Counter[str] = Counter()
        self.most_at_once: Counter[str] = Counter()
        self._open: Counter[str] = Counter()
        self._recent: dict[str, deque[float]] = {"api": deque(), "photo": deque()}
        self._clock = clock

    def began(self, side: str) -> None:
        """A request arrived."""
        now, recent = self._clock(), self._recent[side]
        recent.append(now)
        while now - recent[0] >= 1:
            recent.popleft()
        self.busiest_second[side] = max(self.busiest_second[side], len(recent))
        self._open[side] += 1
        self.most_at_once[side] = max(self.most_at_once[side], self._open[side])

    def ended(self, side: str) -> None:
        """Its handler is done."""
        self._open[side] -= 1
