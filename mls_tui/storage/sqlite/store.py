"""The embedded ListingStore: the items of the DynamoDB table in one SQLite file, which several processes may open."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

from mls_tui.domain import keys
from mls_tui.domain.clock import Clock
from mls_tui.domain.connection import Connection, Cursor, Lease
from mls_tui.domain.listing import Listing
from mls_tui.domain.run import ImportRun
from mls_tui.storage import items
from mls_tui.storage.base import Check, PutResult
from mls_tui.storage.item_store import ItemStore, KeyRange, lease_lost, no_connection
from mls_tui.storage.items import Item
from mls_tui.storage.sqlite import statements
from mls_tui.storage.sqlite.database import Database, rebuild_summaries
from mls_tui.storage.summaries import Summaries

T = TypeVar("T")

_ROWS_A_PAGE = 200
_ENTRIES_A_PAGE = 2000


class SqliteListingStore(ItemStore):
    """``path`` is created, with mode 0600, by the first use."""

    def __init__(self, path: Path, *, clock: Clock | None = None, database: Database | None = None) -> None:
        super().__init__(clock)
        self._path = path
        self._db = database or Database(path)

    # primitives

    async def _get(self, pk: str, sk: str) -> Item | None:
        return await self._db.read(lambda db: statements.get(db, pk, sk))

    async def _get_all(self, pk: str, sks: list[str], read: Callable[[Item], T]) -> list[T]:
        found: list[T] = []
        for first in range(0, len(sks), _ROWS_A_PAGE):
            part = sks[first : first + _ROWS_A_PAGE]
            found += await self._db.read(lambda db, part=part: statements.get_all(db, pk, part, read))  # type: ignore[misc]
        return found

    async def _pages(self, wanted: KeyRange, read: Callable[[Item], T]) -> AsyncIterator[list[T]]:
        most = _ENTRIES_A_PAGE if wanted.entries else _ROWS_A_PAGE
        left = wanted.limit
        after: str | None = None
        while left is None or left > 0:
            count = most if left is None else min(most, left)
            batch, after = await self._db.read(_page(wanted, after, count, read))
            if batch:
                yield batch
            if after is None:
                return
            left = None if left is None else left - len(batch)

    async def _put_items(self, rows: list[Item]) -> None:
        def work(db: sqlite3.Connection) -> None:
            statements.put(db, *rows)

        await self._db.write(work)

    async def _remove(self, pk: str, sk: str) -> bool:
        return await self._db.write(lambda db: statements.remove(db, pk, sk))

    # listings

    def summaries(self, user_id: str) -> Summaries:
        return Summaries(self._db, items.pk(user_id))

    async def put(self, user_id: str, listing: Listing, *, new: bool | None = None, moved: bool = False) -> PutResult:
        item = items.listing_item(user_id, listing, self._now_ms())
        mark = items.mark_item(user_id, listing)
        return await self._db.write_together(statements.put_listings, (item, mark, moved))

    async def delete(self, user_id: str, listing_id: str) -> Listing | None:
        pk, sk = items.pk(user_id), keys.listing_sk(listing_id)
        item = await self._db.write(lambda db: statements.delete_listing(db, pk, sk))
        return None if item is None else items.read_listing(item)

    # connections

    async def put_connection(self, user_id: str, connection: Connection) -> None:
        item = items.connection_item(user_id, connection, self._now_ms())
        await self._db.write(lambda db: statements.put_connection(db, item))

    async def put_cursor(self, user_id: str, cursor: Cursor, *, run: ImportRun, holder: str) -> None:
        sk, data = keys.connection_sk(run.connection_id), items.cursor_data(cursor)
        row = items.run_item(user_id, run, self._now_ms())
        if not await self._db.write(lambda db: statements.put_cursor(db, sk, data, row, holder)):
            raise lease_lost(run.connection_id, run.run_id)

    async def acquire_lease(self, user_id: str, connection_id: str, lease: Lease, *, now_ms: int) -> Lease | None:
        pk, sk = items.pk(user_id), keys.connection_sk(connection_id)
        answer = await self._db.write(lambda db: statements.acquire_lease(db, pk, sk, lease, now_ms))
        if answer is False:
            raise no_connection(connection_id)
        return answer if isinstance(answer, Lease) else None

    async def release_lease(self, user_id: str, connection_id: str, holder: str) -> None:
        pk, sk = items.pk(user_id), keys.connection_sk(connection_id)
        await self._db.write(lambda db: statements.release_lease(db, pk, sk, holder))

    # runs

    async def put_run(self, user_id: str, run: ImportRun) -> str | None:
        row = items.run_item(user_id, run, self._now_ms())
        return await self._db.write(lambda db: statements.put_run(db, row))

    async def reserve(self, user_id: str, run: ImportRun, *, now_ms: int) -> Lease | None:
        sk, row = keys.connection_sk(run.connection_id), items.run_item(user_id, run, self._now_ms())
        answer = await self._db.write(lambda db: statements.reserve(db, sk, row, now_ms))
        if answer is False:
            raise no_connection(run.connection_id)
        return answer if isinstance(answer, Lease) else None

    async def control_run(self, user_id: str, run: ImportRun, word: str | None) -> bool:
        pk, sk = items.pk(user_id), keys.run_sk(run.started_at, run.run_id)
        return await self._db.write(lambda db: statements.control_run(db, pk, sk, word))

    # set-up

    async def init(self) -> list[Check]:
        existed = self._path.exists()
        await self._db.write(rebuild_summaries)
        return [Check("database", "ok", f"{'ready' if existed else 'created'}: {self._path}")]

    async def check(self) -> list[Check]:
        if not self._path.exists():
            return [Check("database", "failure", f"{self._path} does not exist", "run `mls-tui storage init`")]
        return await self._db.read(lambda db: check_file(db, self._path))

    def describe(self) -> str:
        return f"SQLite file {self._path}"

    async def close(self) -> None:
        await self._db.close()


def _page(
    wanted: KeyRange, after: str | None, count: int, read: Callable[[Item], T]
) -> Callable[[sqlite3.Connection], tuple[list[T], str | None]]:
    return lambda db: statements.page(db, wanted, after, count, read)


# checks ---------------------------------------------------------------------------------------------------------

_LOW_DISK_BYTES = 200 * 1024 * 1024


def check_file(db: sqlite3.Connection, path: Path) -> list[Check]:
    """Integrity, schema, damaged rows, marks, the list, permissions and free space."""
    checks = [_integrity(db), _schema(db, path), _rows(db), _marks(db), _summaries(db)]
    return [*checks, permissions(path, "database"), room(path)]


def _integrity(db: sqlite3.Connection) -> Check:
    findings = [str(row[0]) for row in db.execute("PRAGMA quick_check(3)")]
    if findings == ["ok"]:
        return Check("integrity", "ok", "every page is sound")
    return Check("integrity", "failure", "; ".join(findings), "restore the file from a backup, or import again")


def _schema(db: sqlite3.Connection, path: Path) -> Check:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (mode,) = db.execute("PRAGMA journal_mode").fetchone()
    if mode != "wal":
        return Check("schema", "warning", f"journal mode is {mode}", "run `mls-tui storage init`")
    return Check("schema", "ok", f"version {version}, write-ahead log, {path}")


def _marks(db: sqlite3.Connection) -> Check:
    (bare,) = db.execute(
        "SELECT count(*) FROM items AS row WHERE row.entry IS NOT NULL AND NOT EXISTS (SELECT 1 FROM items AS mark"
        " WHERE mark.pk = row.pk AND mark.sk = iif(json_valid(row.entry), json_extract(row.entry, '$.Mark'), ''))"
    ).fetchone()
    if bare:
        return Check(
            "marks", "failure", f"{bare} listings have no uniqueness mark", "delete them and import them again"
        )
    return Check("marks", "ok", "every listing has its uniqueness mark")


def _rows(db: sqlite3.Connection) -> Check:
    bad = [
        str(sk)
        for (sk,) in db.execute(
            "SELECT sk FROM items WHERE NOT json_valid(body) OR NOT json_valid(coalesce(entry, '{}'))"
            " OR entry IS NOT NULL AND json_type(body, '$.Data') IS NOT 'object'"
        )
    ]
    if bad:
        what = ", ".join(printable_key(sk) for sk in bad[:3]) + (" …" if len(bad) > 3 else "")
        return Check(
            "rows",
            "failure",
            f"{len(bad)} stored rows cannot be read: {what}",
            "delete those listings and import again",
        )
    return Check("rows", "ok", "every stored row can be read")


def printable_key(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:80]


def _summaries(db: sqlite3.Connection) -> Check:
    (wrong,) = db.execute(
        "SELECT (SELECT count(*) FROM items WHERE entry IS NOT NULL AND json_valid(body) AND NOT EXISTS"
        " (SELECT 1 FROM summaries AS s WHERE s.pk = items.pk AND s.listing_id = substr(items.sk, 9)))"
        " + (SELECT count(*) FROM summaries AS s WHERE NOT EXISTS"
        " (SELECT 1 FROM items WHERE items.pk = s.pk AND items.sk = 'LISTING#' || s.listing_id))"
    ).fetchone()
    if wrong:
        return Check("list", "failure", f"the list differs from {wrong} stored listings", "run `mls-tui storage init`")
    return Check("list", "ok", "the list shows what is stored")


def permissions(path: Path, name: str) -> Check:
    """Whether other users of this machine can open ``path``."""
    if os.name != "posix":
        return Check(f"{name} permissions", "ok", "left to the system")
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return Check(
            f"{name} permissions", "warning", f"other users can open {path} (mode {mode:o})", f"chmod go= {path}"
        )
    return Check(f"{name} permissions", "ok", f"only you can open it (mode {mode:o})")


def room(path: Path) -> Check:
    """Free space on the disk that holds ``path``."""
    free = shutil.disk_usage(path if path.is_dir() else path.parent).free
    if free < _LOW_DISK_BYTES:
        return Check("disk", "warning", f"{free // 2**20} MB free", "free some space before the next import")
    return Check("disk", "ok", f"{free // 2**20} MB free")
