"""An index of a user's stored listings: read at the start of an import, and updated by its own writes.

Each listing is one JSON text, and each of its four look-up keys takes 8 bytes, so 100,000 listings take about 25 MB.
Dictionaries of entries would take three times as much.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections.abc import AsyncIterable, Iterable, Iterator
from dataclasses import dataclass, field
from heapq import merge

import orjson

from mls_tui.domain.keys import new_listing_id
from mls_tui.domain.listing import ListingStatus
from mls_tui.storage.base import IndexEntry

_ROW_BITS = 24
"""Room for 16 million row numbers. The other 40 bits of a word are the high bits of the text's hash."""
_ROW = (1 << _ROW_BITS) - 1
_WORD = (1 << 64) - 1
_MOST_RECENT = 4_096
_OUTCOMES = ("", "created", "updated", "unchanged", "removed", "failed")


@dataclass(slots=True)
class _Lookup:
    """Row numbers by text, as sorted words of 64 bits. New words are inserted into a short array, which is merged into
    the long one when it is full. Different texts may have the same hash bits: callers compare the rows they get."""

    words: array[int] = field(default_factory=lambda: array("Q"))
    recent: array[int] = field(default_factory=lambda: array("Q"))

    def add(self, text: str, row: int) -> None:
        insort(self.recent, _high_bits(text) | row)
        if len(self.recent) > _MOST_RECENT + len(self.words) // 32:
            self.words, self.recent = array("Q", merge(self.words, self.recent)), array("Q")

    def rows(self, text: str) -> list[int]:
        high, found = _high_bits(text), list[int]()
        for words in (self.words, self.recent):
            at = bisect_left(words, high)
            while at < len(words) and words[at] & ~_ROW == high:
                found.append(words[at] & _ROW)
                at += 1
        return found


def _high_bits(text: str) -> int:
    return hash(text) & _WORD & ~_ROW


