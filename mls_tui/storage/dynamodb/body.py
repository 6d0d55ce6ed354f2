"""Transactions go out as the typed attributes they are made of: botocore would walk every value along its model, which
takes most of the time of a large one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_BODY = "mls_tui_body"


def write_bodies(client: DynamoDBClient) -> None:
    """Have ``client`` send what TransactWriteItems is given as it is. Signing, retries and Stubber work as ever."""
    events = client.meta.events
    events.register("before-parameter-build.dynamodb.TransactWriteItems", _take)
    events.register("before-call.dynamodb.TransactWriteItems", _give)


def _take(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    context[_BODY] = orjson.dumps(params)
    params["TransactItems"] = params["TransactItems"][:1]  # enough to tell the endpoint by


def _give(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    params["body"] = context[_BODY]
