"""Reads the dead letters, and writes into their runs what became of them; the letters stay where they are, to be looked
at. A letter read by every worker again and again counts once."""

from __future__ import annotations

from dataclasses import dataclass, field

from mls_tui.distributed.houses import Houses
from mls_tui.distributed.messages import Task
from mls_tui.distributed.outcome import RunKey
from mls_tui.distributed.queue_setup import MAX_RECEIVES
from mls_tui.distributed.queues import QueueName, Queues
from mls_tui.distributed.verdict import give_up
from mls_tui.domain.run import RunState

LETTERS_AT_ONCE = 10
MOST_REMEMBERED = 10_000

WHY = "every worker that took it up broke off, the last one too; the logs of the workers say more"


@dataclass(slots=True)
class DeadLetters:
    """Of all users and runs."""

    queues: Queues
    houses: Houses
    _known: set[str] = field(default_factory=set)

    async def read(self) -> None:
        """Every letter that is there now. Raises StorageError where queue or table do not answer."""
        for queue in QueueName:
            while letters := await self.queues.dead(queue, LETTERS_AT_ONCE):
                for letter in letters:
                    if letter.message_id not in self._known:
                        await self._take(letter.task)
                        self._known.add(letter.message_id)
                if len(letters) < LETTERS_AT_ONCE:
                    break
        if len(self._known) > MOST_REMEMBERED:
            self._known.clear()

    async def _take(self, task: Task) -> None:
        with self.houses.in_hand(task):
            house = await self.houses.of(task.user)
            run = await house.store.get_run(house.user, task.run)
            if run is None or run.state is not RunState.RUNNING:
                return
            if task.id not in await house.ledger.done(RunKey.of(run), [task.id]):
                await give_up(house, task, WHY, MAX_RECEIVES)
