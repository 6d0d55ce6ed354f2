"""One at a time per key: the same listing twice in a feed is never imported by two workers at once."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass, field
from types import TracebackType


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

    def holding(self, key: Hashable) -> _Holding:
        """First come, first served; the key counts as in use from the call on."""
        return _Holding(self, key)

    def reserve(self, key: Hashable) -> _Entry:
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry()
        entry.users += 1
        return entry

    def release(self, key: Hashable) -> None:
        entry = self._entries[key]
        entry.users -= 1
        if not entry.users:
            del self._entries[key]


class _Holding:
    """One hold on a key; a class, as the two generators of a decorated one cost more than the lock."""

    __slots__ = ("_entry", "_key", "_locks")

    def __init__(self, locks: KeyedLock, key: Hashable) -> None:
        self._locks, self._key = locks, key
        self._entry = locks.reserve(key)

    async def __aenter__(self) -> None:
        try:
            await self._entry.lock.acquire()
        except BaseException:
            self._locks.release(self._key)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entry.lock.release()
        self._locks.release(self._key)
