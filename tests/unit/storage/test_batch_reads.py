"""Many rows in one read: what DynamoDB leaves unprocessed is requested again, and does not count as absent."""

from __future__ import annotations

from typing import Any

import pytest

from mls_tui.domain.errors import StorageError
from mls_tui.domain.listing import Listing
from mls_tui.storage import items
from mls_tui.storage.dynamodb import DynamoDBListingStore
from mls_tui.storage.items import to_attributes
from tests.contract.samples import FIRST_MS, USER, a_listing
from tests.unit.storage.stubs import StubbedAws

TWO = [a_listing("A-1"), a_listing("A-2")]


def row(listing: Listing) -> dict[str, Any]:
    return to_attributes(items.listing_item(USER, listing, FIRST_MS))


def left(*listings: Listing) -> dict[str, Any]:
    keys = [{name: row(listing)[name] for name in ("PK", "SK")} for listing in listings]
    return {"t": {"Keys": keys, "ConsistentRead": True}}


async def test_what_was_left_unread_is_asked_for_again() -> None:
    aws, waits = StubbedAws(), list[float]()
    store = DynamoDBListingStore(aws, "t", pause=waits.append)
    first, second = TWO
    aws.rows.add_response(
        "batch_get_item", {"Responses": {"t": [row(second)]}, "UnprocessedKeys": left(first)},
        {"RequestItems": left(first, second)},
    )  # fmt: skip
    aws.rows.add_response("batch_get_item", {"Responses": {"t": [row(first)]}}, {"RequestItems": left(first)})

    assert await store.get_many(USER, [listing.listing_id for listing in TWO]) == TWO
    assert len(waits) == 1
    aws.done()


async def test_what_stays_unread_is_an_error_and_not_absent() -> None:
    aws = StubbedAws()
    store = DynamoDBListingStore(aws, "t", pause=lambda _: None)
    for _ in range(8):
        aws.rows.add_response("batch_get_item", {"Responses": {"t": []}, "UnprocessedKeys": left(TWO[0])})

    with pytest.raises(StorageError, match="1 items are unread") as caught:
        await store.get_many(USER, [TWO[0].listing_id])
    assert caught.value.retryable
    aws.done()
