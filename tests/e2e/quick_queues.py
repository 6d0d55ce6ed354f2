"""Real queues whose waits end with the next news: nothing is held back, and who found nothing looks again once
something was sent or done. So a run takes as long as its work."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager

from mls_tui.distributed.messages import Task
from mls_tui.distributed.queues import QueueName, Queues, Received

AT_MOST_SECONDS = 0.15
"""How long one listens where no bell is rung: a message comes back by time alone, and a store changes in silence."""


class _Bell:
    """Rung for all who wait at that moment."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def ring(self) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    @contextmanager
    def listening(self) -> Iterator[Callable[[], Awaitable[object]]]:
        """Listen from here on, so that nothing is missed between a look and the wait that may follow it."""
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            yield lambda: asyncio.wait([waiting], timeout=AT_MOST_SECONDS)
        finally:
            self._waiting.discard(waiting)


_sent, _done = _Bell(), _Bell()


class QuickQueues(Queues):
    """``twice`` delivers every message again, and all in an order of ``seed``'s."""

    seed = 0
    twice = False

    async def send(self, queue: QueueName, tasks: Sequence[Task], *, delay: float = 0.0) -> None:
        if self.twice:
            tasks = random.Random(f"{self.seed}{[task.id for task in tasks]}").sample([*tasks] * 2, len(tasks) * 2)
        await super().send(queue, tasks)
        _sent.ring()

    async def done(self, received: Received) -> None:
        await super().done(received)
        _done.ring()

    async def later(self, received: Received, seconds: float) -> None:
        """What is put off waits for another task to be done, such as those that the end of a run waits for."""
        with _done.listening() as heard:
            await heard()
        await super().later(received, 0)
        _sent.ring()

    async def receive(self, queue: QueueName, at_most: int = 10, *, wait: float = 0.0) -> list[Received]:
        with _sent.listening() as heard:
            found = await super().receive(queue, at_most)
            if not found:
                await heard()
        return found
