"""Creates, protects and checks the DynamoDB table. Idempotent."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mls_tui.domain.errors import StorageError
from mls_tui.storage.aws import is_unsupported, turn_on_protection, with_storage_errors
from mls_tui.storage.base import Check
from mls_tui.storage.dynamodb.table import INDEX, Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TableDescriptionTypeDef

_KEYS: list[Any] = [{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}]
_INDEX_KEYS: list[Any] = [
    {"AttributeName": "GSI1PK", "KeyType": "HASH"},
    {"AttributeName": "GSI1SK", "KeyType": "RANGE"},
]
_ATTRIBUTES: list[Any] = [{"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK", "GSI1PK", "GSI1SK")]
_INDEX: Any = {"IndexName": INDEX, "KeySchema": _INDEX_KEYS, "Projection": {"ProjectionType": "ALL"}}
_POLLS = 300
_POLL_SECONDS = 2.0
_INIT = "run `mls-tui storage init`"


def init_table(table: Table, pause: Callable[[float], None]) -> list[Check]:
    """Create the table and its index, and turn on deletion protection and point-in-time recovery."""
    client = table.client()
    return with_storage_errors(lambda: _init(client, table, pause), table.where)


def _init(client: DynamoDBClient, table: Table, pause: Callable[[float], None]) -> list[Check]:
    done = []
    found = _describe(client, table.name)
    if found is None:
        _create(client, table.name)
        done.append(Check("table", "ok", f"created: {table.name}"))
    else:
        _refuse_other_keys(found, table)
        done.append(Check("table", "ok", f"ready: {table.name}"))
    found = _wait(client, table, pause)
    if not _index_of(found):
        client.update_table(
            TableName=table.name,
            AttributeDefinitions=_ATTRIBUTES,
            GlobalSecondaryIndexUpdates=[{"Create": _INDEX}],
        )
        found = _wait(client, table, pause)
        done.append(Check("index", "ok", f"created: {INDEX}"))
    else:
        done.append(Check("index", "ok", f"ready: {INDEX}"))
    protections: list[tuple[str, Callable[[], str]]] = [
        ("deletion protection", lambda: _protect_from_deletion(client, table.name, found)),
        ("point-in-time recovery", lambda: _turn_on_recovery(client, table, pause)),
    ]
    return [*done, *(turn_on_protection(name, table.where, turn_on) for name, turn_on in protections)]


def _create(client: DynamoDBClient, name: str) -> None:
    try:
        client.create_table(
            TableName=name,
            KeySchema=_KEYS,
            AttributeDefinitions=_ATTRIBUTES,
            GlobalSecondaryIndexes=[_INDEX],
            BillingMode="PAY_PER_REQUEST",
            DeletionProtectionEnabled=True,
            Tags=[{"Key": "application", "Value": "mls-tui"}],
        )
    except client.exceptions.ResourceInUseException:
        # Another process is creating it; _wait waits until it is ready.
        return


def _describe(client: DynamoDBClient, name: str) -> TableDescriptionTypeDef | None:
    try:
        return client.describe_table(TableName=name)["Table"]
    except client.exceptions.ResourceNotFoundException:
        return None


def _wait(client: DynamoDBClient, table: Table, pause: Callable[[float], None]) -> TableDescriptionTypeDef:
    for _ in range(_POLLS):
        found = _describe(client, table.name)
        if found and found.get("TableStatus") == "ACTIVE":
            index = _index_of(found)
            if not index or index.get("IndexStatus") == "ACTIVE":
                return found
        pause(_POLL_SECONDS)
    raise StorageError(f"The {table.where} did not become active; run `mls-tui storage check` later.", retryable=True)


def _index_of(found: TableDescriptionTypeDef) -> dict[str, Any]:
    for index in found.get("GlobalSecondaryIndexes", []):
        if index.get("IndexName") == INDEX:
            return dict(index)
    return {}


def _refuse_other_keys(found: TableDescriptionTypeDef, table: Table) -> None:
    if not _same_keys(found.get("KeySchema", []), _KEYS):
        raise StorageError(
            f"The {table.where} has other keys than PK and SK; it was made for something else. "
            "Nothing was changed. Set MLS_TUI_TABLE to another name."
        )


def _same_keys(found: Any, wanted: Any) -> bool:
    def pairs(schema: Any) -> set[tuple[str, str]]:
        return {(part["AttributeName"], part["KeyType"]) for part in schema}

    return pairs(found) == pairs(wanted)


def _protect_from_deletion(client: DynamoDBClient, name: str, found: TableDescriptionTypeDef) -> str:
    if not found.get("DeletionProtectionEnabled"):
        client.update_table(TableName=name, DeletionProtectionEnabled=True)
    return "on"


def _turn_on_recovery(client: DynamoDBClient, table: Table, pause: Callable[[float], None]) -> str:
    for _ in range(_POLLS):
        try:
            if not _recovery_on(client, table.name):
                client.update_continuous_backups(
                    TableName=table.name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
                )
        except client.exceptions.ContinuousBackupsUnavailableException:
            # A new table is active some seconds before its backups can be configured.
            pause(_POLL_SECONDS)
        else:
            return "on"
    raise StorageError("It could not be turned on yet. Run `mls-tui storage init` again in a minute.")


def _recovery_on(client: DynamoDBClient, name: str) -> bool:
    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {})
    return recovery.get("PointInTimeRecoveryStatus") == "ENABLED"


def check_table(table: Table) -> list[Check]:
    """One line each for table, keys, index and protections. Raises StorageError if AWS cannot be asked."""
    client = table.client()
    found = with_storage_errors(lambda: _describe(client, table.name), table.where)
    if found is None:
        return [
            Check("table", "failure", f"{table.where} does not exist in this region", f"{_INIT}, or set AWS_REGION")
        ]
    return [
        Check("table", "ok", f"{table.name} is {found.get('TableStatus', '?')}"),
        _check_keys(found),
        _check_index(found),
        _check_recovery(client, table),
        _check_protection(found),
        _check_encryption(found),
    ]


def _check_keys(found: TableDescriptionTypeDef) -> Check:
    if _same_keys(found.get("KeySchema", []), _KEYS):
        return Check("keys", "ok", "PK, SK")
    return Check("keys", "failure", "the keys are not PK and SK", "set MLS_TUI_TABLE to another name")


def _check_index(found: TableDescriptionTypeDef) -> Check:
    index = _index_of(found)
    if not index:
        return Check("index", "failure", f"{INDEX} is missing", _INIT)
    whole = index.get("Projection", {}).get("ProjectionType") == "ALL"
    if not _same_keys(index.get("KeySchema", []), _INDEX_KEYS) or not whole:
        return Check(
            "index", "failure", f"{INDEX} has other keys or lacks attributes", f"delete the index, then {_INIT}"
        )
    return Check("index", "ok", f"{INDEX} is {index.get('IndexStatus', '?')}, all attributes")


def _check_recovery(client: DynamoDBClient, table: Table) -> Check:
    try:
        on = with_storage_errors(lambda: _recovery_on(client, table.name), table.where)
    except StorageError as error:
        if error.__cause__ is not None and is_unsupported(error.__cause__):
            return Check("point-in-time recovery", "skipped", f"the {table.where} does not offer it")
        return Check("point-in-time recovery", "warning", str(error), "allow dynamodb:DescribeContinuousBackups")
    if on:
        return Check("point-in-time recovery", "ok", "on")
    return Check("point-in-time recovery", "warning", "off: an accident cannot be undone", _INIT)


def _check_protection(found: TableDescriptionTypeDef) -> Check:
    if found.get("DeletionProtectionEnabled"):
        return Check("deletion protection", "ok", "on")
    return Check("deletion protection", "warning", "off", _INIT)


def _check_encryption(found: TableDescriptionTypeDef) -> Check:
    kind = found.get("SSEDescription", {}).get("SSEType")
    return Check("encryption", "ok", f"at rest with {'a KMS key' if kind else 'a key that AWS owns'}")
