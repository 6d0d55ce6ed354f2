"""The stored listings of a user as one import sees them: read once, kept current by its own writes. Held in a private
temporary database, so that its memory is the same for any number of listings; it must never outlive its import."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterable, Collection, Iterable, Iterator
from typing import Any

from mls_tui.domain.errors import StorageError
from mls_tui.domain.listing import Listing, ListingStatus
from mls_tui.storage.base import IndexEntry

CACHE_KB = 4_096
"""What the index may take of memory; what is beyond it lies in the file."""

_AT_HAND = 512
"""Entries, or the lack of one, kept beside it: those of the listings in work are asked for again and again."""

_SLOTS = 1 << 22
"""Bytes in which every number and address leaves a trace, whatever their number: one without a trace is nowhere in the
file, and need not be asked for. Of 100,000 listings one slot in twenty has one."""

_MOST_ADDED = 64
"""Entries that wait to be written."""

_MOST_MARKS = 500
"""Keys that one statement looks up."""

_SET_UP = (
    f"PRAGMA cache_size = -{CACHE_KB}",
    "PRAGMA journal_mode = OFF",
    "PRAGMA synchronous = OFF",
    """CREATE TABLE listing (
         provider TEXT, number TEXT, id TEXT, mls_id TEXT, connection TEXT, status TEXT, version TEXT, hash TEXT,
         missing INTEGER, address TEXT, sweep INTEGER DEFAULT 0, PRIMARY KEY (provider, number)) WITHOUT ROWID""",
    """CREATE TABLE keyed (
         mls_id TEXT, provider TEXT, number TEXT, PRIMARY KEY (mls_id, provider)) WITHOUT ROWID""",
    """CREATE TABLE home (
         provider TEXT, address TEXT, id TEXT, PRIMARY KEY (provider, address)) WITHOUT ROWID""",
    # One statement for an entry of all three: what a statement costs beside its rows is most of it.
    """CREATE VIEW entry AS
         SELECT id, provider, number, mls_id, connection, status, version, hash, missing, address FROM listing""",
    """CREATE TRIGGER added INSTEAD OF INSERT ON entry BEGIN
         INSERT INTO listing (id, provider, number, mls_id, connection, status, version, hash, missing, address)
           VALUES (new.id, new.provider, new.number, new.mls_id, new.connection, new.status, new.version, new.hash,
                   new.missing, new.address)
           ON CONFLICT DO UPDATE SET id = excluded.id, mls_id = excluded.mls_id, connection = excluded.connection,
             status = excluded.status, version = excluded.version, hash = excluded.hash, missing = excluded.missing,
             address = excluded.address;
         INSERT OR REPLACE INTO keyed VALUES (new.mls_id, new.provider, new.number);
         INSERT OR IGNORE INTO home SELECT new.provider, new.address, new.id WHERE new.address <> '';
       END""",
    "BEGIN",  # never committed: there is nothing to come back to
)
_ENTRY = "SELECT id, provider, number, mls_id, connection, status, version, hash, missing, address FROM listing"
_KEYED = " NATURAL JOIN keyed WHERE mls_id = ?"
_ADD = "INSERT INTO entry VALUES "
_ROW = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SAW = "UPDATE listing SET sweep = ? WHERE provider = ? AND number = ?"
_STATUS = {status.value: status for status in ListingStatus}


class StoredIndex:
    """Every method raises StorageError where the temporary folder takes no more."""

    def __init__(self) -> None:
        # No name: SQLite makes the file when it is needed, readable by nobody else, and it is gone with its process.
        self._db = sqlite3.connect("", isolation_level=None)
        self._added: list[IndexEntry] = []
        for statement in _SET_UP:
            self._ask(statement)
        self._sweeps = 0
        self._seen: list[tuple[int, str, str]] = []
        self._expected: dict[str, list[IndexEntry]] = {}
        self._at_hand: dict[tuple[str, str], IndexEntry | None] = {}
        self._traces = bytearray(_SLOTS)

    @classmethod
    def of(cls, entries: Iterable[IndexEntry]) -> StoredIndex:
        index = cls()
        for entry in entries:
            index.add(entry)
        return index

    @classmethod
    async def read(cls, entries: AsyncIterable[IndexEntry]) -> StoredIndex:
        """As ``of``, without holding the entries together."""
        index = cls()
        try:
            async for entry in entries:
                index.add(entry)
        except BaseException:
            index.close()
            raise
        return index

    def close(self) -> None:
        """Let the file go; no call may follow."""
        self._db.close()

    def add(self, entry: IndexEntry) -> None:
        """Put in or replace; what was seen stays seen. Of two listings at one address the first keeps it."""
        self._expect_no_more(entry)
        self._added.append(entry)
        if len(self._added) >= _MOST_ADDED:
            self._write_added()
        self._traces[_slot(entry.provider, entry.mls_number)] = 1
        self._traces[_slot(entry.provider, entry.address_key)] = 1
        self._keep(entry.provider, entry.mls_number, entry)

    def _write_added(self) -> None:
        """Before any question of the file: entries are written together, as a statement costs more than its rows."""
        added, self._added = self._added, []
        values = [value for entry in added for value in _values(entry)]
        self._ask(_ADD + ", ".join([_ROW] * len(added)), *values)

    def remove(self, entry: IndexEntry) -> None:
        provider = entry.provider
        self._note_seen()
        self._expect_no_more(entry)
        self._ask("DELETE FROM listing WHERE provider = ? AND number = ?", provider, entry.mls_number)
        self._keep(provider, entry.mls_number, None)
        self._ask("DELETE FROM keyed WHERE provider = ? AND mls_id = ?", provider, entry.mls_id)
        home = (provider, entry.address_key or "", entry.listing_id)
        self._ask("DELETE FROM home WHERE provider = ? AND address = ? AND id = ?", *home)

    def number(self, provider: str, mls_number: str) -> IndexEntry | None:
        if (provider, mls_number) in self._at_hand:
            return self._at_hand[provider, mls_number]
        if not self._traces[_slot(provider, mls_number)]:
            return None
        found = self._ask(f"{_ENTRY} WHERE provider = ? AND number = ?", provider, mls_number).fetchone()
        return self._keep(provider, mls_number, None if found is None else _entry(found))

    def keyed(self, provider: str, listing_key: str) -> IndexEntry | None:
        """By ListingKey: a removal may come with nothing else. One that was given up for another finds nothing."""
        found = self._ask(f"{_ENTRY}{_KEYED} AND provider = ?", listing_key, provider).fetchone()
        return None if found is None else _entry(found)

    def of_any_mls(self, listing_key: str) -> list[IndexEntry]:
        """By ListingKey alone: every MLS that has a listing of this key."""
        if (expected := self._expected.get(listing_key)) is not None:
            return expected
        return [_entry(row) for row in self._ask(_ENTRY + _KEYED, listing_key)]

    def expect(self, listing_keys: Collection[str]) -> None:
        """Look up together what ``of_any_mls`` is about to be asked for, and forget what it was before."""
        self._expected = {key: [] for key in listing_keys}
        wanted = list(self._expected)
        for first in range(0, len(wanted), _MOST_MARKS):
            some = wanted[first : first + _MOST_MARKS]
            marks = ", ".join("?" * len(some))
            for row in self._ask(f"{_ENTRY} NATURAL JOIN keyed WHERE mls_id IN ({marks})", *some):
                entry = _entry(row)
                self._expected[entry.mls_id].append(entry)
                self._keep(entry.provider, entry.mls_number, entry)

    def _expect_no_more(self, entry: IndexEntry) -> None:
        """A change of an entry is one for its key, and for the key that its listing had before."""
        if self._expected:
            before = self.number(entry.provider, entry.mls_number) or entry
            self._expected.pop(before.mls_id, None)
            self._expected.pop(entry.mls_id, None)

    def has(self, listing_id: str) -> bool:
        """Whether a listing is stored under this id. Ids are seldom asked for: the first question sorts them."""
        self._ask("CREATE INDEX IF NOT EXISTS by_id ON listing (id)")
        return self._ask("SELECT 1 FROM listing WHERE id = ?", listing_id).fetchone() is not None

    def same_home(self, listing: Listing, address_key: str | None) -> str | None:
        """The listing id of another listing of the same MLS at the same address, where there is one."""
        if not address_key or not self._traces[_slot(listing.mls_provider, address_key)]:
            return None
        query = "SELECT id FROM home WHERE provider = ? AND address = ?"
        other = self._ask(query, listing.mls_provider, address_key).fetchone()
        if other is None:
            return None
        mine = self.number(listing.mls_provider, listing.mls_number)
        return str(other[0]) if mine is None or mine.listing_id != other[0] else None

    def entries(self) -> Iterator[IndexEntry]:
        """All, by provider and number, as they are read: read to the end before the next ``add`` or ``remove``."""
        return map(_entry, self._ask(_ENTRY))

    def __len__(self) -> int:
        return int(self._ask("SELECT count(*) FROM listing").fetchone()[0])

    def sweep(self) -> int:
        """The number of a new sweep, for ``saw`` and ``missed``."""
        self._sweeps += 1
        return self._sweeps

    def saw(self, entry: IndexEntry, sweep: int) -> None:
        """The feed still has this listing: the sweep met it."""
        if self.number(entry.provider, entry.mls_number) is not None:
            self._seen.append((sweep, entry.provider, entry.mls_number))
        if len(self._seen) >= _AT_HAND:
            self._note_seen()

    def _note_seen(self) -> None:
        seen, self._seen = self._seen, []
        if self._added:
            self._write_added()
        try:
            self._db.executemany(_SAW, seen)
        except sqlite3.Error as error:
            raise _refusal(error) from error

    def missed(self, connection_id: str, sweep: int) -> list[IndexEntry]:
        """The connection's listings that neither this sweep saw nor one begun after it."""
        self._note_seen()
        return [_entry(row) for row in self._ask(f"{_ENTRY} WHERE connection = ? AND sweep < ?", connection_id, sweep)]

    def lacking_photos(self, connection_id: str) -> list[IndexEntry]:
        """The connection's listings with photos that are asked for again."""
        return [_entry(row) for row in self._ask(f"{_ENTRY} WHERE connection = ? AND missing > 0", connection_id)]

    def count(self, connection_id: str) -> int:
        """How many listings the connection has."""
        return int(self._ask("SELECT count(*) FROM listing WHERE connection = ?", connection_id).fetchone()[0])

    def _keep(self, provider: str, mls_number: str, entry: IndexEntry | None) -> IndexEntry | None:
        self._at_hand[provider, mls_number] = entry
        if len(self._at_hand) > _AT_HAND:
            del self._at_hand[next(iter(self._at_hand))]
        return entry

    def _ask(self, statement: str, *values: Any) -> sqlite3.Cursor:
        if self._added:
            self._write_added()
        try:
            return self._db.execute(statement, values)
        except sqlite3.Error as error:
            raise _refusal(error) from error


def _slot(provider: str, name: str | None) -> int:
    return hash((provider, name)) % _SLOTS


def _refusal(error: sqlite3.Error) -> StorageError:
    return StorageError(
        f"The import's working file in the folder for temporary files failed ({error}). Free some space there, or set "
        "TMPDIR to a folder that has some, and import again."
    )


def _values(entry: IndexEntry) -> tuple[str | int | None, ...]:
    return (
        entry.listing_id,
        entry.provider,
        entry.mls_number,
        entry.mls_id,
        entry.connection_id,
        entry.status.value,
        entry.version,
        entry.content_hash,
        entry.photos_missing,
        entry.address_key,
    )


def _entry(row: tuple[Any, ...]) -> IndexEntry:
    listing_id, provider, number, mls_id, connection, status, version, hashed, missing, address = row
    state = _STATUS[status]
    return IndexEntry(listing_id, provider, number, mls_id, connection, state, version, hashed, missing, address)
