"""A cache file with the list of one user's listings, so that a screen can show it before DynamoDB answers.

A file that is deleted, stale or damaged is made again by a query of the whole list. It holds no secret.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from mls_tui.domain.clock import Clock, epoch_ms
from mls_tui.domain.errors import StorageError
from mls_tui.storage import summaries
from mls_tui.storage.items import Item
from mls_tui.storage.sqlite.database import Database, connect
from mls_tui.storage.summaries import Selected, Selection, Summaries, Summary

T = TypeVar("T")

log = logging.getLogger(__name__)

SECONDS_BETWEEN_CHECKS = 15
"""How often the newest run's row is read. The table itself does not tell when it changes."""

Pages = Callable[[], AsyncIterator[list[Item]]]


def cache_file(folder: Path, *place: str) -> Path:
    """The file for a table, region and user: its name is a hash of ``place``."""
    return folder / f"{hashlib.sha256(chr(0).join(place).encode()).hexdigest()[:32]}.db"


class ListCache(Summaries):
    """``pages`` queries the user's listings in the order of their ids, with the attributes of a Summary. ``newest_run``
    returns a text that changes when a run begins or ends."""

    cached = True

    def __init__(
        self, path: Path, pk: str, pages: Pages, clock: Clock, newest_run: Callable[[], Awaitable[str]]
    ) -> None:
        self.path = path
        self._pages = pages
        self._newest_run = newest_run
        self._run_seen: str | None = None
        self._checked_at = clock.monotonic()
        self._clock = clock
        self._refreshing = asyncio.Lock()
        self._written_meanwhile: set[str] | None = None
        """Ids of listings that this process writes while a refresh runs. They are newer than the page that it reads."""
        super().__init__(Database(path, open_connection=_connect), pk)
        self._database: Database

    async def select(self, wanted: Selection) -> Selected:
        selected = await self._retried_on_an_empty_file(lambda: super(ListCache, self).select(wanted))
        self.as_of = await self._database.read(_as_of)
        return selected

    async def read(self, rows: Sequence[int]) -> list[Summary]:
        return await self._retried_on_an_empty_file(lambda: super(ListCache, self).read(rows))

    async def put(self, items: Sequence[Item]) -> None:
        """Update the cache after a write to the table. A failure is only logged."""
        self._remember(summaries.id_of(item) for item in items)
        with self._errors_logged():
            await self._database.write(lambda db: _put(db, items))

    async def remove(self, listing_id: str) -> None:
        self._remember([listing_id])
        with self._errors_logged():
            await self._database.write(lambda db: summaries.remove(db, self._pk, [listing_id]))

    async def stale(self) -> bool:
        if self._run_seen is None or self._clock.monotonic() - self._checked_at < SECONDS_BETWEEN_CHECKS:
            return False
        self._checked_at = self._clock.monotonic()
        return await self._newest_run() != self._run_seen

    async def refresh(self) -> None:
        """Query the whole list and replace the cache page by page."""
        async with self._refreshing:
            self._written_meanwhile = set()
            self._run_seen = await self._newest_run()
            began, after = epoch_ms(self._clock.now()), ""
            try:
                async for page in self._pages():
                    last = summaries.id_of(page[-1])
                    await self._retried_on_an_empty_file(partial(self._replace, page, after, last))
                    after = last
                await self._replace([], after, None, done=began)
            finally:
                self._written_meanwhile = None

    async def close(self) -> None:
        await self._database.close()

    async def _replace(self, page: Sequence[Item], after: str, last: str | None, *, done: int | None = None) -> None:
        """Replace the listings with ``after`` < id <= ``last`` by those of the page."""
        noted = self._written_meanwhile or set()
        fresh = [item for item in page if summaries.id_of(item) not in noted]
        kept = {summaries.id_of(item) for item in page} | noted

        def work(db: sqlite3.Connection) -> None:
            stored = summaries.ids_between(db, self._pk, after, last)
            summaries.remove(db, self._pk, [each for each in stored if each not in kept])
            _put(db, fresh)
            if done is not None:
                db.execute("REPLACE INTO items (pk, sk, body) VALUES ('CACHE', 'AS_OF', ?)", (str(done),))

        await self._database.write(work)

    def _remember(self, listing_ids: Iterable[str]) -> None:
        if self._written_meanwhile is not None:
            self._written_meanwhile.update(listing_ids)

    async def _retried_on_an_empty_file(self, work: Callable[[], Awaitable[T]]) -> T:
        """``work``; if the file is damaged, once more on an empty one."""
        try:
            return await work()
        except StorageError as error:
            if error.retryable:
                raise
            log.warning("the cached list of listings is made again: %s", error)
        await self._database.close()
        await asyncio.to_thread(_delete, self.path)
        self._database, self._before = Database(self.path, open_connection=_connect), None
        return await work()

    @contextlib.contextmanager
    def _errors_logged(self) -> Iterator[None]:
        try:
            yield
        except StorageError as error:
            log.warning("the cached list of listings could not be written: %s", error)


def _connect(path: Path) -> sqlite3.Connection:
    connection = connect(path)
    connection.execute("PRAGMA synchronous = OFF")  # after a power cut the list is queried again
    return connection


def _delete(path: Path) -> None:
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _as_of(db: sqlite3.Connection) -> int | None:
    found = db.execute("SELECT body FROM items WHERE pk = 'CACHE' AND sk = 'AS_OF'").fetchone()
    return None if found is None else int(found[0])


def _put(db: sqlite3.Connection, items: Sequence[Item]) -> None:
    """Put the items that can be read; another program may have written to the table."""
    for item in items:
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError, OverflowError, sqlite3.Error):
            summaries.put(db, [item])
