"""Listings in the table: the row and its uniqueness mark live and die in one transaction, and the newest version wins,
whatever the order of arrival. Blocking; used in a pool's threads."""

from __future__ import annotations

from typing import Any

from mls_tui.domain import keys
from mls_tui.domain.errors import StorageError
from mls_tui.storage.attributes import Item, to_attributes
from mls_tui.storage.base import PutOutcome, PutResult
from mls_tui.storage.dynamodb.table import Condition, ConditionFailedError, Table, TransactionFailedError

_FRESH_MS = 60_000
_ROUNDS = 6
"""How often a write starts over because others created or deleted the same listing meanwhile."""

_REPLACED = ("GSI1PK", "GSI1SK", "EntityType", "Data", "UpdatedAt", "Version", "PhotosMissing")


def put_listing(table: Table, item: Item, mark: Item, *, new: bool | None = None) -> PutResult:
    """ListingStore.put. One call where the guess is right: a transaction for a new listing, an update for a known."""
    create_first = _looks_new(item) if new is None else new
    for _ in range(_ROUNDS):
        result = _create(table, item, mark) if create_first else _update(table, item, mark)
        if result is not None:
            return result
        create_first = not create_first
    raise StorageError(
        f"Listing {mark['listingId']} kept changing while it was stored; try again.",
        retryable=True,
    )


def _looks_new(item: Item) -> bool:
    """A listing's id ends with the time of its first import; one synced within a minute of it is most likely new."""
    first, synced = str(item["SK"]).rpartition("-")[2], item["Data"]["syncedAt"]
    return first.isdigit() and abs(synced - int(first)) <= _FRESH_MS


def _update(table: Table, item: Item, mark: Item) -> PutResult | None:
    """None where there is no such row."""
    names = {f"#{name}": name for name in (*_REPLACED, "CreatedAt")}
    change = "SET " + ", ".join(f"#{name} = :{name}" for name in _REPLACED)
    change += ", #CreatedAt = if_not_exists(#CreatedAt, :UpdatedAt)"
    condition = Condition(
        "attribute_exists(PK) AND (attribute_not_exists(#Version) OR #Version <= :Version)",
        {f":{name}": item[name] for name in _REPLACED},
        names,
    )
    try:
        table.update(item["PK"], item["SK"], change, condition)
    except ConditionFailedError as failed:
        stored = failed.item or table.get(item["PK"], item["SK"])
        return PutResult(PutOutcome.STALE, mark["listingId"]) if stored else None
    return PutResult(PutOutcome.UPDATED, mark["listingId"])


def _create(table: Table, item: Item, mark: Item) -> PutResult | None:
    """None where a row of this very id is there already."""
    try:
        table.transact([put_new(table, mark), put_new(table, item)])
    except TransactionFailedError as failed:
        return _who_won(table, item, mark, failed)
    return PutResult(PutOutcome.CREATED, mark["listingId"])


def _who_won(table: Table, item: Item, mark: Item, failed: TransactionFailedError) -> PutResult | None:
    if failed.codes[0] is None:
        # The row is there without its mark: another program wrote it. Give it its mark, then update it.
        _claim(table, mark)
        return None
    holder = failed.items[0] or table.get(mark["PK"], mark["SK"])
    if holder is None or holder["listingId"] == mark["listingId"]:
        return None
    owner = str(holder["listingId"])
    if table.get(item["PK"], keys.LISTING_PREFIX + owner) is not None:
        return PutResult(PutOutcome.STALE, owner)
    # A mark without its row would block this MLS number for good. We leave none, but a person can delete a row.
    return _replace_dead_mark(table, item, mark, owner)


def _replace_dead_mark(table: Table, item: Item, mark: Item, owner: str) -> PutResult | None:
    claim = put_new(table, mark)
    claim["Put"] |= {
        "ConditionExpression": "listingId = :dead",
        "ExpressionAttributeValues": to_attributes({":dead": owner}),
    }
    try:
        table.transact([claim, put_new(table, item)])
    except TransactionFailedError:
        return None
    return PutResult(PutOutcome.CREATED, mark["listingId"])


def _claim(table: Table, mark: Item) -> None:
    try:
        table.transact([put_new(table, mark)])
    except TransactionFailedError:
        return


def put_new(table: Table, item: Item) -> dict[str, Any]:
    """The write, within a transaction, of an item that is not there yet."""
    return {
        "Put": {
            "TableName": table.name,
            "Item": to_attributes(item),
            "ConditionExpression": "attribute_not_exists(PK)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def delete_listing(table: Table, pk: str, sk: str) -> Item | None:
    """Row and mark in one transaction; the row as it was, or None where there was none."""
    for _ in range(_ROUNDS):
        item = table.get(pk, sk)
        if item is None:
            return None
        mark_sk = str(item["GSI1PK"]).replace("MLS#", keys.MARK_PREFIX, 1)
        row = _delete(table, pk, sk, "UpdatedAt = :is", item["UpdatedAt"])
        listing_id = sk.removeprefix(keys.LISTING_PREFIX)
        mark = _delete(table, pk, mark_sk, "attribute_not_exists(PK) OR listingId = :is", listing_id)
        try:
            table.transact([row, mark])
        except TransactionFailedError as failed:
            if failed.codes[0] is None:
                # The mark belongs to another listing; it stays.
                _delete_alone(table, row)
                return item
            # Changed or gone since it was read: look again, so that what is answered is what was deleted.
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
