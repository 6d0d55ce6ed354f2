"""One window of a rate budget: at most so many requests, or bytes, in any span of so many seconds. It must never count
less than was spent; it may count a little more, as it keeps sixty buckets and no single timestamps."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable

_BUCKETS = 60


class SlidingWindow:
    """A sliding count over ``seconds`` (times are monotonic seconds).

    What is held (sent, and its end not yet known) counts in full; what is spent counts from its bucket's end on.
    A server may have counted a request at any moment until its answer came, so it is spent when answered.
    """

    def __init__(self, limit: int, seconds: float, unit: str = "requests") -> None:
        self.limit = max(1, limit)
        self.seconds = seconds
        self.unit = unit
        self._width = seconds / _BUCKETS
        self._spent: deque[tuple[float, int]] = deque()
        self._total = 0
        self._held = 0

    def wait(self, now: float, size: int) -> float | None:
        """Seconds until ``size`` more fit; 0 for now; None where only the end of something held can tell."""
        self._forget(now)
        over = self._total + self._held + min(size, self.limit) - self.limit
        if over <= 0:
            return 0.0
        for end, count in self._spent:
            over -= count
            if over <= 0:
                return max(0.0, end + self.seconds - now)
        return None

    def hold(self, size: int) -> None:
        self._held += size

    def settle(self, now: float, held: int, spent: int) -> None:
        """What was held has come to its end and is ``spent`` now."""
        self._held -= held
        self._add((math.floor(now / self._width) + 1) * self._width, spent)

    def used(self, now: float) -> int:
        self._forget(now)
        return self._total + (self._held if self.unit == "requests" else 0)

    def frees_in(self, now: float) -> float:
        """Seconds until the oldest of what is spent no longer counts; the whole length where nothing is."""
        self._forget(now)
        return max(0.0, self._spent[0][0] + self.seconds - now) if self._spent else self.seconds

    def ages(self, now: float) -> list[tuple[float, int]]:
        """What counts now as (seconds ago, amount), what is held as just now; at most sixty-two pairs."""
        self._forget(now)
        pairs = [(now - end, count) for end, count in self._spent]
        return [*pairs, (0.0, self._held)] if self._held and self.unit == "requests" else pairs

    def restore(self, now: float, ages: Iterable[tuple[float, int]]) -> None:
        """Take over what ``ages`` of an earlier process said; a time in the future counts as now."""
        for age, count in sorted(ages, reverse=True):
            self._add(now - max(age, -self._width), count)
        self._forget(now)

    def _add(self, end: float, count: int) -> None:
        if count <= 0:
            return
        if self._spent and self._spent[-1][0] >= end - 1e-9:
            end, before = self._spent.pop()
            self._spent.append((end, before + count))
        else:
            self._spent.append((end, count))
        self._total += count

    def _forget(self, now: float) -> None:
        while self._spent and self._spent[0][0] + self.seconds <= now:
            self._total -= self._spent.popleft()[1]
