"""Calls to the one table, with plain values instead of typed attributes, and with a bounded number of retries."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from botocore.exceptions import ClientError

from mls_tui.domain.errors import StorageError
from mls_tui.storage import summaries
from mls_tui.storage.aws import THROTTLES, Aws, error_code, is_custom_endpoint, unreadable_answer, with_storage_errors
from mls_tui.storage.item_store import KeyRange
from mls_tui.storage.items import ENTRY_DATA, Item, from_attributes, to_attributes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

T = TypeVar("T")

INDEX = "GSI1"
_BATCH = 25
"""BatchWriteItem's limit."""
_READ_BATCH = 100
"""BatchGetItem's limit."""
_ATTEMPTS = 8
"""Attempts of a request that AWS did in part or refused for a moment: 0.05 s · 2^n + jitter, about 13 s in all."""
_FIRST_WAIT_SECONDS = 0.05
_READS = frozenset({"get_item", "batch_get_item", "query"})
_RETRYABLE_REASONS = THROTTLES | {"TransactionConflict", "TransactionConflictException"}


class ConditionFailedError(Exception):
    """The condition of a write did not hold; ``item`` is what is stored, None if nothing is."""

    def __init__(self, item: Item | None) -> None:
        super().__init__("condition failed")
        self.item = item


class TransactionFailedError(Exception):
    """A condition of a transaction did not hold. For each write: its error code or None, and the stored item."""

    def __init__(self, codes: list[str | None], items: list[Item | None]) -> None:
        super().__init__("transaction cancelled")
        self.codes = codes
        self.items = items


@dataclass(frozen=True, slots=True)
class Condition:
    """A ConditionExpression with the values behind ``:`` and the attribute names behind ``#``."""

    text: str
    values: Item
    names: dict[str, str]


