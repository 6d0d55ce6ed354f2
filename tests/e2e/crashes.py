"""A process killed at a named point, before or after any write: from there on, nothing that was asked of its stores
happens any more."""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from mls_tui.actions.workspace import Workspace
from mls_tui.storage.base import ListingStore, PhotoStore
from tests.e2e.house import House


class Killed(BaseException):
    """What no part of the program may catch and go on from."""


ROW_WRITES = {
    "put": "row",
    "delete": "erase",
    "put_connection": "connection",
    "delete_connection": "forget",
    "put_cursor": "cursor",
    "acquire_lease": "lease",
    "release_lease": "release",
    "put_run": "run",
    "reserve": "reserve",
    "control_run": "control",
    "put_problems": "problems",
    "put_state": "state",
}
"""Every method of a ListingStore that changes something -> the name of its points."""
PHOTO_WRITES = {"put": "photo", "delete": "delete", "undelete": "undelete"}
"""The same of a PhotoStore; a photo's smaller copies are points of their own, ``variant``."""

WRITES = (*ROW_WRITES.values(), *PHOTO_WRITES.values(), "variant")
POINTS = tuple(f"{when} {what}" for what in WRITES for when in ("before", "after"))

READS = {
    *(
        "index",
        "unreadable",
        "summaries",
        "data",
        "listings",
        "get",
        "get_many",
        "find",
        "get_connection",
        "connections",
        "get_run",
        "runs",
        "problems",
        "get_state",
    ),
    *("keys", "url", "verify", "init", "check", "describe", "close"),
}


def methods(protocol: type[ListingStore] | type[PhotoStore]) -> set[str]:
    return {name for name, _ in inspect.getmembers(protocol, inspect.isfunction) if not name.startswith("_")}


def points(*writes: str) -> list[str]:
    """Before and after each of these."""
    return [point for point in POINTS if point.split()[1] in writes]


class Kill:
    """Kills at the ``nth`` time a point is reached; ``happened`` tells whether it was."""

    def __init__(self, ws: Workspace, patch: pytest.MonkeyPatch, point: str, nth: int) -> None:
        assert point in POINTS
        self.happened = False
        self.holders: list[str] = []
        self._seen: Counter[str] = Counter()
        self._begun: set[asyncio.Future[Any]] = set()
        self._when, self._what = point.split()
        self._nth = nth
        for owner, writes in ((ws.store, ROW_WRITES), (ws.photos, PHOTO_WRITES)):
            for method, what in writes.items():
                patch.setattr(owner, method, self._around(what, getattr(owner, method)))

    def _around(self, what: str, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def guarded(*args: Any, **named: Any) -> Any:
            kind = "variant" if what == "photo" and "/original/" not in args[0] else what
            if what == "lease":
                self.holders.append(args[2].holder)
            self._pass(kind, "before")
            write = asyncio.ensure_future(call(*args, **named))
            self._begun.add(write)
            answer = await asyncio.shield(write)
            self._pass(kind, "after")
            return answer

        return guarded

    async def quiet(self) -> None:
        """What was on its way to a store as the process died has come there: nothing of it comes later."""
        await asyncio.gather(*self._begun, return_exceptions=True)

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
        kill = Kill(house.ws, patch, point, nth)
        with suppress(Killed, BaseExceptionGroup):
            await house.run(**options)
        await kill.quiet()
    for holder in kill.holders:
        await house.ws.store.release_lease(house.ws.user_id, house.connection_id, holder)
    return kill.happened


@contextmanager
def killed(house: House, point: str, nth: int = 1) -> Iterator[None]:
    """Around a verb that must come to the point."""
    with pytest.MonkeyPatch.context() as patch:
        kill = Kill(house.ws, patch, point, nth)
        with suppress(Killed, BaseExceptionGroup):
            yield
    assert kill.happened, f"it never came to {point}"
