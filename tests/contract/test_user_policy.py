"""What the stores ask of AWS for one user, beside the policy that is printed for that user: every call is allowed, on
that user's items and objects alone. moto checks no policy, so the calls are compared with its text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from mls_tui.domain.connection import Cursor
from mls_tui.domain.keys import listing_prefix
from mls_tui.domain.run import Problem, ProblemKind
from mls_tui.storage.aws import Aws
from mls_tui.storage.policy import USER as AWS_FILLS_IN
from mls_tui.storage.policy import policy_json
from tests.contract.samples import (
    FIRST_MS,
    USER,
    Pair,
    a_connection,
    a_lease,
    a_listing,
    a_photo,
    a_run,
    all_keys,
    all_listings,
    put_photo,
    sha256,
)

Call = tuple[str, dict[str, Any]]
_PARTS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
_S3 = {
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "DeleteObjects": "DeleteObject",
}


@pytest.fixture
def calls(aws: Aws) -> Iterator[list[Call]]:
    """Every call of the stores from here on, by its operation and parameters."""
    made: list[Call] = []

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        made.append((model.name, params))

    clients: tuple[Any, Any] = (aws.dynamodb(), aws.s3())
    for client in clients:
        client.meta.events.register("provide-client-params.*", note, unique_id="policy")
    yield made
    for client in clients:
        client.meta.events.unregister("provide-client-params.*", note, unique_id="policy")


async def everything(pair: Pair) -> None:
    """Every verb of both stores that an import, a listing screen, a deletion and an undo come to."""
    rows, photos = pair.rows, pair.photos
    listing = a_listing()
    photo = a_photo(listing.listing_id)
    assert photo.key is not None
    await put_photo(photos, photo.key)
    for new in (True, False, None):
        await rows.put(USER, listing.model_copy(update={"photos": (photo,)}), new=new)
    await rows.put(USER, a_listing("A-2"))
    assert len(await rows.get_many(USER, [listing.listing_id])) == len(await rows.find(USER, "A-1")) == 1
    assert len(await all_listings(rows)) == len([entry async for entry in rows.index(USER)]) == 2
    await rows.put_connection(USER, a_connection())
    assert await rows.get_connection(USER, "c1") in await rows.connections(USER)
    await rows.acquire_lease(USER, "c1", a_lease("r1", FIRST_MS + 1), now_ms=FIRST_MS)
    await rows.put_cursor(USER, Cursor(), run=a_run("r1"), holder="r1")
    await rows.release_lease(USER, "c1", "r1")
    await rows.put_run(USER, a_run("r1"))
    assert await rows.get_run(USER, "r1") in await rows.runs(USER)
    problem = Problem(kind=ProblemKind.LISTING, mls_number="A-1", listing_key="k", error="x", attempts=1, at=FIRST_MS)
    await rows.put_problems(USER, "r1", 0, [problem])
    assert len([each async for each in rows.problems(USER, "r1")]) == 1
    await rows.put_state(USER, "budget", "{}")
    assert await rows.get_state(USER, "budget") == "{}"
    assert await photos.verify(photo.key, sha256=sha256(await photos.get(photo.key) or b""), size=photo.size or 0)
    assert await all_keys(photos, listing_prefix(USER, listing.listing_id)) == [photo.key]
    assert await photos.delete([photo.key], undoable=True) == await photos.undelete([photo.key]) == {}
    assert await rows.delete(USER, listing.listing_id)
    assert await rows.delete_connection(USER, "c1")


async def test_the_printed_policy_allows_every_call_of_the_stores_on_the_users_own(
    aws_pair: Pair, calls: list[Call]
) -> None:
    await everything(aws_pair)
    statements: list[dict[str, Any]] = json.loads(policy_json("t", "b").replace(AWS_FILLS_IN, USER))["Statement"]
    allowed = [statement for statement in statements if statement["Effect"] == "Allow"]
    items, objects, listed = allowed
    leading = items["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"]
    for operation, params in calls:
        for action, key in _needs(operation, params):
            if action.startswith("dynamodb:"):
                assert action in items["Action"]
                assert [key] == leading, operation
            elif action.startswith("s3:List"):
                assert action in listed["Action"]
                assert any(fnmatchcase(key, pattern) for pattern in listed["Condition"]["StringLike"]["s3:prefix"])
            else:
                assert action in objects["Action"]
                assert fnmatchcase(f"arn:aws:s3:::b/{key}", objects["Resource"][0])
    seen = {action for operation, params in calls for action, _ in _needs(operation, params)}
    assert {"dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:UpdateItem", "s3:ListBucketVersions"} <= seen


def _needs(operation: str, params: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The rights that a call takes, each with the partition key, object key or prefix that it names."""
    if operation == "TransactWriteItems":
        for entry in params["TransactItems"]:
            for kind, part in entry.items():
                yield f"dynamodb:{_PARTS[kind]}", (part.get("Item") or part["Key"])["PK"]["S"]
    elif operation in ("BatchWriteItem", "BatchGetItem"):
        for work in params["RequestItems"].values():
            keys = work["Keys"] if operation == "BatchGetItem" else [next(iter(each.values())) for each in work]
            for each in keys:
                yield f"dynamodb:{operation}", (each.get("Item") or each.get("Key") or each)["PK"]["S"]
    elif operation == "Query":
        assert "IndexName" not in params
        values = params["ExpressionAttributeValues"]
        yield "dynamodb:Query", next(value["S"] for value in values.values() if value["S"].startswith("USER#"))
    elif operation == "DeleteObjects":
        for entry in params["Delete"]["Objects"]:
            yield "s3:DeleteObjectVersion" if "VersionId" in entry else "s3:DeleteObject", entry["Key"]
    elif operation.endswith("Item"):
        yield f"dynamodb:{operation}", (params.get("Item") or params["Key"])["PK"]["S"]
    else:
        yield f"s3:{_S3.get(operation, operation)}", params["Prefix" if operation.startswith("List") else "Key"]
