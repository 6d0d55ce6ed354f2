"""The threads that own the database's connections: one writes, with many callers' changes in one commit, one reads
beside it. A write's future is settled only after its commit; nothing is ever acknowledged that could be lost."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from mls_tui.domain.errors import StorageError
from mls_tui.storage.sqlite.errors import locked, translate
from mls_tui.storage.sqlite.schema import connect, make_file, prepare
from mls_tui.storage.threads import DaemonPool

T = TypeVar("T")

Work = Callable[[sqlite3.Connection], Any]

_MOST_IN_A_COMMIT = 256
_LOCK_PATIENCE_SECONDS = 15.0
_LOCK_POLL_SECONDS = 0.002
_CLOSE_SECONDS = 10.0


class Database:
    """One file. ``write`` and ``read`` may be awaited from any event loop; the file is opened by the first of them."""

    def __init__(
        self,
        path: Path,
        *,
        patience_seconds: float = _LOCK_PATIENCE_SECONDS,
        open_connection: Callable[[Path], sqlite3.Connection] | None = None,
    ) -> None:
        self.path = path
        self._patience = patience_seconds
        self._connect = open_connection or (lambda path: connect(path, writer=True))
        self._jobs: SimpleQueue[tuple[Future[Any], Work] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._ready = False
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._reading = DaemonPool(1, "mls-tui-sqlite-read")

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` in a transaction; returns once that is on disk. A write begun is finished even if cancelled."""
        return await asyncio.wrap_future(self._enqueue(work))

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``work`` on the reading connection, which sees every acknowledged write and waits for none."""
        if not self._ready:
            await self.write(lambda _: None)
        return await self._reading.run(lambda: self._read(work))

    async def close(self) -> None:
        """Commit what was accepted, then release the file. Waits a bounded time."""
        with self._lock:
            already, self._closed = self._closed, True
            thread = self._thread
        if already:
            return
        self._jobs.put(None)
        await asyncio.to_thread(self._finish, thread)

    def _finish(self, thread: threading.Thread | None) -> None:
        try:
            self._reading.submit(self._close_reader)
        except StorageError:
            return
        self._reading.close(_CLOSE_SECONDS)
        if thread is not None:
            thread.join(_CLOSE_SECONDS)

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _enqueue(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise StorageError("The store is closed; open it again.")
            self._jobs.put((future, work))
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="mls-tui-sqlite-write", daemon=True)
                self._thread.start()
        return future

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._reader is None:
                self._reader = connect(self.path, writer=False)
            return work(self._reader)
        except (sqlite3.Error, OSError) as error:
            raise translate(error, self.path) from error

    # the writing thread

    def _serve(self) -> None:
        going = True
        while going:
            batch = []
            job = self._jobs.get()
            while job is not None:
                if job[0].set_running_or_notify_cancel():
                    batch.append(job)
                if len(batch) >= _MOST_IN_A_COMMIT:
                    break
                try:
                    job = self._jobs.get_nowait()
                except Empty:
                    break
            going = job is not None
            if batch:
                self._commit(batch)
        if self._writer is not None:
            self._writer.close()

    def _commit(self, batch: list[tuple[Future[Any], Work]]) -> None:
        """Every job in one transaction; a job that fails loses only its own changes."""
        outcomes: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            connection = self._open()
            self._patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
            for future, work in batch:
                outcomes.append((future, *self._one(connection, work)))
            connection.execute("COMMIT")
        except BaseException as error:
            self._roll_back()
            outcomes = [(future, None, translate(error, self.path)) for future, _ in batch]
        for future, result, problem in outcomes:
            if problem is None:
                future.set_result(result)
            else:
                future.set_exception(problem)

    def _one(self, connection: sqlite3.Connection, work: Work) -> tuple[Any, BaseException | None]:
        connection.execute("SAVEPOINT job")
        try:
            result = work(connection)
        except BaseException as error:
            if not connection.in_transaction:
                # SQLite gave up the whole transaction (disk full, I/O error): the jobs before this one are lost too.
                raise
            connection.execute("ROLLBACK TO job")
            connection.execute("RELEASE job")
            return None, translate(error, self.path)
        connection.execute("RELEASE job")
        return result, None

    def _open(self) -> sqlite3.Connection:
        if self._writer is None:
            make_file(self.path)
            connection = self._connect(self.path)
            try:
                self._patiently(lambda: prepare(connection, self.path))
                connection.execute("PRAGMA busy_timeout = 0")
            except BaseException:
                connection.close()
                raise
            self._writer = connection
            self._ready = True
        return self._writer

    def _patiently(self, attempt: Callable[[], object]) -> None:
        """Retry while another process has the lock. Polls often: SQLite's own waits grow and starve beside a writer."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                attempt()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                if time.monotonic() >= deadline:
                    raise locked(self.path) from error
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
