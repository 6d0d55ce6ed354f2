"""The embedded database: its file and migrations, its errors as sentences, and the threads that own its connections.

One thread writes; it commits the changes of many callers together, and a write returns after its commit. Two threads
read, one of them for lists. A file of another program, or of a newer version, is refused and not changed.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import orjson

from mls_tui.domain.errors import StorageError
from mls_tui.storage import summaries
from mls_tui.storage.files import private_folder, shared
from mls_tui.storage.threads import DaemonPool

# errors ---------------------------------------------------------------------------------------------------------


class UnwritableError(StorageError):
    """The file can't be written. It may be readable."""


_LEAST_ROOM = 64 * 1024
_UNWRITABLE = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR}
_ADVICE: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_FULL: ("the disk is full", "Free some space and try again; what was stored is intact."),
    sqlite3.SQLITE_READONLY: (
        "the file or its folder is read-only",
        "Make both writable, or set MLS_TUI_HOME to another folder.",
    ),
    sqlite3.SQLITE_CANTOPEN: (
        "it cannot be opened",
        "Check that its folder exists and that you may write to it, or set MLS_TUI_HOME to another folder.",
    ),
    sqlite3.SQLITE_PERM: ("access is denied", "Check who owns the file."),
    sqlite3.SQLITE_CORRUPT: (
        "it is damaged",
        "Nothing was changed. Restore it from a backup, or move it away and import again.",
    ),
    sqlite3.SQLITE_NOTADB: (
        "it is not a database of mls-tui",
        "Nothing was changed. Move the file away, or set MLS_TUI_HOME to another folder.",
    ),
    sqlite3.SQLITE_IOERR: ("the disk reports an error", "Check the disk; what was stored before is intact."),
}


def translate(error: BaseException, path: Path) -> BaseException:
    """A sqlite3 or OS error as a StorageError; any other error as it is."""
    if isinstance(error, sqlite3.Error):
        return _from_sqlite(error, path)
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            why, advice = _ADVICE[sqlite3.SQLITE_FULL]
            return UnwritableError(f"The database {path} cannot be written: {why}. {advice}")
        return UnwritableError(
            f"The database {path} cannot be used: {error.strerror or type(error).__name__}. "
            "Check its folder, or set MLS_TUI_HOME to another one."
        )
    return error


def _from_sqlite(error: sqlite3.Error, path: Path) -> StorageError:
    # The low byte of an extended code is the primary code.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return locked_error(path)
    if code == sqlite3.SQLITE_IOERR and _is_full(path):
        code = sqlite3.SQLITE_FULL  # the -shm file beside it could not grow
    if code in _ADVICE:
        why, advice = _ADVICE[code]
        kind = UnwritableError if code in _UNWRITABLE else StorageError
        return kind(f"The database {path} cannot be used: {why}. {advice}")
    return StorageError(f"The database {path} failed: {error}. Run `mls-tui storage check`.")


def _is_full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < _LEAST_ROOM
    except OSError:
        return False


def locked_error(path: Path) -> StorageError:
    """Another program has kept the write lock for too long."""
    return StorageError(
        f"The database {path} is locked by another program. Close it, or wait, and try again.", retryable=True
    )


def newer_schema_error(path: Path, found: int, known: int) -> StorageError:
    return StorageError(
        f"The database {path} was written by a newer mls-tui (its schema is {found}; this version knows {known}). "
        "Nothing was changed. Upgrade mls-tui."
    )


def not_ours_error(path: Path) -> StorageError:
    why, advice = _ADVICE[sqlite3.SQLITE_NOTADB]
    return StorageError(f"The database {path} cannot be used: {why}. {advice}")


# the file -------------------------------------------------------------------------------------------------------

APPLICATION_ID = 0x6D6C7374
"""``mlst``, in the header of the file: it is a database of this program."""


def rebuild_summaries(db: sqlite3.Connection) -> None:
    """Make every summary again from its item; an item that cannot be read has none."""
    db.execute("DELETE FROM summaries")
    db.execute("DELETE FROM summary_texts")
    for (body,) in db.execute("SELECT body FROM items WHERE entry IS NOT NULL"):
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError, sqlite3.IntegrityError):
            summaries.put(db, [orjson.loads(body)])


MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # body is the item as JSON; entry, for listings only, is its projection for an import's index.
        """CREATE TABLE items (
             pk TEXT NOT NULL, sk TEXT NOT NULL, gsi1pk TEXT, gsi1sk TEXT, entry TEXT, body TEXT NOT NULL,
             PRIMARY KEY (pk, sk)) STRICT""",
        # Covers the whole index query, so that it never reads a body.
        "CREATE INDEX items_entry ON items (pk, sk, entry) WHERE entry IS NOT NULL",
    ),
)
"""Statements from schema n to n + 1. Do not edit a step that was released; add one. The tables of summaries are not
among them: they are made again whenever their statements differ."""


def create_file(path: Path) -> None:
    """Create the file, 0600, in a folder that is 0700 if it is new.

    Raises OSError if that fails, StorageError if others can change the file.
    """
    private_folder(path.parent)
    if (problem := shared(path)) is not None:
        raise StorageError(f"The database is not safe. {problem}")
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def connect(path: Path) -> sqlite3.Connection:
    """A connection in autocommit mode, for use in one thread."""
    return _configured(sqlite3.connect(path, isolation_level=None, timeout=5, cached_statements=64))


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that only reads.

    On a full or read-only disk, where SQLite can't write its -shm file, the database is opened as immutable if its
    write-ahead log is empty.
    """
    try:
        connection = connect(path)
        with contextlib.ExitStack() as failed:
            failed.callback(connection.close)
            connection.execute("PRAGMA query_only = ON")
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            failed.pop_all()
        return connection
    except sqlite3.OperationalError:
        log = path.with_name(path.name + "-wal")
        if log.exists() and log.stat().st_size:
            raise
        uri = f"{path.absolute().as_uri()}?immutable=1"
        return _configured(sqlite3.connect(uri, uri=True, isolation_level=None, cached_statements=64))


def _configured(connection: sqlite3.Connection) -> sqlite3.Connection:
    try:
        # A file may bring triggers and views with it; do not trust the functions that they call.
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -16384")
    except BaseException:
        connection.close()
        raise
    return connection


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Switch the file to WAL and bring its schema up to date.

    Raises:
        StorageError: it is a file of another program or of a newer version.
    """
    version = _check_ours(connection, path)
    _switch_to_wal(connection)
    if version == len(MIGRATIONS) and _summaries_are_current(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have migrated it since it was checked.
        version = _check_ours(connection, path)
        for number, statements in enumerate(MIGRATIONS[version:], start=version + 1):
            for statement in statements:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        if not _summaries_are_current(connection):
            for table in ("summaries", "summary_texts"):
                connection.execute(f"DROP TABLE IF EXISTS {table}")
            for statement in summaries.SCHEMA:
                connection.execute(statement)
            rebuild_summaries(connection)
            # A cached list has no items to fill it from: without this row it is queried again.
            connection.execute("DELETE FROM items WHERE pk = 'CACHE'")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _summaries_are_current(connection: sqlite3.Connection) -> bool:
    """Whether the tables of summaries were made by the statements of this version."""
    made = "SELECT sql FROM sqlite_schema WHERE tbl_name IN ('summaries', 'summary_texts') AND sql IS NOT NULL"
    return {sql for (sql,) in connection.execute(made)} == {*summaries.SCHEMA}


def _check_ours(connection: sqlite3.Connection, path: Path) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (owner,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if owner != APPLICATION_ID and (owner or tables):
        raise not_ours_error(path)
    if version > len(MIGRATIONS):
        raise newer_schema_error(path, version, len(MIGRATIONS))
    return int(version)


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    if mode != "wal":
        connection.execute("PRAGMA journal_mode = WAL")


# threads --------------------------------------------------------------------------------------------------------

T = TypeVar("T")
V = TypeVar("V")

Work = Callable[[sqlite3.Connection, list[Any]], list[Any]]

_MAX_COMMIT_JOBS = 256
_LOCK_TIMEOUT_SECONDS = 15.0
_LOCK_POLL_SECONDS = 0.002
_CLOSE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class _Job:
    """A call of ``work`` with ``value``, and the future that waits for its result."""

    work: Work
    value: Any
    waiting: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


_Outcome = tuple[_Job, Any, BaseException | None]


class Database:
    """One file. ``write`` and ``read`` may be awaited from any event loop; the file is opened by the first of them."""

    def __init__(
        self,
        path: Path,
        *,
        lock_timeout: float = _LOCK_TIMEOUT_SECONDS,
        open_connection: Callable[[Path], sqlite3.Connection] | None = None,
    ) -> None:
        self.path = path
        self._lock_timeout = lock_timeout
        self._connect = open_connection or (connect)
        self._jobs: SimpleQueue[list[_Job] | None] = SimpleQueue()
        self._gathering: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._ready = False
        self._writer: sqlite3.Connection | None = None
        self._items = _Reader(path, "mls-tui-sqlite-read")
        self._lists = _Reader(path, "mls-tui-sqlite-list")

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in a transaction; returns when that is on disk. If cancelled, a write that has begun is
        finished."""

        def alone(connection: sqlite3.Connection, _: list[None]) -> list[T]:
            return [work(connection)]

        return await self.write_together(alone, None)

    async def write_together(self, work: Callable[[sqlite3.Connection, list[V]], list[T]], value: V) -> T:
        """As ``write``, but ``work`` gets the values of several callers, in the order of their calls, and returns a
        result for each. If it fails, it is called again for each value alone."""
        waiting: asyncio.Future[T] = self._enqueue(work, value)
        return await waiting

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` on a reading connection, which sees every write that has returned and does not wait for
        others."""
        await self._open_for_reading()
        return await self._items.run(work)

    async def read_list(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """As ``read``, on another connection, for queries that may take a second. It is always the same one, so that
        its ``PRAGMA data_version`` can be compared."""
        await self._open_for_reading()
        return await self._lists.run(work)

    async def _open_for_reading(self) -> None:
        """Migrate the file; on a full or read-only disk, read it as it is."""
        if self._ready:
            return
        try:
            await self.write(lambda _: None)
        except StorageError as error:
            if not isinstance(error, UnwritableError) or not self.path.is_file():
                raise

    async def close(self) -> None:
        """Commit what was accepted and close the file. Waits at most _CLOSE_SECONDS for each thread."""
        with self._lock:
            already, self._closed = self._closed, True
            loops = list(self._gathering)
        if already:
            return
        for loop in loops:
            self._hand_over(loop)
        self._jobs.put(None)
        await asyncio.to_thread(self._finish, self._thread)

    def _finish(self, thread: threading.Thread | None) -> None:
        self._items.close()
        self._lists.close()
        if thread is not None:
            thread.join(_CLOSE_SECONDS)

    def _enqueue(self, work: Work, value: Any) -> asyncio.Future[Any]:
        """Queue a write. The writes of one iteration of an event loop are handed to the thread together, and share a
        commit."""
        loop = asyncio.get_running_loop()
        job = _Job(work, value, loop.create_future(), loop)
        with self._lock:
            if self._closed:
                raise StorageError("The store is closed; open it again.")
            gathered = self._gathering.setdefault(loop, [])
            gathered.append(job)
        if len(gathered) == 1:
            loop.call_soon(self._hand_over, loop)
        return job.waiting

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            gathered = self._gathering.pop(loop, None)
            if gathered is None:
                return  # ``close`` has handed them over
            self._jobs.put(gathered)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="mls-tui-sqlite-write", daemon=True)
                self._thread.start()

    # the writing thread

    def _serve(self) -> None:
        going = True
        while going:
            batch: list[_Job] = []
            jobs = self._jobs.get()
            while jobs is not None:
                batch += [job for job in jobs if not job.waiting.cancelled()]
                if len(batch) >= _MAX_COMMIT_JOBS:
                    break
                try:
                    jobs = self._jobs.get_nowait()
                except Empty:
                    break
            going = jobs is not None
            if batch:
                self._commit(batch)
        if self._writer is not None:
            self._writer.close()

    def _commit(self, batch: list[_Job]) -> None:
        """Do every job in one transaction; a job that fails loses only its own changes."""
        outcomes: list[_Outcome] = []
        try:
            connection = self._open()
            self._retry_while_locked(lambda: connection.execute("BEGIN IMMEDIATE"))
            for _, together in groupby(batch, key=lambda job: job.work):
                outcomes += self._outcomes(connection, [*together])
            connection.execute("COMMIT")
        except BaseException as error:
            self._roll_back()
            outcomes = [(job, None, translate(error, self.path)) for job in batch]
        _deliver(outcomes)

    def _outcomes(self, connection: sqlite3.Connection, jobs: list[_Job]) -> list[_Outcome]:
        """The outcomes of jobs with the same ``work``: done together, or each alone if that fails."""
        results, problem = self._try_in_savepoint(connection, jobs[0].work, [job.value for job in jobs])
        if problem is None:
            return [(job, result, None) for job, result in zip(jobs, results, strict=True)]
        if len(jobs) == 1:
            return [(jobs[0], None, problem)]
        return [outcome for job in jobs for outcome in self._outcomes(connection, [job])]

    def _try_in_savepoint(
        self, connection: sqlite3.Connection, work: Work, values: list[Any]
    ) -> tuple[list[Any], BaseException | None]:
        connection.execute("SAVEPOINT job")
        try:
            results = work(connection, values)
        except BaseException as error:
            if not connection.in_transaction:
                # SQLite rolled back the whole transaction (disk full, I/O error), with the jobs before this one.
                raise
            connection.execute("ROLLBACK TO job")
            connection.execute("RELEASE job")
            return [], translate(error, self.path)
        connection.execute("RELEASE job")
        return results, None

    def _open(self) -> sqlite3.Connection:
        if self._writer is None:
            create_file(self.path)
            connection = self._connect(self.path)
            try:
                self._retry_while_locked(lambda: migrate(connection, self.path))
                connection.execute("PRAGMA busy_timeout = 0")
            except BaseException:
                connection.close()
                raise
            self._writer = connection
            self._ready = True
        return self._writer

    def _retry_while_locked(self, attempt: Callable[[], object]) -> None:
        """Retry while another process has the lock. Polls often, as SQLite's own waits grow and are starved by a busy
        writer."""
        deadline = time.monotonic() + self._lock_timeout
        while True:
            try:
                attempt()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                if time.monotonic() >= deadline:
                    raise locked_error(self.path) from error
                time.sleep(_LOCK_POLL_SECONDS)
            else:
                return

    def _roll_back(self) -> None:
        if self._writer is not None and self._writer.in_transaction:
            try:
                self._writer.execute("ROLLBACK")
            except sqlite3.Error:
                self._writer.close()
                self._writer = None


class _Reader:
    """A thread with a connection of its own."""

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._pool = DaemonPool(1, name)
        self._connection: sqlite3.Connection | None = None

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._pool.run(lambda: self._read(work))

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._connection is None:
                self._connection = connect_to_read(self._path)
            return work(self._connection)
        except (sqlite3.Error, OSError) as error:
            raise translate(error, self._path) from error

    def close(self) -> None:
        with contextlib.suppress(StorageError):
            self._pool.submit(self._disconnect)
            self._pool.close(_CLOSE_SECONDS)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _deliver(outcomes: list[_Outcome]) -> None:
    """Set the results of the futures, with one call into each event loop, as waking a loop is what costs."""
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[_Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_loop[outcome[0].loop].append(outcome)
    for loop, told in by_loop.items():
        try:
            loop.call_soon_threadsafe(_set_results, told)
        except RuntimeError:
            continue  # the loop is closed


def _set_results(outcomes: list[_Outcome]) -> None:
    for job, result, problem in outcomes:
        if job.waiting.done():
            continue  # its caller was cancelled
        if problem is None:
            job.waiting.set_result(result)
        else:
            job.waiting.set_exception(problem)
