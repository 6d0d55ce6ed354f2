"""One at a time per key: the same listing twice in a feed is never imported by two workers at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Entry:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class KeyedLock:
    """Holds an entry only while somebody uses or waits for it."""

    def __init__(self) -> None:
        self._entries: dict[Hashable, _Entry] = {}

    def __contains__(self, key: Hashable) -> bool:
        return key in self._entries

    @asynccontextmanager
    async def holding(self, key: Hashable) -> AsyncIterator[None]:
        """First come, first served; the key counts as in use from the call on."""
        entry = self.reserve(key)
        try:
            async with entry.lock:
                yield
        finally:
            self.release(key)

    def reserve(self, key: Hashable) -> _Entry:
        entry = self._entries.setdefault(key, _Entry())
        entry.users += 1
        return entry

    def release(self, key: Hashable) -> None:
        entry = self._entries[key]
        entry.users -= 1
        if not entry.users:
            del self._entries[key]