class Table:
    """Blocking; used in a pool's threads. ``pause`` waits a number of seconds."""

    def __init__(self, aws: Aws, name: str, *, pause: Callable[[float], None] = time.sleep) -> None:
        self._aws = aws
        self.name = name
        self._pause = pause
        self._writing = threading.Lock()

    @property
    def where(self) -> str:
        return f"DynamoDB table {self.name}"

    def client(self) -> DynamoDBClient:
        return with_storage_errors(self._aws.dynamodb, self.where)

    def get(self, pk: str, sk: str) -> Item | None:
        """One item, by a consistent read; None if there is none."""
        answer = self._call("get_item", Key=to_attributes({"PK": pk, "SK": sk}), ConsistentRead=True)
        return from_attributes(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Sequence[tuple[str, str]]) -> list[Item]:
        """The items that exist under these (PK, SK), in any order. What AWS leaves unprocessed is requested again."""
        found: list[Item] = []
        for first in range(0, len(keys), _READ_BATCH):
            left = [to_attributes({"PK": pk, "SK": sk}) for pk, sk in keys[first : first + _READ_BATCH]]
            for wait in self._backoff():
                request = {self.name: {"Keys": left, "ConsistentRead": True}}
                answer = self._plain("batch_get_item", RequestItems=request)
                found += [from_attributes(row) for row in answer["Responses"].get(self.name, [])]
                left = answer.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
                if not left:
                    break
                self._pause(wait)
            if left:
                raise StorageError(
                    f"The {self.where} is throttled: {len(left)} items are unread. Try again in a minute.",
                    retryable=True,
                )
        return found

    def page(
        self, wanted: KeyRange, start: dict[str, Any] | None, read: Callable[[Item], T]
    ) -> tuple[list[T], dict[str, Any] | None]:
        """One page, and the key that the next one starts from, None at the end. A page that is not the last may be
        empty."""
        query: dict[str, Any] = {
            "KeyConditionExpression": "PK = :pk AND SK BETWEEN :low AND :high",
            "ExpressionAttributeValues": to_attributes({":pk": wanted.pk, ":low": wanted.low, ":high": wanted.high}),
            "ConsistentRead": True,
            "ScanIndexForward": not wanted.newest_first,
        }
        if wanted.limit is not None:
            query["Limit"] = wanted.limit
        if wanted.entries:
            query |= _ENTRY_PROJECTION
        if wanted.summaries:
            query |= _SUMMARY_PROJECTION
        if start is not None:
            query["ExclusiveStartKey"] = start
        answer = self._call("query", **query)
        return [read(from_attributes(row)) for row in answer["Items"]], answer.get("LastEvaluatedKey")

    def put(self, item: Item) -> None:
        """Create or replace."""
        self._call("put_item", Item=to_attributes(item))

    def create(self, item: Item) -> Item | None:
        """Put an item if there is none under its key. Returns None, or the item that is there."""
        try:
            self._call(
                "put_item",
                Item=to_attributes(item),
                ConditionExpression="attribute_not_exists(PK)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ConditionFailedError as failed:
            return failed.item or self.get(item["PK"], item["SK"])
        return None

    def put_all(self, items: list[Item]) -> None:
        """Create or replace each. What AWS leaves unprocessed is sent again."""
        for first in range(0, len(items), _BATCH):
            writes: list[Any] = [
                {"PutRequest": {"Item": to_attributes(item)}} for item in items[first : first + _BATCH]
            ]
            for wait in self._backoff():
                answer = self._plain("batch_write_item", RequestItems={self.name: writes})
                writes = answer.get("UnprocessedItems", {}).get(self.name, [])
                if not writes:
                    break
                self._pause(wait)
            if writes:
                raise StorageError(
                    f"The {self.where} is throttled: {len(writes)} items are unwritten. Try again in a minute.",
                    retryable=True,
                )

    def remove(self, pk: str, sk: str) -> bool:
        """Delete one item; False if there was none."""
        answer = self._call("delete_item", Key=to_attributes({"PK": pk, "SK": sk}), ReturnValues="ALL_OLD")
        return "Attributes" in answer

    def update(self, pk: str, sk: str, change: str, condition: Condition, *, returned: str = "NONE") -> Item:
        """One update; ``condition.text`` may be empty. ``returned`` is DynamoDB's ReturnValues.

        Raises:
            ConditionFailedError: the condition did not hold.
        """
        request: dict[str, Any] = {"UpdateExpression": change, "ExpressionAttributeNames": condition.names}
        if condition.values:
            request["ExpressionAttributeValues"] = to_attributes(condition.values)
        if condition.text:
            request |= {
                "ConditionExpression": condition.text,
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
        answer = self._call("update_item", Key=to_attributes({"PK": pk, "SK": sk}), ReturnValues=returned, **request)
        return from_attributes(answer.get("Attributes", {}))

    def transact(self, writes: list[dict[str, Any]]) -> None:
        """Write all or none. Every attempt has the same request token, so that one whose answer was lost is not done
        twice.

        Raises:
            TransactionFailedError: a condition did not hold.
            StorageError: it stayed in conflict with others, was throttled, or AWS refused it.
        """
        token = str(uuid4())
        try:
            self._with_retries("transact_write_items", TransactItems=writes, ClientRequestToken=token)
        except _CancelledError as cancelled:
            raise self._verdict(cancelled) from cancelled

    def _with_retries(self, operation: str, **request: Any) -> dict[str, Any]:
        """A request, sent again while it conflicts with a transaction or is throttled in part."""
        for wait in self._backoff():
            try:
                return self._plain(operation, **request)
            except _CancelledError as cancelled:
                if not cancelled.retryable:
                    raise
                self._pause(wait)
        raise StorageError(
            f"The {self.where} is busy: a write stayed in conflict or was throttled. Try again in a minute.",
            retryable=True,
        )

    def _verdict(self, cancelled: _CancelledError) -> Exception:
        if "ConditionalCheckFailed" in cancelled.codes:
            found = [from_attributes(reason["Item"]) if reason.get("Item") else None for reason in cancelled.reasons]
            return TransactionFailedError(cancelled.codes, found)
        why = ", ".join(code for code in cancelled.codes if code) or "no reason given"
        return StorageError(f"The {self.where} refused a transaction: {why}. Run `mls-tui storage check`.")

    def _backoff(self) -> Iterable[float]:
        return (_FIRST_WAIT_SECONDS * 2**n + random.uniform(0, _FIRST_WAIT_SECONDS) for n in range(_ATTEMPTS))

    def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        return self._with_retries(operation, TableName=self.name, **request)

    def _write_lock(self, client: DynamoDBClient, operation: str) -> AbstractContextManager[object]:
        """A lock for writes to servers that imitate DynamoDB, which lose concurrent writes: moto copies the whole table
        for every transaction. DynamoDB itself needs none."""
        if operation in _READS or not is_custom_endpoint(client.meta.endpoint_url):
            return nullcontext()
        return self._writing

    def _plain(self, operation: str, **request: Any) -> dict[str, Any]:

        client = self.client()

        def job() -> dict[str, Any]:
            try:
                with self._write_lock(client, operation):
                    answer: dict[str, Any] = getattr(client, operation)(**request)
            except ClientError as error:
                raise _expected(error) from error
            headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
            if "json" not in headers.get("content-type", "json") or (operation == "query" and "Items" not in answer):
                # botocore reads a web page, from a proxy for instance, as an empty answer.
                raise unreadable_answer(self.where)
            return answer

        return with_storage_errors(job, self.where)


class _CancelledError(Exception):
    def __init__(self, reasons: list[dict[str, Any]]) -> None:
        super().__init__("cancelled")
        self.reasons = reasons
        self.codes = [None if reason.get("Code") in (None, "None") else str(reason["Code"]) for reason in reasons]

    @property
    def retryable(self) -> bool:
        failed = [code for code in self.codes if code is not None]
        return bool(failed) and all(code in _RETRYABLE_REASONS for code in failed)


def _expected(error: ClientError) -> Exception:
    """A failed condition or a cancelled transaction as an exception of this module; any other error as it is."""
    code = error_code(error)
    response: dict[str, Any] = dict(error.response)
    if code == "ConditionalCheckFailedException":
        return ConditionFailedError(from_attributes(response["Item"]) if response.get("Item") else None)
    if code == "TransactionCanceledException":
        return _CancelledError(response.get("CancellationReasons", []))
    if code == "TransactionConflictException":
        return _CancelledError([{"Code": "TransactionConflict"}])
    return error


def _projection(parts: Sequence[str], data: Sequence[str]) -> dict[str, Any]:
    # Every name has an alias, as Data and several others are reserved words.
    inner = {f"#e{number}": name for number, name in enumerate(data)}
    outer = {f"#o{number}": name for number, name in enumerate(parts)}
    return {
        "ProjectionExpression": ", ".join([*outer, *(f"#data.{alias}" for alias in inner)]),
        "ExpressionAttributeNames": {"#data": "Data", **outer, **inner},
    }


_ENTRY_PROJECTION = _projection(("PK", "SK", "Version", "PhotosMissing", "CreatedAt"), ENTRY_DATA)
_SUMMARY_PROJECTION = _projection(summaries.ITEM_PARTS, summaries.DATA_PARTS)
