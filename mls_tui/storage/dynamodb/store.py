"""The ListingStore on AWS: one DynamoDB table (docs/contract.md, section DynamoDB). Calls run in a pool of threads."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
import weakref
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from mls_tui.domain import keys
from mls_tui.domain.clock import Clock
from mls_tui.domain.connection import Connection, Cursor, Lease
from mls_tui.domain.listing import Listing
from mls_tui.domain.run import ImportRun
from mls_tui.storage import items
from mls_tui.storage.aws import Aws
from mls_tui.storage.base import Check, PutOutcome, PutResult
from mls_tui.storage.dynamodb import connections, listings
from mls_tui.storage.dynamodb.list_cache import ListCache, cache_file
from mls_tui.storage.dynamodb.setup import check_table, init_table
from mls_tui.storage.dynamodb.table import Table
from mls_tui.storage.item_store import ItemStore, KeyRange, lease_lost, no_connection
from mls_tui.storage.items import Item
from mls_tui.storage.threads import DaemonPool

T = TypeVar("T")

_THREADS = 16
_CLOSE_SECONDS = 2.0


class DynamoDBListingStore(ItemStore):
    """``pause(seconds)`` waits before a retry. ``cache`` is the folder for cached lists of listings; without
    one they are kept as long as the store is open."""

    def __init__(
        self,
        aws: Aws,
        table: str,
        *,
        clock: Clock | None = None,
        pause: Callable[[float], None] = time.sleep,
        cache: Path | None = None,
    ) -> None:
        super().__init__(clock)
        self._cache = cache
        self._caches: dict[str, ListCache | None] = {}
        self._pause = pause
        self._aws = aws
        self._table = Table(aws, table, pause=pause)
        self._pool = DaemonPool(_THREADS, "mls-tui-dynamodb")
        self._group = listings.GroupCommit(self._table, self._pool, lambda item: listings.put_new(self._table, item))

    # primitives

    async def _get(self, pk: str, sk: str) -> Item | None:
        return await self._pool.run(lambda: self._table.get(pk, sk))

    async def _get_all(self, pk: str, sks: list[str], read: Callable[[Item], T]) -> list[T]:
        return await self._pool.run(lambda: [read(item) for item in self._table.get_many([(pk, sk) for sk in sks])])

    async def _pages(self, wanted: KeyRange, read: Callable[[Item], T]) -> AsyncIterator[list[T]]:
        start: dict[str, Any] | None = None
        found = 0
        while wanted.limit is None or found < wanted.limit:
            batch, start = await self._pool.run(_page(self._table, wanted, start, read))
            found += len(batch)
            if batch:
                yield batch if wanted.limit is None else batch[: wanted.limit - (found - len(batch))]
            if start is None:
                return

    async def _put_items(self, rows: list[Item]) -> None:
        if len(rows) == 1:
            await self._pool.run(lambda: self._table.put(rows[0]))
        else:
            await self._pool.run(lambda: self._table.put_all(rows))

    async def _remove(self, pk: str, sk: str) -> bool:
        return await self._pool.run(lambda: self._table.remove(pk, sk))

    # listings

    def summaries(self, user_id: str) -> ListCache:
        found = self._caches.get(user_id)
        if found is None:
            found = self._caches[user_id] = ListCache(
                self._cache_file(user_id),
                items.pk(user_id),
                lambda: self._summary_pages(user_id),
                self._clock,
                lambda: self._newest_run(user_id),
            )
        return found

    def _cache_file(self, user_id: str) -> Path:
        if self._cache is None:
            self._cache = Path(tempfile.mkdtemp(prefix="mls-tui-list-"))
            weakref.finalize(self, shutil.rmtree, self._cache, ignore_errors=True)
        return cache_file(self._cache, self._aws.account_hint, self._table.name, user_id)

    def _existing_cache(self, user_id: str) -> ListCache | None:
        """The cached list that a write has to update; None if this machine has none."""
        if user_id not in self._caches:
            there = self._cache is not None and self._cache_file(user_id).exists()
            self._caches[user_id] = self.summaries(user_id) if there else None
        return self._caches[user_id]

    async def _newest_run(self, user_id: str) -> str:
        return "".join(f"{run.run_id} {run.ended}" for run in await self.runs(user_id, limit=1))

    async def _summary_pages(self, user_id: str) -> AsyncIterator[list[Item]]:
        wanted = KeyRange.below(items.pk(user_id), keys.LISTING_PREFIX)
        async for page in self._pages(replace(wanted, summaries=True), lambda item: item):
            yield page

    async def put(self, user_id: str, listing: Listing, *, new: bool | None = None, moved: bool = False) -> PutResult:
        now = self._now_ms()

        def build() -> tuple[Item, Item]:
            return items.listing_item(user_id, listing, now), items.mark_item(user_id, listing)

        if new and await asyncio.wrap_future(self._group.put(build)) is True:
            result = PutResult(PutOutcome.CREATED, listing.listing_id)
        else:
            result = await self._pool.run(lambda: listings.put_listing(self._table, *build(), new=new, moved=moved))
        kept = self._existing_cache(user_id)
        if kept is not None and result.outcome is not PutOutcome.STALE:
            await kept.put([items.listing_item(user_id, listing, now)])
        return result

    async def delete(self, user_id: str, listing_id: str) -> Listing | None:
        pk, sk = items.pk(user_id), keys.listing_sk(listing_id)
        item = await self._pool.run(lambda: listings.delete_listing(self._table, pk, sk))
        if (kept := self._existing_cache(user_id)) is not None:
            await kept.remove(listing_id)
        return None if item is None else items.read_listing(item)

    # connections

    async def put_connection(self, user_id: str, connection: Connection) -> None:
        item = items.connection_item(user_id, connection, self._now_ms())
        await self._pool.run(lambda: connections.put_connection(self._table, item))

    async def put_cursor(self, user_id: str, cursor: Cursor, *, run: ImportRun, holder: str) -> None:
        sk, data = keys.connection_sk(run.connection_id), items.cursor_data(cursor)
        row = items.run_item(user_id, run, self._now_ms())
        if not await self._pool.run(lambda: connections.put_cursor(self._table, sk, data, row, holder)):
            raise lease_lost(run.connection_id, run.run_id)

    async def acquire_lease(self, user_id: str, connection_id: str, lease: Lease, *, now_ms: int) -> Lease | None:
        pk, sk = items.pk(user_id), keys.connection_sk(connection_id)
        answer = await self._pool.run(lambda: connections.acquire_lease(self._table, pk, sk, lease, now_ms))
        if answer is False:
            raise no_connection(connection_id)
        return answer if isinstance(answer, Lease) else None

    async def release_lease(self, user_id: str, connection_id: str, holder: str) -> None:
        pk, sk = items.pk(user_id), keys.connection_sk(connection_id)
        await self._pool.run(lambda: connections.release_lease(self._table, pk, sk, holder))

    # runs

    async def put_run(self, user_id: str, run: ImportRun) -> str | None:
        row = items.run_item(user_id, run, self._now_ms())
        return await self._pool.run(lambda: connections.put_run(self._table, row))

    async def reserve(self, user_id: str, run: ImportRun, *, now_ms: int) -> Lease | None:
        sk, row = keys.connection_sk(run.connection_id), items.run_item(user_id, run, self._now_ms())
        answer = await self._pool.run(lambda: connections.reserve(self._table, sk, row, now_ms))
        if answer is False:
            raise no_connection(run.connection_id)
        return answer if isinstance(answer, Lease) else None

    async def control_run(self, user_id: str, run: ImportRun, word: str | None) -> bool:
        pk, sk = items.pk(user_id), keys.run_sk(run.started_at, run.run_id)
        return await self._pool.run(lambda: connections.control_run(self._table, pk, sk, word))

    # set-up

    async def init(self) -> list[Check]:
        return await self._pool.run(lambda: init_table(self._table, self._pause))

    async def check(self) -> list[Check]:
        return await self._pool.run(lambda: check_table(self._table))

    def describe(self) -> str:
        return f"{self._table.where} in {self._aws.region}"

    async def close(self) -> None:
        for kept in self._caches.values():
            if kept is not None:
                await kept.close()
        await asyncio.to_thread(self._pool.close, _CLOSE_SECONDS)


def _page(
    table: Table, wanted: KeyRange, start: dict[str, Any] | None, read: Callable[[Item], T]
) -> Callable[[], tuple[list[T], dict[str, Any] | None]]:
    return lambda: table.page(wanted, start, read)
