"""The SQL of the embedded store. Each function runs in its caller's transaction."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

import orjson

from mls_tui.domain import keys
from mls_tui.domain.connection import Lease
from mls_tui.storage import items, summaries
from mls_tui.storage.base import PutOutcome, PutResult
from mls_tui.storage.item_store import KeyRange
from mls_tui.storage.items import Item
from mls_tui.storage.leases import holder_is_gone, reserved_for

T = TypeVar("T")


def get(db: sqlite3.Connection, pk: str, sk: str) -> Item | None:
    row = db.execute("SELECT body FROM items WHERE pk = ? AND sk = ?", (pk, sk)).fetchone()
    return None if row is None else _load(row[0], pk, sk)


def get_all(db: sqlite3.Connection, pk: str, sks: list[str], read: Callable[[Item], T]) -> list[T]:
    """``read(item)`` of the items that exist, in any order."""
    marks = ", ".join("?" * len(sks))
    rows = db.execute(f"SELECT body, sk FROM items WHERE pk = ? AND sk IN ({marks})", (pk, *sks))  # noqa: S608 - only marks
    return [read(_load(body, pk, sk)) for body, sk in rows]


def put(db: sqlite3.Connection, *rows: Item) -> None:
    """Create or replace items."""
    db.executemany(
        "INSERT INTO items (pk, sk, gsi1pk, gsi1sk, entry, body) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (pk, sk) DO UPDATE SET gsi1pk = excluded.gsi1pk, gsi1sk = excluded.gsi1sk,"
        " entry = excluded.entry, body = excluded.body",
        map(_columns, rows),
    )
    if listings := [item for item in rows if item["EntityType"] == "Listing"]:
        summaries.put(db, listings)


def _columns(item: Item) -> tuple[str | None, ...]:
    entry = _dump(items.entry_item(item)) if item["EntityType"] == "Listing" else None
    return item["PK"], item["SK"], item.get("GSI1PK"), item.get("GSI1SK"), entry, _dump(item)


def remove(db: sqlite3.Connection, pk: str, sk: str) -> bool:
    if sk.startswith(keys.LISTING_PREFIX):
        summaries.remove(db, pk, [sk.removeprefix(keys.LISTING_PREFIX)])
    return db.execute("DELETE FROM items WHERE pk = ? AND sk = ?", (pk, sk)).rowcount > 0


def page(
    db: sqlite3.Connection, wanted: KeyRange, after: str | None, count: int, read: Callable[[Item], T]
) -> tuple[list[T], str | None]:
    """Up to ``count`` items behind the sort key ``after``, and the sort key that the next page starts behind, None at
    the end."""
    # One bound a side: of two, SQLite may seek by the wider one and walk over every row of the earlier pages.
    order, low, high, above, below = "ASC", wanted.low, wanted.high, ">=", "<="
    if wanted.newest_first:
        order, high, below = "DESC", *((high, below) if after is None else (after, "<"))
    elif after is not None:
        low, above = after, ">"
    rows = db.execute(
        f"SELECT sk, {'entry' if wanted.entries else 'body'} FROM items"  # noqa: S608 - fixed words only
        f" WHERE pk = ? AND sk {above} ? AND sk {below} ?{' AND entry IS NOT NULL' if wanted.entries else ''}"
        f" ORDER BY sk {order} LIMIT ?",
        (wanted.pk, low, high, count),
    ).fetchall()
    return [read(_load(text, wanted.pk, sk)) for sk, text in rows], rows[-1][0] if len(rows) == count else None


# listings


def put_listings(db: sqlite3.Connection, puts: list[tuple[Item, Item, bool]]) -> list[PutResult]:
    """ListingStore.put of each (row, mark, moved), in this order."""
    rows = _PendingWrites(db)
    rows.look_up(item for row, mark, _ in puts for item in (row, mark))
    results = [_put_listing(rows, item, mark, moved=moved) for item, mark, moved in puts]
    put(db, *rows.changed.values())
    return results


@dataclass(slots=True)
class _PendingWrites:
    """The items that several puts read and change. They are read by one statement before and written by one after, as a
    statement costs more than a row. Of a stored listing only the entry is read.
    """

    db: sqlite3.Connection
    held: dict[tuple[str, str], Item | None] = field(default_factory=dict)
    changed: dict[tuple[str, str], Item] = field(default_factory=dict)

    def look_up(self, wanted: Iterable[Item]) -> None:
        names: dict[str, list[str]] = defaultdict(list)
        for item in wanted:
            self.held[item["PK"], item["SK"]] = None
            names[item["PK"]].append(item["SK"])
        for pk, sks in names.items():
            marks = ", ".join("?" * len(sks))
            query = f"SELECT sk, coalesce(entry, body) FROM items WHERE pk = ? AND sk IN ({marks})"  # noqa: S608 - only marks
            self.held |= {(pk, sk): _load(text, pk, sk) for sk, text in self.db.execute(query, (pk, *sks))}

    def get(self, pk: str, sk: str) -> Item | None:
        if (pk, sk) not in self.held:
            self.look_up([{"PK": pk, "SK": sk}])
        return self.held[pk, sk]

    def put(self, item: Item) -> None:
        self.held[item["PK"], item["SK"]] = self.changed[item["PK"], item["SK"]] = item

    def remove(self, pk: str, sk: str) -> None:
        self.held[pk, sk] = None
        self.changed.pop((pk, sk), None)
        remove(self.db, pk, sk)


@items.reading()
def _put_listing(rows: _PendingWrites, item: Item, mark: Item, *, moved: bool) -> PutResult:
    pk, listing_id = item["PK"], str(mark["listingId"])
    stored = rows.get(pk, item["SK"])
    known = stored is not None and items.has_mark_of(stored, item)
    if stored is not None and known and not moved:
        if items.is_newer(stored, item):
            return PutResult(PutOutcome.STALE, listing_id)
        rows.put({**item, "CreatedAt": stored.get("CreatedAt", item["CreatedAt"])})
        return PutResult(PutOutcome.UPDATED, listing_id)
    holder = rows.get(pk, mark["SK"])
    owner = items.owner_of(holder, listing_id)
    if owner != listing_id and rows.get(pk, keys.listing_sk(owner)) is not None:
        return PutResult(PutOutcome.STALE, owner)
    if stored is not None and not moved:
        return PutResult(PutOutcome.TAKEN, listing_id)
    if stored is not None and not known and items.owner_of(rows.get(pk, stored["Mark"]), "") == listing_id:
        rows.remove(pk, stored["Mark"])
    rows.put(mark)
    rows.put(item if stored is None else {**item, "CreatedAt": stored.get("CreatedAt", item["CreatedAt"])})
    return PutResult(PutOutcome.CREATED if stored is None else PutOutcome.UPDATED, listing_id)


def delete_listing(db: sqlite3.Connection, pk: str, sk: str) -> Item | None:
    """Delete row and mark. Returns the row as it was, None if there was none."""
    row = db.execute("SELECT body, entry FROM items WHERE pk = ? AND sk = ?", (pk, sk)).fetchone()
    if row is None:
        return None
    item, entry = (_load(text or "", pk, sk) for text in row)
    remove(db, pk, sk)
    for mark_sk in (item.get("Mark"), entry.get("Mark")):
        if isinstance(mark_sk, str) and keys.listing_sk(items.owner_of(get(db, pk, mark_sk), "")) == sk:
            remove(db, pk, mark_sk)
    return item


# connections


def put_connection(db: sqlite3.Connection, item: Item) -> None:
    stored = get(db, item["PK"], item["SK"]) or {}
    kept: Item = {name: stored[name] for name in ("Cursor", "Lease", "Run", "CreatedAt") if name in stored}
    put(db, {**item, **kept})


@items.reading()
def put_cursor(db: sqlite3.Connection, sk: str, cursor: Item, run: Item, holder: str) -> bool:
    """False if ``holder`` does not hold the lease."""
    item = get(db, run["PK"], sk)
    if item is None or not _is_held_by(item, holder):
        return False
    put(db, {**item, "Cursor": cursor})
    put_run(db, run)
    return True


def _is_held_by(item: Item, holder: str) -> bool:
    return "Lease" in item and item["Lease"].get("holder", "") == holder


@items.reading()
def acquire_lease(db: sqlite3.Connection, pk: str, sk: str, lease: Lease, now_ms: int) -> Lease | bool:
    """True if the lease was taken, the holder's lease if it is not free, False if there is no such connection."""
    item = get(db, pk, sk)
    if item is None:
        return False
    taken = _current_holder(db, item, lease.run_id, lease.holder, now_ms)
    if taken is None:
        put(db, {**item, "Lease": items.lease_data(lease)})
    return taken or True


