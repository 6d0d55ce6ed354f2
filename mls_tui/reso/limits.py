"""How many photos to have in flight: as many as provider and machine bear, found by additive increase and
multiplicative decrease. It must never let more than ``highest`` through."""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType

_SHARE_OF_NEW = 0.1
_RISEN = 2.0
_SLACK_SECONDS = 0.05
_ON_ERROR = 0.5
_ON_LATENCY = 0.85


class InFlightLimit:
    """``async with limit:`` around one transfer; ``ok(seconds)`` or ``failed()`` says how it went.

    Grows by a slot a transfer until the first sign of trouble, then by one slot a round (as many transfers as
    are allowed at once); halves on a failure and shrinks when latency has risen to twice its best, once a round.
    """

    def __init__(self, start: int = 8, lowest: int = 1, highest: int = 64) -> None:
        self._lowest = max(1, lowest)
        self._highest = max(self._lowest, highest)
        self._allowed = float(min(max(start, self._lowest), self._highest))
        self._in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._discovering = True
        self._since_decrease = 0
        self._latency: float | None = None
        self._best: float | None = None

    @property
    def allowed(self) -> int:
        return int(self._allowed)

    @property
    def in_flight(self) -> int:
        return self._in_flight

    async def __aenter__(self) -> InFlightLimit:
        if self._in_flight >= self.allowed or self._waiting:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._leave()
                elif turn in self._waiting:  # else a transfer that left in between has passed it over already
                    self._waiting.remove(turn)
                raise
        else:
            self._in_flight += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def ok(self, seconds: float) -> None:
        """A transfer went well and took ``seconds``."""
        self._since_decrease += 1
        self._latency = seconds if self._latency is None else self._latency + _SHARE_OF_NEW * (seconds - self._latency)
        # The best drifts up slowly, so that one lucky answer does not hold the limit down for ever.
        self._best = self._latency if self._best is None else min(self._best * 1.001, self._latency)
        if self._latency > self._best * _RISEN + _SLACK_SECONDS:
            self._decrease(_ON_LATENCY)
        elif self._in_flight + 1 >= self.allowed:
            step = 1.0 if self._discovering else 1.0 / max(1.0, self._allowed)
            self._allowed = min(float(self._highest), self._allowed + step)
        self._wake()

    def failed(self) -> None:
        """A transfer failed in a way that fewer at once may help (time-out, reset, 429, 5xx)."""
        self._since_decrease += 1
        self._decrease(_ON_ERROR)

    def _decrease(self, factor: float) -> None:
        if not self._discovering and self._since_decrease < self.allowed:
            return  # transfers begun before the last decrease still report the old trouble
        self._discovering = False
        self._since_decrease = 0
        self._allowed = max(float(self._lowest), self._allowed * factor)

    def _leave(self) -> None:
        self._in_flight -= 1
        self._wake()

    def _wake(self) -> None:
        while self._waiting and self._in_flight < self.allowed:
            turn = self._waiting.popleft()
            if not turn.done():
                self._in_flight += 1
                turn.set_result(None)
