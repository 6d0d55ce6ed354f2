"""Photos on demand: drawn in a thread, kept while there is room. Must never hold the event loop while drawing."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

from mls_tui.demo.feed import Feed

_ROOM = 64 * 1024 * 1024


class Darkroom:
    """The JPEG bytes of the feed's photos; the most recently asked for are kept, up to ``room`` bytes."""

    def __init__(self, feed: Feed, pool: ThreadPoolExecutor, room: int = _ROOM) -> None:
        self._feed, self._pool, self._room = feed, pool, room
        self._kept: OrderedDict[tuple[str, int, int], bytes] = OrderedDict()
        self._size = 0
        self._digests: dict[tuple[str, int, int], bytes] = {}

    def digest(self, key: str, number: int, version: int) -> bytes | None:
        """The SHA-256 of a photo as it was drawn; None for one that nobody asked for."""
        return self._digests.get((key, number, version))

    async def picture(self, key: str, number: int) -> bytes | None:
        """A photo by its listing and its number; None where there is no such photo (any more)."""
        from mls_tui.demo.paint import draw

        if key not in self._feed:
            return None
        shot = next((shot for shot in self._feed.shots(key) if shot.number == number), None)
        if shot is None:
            return None
        name = (key, number, shot.version)
        if name in self._kept:
            self._kept.move_to_end(name)
            return self._kept[name]
        home = self._feed.home(key)
        body = await asyncio.get_running_loop().run_in_executor(self._pool, draw, home, shot)
        self._keep(name, body)
        return body

    def close(self) -> None:
        """Stop drawing."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _keep(self, name: tuple[str, int, int], body: bytes) -> None:
        if name in self._kept:
            return
        self._kept[name] = body
        self._digests[name] = hashlib.sha256(body).digest()
        self._size += len(body)
        while self._size > self._room:
            _, dropped = self._kept.popitem(last=False)
            self._size -= len(dropped)
