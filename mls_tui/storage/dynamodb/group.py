"""New listings of one import, several to a transaction: a call costs two milliseconds of work, whatever it carries. It
must never let one listing's trouble fail another, nor make a lone caller wait."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from mls_tui.domain.errors import StorageError
from mls_tui.storage.attributes import Item
from mls_tui.storage.dynamodb.table import Table, TransactionFailedError
from mls_tui.storage.threads import DaemonPool

MOST = 8
"""Eight listings of the largest size fit into the 4 MB of a transaction."""
LINGER_SECONDS = 0.05

Build = Callable[[], tuple[Item, Item]]
Write = Callable[[Item], dict[str, Any]]


@dataclass(slots=True)
class _Waiting:
    build: Build
    done: Future[bool] = field(default_factory=Future)


class GroupCommit:
    """``create`` says what writes an item that is not there yet. Groups are written one after another, in the pool."""

    def __init__(self, table: Table, pool: DaemonPool, create: Write) -> None:
        self._table = table
        self._pool = pool
        self._create = create
        self._waiting: list[_Waiting] = []
        self._busy = False
        self._arrived = threading.Condition()

    def put(self, build: Build) -> Future[bool]:
        """Create a listing's row and mark (``build`` makes them, in the pool) together with others that come now.

        False where the group was refused, for whichever of them: each is to be put alone, which tells how it ends.
        A StorageError that all of the group would meet (a throttle, no answer) is raised for all of them.
        """
        entry = _Waiting(build)
        with self._arrived:
            self._waiting.append(entry)
            if len(self._waiting) >= MOST:
                self._arrived.notify()
            if self._busy:
                return entry.done
            self._busy = True
        try:
            self._pool.submit(self._work)
        except StorageError as error:
            with self._arrived:
                left, self._waiting, self._busy = self._waiting, [], False
            for each in left:
                if each is not entry:
                    each.done.set_exception(error)
            raise
        return entry.done

    def _work(self) -> None:
        """Write groups until nobody waits. After a group of several the next are given a moment to gather."""
        together = 1
        while True:
            with self._arrived:
                if together > 1:
                    self._arrived.wait_for(lambda: len(self._waiting) >= MOST, LINGER_SECONDS)
                entries, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                if not entries:
                    self._busy = False
                    return
            together = len(entries)
            self._write([entry for entry in entries if entry.done.set_running_or_notify_cancel()])

    def _write(self, entries: list[_Waiting]) -> None:
        group: list[_Waiting] = []
        writes: list[dict[str, Any]] = []
        keys: set[tuple[str, str]] = set()
        for entry in entries:
            try:
                row, mark = entry.build()
                both = [self._create(mark), self._create(row)]
            except BaseException as error:
                entry.done.set_exception(error)
                continue
            mine = {(row["PK"], row["SK"]), (mark["PK"], mark["SK"])}
            if mine & keys:
                entry.done.set_result(False)  # a transaction may not name an item twice
                continue
            keys |= mine
            group.append(entry)
            writes += both
        if group:
            self._commit(group, writes)

    def _commit(self, group: list[_Waiting], writes: list[dict[str, Any]]) -> None:
        created, common = False, None
        try:
            self._table.transact(writes)
            created = True
        except TransactionFailedError:
            pass
        except StorageError as error:
            common = error if error.retryable else None
        except BaseException:
            created = False  # whatever it was, each hears of its own
        for entry in group:
            if common is None:
                entry.done.set_result(created)
            else:
                entry.done.set_exception(StorageError(str(common), retryable=True))
