"""The queues of work, for a worker's event loop: durable, fair between MLSs, at least once. A message leaves its queue
only after what it asked for is stored; whoever reads it must bear reading it twice."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from mls_tui.distributed.messages import ForeignMessageError, Task, decode, encode
from mls_tui.distributed.queue_calls import Depth, Entry, QueueCalls, QueueName
from mls_tui.domain.clock import Clock, SystemClock
from mls_tui.domain.errors import StorageError
from mls_tui.storage.aws import Aws
from mls_tui.storage.base import Check
from mls_tui.storage.threads import DaemonPool

__all__ = ["QueueName", "Queues", "Received"]

logger = logging.getLogger(__name__)

VISIBILITY_SECONDS = 120
_CALL_THREADS = 16
_POLL_THREADS = 8
"""Polls may take 20 s each: in threads of their own, as a heartbeat must never wait for one."""
_CLOSE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Received:
    """A delivery. ``count`` is how often the message was delivered so far, this time included; ``receipt`` is good for
    this delivery only. ``dead`` where it came from the dead-letter queue of ``queue``."""

    queue: QueueName
    task: Task
    receipt: str
    count: int
    message_id: str
    dead: bool = False


class Queues:
    """All four queues under one prefix. ``visibility`` is how many seconds a delivery is ours without a heartbeat.

    Every method raises StorageError with a sentence where SQS fails; ``retryable`` says whether waiting may help.
    """

    def __init__(
        self,
        aws: Aws,
        prefix: str,
        *,
        visibility: int = VISIBILITY_SECONDS,
        clock: Clock | None = None,
        calls: QueueCalls | None = None,
    ) -> None:
        self.visibility = visibility
        self._clock = clock or SystemClock()
        self._calls = calls or QueueCalls(aws, prefix)
        self._pool = DaemonPool(_CALL_THREADS, "mls-tui-sqs")
        self._polls = DaemonPool(_POLL_THREADS, "mls-tui-sqs-poll")
        self._longest_poll = 0.0

    async def send(self, queue: QueueName, tasks: Sequence[Task], *, delay: float = 0.0) -> None:
        """Send all of them, visible after ``delay`` seconds (at most 900). An error may leave some of them sent."""
        name, entries = self._calls.name(queue), [_entry(task) for task in tasks]
        await self._pool.run(lambda: self._calls.send(name, entries, delay))

    async def receive(self, queue: QueueName, at_most: int = 10, *, wait: float = 0.0) -> list[Received]:
        """Up to ten tasks; waits up to ``wait`` (at most 20) seconds for the first. Cancelling gives back what comes.

        What is no task of ours is logged and moved to the dead-letter queue.
        """
        self._longest_poll = max(self._longest_poll, wait)
        future = self._polls.submit(lambda: self._receive(queue, at_most, wait))
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            future.add_done_callback(self._give_back)
            raise

    async def extend(self, received: Received, seconds: float) -> bool:
        """Keep it ours for ``seconds`` from now; False where it has been deleted or delivered to another."""
        return await self._pool.run(lambda: self._calls.hide(self._source(received), received.receipt, seconds))

    async def done(self, received: Received) -> None:
        """Take it off its queue: the last thing to do, after everything it asked for is stored."""
        await self._pool.run(lambda: self._delete(received))

    async def later(self, received: Received, seconds: float) -> None:
        """Have it come again after ``seconds`` (at most 900) as a new message, which uses up none of its deliveries.

        The copy is sent before the original goes: a crash between leaves two, never none.
        """

        def job() -> None:
            self._calls.send(self._source(received), [_entry(received.task)], seconds)
            self._delete(received)

        await self._pool.run(job)

    async def bury(self, received: Received) -> None:
        """Move it to the dead-letter queue; as ``later``, never through a moment in which it is nowhere."""

        def job() -> None:
            self._calls.send(self._calls.name(received.queue, dead=True), [_entry(received.task)])
            self._delete(received)

        await self._pool.run(job)

    async def dead(self, queue: QueueName, at_most: int = 10, *, hidden: float = 60.0) -> list[Received]:
        """Some dead letters of ``queue``, which stay: each is hidden for ``hidden`` seconds, then comes back.

        Read until none comes to have seen all. Safe to repeat; ``done`` takes one away for good.
        """
        name, seconds = self._calls.name(queue, dead=True), max(1, round(hidden))
        found = await self._pool.run(lambda: self._calls.receive(name, at_most, 0.0, seconds))
        return [letter for message in found if (letter := _read(queue, message, dead=True)) is not None]

    async def depth(self, queue: QueueName, *, dead: bool = False) -> Depth:
        name = self._calls.name(queue, dead=dead)
        return await self._pool.run(lambda: self._calls.depth(name))

    @asynccontextmanager
    async def heartbeat(self, received: Received) -> AsyncIterator[None]:
        """Keep the message ours while the body runs, however long. A beat that fails is logged and tried again."""
        beating = asyncio.create_task(self._beat(received))
        try:
            yield
        finally:
            beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await beating

    async def init(self) -> list[Check]:
        """Make and protect the four queues, or set right what differs; twice changes nothing."""
        from mls_tui.distributed.queue_setup import init_queues

        return await self._pool.run(lambda: init_queues(self._calls, self.visibility))

    async def check(self) -> list[Check]:
        from mls_tui.distributed.queue_setup import check_queues

        return await self._pool.run(lambda: check_queues(self._calls, self.visibility))

    async def close(self) -> None:
        """Finish what was begun, for 2 seconds at most. A poll that nobody waits for is waited for here, as what it
        brings must be given back: it would be nobody's for as long as a delivery is kept."""
        await asyncio.to_thread(self._pool.close, _CLOSE_SECONDS)
        await asyncio.to_thread(self._polls.close, self._longest_poll * _POLL_THREADS)

    async def _beat(self, received: Received) -> None:
        while True:
            await self._clock.sleep(self.visibility / 3)
            try:
                if not await self.extend(received, self.visibility):
                    logger.warning("A message of %s is no longer ours; it may be done twice.", received.queue)
                    return
            except StorageError as error:
                logger.warning("A heartbeat failed: %s", error)

    def _source(self, received: Received) -> str:
        return self._calls.name(received.queue, dead=received.dead)

    def _delete(self, received: Received) -> None:
        if not self._calls.delete(self._source(received), received.receipt):
            logger.info("A message of %s was no longer ours when it was done.", received.queue)

    def _receive(self, queue: QueueName, at_most: int, wait: float) -> list[Received]:
        name = self._calls.name(queue)
        found = []
        for message in self._calls.receive(name, at_most, wait, self.visibility):
            received = _read(queue, message)
            if received is not None:
                found.append(received)
                continue
            try:
                self._calls.send(self._calls.name(queue, dead=True), [Entry(message["Body"])])
                self._calls.delete(name, message["ReceiptHandle"])
            except StorageError as error:
                # It stays, and SQS moves it itself after a few deliveries; the tasks beside it must not wait for that.
                logger.warning("A message that is no task could not be moved: %s", error)
        return found

    def _give_back(self, future: Future[list[Received]]) -> None:
        """What a cancelled poll still brought becomes visible again at once."""
        if future.cancelled() or future.exception() is not None:
            return
        for received in future.result():
            # In the poll's own thread, as the queues may be closing. Unreachable: it comes when its time has run out.
            with contextlib.suppress(StorageError):
                self._calls.hide(self._source(received), received.receipt, 0)


def _entry(task: Task) -> Entry:
    return Entry(encode(task), task.group)


def _read(queue: QueueName, message: dict[str, Any], *, dead: bool = False) -> Received | None:
    try:
        task = decode(message["Body"])
    except ForeignMessageError as error:
        logger.warning("%s Queue %s, message %s.", error, queue, message["MessageId"])
        return None
    count = int(message.get("Attributes", {}).get("ApproximateReceiveCount", 1))
    return Received(queue, task, message["ReceiptHandle"], count, message["MessageId"], dead)
