"""Writes of connections and runs. Blocking; called in a pool's threads.

A connection is replaced without its cursor and lease, a run without its control word. Only the holder of the lease can
move the cursor, in one transaction with the run's row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mls_tui.domain.connection import Lease
from mls_tui.domain.errors import StorageError
from mls_tui.domain.run import RunState
from mls_tui.storage import items
from mls_tui.storage.dynamodb.listings import put_new
from mls_tui.storage.dynamodb.table import Condition, ConditionFailedError, Table, TransactionFailedError
from mls_tui.storage.items import Item, to_attributes
from mls_tui.storage.leases import holder_is_gone, reserved_for

_ATTEMPTS = 5


def put_connection(table: Table, item: Item) -> None:
    change = (
        "SET #type = :type, #data = :data, #updated = :now,"
        " #created = if_not_exists(#created, :now), #cursor = if_not_exists(#cursor, :cursor)"
    )
    names = {
        "#type": "EntityType",
        "#data": "Data",
        "#updated": "UpdatedAt",
        "#created": "CreatedAt",
        "#cursor": "Cursor",
    }
    values = {
        ":type": item["EntityType"],
        ":data": item["Data"],
        ":now": item["UpdatedAt"],
        ":cursor": item["Cursor"],
    }
    table.update(item["PK"], item["SK"], change, Condition("", values, names))


def put_cursor(table: Table, sk: str, cursor: Item, run: Item, holder: str) -> bool:
    """False if ``holder`` does not hold the lease."""
    condition = Condition(
        "#lease.#holder = :holder",
        {":cursor": cursor, ":holder": holder},
        {"#cursor": "Cursor", "#lease": "Lease", "#holder": "holder"},
    )
    moved = _update_in_transaction(table, run["PK"], sk, "SET #cursor = :cursor", condition)
    try:
        table.transact([moved, _update_in_transaction(table, run["PK"], run["SK"], _SET_RUN, _run_values(run))])
    except TransactionFailedError:
        return False
    return True


def acquire_lease(table: Table, pk: str, sk: str, lease: Lease, now_ms: int) -> Lease | bool:
    """True if the lease was taken, the holder's lease if it is not free, False if there is no such connection."""

    def take(free: Condition) -> None:
        free.values[":lease"] = items.lease_data(lease)
        table.update(pk, sk, "SET #lease = :lease", free)

    return _write_when_free(table, pk, sk, take, lease.run_id, lease.holder, now_ms)


def reserve(table: Table, sk: str, run: Item, now_ms: int) -> Lease | bool:
    """Write the row of a new run and reserve its connection; returns as ``acquire_lease``."""
    pk = run["PK"]

    def take(free: Condition) -> None:
        free.values[":new"] = run["SK"]
        try:
            table.transact([_update_in_transaction(table, pk, sk, "SET #run = :new", free), put_new(table, run)])
        except TransactionFailedError as failed:
            raise ConditionFailedError(failed.items[0]) from failed

    return _write_when_free(table, pk, sk, take, run["SK"].rpartition("#")[2], "", now_ms)


@items.reading()
def _write_when_free(
    table: Table, pk: str, sk: str, take: Callable[[Condition], None], run_id: str, holder: str, now_ms: int
) -> Lease | bool:
    """Call ``take`` with the condition that the connection is free for this run.

    If the condition fails, look at the reservation and the lease that are stored. The next attempt's
    condition allows those of a run that has ended or of a process that is gone.
    """
    gone, reserved = holder, ""
    for _ in range(_ATTEMPTS):
        try:
            take(_free_condition(now_ms, holder, gone, reserved))
        except ConditionFailedError as failed:
            item = failed.item or table.get(pk, sk)
        else:
            return True
        if item is None:
            return False
        run_sk = item.get("Run", "")
        if run_sk not in ("", reserved):
            if run_sk.rpartition("#")[2] != run_id and _is_unfinished(table.get(pk, run_sk)):
                return reserved_for(run_sk)
            reserved = run_sk
        if "Lease" in item:
            held = Lease.from_data(item["Lease"])
            if held.expires_at > now_ms and held.holder not in (holder, gone) and not holder_is_gone(held):
                return held
            gone = held.holder
    raise StorageError("The connection's lease keeps changing hands; try again.", retryable=True)


def _is_unfinished(run: Item | None) -> bool:
    return run is not None and not items.read_run(run).ended


def _free_condition(now_ms: int, holder: str, gone: str, reserved: str) -> Condition:
    return Condition(
        "attribute_exists(PK) AND (attribute_not_exists(#run) OR #run = :reserved) AND (attribute_not_exists(#lease)"
        " OR #lease.#expires <= :now OR #lease.#holder = :holder OR #lease.#holder = :gone)",
        {":now": now_ms, ":holder": holder, ":gone": gone, ":reserved": reserved},
        {"#lease": "Lease", "#expires": "expiresAt", "#holder": "holder", "#run": "Run"},
    )


def release_lease(table: Table, pk: str, sk: str, holder: str) -> None:
    condition = Condition("#lease.#holder = :holder", {":holder": holder}, {"#lease": "Lease", "#holder": "holder"})
    try:
        table.update(pk, sk, "REMOVE #lease", condition)
    except ConditionFailedError:
        return


# runs

_SET_RUN = "SET #type = :type, #data = :data, #updated = :updated, #created = if_not_exists(#created, :created)"


def _run_values(run: Item) -> Condition:
    names = {"#type": "EntityType", "#data": "Data", "#updated": "UpdatedAt", "#created": "CreatedAt"}
    return Condition("", {f":{name[1:]}": run[attribute] for name, attribute in names.items()}, names)


def put_run(table: Table, run: Item) -> str | None:
    """Write the row without its control word. Returns the control word that is stored."""
    before = table.update(run["PK"], run["SK"], _SET_RUN, _run_values(run), returned="ALL_OLD")
    return before.get("Control")


def control_run(table: Table, pk: str, sk: str, word: str | None) -> bool:
    condition = Condition(
        "attribute_exists(PK) AND #data.#state IN (:queued, :running)",
        {":queued": RunState.QUEUED.value, ":running": RunState.RUNNING.value},
        {"#data": "Data", "#state": "state", "#control": "Control"},
    )
    if word is not None:
        condition.values[":control"] = word
    try:
        table.update(pk, sk, "REMOVE #control" if word is None else "SET #control = :control", condition)
    except ConditionFailedError:
        return False
    return True


def _update_in_transaction(table: Table, pk: str, sk: str, change: str, condition: Condition) -> dict[str, Any]:
    """The update, as a part of TransactWriteItems."""
    write: dict[str, Any] = {
        "TableName": table.name,
        "Key": to_attributes({"PK": pk, "SK": sk}),
        "UpdateExpression": change,
        "ExpressionAttributeNames": condition.names,
        "ExpressionAttributeValues": to_attributes(condition.values),
    }
    if condition.text:
        write |= {"ConditionExpression": condition.text, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    return {"Update": write}