class StoredIndex:
    """Stored listings by listing id, ListingKey, MLS number and address; and what this run has seen and counted."""

    def __init__(self) -> None:
        self._rows: list[bytes | None] = []
        self._sweep_of = array("H")
        self._outcome_of = bytearray()
        self._ids, self._keys, self._numbers, self._addresses = _Lookup(), _Lookup(), _Lookup(), _Lookup()
        self._size = 0
        self._sweeps = 0
        self._origins: dict[tuple[str, str | None, str | None], int] = {}
        self._origin_list: list[tuple[str, str | None, str | None]] = []
        self._new_ids: dict[tuple[str, str], str] = {}
        self._reserved: set[str] = set()
        self._ids_elsewhere: set[str] = set()
        self._failed: set[str] = set()
        self._found = ("", 0)
        """The listing id that was looked up last, as a sweep asks several things of one, and its row."""

    @classmethod
    def of(cls, entries: Iterable[IndexEntry]) -> StoredIndex:
        index = cls()
        for entry in entries:
            index.add(entry)
        return index

    @classmethod
    async def read(cls, entries: AsyncIterable[IndexEntry]) -> StoredIndex:
        index = cls()
        async for entry in entries:
            index.add(entry)
        return index

    # entries

    def add(self, entry: IndexEntry) -> None:
        """Insert the entry, or replace the one with its listing id. A listing that was seen stays seen."""
        before = None
        row = self._row(entry.listing_id)
        if row is None:
            row = len(self._rows)
            self._rows.append(None)
            self._sweep_of.append(0)
            self._outcome_of.append(0)
            self._ids.add(entry.listing_id, row)
            self._size += 1
        else:
            before = self._entry(row)
        self._rows[row] = self._packed(entry)
        for lookup, text, was in (
            (self._keys, entry.mls_id, before and before.mls_id),
            (self._numbers, _number(entry), before and _number(before)),
            (self._addresses, _address(entry), before and _address(before)),
        ):
            if text and text != was and (before is None or row not in lookup.rows(text)):
                lookup.add(text, row)
        self._reserved.discard(self._new_ids.pop((entry.provider, entry.mls_id), ""))

    def remove(self, entry: IndexEntry) -> None:
        row = self._row(entry.listing_id)
        if row is not None:
            self._rows[row] = None
            self._size -= 1

    def by_listing_key(self, listing_key: str) -> list[IndexEntry]:
        """The listings with this ListingKey, of any MLS."""
        return [entry for entry in self._entries(self._keys.rows(listing_key)) if entry.mls_id == listing_key]

    def by_mls_number(self, provider: str, mls_number: str) -> list[IndexEntry]:
        """The listings of this MLS with this MLS number."""
        wanted = (provider, mls_number)
        found = self._entries(self._numbers.rows(f"{provider}\n{mls_number}"))
        return [entry for entry in found if (entry.provider, entry.mls_number) == wanted]

    def get(self, listing_id: str) -> IndexEntry | None:
        row = self._row(listing_id)
        return None if row is None else self._entry(row)

    def at_address(self, provider: str, address_key: str | None) -> str | None:
        """The listing id of the first listing of this MLS at this address."""
        if not address_key:
            return None
        for entry in self._entries(self._addresses.rows(f"{provider}\n{address_key}")):
            if (entry.provider, entry.address_key) == (provider, address_key):
                return entry.listing_id
        return None

    def __iter__(self) -> Iterator[IndexEntry]:
        return self._entries(range(len(self._rows)))

    def __len__(self) -> int:
        return self._size

    # ids of new listings

    def new_id(self, provider: str, mls_number: str, listing_key: str, epoch: int) -> str:
        """The id for a listing that is not stored yet: the same for each attempt at it, and unique.

        An id joins provider, MLS number and epoch by hyphens, so two listings may get the same one: then the later one
        takes the next free millisecond.
        """
        found = self._new_ids.get((provider, listing_key))
        while found is None or found in self._ids_elsewhere:
            candidate = new_listing_id(provider, mls_number, epoch)
            if candidate not in self._reserved and candidate not in self._ids_elsewhere and not self.get(candidate):
                found = candidate
            epoch += 1
        self._new_ids[provider, listing_key] = found
        self._reserved.add(found)
        return found

    def mark_taken(self, listing_id: str) -> None:
        """Another program has stored a listing under this id."""
        self._ids_elsewhere.add(listing_id)

    # what this run has seen and counted

    def begin_sweep(self) -> int:
        """The number of a new sweep, for ``mark_seen`` and ``unseen``."""
        self._sweeps += 1
        return self._sweeps

    def mark_seen(self, entry: IndexEntry, sweep: int | None = None) -> None:
        """Note that a sweep, or a request by key, found this listing in the feed."""
        row = self._row(entry.listing_id)
        if row is not None:
            self._sweep_of[row] = max(self._sweep_of[row], self._sweeps if sweep is None else sweep)

    def seen(self, entry: IndexEntry) -> bool:
        """True if this run has found the listing in the feed."""
        row = self._row(entry.listing_id)
        return row is not None and self._sweep_of[row] > 0

    def unseen(self, connection_id: str, sweep: int) -> list[IndexEntry]:
        """The connection's listings that neither this sweep nor a later one has found."""
        rows = (row for row in range(len(self._rows)) if self._sweep_of[row] < sweep)
        return [entry for entry in self._entries(rows) if entry.connection_id == connection_id]

    def outcome_of(self, entry: IndexEntry) -> str:
        """The outcome that the listing counts as in this run; empty if it does not count yet."""
        row = self._row(entry.listing_id)
        return _OUTCOMES[self._outcome_of[row]] if row is not None else ""

    def set_outcome(self, entry: IndexEntry, outcome: str) -> str | None:
        """Set the outcome that the listing counts as; returns the one that it replaces."""
        row = self._row(entry.listing_id)
        if row is None:
            return None
        before, self._outcome_of[row] = self._outcome_of[row], _OUTCOMES.index(outcome)
        return _OUTCOMES[before] or None

    def mark_failed(self, listing_key: str) -> None:
        self._failed.add(listing_key)

    def has_failed(self, listing_key: str) -> bool:
        """True if the record failed in this run; the next run tries it again."""
        return listing_key in self._failed

    # rows

    def _row(self, listing_id: str) -> int | None:
        known, row = self._found
        if known == listing_id and self._rows[row] is not None:
            return row
        for row in self._ids.rows(listing_id):
            if self._rows[row] is not None and self._entry(row).listing_id == listing_id:
                self._found = listing_id, row
                return row
        return None

    def _entries(self, rows: Iterable[int]) -> Iterator[IndexEntry]:
        return (self._entry(row) for row in rows if self._rows[row] is not None)

    def _packed(self, entry: IndexEntry) -> bytes:
        origin = (entry.provider, entry.connection_id, entry.source)
        if origin not in self._origins:
            self._origins[origin] = len(self._origin_list)
            self._origin_list.append(origin)
        prefix = f"{entry.provider}-{entry.mls_number}-"
        epoch = entry.listing_id[len(prefix) :] if entry.listing_id.startswith(prefix) else ""
        packed = orjson.dumps(
            (
                int(epoch) if _is_number(epoch, 13) and epoch[0] != "0" else entry.listing_id,
                self._origins[origin],
                entry.mls_number,
                entry.mls_id,
                _STATUSES.index(entry.status),
                int(entry.version) if _is_number(entry.version, 20) else entry.version,
                entry.content_hash,
                entry.photos_missing,
                entry.address_key,
            )
        )
        return bytes(memoryview(packed))  # orjson's own keeps a kilobyte of its buffer

    def _entry(self, row: int) -> IndexEntry:
        epoch, origin, number, key, status, version, *rest = orjson.loads(self._rows[row] or b"[]")
        provider, connection, source = self._origin_list[origin]
        listing_id = f"{provider}-{number}-{epoch}" if isinstance(epoch, int) else epoch
        version = f"{version:020d}" if isinstance(version, int) else version
        return IndexEntry(listing_id, provider, number, key, connection, source, _STATUSES[status], version, *rest)


_STATUSES = tuple(ListingStatus)


def _is_number(text: str, digits: int) -> bool:
    return len(text) == digits and text.isascii() and text.isdecimal()


def _number(entry: IndexEntry) -> str:
    return f"{entry.provider}\n{entry.mls_number}"


def _address(entry: IndexEntry) -> str:
    return f"{entry.provider}\n{entry.address_key}" if entry.address_key else ""
