"""The listings table's memory: one list a column for 100,000 listings, and what to show of them, sorted and filtered.

Pure data, safe to fill and to read from a worker thread: a row is counted only once all its columns are written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mls_tui.domain.listing import Listing, ListingStatus
from mls_tui.search import Query
from mls_tui.search_terms import Columns, fold
from mls_tui.ui.widgets.listing_sort import SortKey, in_order

STATUSES = tuple(status.value for status in ListingStatus)
_STATUS_RANK = {name: float(rank) for rank, name in enumerate(STATUSES)}


class ListingRows:
    """Listings as columns. A row number never changes its listing; a deleted row stays, marked dead."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.mls_numbers: list[str] = []
        self.addresses: list[str] = []
        self.cities: list[str] = []
        self.types: list[str] = []
        self.address_keys: list[str | None] = []
        self.city_keys: list[str | None] = []
        self.type_keys: list[str | None] = []
        self.list_dates: list[str | None] = []
        self.photos_stored: list[int] = []
        self.photos_total: list[int] = []
        self.synced: list[int] = []
        self.columns = Columns()
        self.alive = bytearray()
        self.revision = 0
        """Goes up with every change; what was computed from an older one is stale."""
        self.written = 0
        """Goes up when a row is written, not when one is taken out: no order changes by a removal."""
        self.count = 0
        """Rows ever written, dead ones included."""
        self.living = 0
        self._row_of: dict[str, int] = {}
        self._gone: set[str] = set()

    def row_of(self, listing_id: str) -> int | None:
        """The living row of a listing."""
        row = self._row_of.get(listing_id)
        return row if row is not None and self.alive[row] else None

    def put_many(self, listings: Iterable[Listing]) -> None:
        """Add or renew; a listing that is there keeps its row."""
        for listing in listings:
            if listing.listing_id in self._gone:
                continue  # read from the store before it was deleted
            row = self._row_of.get(listing.listing_id, self.count)
            self._write(row, listing)
            if row == self.count:
                self.alive.append(1)
                self._row_of[listing.listing_id] = row
                self.count += 1
                self.living += 1
            elif not self.alive[row]:
                self.alive[row] = 1
                self.living += 1
        self.written += 1
        self.revision += 1

    def remove(self, listing_ids: Iterable[str]) -> None:
        """Take listings out; a batch that was read earlier does not bring them back, ``bring_back`` does."""
        for listing_id in listing_ids:
            self._gone.add(listing_id)
            row = self.row_of(listing_id)
            if row is not None:
                self.alive[row] = 0
                self.living -= 1
        self.revision += 1

    def bring_back(self, listings: Sequence[Listing]) -> None:
        """Put listings in again that were taken out."""
        self._gone.difference_update(listing.listing_id for listing in listings)
        self.put_many(listings)

    def missing_from(self, listing_ids: set[str]) -> list[str]:
        """Living listings that are not among ``listing_ids``: what a finished reload shows to be gone."""
        return [name for row, name in enumerate(self.ids[: self.count]) if self.alive[row] and name not in listing_ids]

    def _write(self, row: int, listing: Listing) -> None:
        address = listing.address
        stored = listing.photos_stored
        kind = listing.property_sub_type or listing.property_type or ""
        values: tuple[tuple[list[object], object], ...] = (
            (self.ids, listing.listing_id),
            (self.mls_numbers, listing.mls_number),
            (self.addresses, address.street or ""),
            (self.cities, address.city or ""),
            (self.types, kind),
            (self.address_keys, fold(address.street or "") or None),
            (self.city_keys, fold(address.city or "") or None),
            (self.type_keys, fold(kind) or None),
            (self.list_dates, listing.list_date or None),
            (self.photos_stored, stored),
            (self.photos_total, max(len(listing.photos), stored)),
            (self.synced, listing.synced_at),
        )  # type: ignore[assignment]
        for column, value in values:
            if row == len(column):
                column.append(value)
            else:
                column[row] = value
        self.columns.put(row, listing)


def sort_column(rows: ListingRows, key: str) -> Sequence[SortKey]:
    """What table column ``key`` sorts by, a value a row; an absent value is None and goes last either way."""
    columns = rows.columns
    if key == "status":
        return [_STATUS_RANK.get(status) for status in columns.status]
    own: dict[str, Sequence[SortKey]] = {
        "address": rows.address_keys,
        "city": rows.city_keys,
        "type": rows.type_keys,
        "mls": columns.mls,
        "listed": rows.list_dates,
        "photos": rows.photos_stored,
        "synced": rows.synced,
    }
    return own[key] if key in own else columns.numbers(key)


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What the table shows: row numbers in order, and how many of each status the search alone leaves."""

    view: list[int]
    total: int
    counts: dict[str, int] = field(default_factory=dict)
    revision: int = 0


class Arranger:
    """Sorts and filters, remembering the last order and the last search result. One thread at a time."""

    def __init__(self, rows: ListingRows) -> None:
        self.rows = rows
        self._order: tuple[tuple[str, int], list[int], list[int]] | None = None
        self._mask: tuple[tuple[str, int], bytearray] | None = None

    def arrange(self, query: Query, status: str | None, sort: str, *, descending: bool) -> Arrangement:
        """The rows that meet the query and the status, sorted. ``status`` None means all."""
        rows, revision, written = self.rows, self.rows.revision, self.rows.written
        ordered, absent = self._living(*self._ordered(sort, written))
        everything = [*reversed(ordered), *absent] if descending else [*ordered, *absent]
        kept = self._filtered(everything, query, written)
        statuses = rows.columns.status
        counts = Counter(map(statuses.__getitem__, kept))
        if status is not None:
            kept = [row for row in kept if statuses[row] == status]
        return Arrangement(kept, len(everything), dict(counts), revision)

    def _ordered(self, sort: str, written: int) -> tuple[list[int], list[int]]:
        if self._order is not None and self._order[0] == (sort, written):
            return self._order[1], self._order[2]
        ordered, absent = in_order(range(self.rows.count), sort_column(self.rows, sort))
        self._order = ((sort, written), ordered, absent)
        return ordered, absent

    def _living(self, *parts: list[int]) -> list[list[int]]:
        alive = self.rows.alive
        if self.rows.living == len(alive):
            return list(parts)
        return [[row for row in part if alive[row]] for part in parts]

    def _filtered(self, everything: list[int], query: Query, written: int) -> list[int]:
        if query.empty:
            return everything
        if self._mask is not None and self._mask[0] == (query.text, written):
            mask = self._mask[1]
            return [row for row in everything if row < len(mask) and mask[row]]
        kept = query.keep(self.rows.columns, everything)
        mask = bytearray(len(self.rows.alive))
        for row in kept:
            mask[row] = 1
        self._mask = ((query.text, written), mask)
        return kept
