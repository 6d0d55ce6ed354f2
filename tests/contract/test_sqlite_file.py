"""The embedded database as a file: several processes, crashes, full disks, foreign and newer files."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mls_tui.domain.errors import StorageError
from mls_tui.storage.base import PutOutcome
from mls_tui.storage.sqlite import SqliteListingStore
from mls_tui.storage.sqlite.database import Database, connect
from mls_tui.storage.summaries import Selection
from tests.contract.samples import FIRST_MS, USER, a_listing, all_listings

_CLAIM = """
import asyncio, sys
from pathlib import Path
from mls_tui.storage.sqlite import SqliteListingStore
from tests.contract.samples import USER, a_listing

async def main(path, base):
    store = SqliteListingStore(Path(path))
    print("ready", flush=True)
    sys.stdin.readline()
    claims = [a_listing("ONE", first_ms=base + n) for n in range(16)]
    for result in await asyncio.gather(*(store.put(USER, claim) for claim in claims)):
        print(result.outcome.value, result.listing_id, flush=True)
    await store.close()

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""
_WRITE_FOREVER = """
import asyncio, itertools, sys
from pathlib import Path
from mls_tui.storage.sqlite import SqliteListingStore
from tests.contract.samples import USER, a_listing

async def main(path):
    store = SqliteListingStore(Path(path))
    async def one(n):
        await store.put(USER, a_listing(str(n)))
        print(n, flush=True)
    for batch in itertools.count():
        await asyncio.gather(*(one(batch * 8 + n) for n in range(8)))

asyncio.run(main(sys.argv[1]))
"""


def child(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def say_go(process: subprocess.Popen[str]) -> str:
    return process.communicate("go\n", timeout=60)[0]


@pytest.mark.promise(5)
async def test_32_claimants_in_two_processes_one_winner(tmp_path: Path) -> None:
    path = tmp_path / "rows.db"
    claimants = [child(_CLAIM, str(path), str(FIRST_MS + base)) for base in (0, 100)]
    for claimant in claimants:
        assert claimant.stdout is not None
        assert claimant.stdout.readline() == "ready\n"
    texts = await asyncio.gather(*(asyncio.to_thread(say_go, claimant) for claimant in claimants))
    lines = [line.split() for text in texts for line in text.splitlines()]
    store = SqliteListingStore(path)
    stored = await all_listings(store)

    assert len(lines) == 32
    assert [outcome for outcome, _ in lines].count(PutOutcome.CREATED.value) == 1
    assert {listing_id for _, listing_id in lines} == {listing.listing_id for listing in stored}
    assert len(stored) == 1
    await store.close()


@pytest.mark.promise(1)
@pytest.mark.parametrize("acknowledged", [1, 20, 60])
async def test_what_was_acknowledged_survives_kill_9(tmp_path: Path, acknowledged: int) -> None:
    path = tmp_path / "rows.db"
    process = child(_WRITE_FOREVER, str(path))
    assert process.stdout is not None
    numbers = [process.stdout.readline().strip() for _ in range(acknowledged)]
    process.send_signal(signal.SIGKILL)
    numbers += process.communicate(timeout=60)[0].split()[:-1]

    store = SqliteListingStore(path)
    assert set(numbers) <= {listing.mls_number for listing in await all_listings(store)}
    assert {check.state for check in await store.check()} == {"ok"}
    await store.close()


async def test_writer_of_another_process_gets_its_turn_beside_a_busy_one(tmp_path: Path) -> None:
    path = tmp_path / "rows.db"
    process = child(_WRITE_FOREVER, str(path))
    assert process.stdout is not None
    process.stdout.readline()
    store = SqliteListingStore(path)
    try:
        assert (await store.put(USER, a_listing("mine"))).outcome is PutOutcome.CREATED
    finally:
        process.kill()
        process.communicate()
    await store.close()


async def test_reader_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    path = tmp_path / "rows.db"
    store = SqliteListingStore(path)
    await store.put(USER, a_listing())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    assert await all_listings(store) == [a_listing()]

    other.execute("ROLLBACK")
    other.close()
    await store.close()


async def test_locked_database_is_a_sentence_and_may_be_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "rows.db"
    store = SqliteListingStore(path, database=Database(path, lock_timeout=0))
    await store.put(USER, a_listing())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StorageError, match="locked by another program") as caught:
        await store.put(USER, a_listing("B"))
    other.execute("ROLLBACK")
    other.close()

    assert caught.value.retryable
    assert (await store.put(USER, a_listing("B"))).outcome is PutOutcome.CREATED
    await store.close()


