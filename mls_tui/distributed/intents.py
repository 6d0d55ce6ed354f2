"""What a task is about to write, kept just before: a worker killed between its write and its count is counted by the
next one for what it did. Without this a created listing would come out as an unchanged one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from mls_tui.distributed.ledger import Ledger
from mls_tui.distributed.outcome import Intent, RunKey
from mls_tui.domain.listing import Listing
from mls_tui.storage.base import ListingStore, PutResult


@dataclass(frozen=True, slots=True)
class Announced:
    """A ListingStore whose every change of a listing is announced first; everything else goes through."""

    store: ListingStore
    announce: Callable[[Intent], Awaitable[None]]
    counts: Callable[[], Mapping[str, int]]
    """What the task has counted for the listing so far: its photos."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def put(self, user_id: str, listing: Listing, *, new: bool | None = None) -> PutResult:
        outcome = "removed" if listing.off_market_at is not None else "created" if new else "updated"
        counts = Counter(self.counts()) + Counter({outcome: 1, "total": 1})
        counts["photos_reused"] = sum(photo.stored for photo in listing.photos) - counts["photos_stored"]
        await self.announce(Intent(listing.listing_id, listing.synced_at, +counts))
        return await self.store.put(user_id, listing, new=new)

    async def delete(self, user_id: str, listing_id: str) -> Listing | None:
        await self.announce(Intent(listing_id, 0, {"removed": 1, "total": 1}))
        return await self.store.delete(user_id, listing_id)


def announced(
    store: ListingStore, announce: Callable[[Intent], Awaitable[None]], counts: Callable[[], Mapping[str, int]]
) -> ListingStore:
    return cast(ListingStore, Announced(store, announce, counts))


async def with_earlier(
    ledger: Ledger,
    store: ListingStore,
    run: RunKey,
    task: str,
    counts: Mapping[str, int],
    unchanged: set[str],
    made: set[tuple[str, int]],
) -> Counter[str]:
    """``counts`` of this delivery, with what earlier deliveries of the task wrote and did not come to count.

    ``unchanged`` are the listings that this delivery found as they are; ``made`` is what it announced itself.
    """
    found = Counter(counts)
    for intent in await ledger.intents(run, task):
        if intent.name in made or not await _stands(store, run.user, intent):
            continue
        found += Counter(intent.counts)
        if not intent.synced_at:
            found["skipped"] -= 1
        elif intent.listing_id in unchanged:
            found.subtract({"unchanged": 1, "total": 1})
    return +found


async def _stands(store: ListingStore, user: str, intent: Intent) -> bool:
    stored = await store.get(user, intent.listing_id)
    if stored is None:
        return not intent.synced_at
    return stored.synced_at == intent.synced_at
