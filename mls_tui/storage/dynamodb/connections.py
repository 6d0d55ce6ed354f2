"""Connections in the table: replaced without touching cursor and lease, a cursor fenced by the lease, a lease taken by
one conditional update. Blocking; used in a pool's threads."""

from __future__ import annotations

from mls_tui.domain.connection import Lease
from mls_tui.domain.errors import StorageError
from mls_tui.storage import items
from mls_tui.storage.attributes import Item
from mls_tui.storage.dynamodb.table import Condition, ConditionFailedError, Table
from mls_tui.storage.leases import holder_is_gone

_ROUNDS = 5


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


def put_cursor(table: Table, pk: str, sk: str, cursor: Item, run_id: str) -> bool:
    """False where ``run_id`` does not hold the lease."""
    condition = Condition(
        "#lease.#run = :run",
        {":cursor": cursor, ":run": run_id},
        {"#cursor": "Cursor", "#lease": "Lease", "#run": "runId"},
    )
    try:
        table.update(pk, sk, "SET #cursor = :cursor", condition)
    except ConditionFailedError:
        return False
    return True


def acquire_lease(table: Table, pk: str, sk: str, lease: Lease, now_ms: int) -> Lease | bool:
    """True when taken, the other holder's lease where it is not free, False where there is no such connection."""
    taken_from: str | None = None
    for _ in range(_ROUNDS):
        try:
            table.update(pk, sk, "SET #lease = :lease", _free(lease, now_ms, taken_from))
        except ConditionFailedError as failed:
            item = failed.item or table.get(pk, sk)
        else:
            return True
        if item is None:
            return False
        if "Lease" not in item:
            continue
        held = Lease.from_data(item["Lease"])
        if not holder_is_gone(held):
            return held
        taken_from = held.run_id
    raise StorageError("The connection's lease keeps changing hands; try again.", retryable=True)


def _free(lease: Lease, now_ms: int, taken_from: str | None) -> Condition:
    """Free: none held, expired, held by this run, or by the run ``taken_from`` whose process is gone."""
    return Condition(
        "attribute_exists(PK) AND (attribute_not_exists(#lease) OR #lease.#expires <= :now"
        " OR #lease.#run = :run OR #lease.#run = :gone)",
        {
            ":lease": items.lease_data(lease),
            ":now": now_ms,
            ":run": lease.run_id,
            ":gone": taken_from if taken_from is not None else lease.run_id,
        },
        {"#lease": "Lease", "#expires": "expiresAt", "#run": "runId"},
    )


def release_lease(table: Table, pk: str, sk: str, run_id: str) -> None:
    condition = Condition("#lease.#run = :run", {":run": run_id}, {"#lease": "Lease", "#run": "runId"})
    try:
        table.update(pk, sk, "REMOVE #lease", condition)
    except ConditionFailedError:
        return
