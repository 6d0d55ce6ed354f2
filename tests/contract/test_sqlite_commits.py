"""Which writes to the embedded database share a commit, and how each of them ends."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

from mls_tui.domain.errors import StorageError
from mls_tui.storage.base import PutOutcome
from mls_tui.storage.sqlite import SqliteListingStore
from mls_tui.storage.sqlite.database import Database, connect
from tests.contract.samples import USER, a_listing, all_listings


async def test_writes_asked_for_together_share_a_commit(tmp_path: Path) -> None:
    commits: list[str] = []

    def traced(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.set_trace_callback(lambda statement: commits.append(statement) if statement == "COMMIT" else None)
        return connection

    path = tmp_path / "rows.db"
    store = SqliteListingStore(path, database=Database(path, open_connection=traced))
    await store.init()
    commits.clear()
    results = await asyncio.gather(*(store.put(USER, a_listing(str(number))) for number in range(16)))

    assert {result.outcome for result in results} == {PutOutcome.CREATED}
    assert len(await all_listings(store)) == 16
    assert commits == ["COMMIT"]
    await store.close()


async def test_a_value_that_fails_fails_alone_though_it_was_written_with_others(tmp_path: Path) -> None:
    database = Database(tmp_path / "rows.db")

    def put(db: sqlite3.Connection, sks: list[str]) -> list[str]:
        for sk in sks:
            db.execute("INSERT INTO items (pk, sk, body) VALUES ('x', ?, '{}')", (sk,))
        if "bad" in sks:
            raise StorageError("no")
        return sks

    asked = (database.write_together(put, sk) for sk in ("1", "bad", "2"))
    results = await asyncio.gather(*asked, return_exceptions=True)

    assert results[::2] == ["1", "2"]
    assert isinstance(results[1], StorageError)
    stored = await database.read(lambda db: db.execute("SELECT sk FROM items WHERE pk = 'x' ORDER BY sk").fetchall())
    assert stored == [("1",), ("2",)]
    await database.close()


async def test_what_was_accepted_is_written_before_the_file_is_let_go(tmp_path: Path) -> None:
    store = SqliteListingStore(tmp_path / "rows.db")
    putting = asyncio.create_task(store.put(USER, a_listing()))
    await asyncio.sleep(0)
    await store.close()
    assert (await putting).outcome is PutOutcome.CREATED
