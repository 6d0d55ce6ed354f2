"""What a worker needs to know of stored listings: those of one page by their uniqueness marks, or those of one MLS by
the range of their ids. It must never read a user's whole table."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

from mls_tui.domain import keys
from mls_tui.storage import items
from mls_tui.storage.aws import Aws
from mls_tui.storage.base import IndexEntry
from mls_tui.storage.dynamodb.table import Table
from mls_tui.storage.rows import KeyRange, readable
from mls_tui.storage.threads import DaemonPool

_THREADS = 8
_CLOSE_SECONDS = 2.0


class StoredEntries:
    """Async over one table. Every method raises StorageError with a sentence where the table does not answer."""

    def __init__(self, aws: Aws, table: str) -> None:
        self._table = Table(aws, table)
        self._pool = DaemonPool(_THREADS, "mls-tui-entries")

    async def of(self, user: str, numbers: Iterable[tuple[str, str]]) -> list[IndexEntry]:
        """The stored listings with these (provider, MLS number), as far as there are any."""
        pk = items.pk(user)
        marks = sorted({keys.mark_sk(provider, number) for provider, number in numbers})

        def job() -> list[IndexEntry]:
            found = self._table.get_many([(pk, sk) for sk in marks])
            rows = sorted({keys.listing_sk(mark["listingId"]) for mark in found})
            entries = (_read(row) for row in self._table.get_many([(pk, sk) for sk in rows]))
            return [entry for entry in entries if entry is not None]

        return await self._pool.run(job) if marks else []

    async def of_mls(self, user: str, provider: str) -> AsyncIterator[IndexEntry]:
        """Every stored listing of one MLS, or of every MLS of a preset that serves several: ids begin with it."""
        prefix = keys.listing_sk(provider)
        wanted = KeyRange(items.pk(user), prefix, items.upper_bound(prefix), entries=True)
        start: dict[str, Any] | None = None
        while True:
            page, start = await self._pool.run(self._page(wanted, start))
            for entry in page:
                if entry is not None:
                    yield entry
            if start is None:
                return

    def _page(
        self, wanted: KeyRange, start: dict[str, Any] | None
    ) -> Callable[[], tuple[list[IndexEntry | None], dict[str, Any] | None]]:
        return lambda: self._table.page(wanted, start, _read)

    async def close(self) -> None:
        await asyncio.to_thread(self._pool.close, _CLOSE_SECONDS)


_read = readable(items.read_entry)
