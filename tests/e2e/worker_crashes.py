"""Workers killed at named points, before or after any write, send or acknowledgement of theirs: from there on nothing
that they ask for happens any more, and what they had in hand comes again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from mls_tui.distributed.ledger import Ledger
from mls_tui.distributed.queues import QueueName, Received
from mls_tui.storage.dynamodb import DynamoDBListingStore
from mls_tui.storage.s3 import S3PhotoStore
from tests.e2e.crashes import Killed
from tests.e2e.quick_queues import QuickQueues


class Watched(QuickQueues):
    """Remembers what is in hand, so that a test need not wait until its time has run out."""

    hand: dict[str, tuple[Watched, Received]]

    async def receive(self, queue: QueueName, at_most: int = 10, *, wait: float = 0.0) -> list[Received]:
        found = await super().receive(queue, at_most, wait=wait)
        self.hand |= {received.receipt: (self, received) for received in found}
        return found


WRITES: dict[str, tuple[type[Any], str]] = {
    "run": (Ledger, "create"),
    "plan": (Ledger, "keep"),
    "intent": (Ledger, "intend"),
    "count": (Ledger, "finish"),
    "end": (Ledger, "end"),
    "send": (Watched, "send"),
    "ack": (Watched, "done"),
    "put off": (Watched, "later"),
    "bury": (Watched, "bury"),
    "row": (DynamoDBListingStore, "put"),
    "erase": (DynamoDBListingStore, "delete"),
    "lease": (DynamoDBListingStore, "acquire_lease"),
    "release": (DynamoDBListingStore, "release_lease"),
    "cursor": (DynamoDBListingStore, "put_cursor"),
    "photo": (S3PhotoStore, "put"),
}


def points(*writes: str) -> set[str]:
    """Before and after each of these."""
    return {f"{when} {what}" for what in writes for when in ("before", "after")}


class Kills:
    """Each of ``armed`` kills once, the first time it is reached; ``dead`` until ``revive``. After a write that was on
    its way as another point killed, and has come, its worker was killed as well."""

    def __init__(self, armed: set[str]) -> None:
        self.armed = armed
        self.dead = asyncio.Event()
        Watched.hand = {}

    async def revive(self) -> None:
        """Another worker may begin: what the dead one had in hand is visible again."""
        self.dead.clear()
        for queues, received in Watched.hand.values():
            calls = queues._calls
            await asyncio.to_thread(calls.hide, calls.name(received.queue), received.receipt, 0)
        Watched.hand.clear()

    def around(self, what: str, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def guarded(*args: Any, **named: Any) -> Any:
            self._pass(f"before {what}")
            answer = await call(*args, **named)
            self._pass(f"after {what}")
            return answer

        return guarded

    def _pass(self, point: str) -> None:
        if point in self.armed and (point.startswith("after") or not self.dead.is_set()):
            self.armed.discard(point)
            self.dead.set()
        if self.dead.is_set():
            raise Killed


@contextmanager
def killing(armed: set[str]) -> Iterator[Kills]:
    kills = Kills(armed)
    with pytest.MonkeyPatch.context() as patch:
        for what, (owner, method) in WRITES.items():
            patch.setattr(owner, method, kills.around(what, getattr(owner, method)))
        yield kills


async def survived(kills: Kills, work: Callable[[], Awaitable[Any]]) -> Any:
    """What ``work`` answers, begun anew as often as it is killed."""
    while True:
        with suppress(Killed):
            return await work()
        await kills.revive()