def _small(path: Path) -> sqlite3.Connection:
    connection = connect(path)
    connection.execute("PRAGMA max_page_count = 60")
    return connection


@pytest.mark.promise(14)
async def test_full_disk_is_a_sentence_and_loses_nothing_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "rows.db"
    store = SqliteListingStore(path, database=Database(path, open_connection=_small))
    listings = [a_listing(str(number), description="x" * 9000) for number in range(40)]

    results = await asyncio.gather(*(store.put(USER, listing) for listing in listings), return_exceptions=True)

    failures = [result for result in results if isinstance(result, BaseException)]
    assert failures
    assert all(isinstance(failure, StorageError) and "the disk is full" in str(failure) for failure in failures)
    acknowledged = {result.listing_id for result in results if not isinstance(result, BaseException)}
    assert acknowledged == {listing.listing_id for listing in await all_listings(store)}
    await store.put(USER, a_listing("small"))
    assert {check.state for check in await store.check()} == {"ok"}
    await store.close()


@pytest.mark.promise(1)
async def test_no_write_is_acknowledged_before_its_commit(tmp_path: Path) -> None:
    path = tmp_path / "rows.db"
    committing, go_on = threading.Event(), threading.Event()

    def commit(statement: str) -> None:
        if statement == "COMMIT" and armed:
            committing.set()
            go_on.wait(20)

    def traced(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.set_trace_callback(commit)
        return connection

    armed: list[bool] = []
    store = SqliteListingStore(path, database=Database(path, open_connection=traced))
    await store.init()
    armed.append(True)
    putting = asyncio.create_task(store.put(USER, a_listing()))
    assert await asyncio.to_thread(committing.wait, 20)
    for _ in range(5):
        await asyncio.sleep(0)
    acknowledged = putting.done()
    go_on.set()
    assert (await putting).outcome is PutOutcome.CREATED
    assert not acknowledged
    await store.close()


@pytest.mark.promise(14)
async def test_one_bad_write_does_not_fail_its_neighbours(tmp_path: Path) -> None:
    store = SqliteListingStore(tmp_path / "rows.db")

    def bad(db: sqlite3.Connection) -> None:
        db.execute("INSERT INTO items (pk, sk, body) VALUES ('x', 'half', '{}')")
        raise StorageError("no")

    results = await asyncio.gather(
        store.put(USER, a_listing("1")), store._db.write(bad), store.put(USER, a_listing("2")), return_exceptions=True
    )

    assert isinstance(results[1], StorageError)
    assert [listing.mls_number for listing in await all_listings(store)] == ["1", "2"]
    assert await store._get("x", "half") is None
    await store.close()


async def test_newer_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "rows.db"
    store = SqliteListingStore(path)
    await store.init()
    await store.close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    before = path.read_bytes()

    later = SqliteListingStore(path)
    with pytest.raises(StorageError, match=r"newer mls-tui.*Upgrade"):
        await later.put(USER, a_listing())
    await later.close()
    assert path.read_bytes() == before


async def test_foreign_database_and_damaged_file_are_refused_and_not_touched(tmp_path: Path) -> None:
    foreign, damaged = tmp_path / "foreign.db", tmp_path / "damaged.db"
    with sqlite3.connect(foreign) as db:
        db.execute("CREATE TABLE theirs (x)")
    db.close()
    damaged.write_bytes(b"this is not a database, it is a text of some length" * 100)
    for path in (foreign, damaged):
        before = path.read_bytes()
        store = SqliteListingStore(path)
        with pytest.raises(StorageError, match="not a database of mls-tui"):
            await store.put(USER, a_listing())
        with pytest.raises(StorageError, match="not a database of mls-tui"):
            await all_listings(store)
        await store.close()
        assert path.read_bytes() == before


async def test_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = SqliteListingStore(tmp_path / "file" / "rows.db")
    with pytest.raises(StorageError, match=r"cannot be used: .* MLS_TUI_HOME|cannot be used: .*another one"):
        await store.init()
    await store.close()


@pytest.mark.promise(14)
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
async def test_read_only_folder_is_a_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    store = SqliteListingStore(folder / "rows.db")
    with pytest.raises(StorageError, match=r"MLS_TUI_HOME|another one"):
        await store.init()
    await store.close()


async def test_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "rows.db"
    store = SqliteListingStore(path)
    await store.put(USER, a_listing())
    modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in [path.parent, *path.parent.iterdir()]}
    assert modes == {"new": 0o700, "rows.db": 0o600, "rows.db-wal": 0o600, "rows.db-shm": 0o600}
    await store.close()


