"""Real queues whose waits are short: nothing is held back, and a look for messages lasts an instant. So a run takes as
long as its work."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

from mls_tui.distributed.messages import Task
from mls_tui.distributed.queues import QueueName, Queues, Received

NOTHING_SECONDS = 0.15
"""How long a worker rests that found nothing, or that looks whether a run can be closed."""


class QuickQueues(Queues):
    """``twice`` delivers every message again, and all in an order of ``seed``'s."""

    seed = 0
    twice = False

    async def send(self, queue: QueueName, tasks: Sequence[Task], *, delay: float = 0.0) -> None:
        if self.twice:
            tasks = random.Random(f"{self.seed}{[task.id for task in tasks]}").sample([*tasks] * 2, len(tasks) * 2)
        await super().send(queue, tasks)

    async def later(self, received: Received, seconds: float) -> None:
        await asyncio.sleep(NOTHING_SECONDS)
        await super().later(received, 0)

    async def receive(self, queue: QueueName, at_most: int = 10, *, wait: float = 0.0) -> list[Received]:
        found = await super().receive(queue, at_most)
        if not found:
            await asyncio.sleep(NOTHING_SECONDS)
        return found
