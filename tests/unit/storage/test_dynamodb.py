"""Partial failure is not success: what DynamoDB answers and moto never does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from botocore.stub import ANY

from mls_tui.domain.errors import StorageError
from mls_tui.domain.run import Problem, ProblemKind
from mls_tui.storage import items
from mls_tui.storage.base import PutOutcome
from mls_tui.storage.dynamodb import DynamoDBListingStore
from mls_tui.storage.items import to_attributes
from tests.contract.samples import FIRST_MS, USER, a_connection, a_lease, a_listing
from tests.unit.storage.stubs import StubbedAws, cancelled

OTHER_ID = f"reso.lakeside-mls-A-1-{FIRST_MS - 1}"


@pytest.fixture
def aws() -> StubbedAws:
    return StubbedAws()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def store(aws: StubbedAws, waits: list[float]) -> DynamoDBListingStore:
    return DynamoDBListingStore(aws, "t", pause=waits.append)


def mark(listing_id: str) -> dict[str, Any]:
    return to_attributes({**items.mark_item(USER, a_listing()), "listingId": listing_id})


async def test_conflict_is_repeated_with_the_same_token_until_it_passes(
    aws: StubbedAws, store: DynamoDBListingStore, waits: list[float]
) -> None:
    tokens: list[str] = []
    aws.dynamodb().meta.events.register(
        "before-parameter-build.dynamodb.TransactWriteItems",
        lambda params, **_: tokens.append(params["ClientRequestToken"]),
    )
    cancelled(aws.rows, "TransactionConflict", None)
    cancelled(aws.rows, None, "ThrottlingError")
    cancelled(aws.rows, "ProvisionedThroughputExceeded", "TransactionConflict")
    aws.rows.add_response("transact_write_items", {})

    assert (await store.put(USER, a_listing())).outcome is PutOutcome.CREATED
    assert len(tokens) == 4
    assert len(set(tokens)) == 1
    assert len(waits) == 3
    assert waits == sorted(waits)
    aws.done()


@pytest.mark.promise(5)
async def test_row_and_mark_go_in_one_transaction(aws: StubbedAws, store: DynamoDBListingStore) -> None:
    sent: list[list[str]] = []
    aws.dynamodb().meta.events.register(
        "before-parameter-build.dynamodb.TransactWriteItems",
        lambda params, **_: sent.append([each["Put"]["Item"]["SK"]["S"] for each in params["TransactItems"]]),
    )
    for _ in range(2):
        aws.rows.add_response("transact_write_items", {})

    assert (await store.put(USER, a_listing())).outcome is PutOutcome.CREATED
    assert sent == [["LISTINGKEY#reso.lakeside-mls#key-A-1", f"LISTING#{a_listing().listing_id}"]]


@pytest.mark.promise(7)
async def test_conflict_that_stays_is_given_up_as_retryable(
    aws: StubbedAws, store: DynamoDBListingStore, waits: list[float]
) -> None:
    for _ in range(8):
        cancelled(aws.rows, None, "TransactionConflict")
    with pytest.raises(StorageError, match="busy") as caught:
        await store.put(USER, a_listing())
    assert caught.value.retryable
    assert sum(waits) < 20
    aws.done()


async def test_failed_condition_beside_a_conflict_is_a_failed_condition(
    aws: StubbedAws, store: DynamoDBListingStore
) -> None:
    cancelled(aws.rows, "ConditionalCheckFailed", "TransactionConflict", items=(mark(OTHER_ID),))
    aws.rows.add_response("get_item", {})
    aws.rows.add_response("get_item", {"Item": mark(OTHER_ID)})
    aws.rows.add_response("get_item", {"Item": to_attributes({"PK": "x"})})

    result = await store.put(USER, a_listing())

    assert (result.outcome, result.listing_id) == (PutOutcome.STALE, OTHER_ID)
    aws.done()


async def test_own_mark_found_after_a_lost_answer_ends_in_an_update(
    aws: StubbedAws, store: DynamoDBListingStore
) -> None:
    own = a_listing().listing_id
    cancelled(aws.rows, "ConditionalCheckFailed", "ConditionalCheckFailed", items=(mark(own),))
    aws.rows.add_response("get_item", {"Item": to_attributes(items.listing_item(USER, a_listing(), FIRST_MS))})
    aws.rows.add_response("get_item", {"Item": mark(own)})
    aws.rows.add_response("transact_write_items", {})

    assert (await store.put(USER, a_listing())).outcome is PutOutcome.UPDATED
    aws.done()


@pytest.mark.promise(7)
@pytest.mark.parametrize("codes", [("ValidationError", None), ("ItemCollectionSizeLimitExceeded", None)])
async def test_other_cancellations_are_not_repeated(
    aws: StubbedAws, store: DynamoDBListingStore, waits: list[float], codes: tuple[str | None, ...]
) -> None:
    cancelled(aws.rows, *codes)
    with pytest.raises(StorageError, match="refused a transaction"):
        await store.put(USER, a_listing())
    assert waits == []
    aws.done()


async def test_update_in_conflict_with_a_transaction_is_repeated(
    aws: StubbedAws, store: DynamoDBListingStore, waits: list[float]
) -> None:
    aws.rows.add_client_error("update_item", "TransactionConflictException", "conflict", 400)
    aws.rows.add_response("update_item", {})
    await store.put_connection(USER, a_connection())
    assert len(waits) == 1
    aws.done()


def problem_put(number: int) -> dict[str, Any]:
    problem = Problem(kind=ProblemKind.LISTING, mls_number=str(number), error="x", at=1)
    return {"PutRequest": {"Item": to_attributes(items.problem_item(USER, "r", number, problem, 1))}}


@pytest.mark.promise(7)
async def test_unprocessed_items_are_handed_in_again(
    aws: StubbedAws, store: DynamoDBListingStore, waits: list[float]
) -> None:
    problems = [Problem(kind=ProblemKind.LISTING, mls_number=str(n), error="x", at=1) for n in range(30)]
    left = [problem_put(3), problem_put(7)]
    aws.rows.add_response("batch_write_item", {"UnprocessedItems": {"t": left}}, {"RequestItems": ANY})
    aws.rows.add_response("batch_write_item", {"UnprocessedItems": {"t": left[1:]}}, {"RequestItems": {"t": left}})
    aws.rows.add_response("batch_write_item", {}, {"RequestItems": {"t": left[1:]}})
    aws.rows.add_response("batch_write_item", {}, {"RequestItems": {"t": [problem_put(n) for n in range(25, 30)]}})

    await store.put_problems(USER, "r", 0, problems)

    assert len(waits) == 2
    aws.done()


@pytest.mark.promise(7)
async def test_items_that_stay_unprocessed_are_an_error(aws: StubbedAws, store: DynamoDBListingStore) -> None:
    problems = [Problem(kind=ProblemKind.LISTING, mls_number=str(n), error="x", at=1) for n in range(2)]
    for _ in range(8):
        aws.rows.add_response("batch_write_item", {"UnprocessedItems": {"t": [problem_put(1)]}})
    with pytest.raises(StorageError, match="1 items are unwritten") as caught:
        await store.put_problems(USER, "r", 0, problems)
    assert caught.value.retryable
    aws.done()


async def test_empty_page_in_the_middle_is_not_the_end(aws: StubbedAws, store: DynamoDBListingStore) -> None:
    here = to_attributes({"PK": "USER#x", "SK": "LISTING#y"})
    row = to_attributes(items.listing_item(USER, a_listing(), 1))
    aws.rows.add_response("query", {"Items": [], "LastEvaluatedKey": here})
    aws.rows.add_response("query", {"Items": [row]})
    assert [batch async for batch in store.listings(USER)] == [[a_listing()]]
    aws.done()


async def test_listing_that_keeps_changing_under_a_delete_is_given_up(
    aws: StubbedAws, store: DynamoDBListingStore
) -> None:
    for _ in range(6):
        aws.rows.add_response("get_item", {"Item": to_attributes(items.listing_item(USER, a_listing(), 1))})
        cancelled(aws.rows, "ConditionalCheckFailed", None)
    with pytest.raises(StorageError, match="kept changing"):
        await store.delete(USER, a_listing().listing_id)
    aws.done()


async def test_lease_taken_by_another_in_the_same_moment_is_theirs(
    aws: StubbedAws, store: DynamoDBListingStore
) -> None:
    theirs = a_lease("r9", 5)
    held = to_attributes({"Lease": items.lease_data(theirs)})
    aws.rows.add_client_error(
        "update_item", "ConditionalCheckFailedException", "no", 400, modeled_fields={"Item": held}
    )
    assert await store.acquire_lease(USER, "c1", a_lease("r1", 9), now_ms=1) == theirs
    aws.done()


@pytest.mark.promise(14)
@pytest.mark.parametrize(
    ("code", "status", "sentence", "retryable"),
    [
        ("ThrottlingException", 400, "throttled", True),
        ("ProvisionedThroughputExceededException", 400, "throttled", True),
        ("ExpiredTokenException", 400, "have expired", False),
        ("UnrecognizedClientException", 400, "does not accept the credentials", False),
        ("AccessDeniedException", 400, "the permission dynamodb:GetItem is missing", False),
        ("ResourceNotFoundException", 400, "mls-tui storage init", False),
        ("RequestTimeTooSkewed", 403, "clock is wrong", False),
        ("InternalServerError", 500, "refused GetItem: InternalServerError", True),
        ("ValidationException", 400, "refused GetItem: ValidationException", False),
    ],
)
async def test_refusals_are_sentences(
    aws: StubbedAws, store: DynamoDBListingStore, code: str, status: int, sentence: str, retryable: bool
) -> None:
    aws.rows.add_client_error("get_item", code, "message\nof AWS", status)
    with pytest.raises(StorageError, match=sentence) as caught:
        await store.get(USER, "x")
    assert caught.value.retryable is retryable
    assert "\n" not in str(caught.value)


async def test_cancelled_caller_leaves_the_store_usable(aws: StubbedAws, store: DynamoDBListingStore) -> None:
    aws.rows.add_response("get_item", {})
    aws.rows.add_response("get_item", {})
    task = asyncio.ensure_future(store.get(USER, "x"))
    await asyncio.sleep(0)
    task.cancel()
    assert await store.get(USER, "x") is None
