"""A process killed at a named point: from there on, nothing that the run asks of its stores happens any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.e2e.house import House


class Killed(BaseException):
    """What no part of the program may catch and go on from."""


POINTS = tuple(f"{when} {what}" for what in ("photo", "row", "cursor", "run", "delete") for when in ("before", "after"))

_METHODS = {"photo": "put", "row": "put", "cursor": "put_cursor", "run": "put_run", "delete": "delete"}


class Kill:
    """Kills at the ``nth`` time a point is reached; ``happened`` tells whether it was."""

    def __init__(self, house: House, patch: pytest.MonkeyPatch, point: str, nth: int) -> None:
        self.happened = False
        self._house = house
        self._seen: Counter[str] = Counter()
        self._when, self._what = point.split()
        self._nth = nth
        for what, method in _METHODS.items():
            owner = house.ws.photos if what in ("photo", "delete") else house.ws.store
            patch.setattr(owner, method, self._around(what, getattr(owner, method)))
        for method in ("release_lease", "put_problems", "put_state"):
            patch.setattr(house.ws.store, method, self._around(method, getattr(house.ws.store, method)))

    def _around(self, what: str, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def guarded(*args: Any, **named: Any) -> Any:
            self._pass(what, "before")
            answer = await call(*args, **named)
            self._pass(what, "after")
            return answer

        return guarded

    def _pass(self, what: str, when: str) -> None:
        if what == self._what and when == self._when:
            self._seen[what] += 1
            if self._seen[what] >= self._nth:
                self.happened = True
        if self.happened:
            raise Killed


async def killed_run(house: House, point: str, nth: int, **options: Any) -> bool:
    """Import, killed at the ``nth`` time a point is reached; whether it came to that. The dead lease is taken away."""
    with pytest.MonkeyPatch.context() as patch:
        kill = Kill(house, patch, point, nth)
        await house.run(**options)
    for event in house.events[:1]:
        await house.ws.store.release_lease(house.ws.user_id, house.connection_id, event.run)
    return kill.happened
