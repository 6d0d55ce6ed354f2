"""The part of a listing store that DynamoDB and SQLite share: every read, and every write without a condition.

A store adds the five primitives on items, and its conditional writes."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from mls_tui.domain import keys
from mls_tui.domain.clock import Clock, SystemClock, epoch_ms
from mls_tui.domain.connection import Connection
from mls_tui.domain.errors import StorageError, UnusableRecordError
from mls_tui.domain.listing import Listing
from mls_tui.domain.run import ImportRun, Problem
from mls_tui.storage import items
from mls_tui.storage.base import IndexEntry
from mls_tui.storage.items import Item

T = TypeVar("T")

_DATA_A_BATCH = 200

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Items of one partition with ``low <= SK <= high``.

    ``entries`` asks only for the attributes of an IndexEntry, ``summaries`` only for those of a Summary.
    """

    pk: str
    low: str
    high: str
    newest_first: bool = False
    limit: int | None = None
    entries: bool = False
    summaries: bool = False

    @classmethod
    def below(
        cls, pk: str, prefix: str, *, newest_first: bool = False, limit: int | None = None, entries: bool = False
    ) -> KeyRange:
        """Every sort key that begins with ``prefix``."""
        return cls(pk, prefix, items.upper_bound(prefix), newest_first, limit, entries)


_READERS: dict[str, Callable[[Item], Any]] = {
    keys.LISTING_PREFIX: items.read_entry,
    keys.CONNECTION_PREFIX: items.read_connection,
    keys.RUN_PREFIX: items.read_run,
}


