"""What left the feed (FIELD §7): absence from one sweep proves little. A listing is marked off-market, never deleted,
and only after a complete sweep, a second look at each missing key, and a guard against a feed that lost its mind."""

from __future__ import annotations

from mls_tui.domain.clock import iso_z
from mls_tui.domain.errors import MLSError, RateLimitedError
from mls_tui.domain.events import ListingRemoved
from mls_tui.domain.listing import Change, ListingStatus
from mls_tui.domain.same_home import address_key
from mls_tui.importer.context import ImportContext
from mls_tui.importer.plan import entry_of
from mls_tui.importer.stored_index import StoredIndex
from mls_tui.importer.sweep import Sweep
from mls_tui.reso.base import FeedQuery
from mls_tui.storage.base import IndexEntry, PutOutcome

MOST_GONE = 0.10
"""More than this share of a connection's listings missing at once is the feed's mistake until a person says so."""

ON_MARKET = frozenset({ListingStatus.ACTIVE, ListingStatus.PENDING})
"""What may go off market: a sold or expired listing that its MLS serves no more stays what it is."""


async def follow_missing(context: ImportContext, index: StoredIndex, sweep: Sweep) -> None:
    """After a sweep of a whole scope: look again at every stored listing of the connection that it did not see.

    Those that come, whatever their status now, are stored like any other: the cursor is about to pass their changes.
    Those that do not come are marked, if the sweep was complete and they are few.
    """
    connection_id = context.connection.connection_id
    missing = index.missed(connection_id, sweep.number)
    if not missing:
        return
    mine = index.count(connection_id)
    absent = await _still_absent(context, index, sweep, missing)
    if not absent:
        return
    if not sweep.complete:
        context.journal.warn("listings missing from a sweep that was not complete: nothing was removed")
    elif len(absent) > MOST_GONE * mine:
        context.journal.warn(f"{len(absent)} of {mine} listings missing from the feed: too many, nothing was removed")
    else:
        for entry in absent:
            if await _is_gone(context, entry):
                await _mark_off_market(context, index, entry)


async def _still_absent(
    context: ImportContext, index: StoredIndex, sweep: Sweep, missing: list[IndexEntry]
) -> list[IndexEntry]:
    """Read the missing keys again; what is left of those that were on the market."""
    again = Sweep(context, index, sweep.reader, sweep.workers, scope_free=True)
    await again.run(FeedQuery(keys=tuple(entry.mls_id for entry in missing)))
    still = index.missed(context.connection.connection_id, sweep.number)
    return [entry for entry in still if entry.status in ON_MARKET and entry.mls_id not in again.served]


async def _is_gone(context: ImportContext, entry: IndexEntry) -> bool:
    """The last look at one key. An MLS that fails has not said that it is gone."""
    try:
        return await context.connector.listing(entry.mls_id) is None
    except RateLimitedError:
        raise
    except MLSError:
        context.journal.warn("a listing missing from the feed could not be looked at again: it was not removed")
        return False


async def _mark_off_market(context: ImportContext, index: StoredIndex, entry: IndexEntry) -> None:
    listing = await context.store.get(context.user_id, entry.listing_id)
    if listing is None or listing.off_market_at is not None:
        return
    at = iso_z(context.clock.now())
    change = Change(at=at, field="status", old=listing.status.value, new=ListingStatus.EXPIRED.value)
    marked = listing.model_copy(
        update={
            "status": ListingStatus.EXPIRED,
            "off_market_at": at,
            "history": (*listing.history, change),
            "content_hash": None,
            "synced_at": context.now_ms(),
        }
    )
    result = await context.store.put(context.user_id, marked)
    if result.outcome is PutOutcome.STALE:
        return
    index.add(entry_of(marked, address_key(marked.address)))
    reason = "no longer in the feed; kept, marked off-market"
    context.emit(ListingRemoved, mls_number=entry.mls_number, listing_id=entry.listing_id, reason=reason)
