"""Writes of listings: the row and its uniqueness mark change in one transaction, and the newest version wins, in
whichever order writes arrive. Blocking; called in a pool's threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from mls_tui.domain import keys
from mls_tui.domain.errors import StorageError
from mls_tui.storage import items
from mls_tui.storage.base import PutOutcome, PutResult
from mls_tui.storage.dynamodb.table import Condition, ConditionFailedError, Table, TransactionFailedError
from mls_tui.storage.items import Item, to_attributes
from mls_tui.storage.threads import DaemonPool

_FRESH_MS = 60_000
_ATTEMPTS = 6
"""How often a write starts over because another writer changed the same listing meanwhile."""

_REPLACED = (
    "GSI1PK",
    "GSI1SK",
    "EntityType",
    "Data",
    "UpdatedAt",
    "Version",
    "PhotosMissing",
    "PhotosStored",
    "PhotosTotal",
)


def put_listing(table: Table, item: Item, mark: Item, *, new: bool | None = None, moved: bool = False) -> PutResult:
    """ListingStore.put. If ``new`` is right it takes one call: a transaction for a new listing, else an update."""
    if not moved:
        looks_new = _looks_new(item) if new is None else new
        if (_created(table, item, mark) if looks_new else _updated(table, item)) is True:
            return PutResult(PutOutcome.CREATED if looks_new else PutOutcome.UPDATED, mark["listingId"])
    for _ in range(_ATTEMPTS):
        result = _put_as_stored(table, item, mark, moved=moved)
        if result is not None:
            return result
    raise StorageError(
        f"Listing {mark['listingId']} kept changing while it was stored; try again.",
        retryable=True,
    )


def _looks_new(item: Item) -> bool:
    """Whether the listing is synced within a minute of its first import, which its id ends with."""
    first, synced = str(item["SK"]).rpartition("-")[2], item["Data"]["syncedAt"]
    return first.isdigit() and abs(synced - int(first)) <= _FRESH_MS


def _updated(table: Table, item: Item) -> bool:
    """False unless the row is there with this mark and no newer version."""
    names = {f"#{name}": name for name in (*_REPLACED, "CreatedAt", "Mark")}
    change = "SET " + ", ".join(f"#{name} = :{name}" for name in _REPLACED)
    change += ", #CreatedAt = if_not_exists(#CreatedAt, :UpdatedAt)"
    condition = Condition(
        "attribute_exists(PK) AND #Mark = :Mark AND (attribute_not_exists(#Version) OR #Version <= :Version)",
        {f":{name}": item[name] for name in (*_REPLACED, "Mark")},
        names,
    )
    try:
        table.update(item["PK"], item["SK"], change, condition)
    except ConditionFailedError:
        return False
    return True


def _created(table: Table, item: Item, mark: Item) -> bool:
    """False if the row or the mark is there already."""
    try:
        table.transact([put_new(table, mark), put_new(table, item)])
    except TransactionFailedError:
        return False
    return True


@items.reading()
def _put_as_stored(table: Table, item: Item, mark: Item, *, moved: bool) -> PutResult | None:
    """Read what is stored, and write if it is still so. None if it has changed meanwhile."""
    pk, listing_id = item["PK"], str(mark["listingId"])
    stored = table.get(pk, item["SK"])
    known = stored is not None and items.has_mark_of(stored, item)
    if stored is not None and known and not moved and items.is_newer(stored, item):
        return PutResult(PutOutcome.STALE, listing_id)
    holder = table.get(pk, mark["SK"])
    owner = items.owner_of(holder, listing_id)
    if owner != listing_id and table.get(pk, keys.listing_sk(owner)) is not None:
        return PutResult(PutOutcome.STALE, owner)
    if stored is not None and not known and not moved:
        return PutResult(PutOutcome.TAKEN, listing_id)
    writes = [put_new(table, mark) if holder is None else _put_if(table, mark, *_unchanged(holder, "listingId"))]
    if stored is None:
        writes.append(put_new(table, item))
    else:
        row = {**item, "CreatedAt": stored.get("CreatedAt", item["CreatedAt"])}
        writes.append(_put_if(table, row, *_unchanged(stored, "UpdatedAt")))
        if not known and items.owner_of(table.get(pk, stored["Mark"]), "") == listing_id:
            writes.append(_delete(table, pk, stored["Mark"], "listingId = :is", listing_id))
    try:
        table.transact(writes)
    except TransactionFailedError:
        return None
    return PutResult(PutOutcome.CREATED if stored is None else PutOutcome.UPDATED, listing_id)


def put_new(table: Table, item: Item) -> dict[str, Any]:
    """The put of an item that must not exist yet, as a part of TransactWriteItems."""
    return {
        "Put": {
            "TableName": table.name,
            "Item": to_attributes(item),
            "ConditionExpression": "attribute_not_exists(PK)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def _unchanged(item: Item, name: str) -> tuple[str, Any]:
    """A condition, and its value, that this attribute is still as it was read; a damaged item may lack it."""
    return (f"{name} = :is", item[name]) if name in item else (f"attribute_not_exists({name}) AND PK = :is", item["PK"])


def _put_if(table: Table, item: Item, condition: str, value: Any) -> dict[str, Any]:
    values = to_attributes({":is": value})
    return {
        "Put": {
            "TableName": table.name,
            "Item": to_attributes(item),
            "ConditionExpression": condition,
            "ExpressionAttributeValues": values,
        }
    }


def delete_listing(table: Table, pk: str, sk: str) -> Item | None:
    """Delete row and mark in one transaction. Returns the row as it was, None if there was none."""
    for _ in range(_ATTEMPTS):
        item = table.get(pk, sk)
        if item is None:
            return None
        row = _delete(table, pk, sk, *_unchanged(item, "UpdatedAt"))
        if not isinstance(item.get("Mark"), str):
            _delete_alone(table, row)
            return item
        listing_id = sk.removeprefix(keys.LISTING_PREFIX)
        mark = _delete(table, pk, item["Mark"], "attribute_not_exists(PK) OR listingId = :is", listing_id)
        try:
            table.transact([row, mark])
        except TransactionFailedError as failed:
            if failed.codes[0] is None:
                # The mark belongs to another listing; it stays.
                _delete_alone(table, row)
                return item
            # The row changed since it was read: read it again, so that what is returned is what was deleted.
            continue
        return item
    raise StorageError("The listing kept changing while it was deleted; try again.", retryable=True)


def _delete_alone(table: Table, row: dict[str, Any]) -> None:
    try:
        table.transact([row])
    except TransactionFailedError:
        return


def _delete(table: Table, pk: str, sk: str, condition: str, value: Any) -> dict[str, Any]:
    return {
        "Delete": {
            "TableName": table.name,
            "Key": to_attributes({"PK": pk, "SK": sk}),
            "ConditionExpression": condition,
            "ExpressionAttributeValues": to_attributes({":is": value}),
        }
    }


MAX_GROUP = 8
"""New listings in one transaction: eight of the largest size have less than its limit of 4 MB."""
LINGER_SECONDS = 0.05

Build = Callable[[], tuple[Item, Item]]
Write = Callable[[Item], dict[str, Any]]


@dataclass(slots=True)
class _Waiting:
    build: Build
    done: Future[bool] = field(default_factory=Future)


class GroupCommit:
    """Writes new listings that arrive together in one transaction, as a call takes 2 ms, however many it writes.

    ``create`` makes the write of a new item. Groups are written one after another, in the pool.
    """

    def __init__(self, table: Table, pool: DaemonPool, create: Write) -> None:
        self._table = table
        self._pool = pool
        self._create = create
        self._waiting: list[_Waiting] = []
        self._busy = False
        self._arrived = threading.Condition()

    def put(self, build: Build) -> Future[bool]:
        """Create a listing's row and mark, which ``build`` makes in the pool, together with others that wait.

        The result is False if a condition of any of them failed; each then has to be put alone. A StorageError of the
        whole group (a throttle, no answer) is raised for each of them.
        """
        entry = _Waiting(build)
        with self._arrived:
            self._waiting.append(entry)
            if len(self._waiting) >= MAX_GROUP:
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
        """Write groups until no listing waits. After a group of several, wait LINGER_SECONDS for more to arrive."""
        together = 1
        while True:
            with self._arrived:
                if together > 1:
                    self._arrived.wait_for(lambda: len(self._waiting) >= MAX_GROUP, LINGER_SECONDS)
                entries, self._waiting = self._waiting[:MAX_GROUP], self._waiting[MAX_GROUP:]
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
                entry.done.set_result(False)  # a transaction may not contain an item twice
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
            created = False  # each listing is put alone and gets its own error
        for entry in group:
            if common is None:
                entry.done.set_result(created)
            else:
                entry.done.set_exception(StorageError(str(common), retryable=True))
