"""A worker: takes tasks from the queues, drives the importer's handlers with them, and acknowledges last. Any number
may run; each may be killed at any moment."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

from mls_tui.distributed.closing import CloseTask
from mls_tui.distributed.dead import DeadLetters
from mls_tui.distributed.houses import Houses
from mls_tui.distributed.listings import ListingBatch
from mls_tui.distributed.live import LiveRun
from mls_tui.distributed.messages import Task, TaskKind
from mls_tui.distributed.pages import PageTask
from mls_tui.distributed.queues import QueueName, Queues, Received
from mls_tui.distributed.room import Room
from mls_tui.distributed.verdict import DEAD, DONE, Verdict, apply, later, resting, verdict_of
from mls_tui.domain.clock import Clock
from mls_tui.domain.errors import AuthenticationError, MlsTuiError, RateLimitedError, StorageError, sentence

LETTERS_SECONDS = 10.0
TROUBLE_SECONDS = 5.0
DRAIN_SECONDS = 100.0
"""How long a worker that is told to stop may finish what it has begun (ECS lets it have 120 s)."""

log = logging.getLogger("mls_tui")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the tasks of a batch share: the run, None where it is gone; its listings, where they could be read together;
    why none of them can be."""

    live: LiveRun | None
    listings: ListingBatch | None = None
    error: Exception | None = None

    def close(self) -> None:
        if self.listings is not None:
            self.listings.close()


@dataclass(slots=True)
class Worker:
    """``concurrency`` is how many listings are in work at once; ``poll`` is how many seconds one look at a queue waits
    for a message. ``houses`` are closed at the end."""

    queues: Queues
    houses: Houses
    clock: Clock
    concurrency: int = 8
    poll: float = 10.0
    _busy: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set; then take nothing more, finish what is begun, and return."""
        polls = [
            asyncio.create_task(self._poll(QueueName.MEDIA, Room(self.concurrency))),
            asyncio.create_task(self._poll(QueueName.PAGES, Room(max(1, self.concurrency // 4)))),
            asyncio.create_task(self._mourn()),
        ]
        try:
            await stop.wait()
        finally:
            for poll in polls:
                poll.cancel()
            await asyncio.gather(*polls, return_exceptions=True)
            await self._drain()

    async def _drain(self) -> None:
        if self._busy:
            log.info("finishing %d tasks before stopping", len(self._busy))
            await asyncio.wait(self._busy, timeout=DRAIN_SECONDS)
        left = list(self._busy)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self.houses.close()

    async def _poll(self, queue: QueueName, room: Room) -> None:
        while True:
            free = await room.free()
            try:
                received = await self.queues.receive(queue, min(10, free), wait=self.poll)
            except Exception as error:
                _tell("the queue cannot be read", error)
                await self.clock.sleep(TROUBLE_SECONDS)
                continue
            for batch in _by_run(received):
                self._begin(batch, room)

    def _begin(self, batch: list[Received], room: Room) -> None:
        room.take(len(batch))
        task = asyncio.create_task(self._do(batch))
        self._busy.add(task)

        def ended(done: asyncio.Task[None]) -> None:
            self._busy.discard(done)
            room.leave(len(batch))
            if not done.cancelled() and (error := done.exception()) is not None:
                log.error("unforeseen error in a worker", exc_info=error)

        task.add_done_callback(ended)

    async def _do(self, batch: list[Received]) -> None:
        """All messages of a batch are of one run and one queue: what they need is prepared once for all of them."""
        with self.houses.in_hand(batch[0].task):
            prepared = asyncio.ensure_future(self._prepared(batch))
            try:
                await asyncio.gather(*(self._settle(prepared, received) for received in batch))
            finally:
                if not prepared.cancel() and not prepared.cancelled() and prepared.exception() is None:
                    prepared.result().close()

    async def _prepared(self, batch: list[Received]) -> Prepared:
        task = batch[0].task
        live = await self.houses.run(task)
        if live is not None:
            await live.look()
        if task.kind is TaskKind.CLOSE and (live is None or not live.running):
            await self._let_go(task)
        if live is None or not live.running or live.run.paused or batch[0].queue is QueueName.PAGES:
            return Prepared(live)
        try:
            return Prepared(live, await ListingBatch.read(live, [received.task for received in batch]))
        except Exception as error:
            # One of several may be what the MLS or the store stumbles over: then each is asked for alone.
            together = len(batch) > 1 and not isinstance(error, AuthenticationError | RateLimitedError)
            return Prepared(live, error=None if together else error)

    async def _let_go(self, task: Task) -> None:
        """Give the lease of a run that has ended back: who ended it may have been killed before that."""
        house = await self.houses.of(task.user)
        run = await house.store.get_run(task.user, task.run)
        if run is not None:
            await house.store.release_lease(task.user, run.connection_id, run.run_id)

    async def _settle(self, prepared: asyncio.Future[Prepared], received: Received) -> None:
        """Do it, and acknowledge it last. What cannot be acknowledged comes again, and is known then."""
        live: LiveRun | None = None
        try:
            async with self.queues.heartbeat(received):
                try:
                    ready = await asyncio.shield(prepared)
                    live = ready.live
                    verdict = await self._done(ready, received)
                except Exception as error:
                    verdict = await verdict_of(live, received, error, self.houses.opened(received.task.user))
            await apply(self.queues, received, verdict)
        except StorageError as error:
            log.warning("task %s could not be settled and comes again: %s", received.task.id, sentence(error))

    async def _done(self, ready: Prepared, received: Received) -> Verdict:
        live = ready.live
        if live is None or not live.running:
            return DONE  # the run has ended or is no longer stored: there is nothing to do for it
        if live.run.paused:
            return resting(live.run, self.clock.now())
        if ready.error is not None:
            raise ready.error
        if ready.listings is not None:
            return await _listing(ready.listings, received)
        if received.queue is QueueName.MEDIA:
            with closing(await ListingBatch.read(live, [received.task])) as alone:
                return await _listing(alone, received)
        if received.task.kind is TaskKind.PAGE:
            whole = await PageTask(live, self.queues, received.task).run()
            return DONE if whole else resting(live.run, self.clock.now())
        seconds = await CloseTask(live, self.queues, received.task).run()
        return DONE if seconds is None else later(seconds)

    async def _mourn(self) -> None:
        letters = DeadLetters(self.queues, self.houses)
        while True:
            try:
                await letters.read()
            except Exception as error:
                _tell("the dead letters cannot be read", error)
            await self.clock.sleep(LETTERS_SECONDS)


def _tell(what: str, error: Exception) -> None:
    """A worker that stopped looking would seem to work: whatever it is, it looks again."""
    log.warning("%s: %s", what, sentence(error), exc_info=None if isinstance(error, MlsTuiError) else error)


async def _listing(batch: ListingBatch, received: Received) -> Verdict:
    return DONE if await batch.do(received.task, again=received.count > 1) else DEAD


def _by_run(received: Sequence[Received]) -> list[list[Received]]:
    runs: dict[tuple[str, str], list[Received]] = {}
    for each in received:
        runs.setdefault((each.task.user, each.task.run), []).append(each)
    return list(runs.values())
