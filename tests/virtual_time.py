"""An event loop whose time passes by waiting alone: many workers, each with a clock that is off by its own amount, in
no time at all."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

from tests.clocks import START

T = TypeVar("T")


class _Skipping(selectors.DefaultSelector):
    """Instead of waiting for the next timer, it is that time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("every task waits for another")
            self.now += max(0.0, timeout)
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._skipping = _Skipping()
        super().__init__(self._skipping)

    def time(self) -> float:
        return self._skipping.now


class VirtualClock:
    """A machine's clock, ``skew`` seconds ahead; sleeps end up to ``lag`` seconds late. Used inside ``virtually``."""

    def __init__(self, skew: float = 0.0, lag: float = 0.0, rng: random.Random | None = None) -> None:
        self._skew, self._lag, self._rng = skew, lag, rng or random.Random(1)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.monotonic() + self._skew)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds) + self._rng.uniform(0, self._lag))


def virtually(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run it to its end on an event loop of virtual time."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(work())