async def test_program_ends_although_the_store_was_left_open(tmp_path: Path) -> None:
    code = _CLAIM.replace("    await store.close()\n", "")
    process = child(code, str(tmp_path / "rows.db"), str(FIRST_MS))
    out, _ = await asyncio.to_thread(process.communicate, "go\n", 60)
    assert process.returncode == 0
    assert len(out.splitlines()) == 17


async def test_unreadable_row_hides_no_other(tmp_path: Path) -> None:
    store = SqliteListingStore(tmp_path / "rows.db")
    for number in "123":
        await store.put(USER, a_listing(number))
    listing_id = a_listing("2").listing_id
    await store._db.write(
        lambda db: db.execute("UPDATE items SET body = '{\"Data\": 5}' WHERE sk = ?", (f"LISTING#{listing_id}",))
    )
    assert [listing.mls_number for listing in await all_listings(store)] == ["1", "3"]
    with pytest.raises(StorageError, match="cannot be read"):
        await store.get(USER, listing_id)
    await store.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("disks cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.parametrize("trouble", ["full", "read-only"])
async def test_what_is_stored_can_be_read_from_a_disk_that_cannot_be_written(small_disk: Path, trouble: str) -> None:
    store = SqliteListingStore(small_disk / "rows.db")
    await store.put(USER, a_listing("1"))
    await store.close()
    if trouble == "full":
        await asyncio.to_thread(_fill_up, small_disk / "other")
    else:
        await asyncio.to_thread(subprocess.run, ["mount", "-o", "remount,ro", str(small_disk)], check=True)
    store = SqliteListingStore(small_disk / "rows.db")
    summaries = store.summaries(USER)
    assert [home.mls_number for home in await summaries.read((await summaries.select(Selection())).rows)] == ["1"]
    assert await all_listings(store) == [a_listing("1")]
    with pytest.raises(StorageError, match="the disk is full" if trouble == "full" else "(?i)read-only"):
        await store.put(USER, a_listing("2"))
    await store.close()


def _fill_up(path: Path) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)
    with contextlib.suppress(OSError):
        while True:
            os.write(descriptor, bytes(512))
    os.close(descriptor)


@pytest.mark.parametrize("garbage", ["ten bytes!", "[]", '{"PK": 1}', ""])
async def test_a_damaged_row_fails_alone_is_reported_and_can_be_deleted(tmp_path: Path, garbage: str) -> None:
    path, bad, good = tmp_path / "rows.db", a_listing("bad"), a_listing("good")
    store = SqliteListingStore(path)
    await store.put(USER, bad)
    await store.put(USER, good)
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE items SET body = ? WHERE sk = ?", (garbage, f"LISTING#{bad.listing_id}"))
    assert await all_listings(store) == [good]
    assert [data async for batch in store.data(USER) for data in batch] == [good.to_data()]
    assert await store.get_many(USER, [bad.listing_id, good.listing_id]) == [good]
    with pytest.raises(StorageError, match="cannot be read"):
        await store.get(USER, bad.listing_id)
    (found,) = [check for check in await store.check() if check.state == "failure"]
    assert bad.listing_id in found.detail
    with pytest.raises(StorageError, match="cannot be read"):
        await store.delete(USER, bad.listing_id)
    assert {check.state for check in await store.check()} == {"ok"}
    assert (await store.put(USER, bad)).outcome is PutOutcome.CREATED
    await store.close()


async def test_a_list_with_other_columns_is_made_again_when_the_file_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "rows.db"
    store = SqliteListingStore(path)
    await store.put(USER, a_listing("1"))
    await store.close()
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("ALTER TABLE summaries DROP COLUMN source")
        db.execute("ALTER TABLE summaries ADD COLUMN colour TEXT")
    store = SqliteListingStore(path)
    summaries = store.summaries(USER)
    assert [home.mls_number for home in await summaries.read((await summaries.select(Selection())).rows)] == ["1"]
    await store.put(USER, a_listing("2"))
    assert {check.state for check in await store.check()} == {"ok"}
    await store.close()


async def test_a_list_that_differs_from_what_is_stored_is_reported_and_made_again(tmp_path: Path) -> None:
    path = tmp_path / "rows.db"
    store = SqliteListingStore(path)
    await store.put(USER, a_listing("1"))
    await store.put(USER, a_listing("2"))
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM summaries WHERE mls_number = '1'")
        db.execute("UPDATE summaries SET listing_id = 'ghost' WHERE mls_number = '2'")
    (found,) = [check for check in await store.check() if check.state == "failure"]
    assert "3 stored listings" in found.detail
    assert "storage init" in found.advice
    await store.init()
    assert {check.state for check in await store.check()} == {"ok"}
    assert (await store.summaries(USER).select(Selection())).total == 2
    await store.close()