class ItemStore(ABC):
    """A ListingStore without its conditional writes."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()

    @abstractmethod
    async def _get(self, pk: str, sk: str) -> Item | None:
        """One item, read consistently."""

    @abstractmethod
    async def _get_all(self, pk: str, sks: list[str], read: Callable[[Item], T]) -> list[T]:
        """``read(item)`` of the items that exist, in any order; called in a thread. ``sks`` has no duplicates."""

    @abstractmethod
    def _pages(self, wanted: KeyRange, read: Callable[[Item], T]) -> AsyncIterator[list[T]]:
        """Batches of ``read(item)``, called in a thread."""

    @abstractmethod
    async def _put_items(self, rows: list[Item]) -> None:
        """Create or replace. After an error, some of them may be written."""

    @abstractmethod
    async def _remove(self, pk: str, sk: str) -> bool:
        """Delete one item; False if there was none."""

    def _now_ms(self) -> int:
        return epoch_ms(self._clock.now())

    # listings

    async def index(self, user_id: str, provider: str = "") -> AsyncIterator[IndexEntry]:
        wanted = KeyRange.below(items.pk(user_id), keys.LISTING_PREFIX + provider, entries=True)
        async for page in self._pages(wanted, readable(items.read_entry)):
            for entry in page:
                if entry is not None:
                    yield entry

    async def listings(self, user_id: str) -> AsyncIterator[list[Listing]]:
        wanted = KeyRange.below(items.pk(user_id), keys.LISTING_PREFIX)
        async for page in self._pages(wanted, readable(items.read_listing)):
            batch = [listing for listing in page if listing is not None]
            if batch:
                yield batch

    async def data(self, user_id: str, listing_ids: Sequence[str] | None = None) -> AsyncIterator[list[dict[str, Any]]]:
        pk, read = items.pk(user_id), readable(items.read_data)
        if listing_ids is None:
            async for page in self._pages(KeyRange.below(pk, keys.LISTING_PREFIX), read):
                yield [data for data in page if data is not None]
            return
        for first in range(0, len(listing_ids), _DATA_A_BATCH):
            part = listing_ids[first : first + _DATA_A_BATCH]
            rows = await self._get_all(pk, [keys.listing_sk(each) for each in part], read)
            found = {data["listingId"]: data for data in rows if data is not None}
            yield [found[each] for each in part if each in found]

    async def get(self, user_id: str, listing_id: str) -> Listing | None:
        item = await self._get(items.pk(user_id), keys.listing_sk(listing_id))
        return None if item is None else items.read_listing(item)

    async def get_many(self, user_id: str, listing_ids: Sequence[str]) -> list[Listing]:
        wanted = list(dict.fromkeys(listing_ids))
        sks = [keys.listing_sk(listing_id) for listing_id in wanted]
        rows = await self._get_all(items.pk(user_id), sks, readable(items.read_listing)) if sks else []
        found = {listing.listing_id: listing for listing in rows if listing is not None}
        return [found[listing_id] for listing_id in wanted if listing_id in found]

    async def find(self, user_id: str, mls_number: str) -> list[Listing]:
        try:
            number = keys.mls_number_key(mls_number)
        except UnusableRecordError:
            return []
        pk = items.pk(user_id)
        found: dict[str, Listing] = {}
        for provider in await self._providers(pk):
            wanted = KeyRange.below(pk, keys.listing_sk(f"{provider}-{number}-"))
            async for page in self._pages(wanted, readable(items.read_listing)):
                found |= {each.listing_id: each for each in page if each is not None and each.mls_number == mls_number}
        if found:
            return list(found.values())
        # A listing keeps its id, which holds its first MLS number and provider. Its mark has the current number.
        marks = self._pages(
            KeyRange.below(pk, keys.MARK_PREFIX),
            lambda mark: items.owner_of(mark, "") if mark.get("mlsNumber") == mls_number else "",
        )
        return await self.get_many(user_id, [listing_id async for page in marks for listing_id in page if listing_id])

    async def _providers(self, pk: str) -> list[str]:
        """Every provider that has a mark, by one small query each: the first mark behind those of the last provider."""
        found: dict[str, None] = {}
        low = keys.MARK_PREFIX
        while True:
            wanted = KeyRange(pk, low, items.upper_bound(keys.MARK_PREFIX), limit=1)
            owner = ""
            async for page in self._pages(wanted, lambda item: str(item["SK"])):
                owner = page[0].split("#")[1] if page else owner
            if not owner:
                return list(found)
            found[owner.partition("@")[0]] = None
            low = items.upper_bound(f"{keys.MARK_PREFIX}{owner}#")

    # connections

    async def get_connection(self, user_id: str, connection_id: str) -> Connection | None:
        item = await self._get(items.pk(user_id), keys.connection_sk(connection_id))
        return None if item is None else items.read_connection(item)

    async def connections(self, user_id: str) -> list[Connection]:
        wanted = KeyRange.below(items.pk(user_id), keys.CONNECTION_PREFIX)
        pages = self._pages(wanted, readable(items.read_connection))
        return [connection async for page in pages for connection in page if connection is not None]

    async def delete_connection(self, user_id: str, connection_id: str) -> bool:
        return await self._remove(items.pk(user_id), keys.connection_sk(connection_id))

    # runs

    async def get_run(self, user_id: str, run_id: str, *, started_at: int | None = None) -> ImportRun | None:
        if started_at is not None:
            item = await self._get(items.pk(user_id), keys.run_sk(started_at, run_id))
            return None if item is None else items.read_run(item)
        suffix = f"#{run_id}"
        wanted = KeyRange.below(items.pk(user_id), keys.RUN_PREFIX, newest_first=True)
        async for page in self._pages(wanted, lambda item: item):
            for item in page:
                if item["SK"].endswith(suffix):
                    return items.read_run(item)
        return None

    async def runs(self, user_id: str, *, limit: int | None = None) -> list[ImportRun]:
        wanted = KeyRange.below(items.pk(user_id), keys.RUN_PREFIX, newest_first=True, limit=limit)
        pages = self._pages(wanted, readable(items.read_run))
        return [run async for page in pages for run in page if run is not None]

    async def put_problems(self, user_id: str, run_id: str, first: int, problems: Sequence[Problem]) -> None:
        now = self._now_ms()
        rows = [items.problem_item(user_id, run_id, first + n, problem, now) for n, problem in enumerate(problems)]
        if rows:
            await self._put_items(rows)

    async def problems(self, user_id: str, run_id: str) -> AsyncIterator[Problem]:
        wanted = KeyRange.below(items.pk(user_id), keys.problem_prefix(run_id))
        async for page in self._pages(wanted, readable(items.read_problem)):
            for problem in page:
                if problem is not None:
                    yield problem

    async def unreadable(self, user_id: str, prefix: str) -> list[str]:
        read = readable(_READERS[prefix])
        wanted = KeyRange.below(items.pk(user_id), prefix, entries=prefix == keys.LISTING_PREFIX)
        pages = self._pages(wanted, lambda item: "" if read(item) is not None else str(item.get("SK", "?")))
        return [sk async for page in pages for sk in page if sk]

    # state

    async def get_state(self, user_id: str, name: str) -> str | None:
        item = await self._get(items.pk(user_id), keys.state_sk(name))
        return None if item is None else readable(lambda item: str(item["Data"]["text"]))(item)

    async def put_state(self, user_id: str, name: str, text: str) -> None:
        await self._put_items([items.state_item(user_id, name, text, self._now_ms())])


def readable(read: Callable[[Item], T]) -> Callable[[Item], T | None]:
    """``read``, but None for an item that cannot be read, so that the others can be listed."""

    def attempt(item: Item) -> T | None:
        try:
            return read(item)
        except (StorageError, KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
            log.warning("skipped a stored item that cannot be read: %s", type(error).__name__)
            return None

    return attempt


def lease_lost(connection_id: str, run_id: str) -> StorageError:
    return StorageError(
        f"Run {run_id} no longer holds connection {connection_id}: another import took it over, or the connection was "
        "removed. Nothing was lost; start the import again."
    )


def no_connection(connection_id: str) -> StorageError:
    return StorageError(
        f"There is no connection {connection_id}; it was removed. See `mls-tui connections list` for those there are."
    )
