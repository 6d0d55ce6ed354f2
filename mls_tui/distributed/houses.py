"""What a worker has open: a house for each user, and the runs whose tasks it has had. What nobody has in hand any more
is closed when something else is opened, so that a worker that serves many does not grow: all can be opened anew."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager

from mls_tui.distributed.live import House, LiveRun
from mls_tui.distributed.messages import Task
from mls_tui.domain.clock import Clock

IDLE_SECONDS = 60.0
"""How long a run that others may have ended is kept open for its next task."""

OpenHouse = Callable[[str], AbstractAsyncContextManager[House]]


class Houses:
    """``open_house`` opens what a user's tasks need, for as long as its context lasts."""

    def __init__(self, open_house: OpenHouse, clock: Clock) -> None:
        self._open_house, self._clock = open_house, clock
        self._houses: dict[str, tuple[House, AsyncExitStack]] = {}
        self._runs: dict[tuple[str, str], LiveRun] = {}
        self._in_hand: Counter[tuple[str, str]] = Counter()
        self._opening = asyncio.Lock()

    @contextmanager
    def in_hand(self, task: Task) -> Iterator[None]:
        """While a task is done, neither its run nor its house is closed."""
        place = (task.user, task.run)
        self._in_hand[place] += 1
        try:
            yield
        finally:
            self._in_hand[place] -= 1
            if not self._in_hand[place]:
                del self._in_hand[place]

    def opened(self, user: str) -> House | None:
        """The user's house, where it is open."""
        return self._houses[user][0] if user in self._houses else None

    async def of(self, user: str) -> House:
        async with self._opening:
            return await self._house(user)

    async def run(self, task: Task) -> LiveRun | None:
        """The run of a task, open; None as of ``LiveRun.open``, which says what is raised."""
        async with self._opening:
            place = (task.user, task.run)
            if place not in self._runs:
                live = await LiveRun.open(await self._house(task.user), task.run)
                if live is None:
                    return None
                self._runs[place] = live
            return self._runs[place]

    async def close(self) -> None:
        self._in_hand.clear()
        await self._close([*self._runs])

    async def _house(self, user: str) -> House:
        now = self._clock.monotonic()
        await self._close(
            [at for at, live in self._runs.items() if not live.running or now - live.looked > IDLE_SECONDS]
        )
        if user not in self._houses:
            async with AsyncExitStack() as opening:
                house = await opening.enter_async_context(self._open_house(user))
                self._houses[user] = (house, opening.pop_all())
        return self._houses[user][0]

    async def _close(self, places: list[tuple[str, str]]) -> None:
        """Those of these runs that nobody has in hand, and every house that is left empty."""
        closed = [self._runs.pop(place) for place in places if place not in self._in_hand]
        lived_in = {user for user, _ in (*self._runs, *self._in_hand)}
        for user in self._houses.keys() - lived_in:
            await self._houses.pop(user)[1].aclose()  # tells the other workers what the connectors have heard
        for live in closed:
            await live.connector.close()
