"""What left the feed (FIELD §7): absence from one sweep proves little. A listing is marked off-market, never deleted,
and only after a complete sweep, a second look at each missing key, and a guard against a feed that lost its mind."""

from __future__ import annotations

from mls_tui.domain.clock import iso_z
from mls_tui.domain.events import ListingRemoved
from mls_tui.domain.listing import Change, ListingStatus
from mls_tui.importer.context import ImportContext
from mls_tui.importer.plan import StoredIndex, entry_of
from mls_tui.importer.sweep import Sweep
from mls_tui.mls.address import address_key
from mls_tui.mls.base import FeedQuery
from mls_tui.storage.base import IndexEntry, PutOutcome

MOST_GONE = 0.10
"""More than this share of the scope missing at once is the feed's mistake until a person says otherwise."""


async def follow_missing(context: ImportContext, index: StoredIndex, sweep: Sweep, *, whole: bool) -> None:
    """Look again at stored listings of the scope that the sweep did not see: follow the changed, mark the gone.

    ``whole`` is False for a resumed sweep, which cannot have seen all.
    """
    mine = [
        entry
        for entry in index.entries()
        if entry.connection_id == context.connection.connection_id and entry.status in context.options.scope
    ]
    missing = [entry for entry in mine if entry.listing_id not in sweep.seen]
    if not missing:
        return
    if not (whole and sweep.complete):
        context.journal.warn("listings missing from a sweep that was not complete: nothing was removed")
        return
    gone = await _still_missing(context, index, sweep, missing)
    if len(gone) > MOST_GONE * len(mine):
        context.journal.warn(
            f"{len(gone)} of {len(mine)} listings missing from the feed: too many, nothing was removed"
        )
        return
    for entry in gone:
        await _mark_off_market(context, index, entry)


async def _still_missing(
    context: ImportContext, index: StoredIndex, sweep: Sweep, missing: list[IndexEntry]
) -> list[IndexEntry]:
    """Read the missing keys again, whatever their status now; those that come are stored like any other."""
    again = Sweep(context, index, sweep.reader, sweep.workers, scope_free=True)
    await again.run(FeedQuery(keys=tuple(entry.mls_id for entry in missing)))
    absent = [entry for entry in missing if entry.listing_id not in again.seen]
    return [entry for entry in absent if await context.connector.listing(entry.mls_id) is None]


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
