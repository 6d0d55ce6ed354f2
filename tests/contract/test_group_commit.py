"""New listings that come together are written together, and each still ends as it would alone."""

from __future__ import annotations

import asyncio

import pytest

from mls_tui.domain.errors import StorageError
from mls_tui.storage.aws import Aws
from mls_tui.storage.base import PutOutcome
from tests.contract.samples import FIRST_MS, USER, Pair, a_listing


async def test_many_new_listings_take_few_transactions_and_every_row_comes_back_whole(aws: Aws, aws_pair: Pair) -> None:
    calls = 0

    def count(**_: object) -> None:
        nonlocal calls
        calls += 1

    aws.dynamodb().meta.events.register("before-call.dynamodb.TransactWriteItems", count)
    try:
        news = [a_listing(f"A-{number}", description="Ünï\ud83d\ude00 <b>" * 3) for number in range(40)]
        results = await asyncio.gather(*(aws_pair.rows.put(USER, listing, new=True) for listing in news))
    finally:
        aws.dynamodb().meta.events.unregister("before-call.dynamodb.TransactWriteItems", count)
    assert {result.outcome for result in results} == {PutOutcome.CREATED}
    assert calls <= 20
    stored = [await aws_pair.rows.get(USER, listing.listing_id) for listing in news]
    assert [each.mls_number for each in stored if each] == [each.mls_number for each in news]
    assert all(each and each.features == news[0].features for each in stored)


@pytest.mark.promise(7)
async def test_trouble_of_one_is_not_that_of_the_others(aws_pair: Pair) -> None:
    rows = aws_pair.rows
    holder = a_listing("taken", first_ms=FIRST_MS - 5)
    await rows.put(USER, holder)
    claims = [
        *(a_listing(f"B-{number}") for number in range(6)),
        a_listing("taken"),
        a_listing("same", second=1),
        a_listing("same", second=2),
        a_listing("large", description="x" * 500_000),
    ]
    results = await asyncio.gather(*(rows.put(USER, each, new=True) for each in claims), return_exceptions=True)
    good, taken, same, large = results[:6], results[6], results[7:9], results[9]
    assert [each.outcome for each in good if not isinstance(each, BaseException)] == [PutOutcome.CREATED] * 6
    assert not isinstance(taken, BaseException)
    assert (taken.outcome, taken.listing_id) == (PutOutcome.STALE, holder.listing_id)
    assert not any(isinstance(each, BaseException) for each in same)
    stored = await rows.get(USER, claims[8].listing_id)
    assert stored is not None
    assert stored.version == claims[8].version
    assert isinstance(large, StorageError)
    assert "too large" in str(large)
    assert len(await rows.find(USER, "same")) == 1