def _current_holder(db: sqlite3.Connection, item: Item, run_id: str, holder: str, now_ms: int) -> Lease | None:
    """The lease of who has the connection; None if it is free for this run."""
    run_sk = item.get("Run", "")
    if run_sk and run_sk.rpartition("#")[2] != run_id:
        run = get(db, item["PK"], run_sk)
        if run is not None and not items.read_run(run).ended:
            return reserved_for(run_sk)
    if "Lease" in item and not _is_held_by(item, holder):
        held = Lease.from_data(item["Lease"])
        if held.expires_at > now_ms and not holder_is_gone(held):
            return held
    return None


@items.reading()
def release_lease(db: sqlite3.Connection, pk: str, sk: str, holder: str) -> None:
    item = get(db, pk, sk)
    if item is not None and _is_held_by(item, holder):
        put(db, {name: value for name, value in item.items() if name != "Lease"})


# runs


def put_run(db: sqlite3.Connection, item: Item) -> str | None:
    """Write the row without its control word. Returns the control word that is stored."""
    stored = get(db, item["PK"], item["SK"]) or {}
    kept: Item = {name: stored[name] for name in ("Control", "CreatedAt") if name in stored}
    put(db, {**item, **kept})
    return kept.get("Control")


@items.reading()
def reserve(db: sqlite3.Connection, sk: str, run: Item, now_ms: int) -> Lease | bool:
    """True if that succeeded, the lease of who has the connection, or False if there is no such connection."""
    item = get(db, run["PK"], sk)
    if item is None:
        return False
    taken = _current_holder(db, item, run["SK"].rpartition("#")[2], "", now_ms)
    if taken is None:
        put(db, run, {**item, "Run": run["SK"]})
    return taken or True


def control_run(db: sqlite3.Connection, pk: str, sk: str, word: str | None) -> bool:
    item = get(db, pk, sk)
    if item is None or items.read_run(item).ended:
        return False
    rest = {name: value for name, value in item.items() if name != "Control"}
    put(db, rest if word is None else {**rest, "Control": word})
    return True


def _dump(item: Item) -> str:
    return orjson.dumps(item).decode()


def _load(text: str, pk: str, sk: str) -> Item:
    """An item; only its key if the text is damaged, which ``items.read_…`` reports."""
    try:
        item = orjson.loads(text)
    except orjson.JSONDecodeError:
        item = {}
    return {**(item if isinstance(item, dict) else {}), "PK": pk, "SK": sk}
