"""The embedded ListingStore: the table of CONTRACT.md in one SQLite file. Several processes may have it open."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

from mls_tui.domain import keys
from mls_tui.domain.clock import Clock
from mls_tui.domain.connection import Connection, Cursor, Lease
from mls_tui.domain.listing import Listing
from mls_tui.domain.run import ImportRun
from mls_tui.storage import items
from mls_tui.storage.attributes import Item
from mls_tui.storage.base import Check, PutResult
from mls_tui.storage.messages import lease_lost, no_connection
from mls_tui.storage.rows import ItemRows, KeyRange
from mls_tui.storage.sqlite import statements
from mls_tui.storage.sqlite.checks import check_file
from mls_tui.storage.sqlite.database import Database
from mls_tui.storage.sqlite.schema import fill_summaries
from mls_tui.storage.summaries import Summaries

T = TypeVar("T")

_ROWS_A_PAGE = 200
_ENTRIES_A_PAGE = 2000


class SqliteListingStore(ItemRows):
    """``path`` is made, 0600, by the first use."""

    def __init__(self, path: Path, *, clock: Clock | None = None, database: Database | None = None) -> None:
        super().__init__(clock)
        self._path = path
        self._db = database or Database(path)

    # primitives

    async def _get(self, pk: str, sk: str) -> Item | None:
        return await self._db.read(lambda db: statements.get(db, pk, sk))

    async def _get_all(self, pk: str, sks: list[str], read: Callable[[Item], T]) -> list[T]:
        found: list[T] = []
        for first in range(0, len(sks), _ROWS_A_PAGE):
            part = sks[first : first + _ROWS_A_PAGE]
            found += await self._db.read(lambda db, part=part: statements.get_all(db, pk, part, read))  # type: ignore[misc]
        return found

    async def _pages(self, wanted: KeyRange, read: Callable[[Item], T]) -> AsyncIterator[list[T]]:
        most = _ENTRIES_A_PAGE if wanted.entries else _ROWS_A_PAGE
        left = wanted.limit
        after: str | None = None
        while left is None or left > 0:
            count = most if left is None else min(most, left)
            batch, after = await self._db.read(_page(wanted, after, count, read))
            if batch:
                yield batch
            if after is None:
                return
            left = None if left is None else left - len(batch)

    async def _put_items(self, rows: list[Item]) -> None:
        def work(db: sqlite3.Connection) -> None:
            statements.put(db, *rows)

        await self._db.write(work)

    async def _remove(self, pk: str, sk: str) -> bool:
        return await self._db.write(lambda db: statements.remove(db, pk, sk))

    # listings

    def summaries(self, user_id: str) -> Summaries:
        return Summaries(self._db, items.pk(user_id))

    async def put(self, user_id: str, listing: Listing, *, new: bool | None = None, moved: bool = False) -> PutResult:
        item = items.listing_item(user_id, listing, self._now_ms())
        mark = items.mark_item(user_id, listing)
        return await self._db.write_together(statements.put_listings, (item, mark, moved))

    async def delete(self, user_id: str, listing_id: str) -> Listing | None:
        pk, sk = items.pk(user_id), keys.listing_sk(listing_id)
        item = await self._db.write(lambda db: statements.delete_listing(db, pk, sk))
        return None if item is None else items.read_listing(item)

    # connections

    async def put_connection(self, user_id: str, connection: Connection) -> None:
        item = items.connection_item(user_id, connection, self._now_ms())
        await self._db.write(lambda db: statements.put_connection(db, item))

    async def put_cursor(self, user_id: str, cursor: Cursor, *, run: ImportRun, holder: str) -> None:
        sk, data = keys.connection_sk(run.connection_id), items.cursor_data(cursor)
        row = items.run_item(user_id, run, self._now_ms())
        if not await self._db.write(lambda db: statements.put_cursor(db, sk, data, row, holder)):
            raise lease_lost(run.connection_id, run.run_id)

    async def acquire_lease(self, user_id: str, connection_id: str, lease: Lease, *, now_ms: int) -> Lease | None:
        pk, sk = items.pk(user_id), keys.connection_sk(connection_id)
        answer = await self._db.write(lambda db: statements.acquire_lease(db, pk, sk, lease, now_ms))
        if answer is False:
            raise no_connection(connection_id)
        return answer if isinstance(answer, Lease) else None

    async def release_lease(self, user_id: str, connection_id: str, holder: str) -> None:
        pk, sk = items.pk(user_id), keys.connection_sk(connection_id)
        await self._db.write(lambda db: statements.release_lease(db, pk, sk, holder))

    # runs

    async def put_run(self, user_id: str, run: ImportRun) -> str | None:
        row = items.run_item(user_id, run, self._now_ms())
        return await self._db.write(lambda db: statements.put_run(db, row))

    async def reserve(self, user_id: str, run: ImportRun, *, now_ms: int) -> Lease | None:
        sk, row = keys.connection_sk(run.connection_id), items.run_item(user_id, run, self._now_ms())
        answer = await self._db.write(lambda db: statements.reserve(db, sk, row, now_ms))
        if answer is False:
            raise no_connection(run.connection_id)
        return answer if isinstance(answer, Lease) else None

    async def control_run(self, user_id: str, run: ImportRun, word: str | None) -> bool:
        pk, sk = items.pk(user_id), keys.run_sk(run.started_at, run.run_id)
        return await self._db.write(lambda db: statements.control_run(db, pk, sk, word))

    # set-up

    async def init(self) -> list[Check]:
        existed = self._path.exists()
        await self._db.write(fill_summaries)
        return [Check("database", "ok", f"{'ready' if existed else 'created'}: {self._path}")]

    async def check(self) -> list[Check]:
        if not self._path.exists():
            return [Check("database", "failure", f"{self._path} does not exist", "run `mls-tui storage init`")]
        return await self._db.read(lambda db: check_file(db, self._path))

    def describe(self) -> str:
        return f"SQLite file {self._path}"

    async def close(self) -> None:
        await self._db.close()


def _page(
    wanted: KeyRange, after: str | None, count: int, read: Callable[[Item], T]
) -> Callable[[sqlite3.Connection], tuple[list[T], str | None]]:
    return lambda db: statements.page(db, wanted, after, count, read)
