"""How many tasks a worker may take in hand at once."""

from __future__ import annotations

import asyncio


class Room:
    """``free`` waits for at least one place; whoever takes places leaves them."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._some = asyncio.Event()
        self._some.set()

    async def free(self) -> int:
        """How many places are free, once there is one."""
        await self._some.wait()
        return self._free

    def take(self, places: int) -> None:
        self._free -= places
        if self._free <= 0:
            self._some.clear()

    def leave(self, places: int) -> None:
        self._free += places
        if self._free > 0:
            self._some.set()
