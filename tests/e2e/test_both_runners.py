"""Promises of an import over DynamoDB and S3."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import boto3
from aiohttp import web

from mls_tui.demo.faults import Faults
from mls_tui.domain.listing import ListingStatus
from mls_tui.domain.run import RunState
from tests.e2e.conftest import OpenHouse
from tests.e2e.house import House


async def test_every_listing_and_photo_arrives_once(open_aws: OpenHouse) -> None:
    async with open_aws(listings=14, faults=Faults(7, api_rate=0.3, photo_rate=0.2, slowest=0.01)) as house:
        result = await house.run()
        counts = result.counts
        assert (result.state, counts.created, counts.total, counts.failed) == (RunState.DONE, 14, 14, 0)
        stored = await house.whole()
        assert set(stored) == set(house.mls.feed.listing_keys("Active"))
        assert counts.photos_stored == sum(len(listing.photos) for listing in stored.values())


async def test_a_second_run_adds_nothing_rewrites_nothing_and_asks_for_no_photo(open_aws: OpenHouse) -> None:
    async with open_aws() as house:
        await house.run()
        before = house.rows("LISTING#", "LISTINGKEY#")
        house.mls.requests.clear()
        result = await house.run()
        assert (result.state, result.counts.created, result.counts.updated) == (RunState.DONE, 0, 0)
        assert house.rows("LISTING#", "LISTINGKEY#") == before
        assert house.mls.requests["photo"] == 0


async def test_what_changed_is_followed_and_what_left_the_feed_is_marked(open_aws: OpenHouse) -> None:
    async with open_aws(listings=12) as house:
        await house.run()
        feed = house.mls.feed
        dearer, gone = feed.listing_keys("Active")[:2]
        before = (await house.listings())[dearer].price
        feed.change(dearer, ListPrice=123_456)
        feed.remove(gone)
        result = await house.run(full=True)
        stored = await house.listings()
        assert (stored[dearer].price, stored[gone].status) == (123_456, ListingStatus.EXPIRED)
        assert [(each.field, each.old) for each in stored[dearer].history] == [("price", before)]
        assert (result.counts.updated, result.counts.removed) == (1, 1)


async def test_only_what_changed_is_asked_for_and_a_new_listing_comes(open_aws: OpenHouse) -> None:
    async with open_aws(listings=12) as house:
        await house.run()
        changed = house.mls.feed.listing_keys("Active")[3]
        house.mls.feed.change(changed, ListPrice=99_000)
        added = house.mls.feed.add(StandardStatus="Active")
        result = await house.run()
        assert (result.counts.updated, result.counts.created) == (1, 1)
        stored = await house.whole()
        assert stored[changed].price == 99_000
        assert added in stored


async def test_a_hidden_listing_goes_with_its_photos(open_aws: OpenHouse) -> None:
    async with open_aws() as house:
        await house.run()
        hidden = house.mls.feed.listing_keys("Active")[0]
        house.mls.feed.change(hidden, InternetEntireListingDisplayYN=False)
        result = await house.run()
        assert result.counts.removed == 1
        assert hidden not in await house.whole()


async def test_a_row_that_another_program_spoilt_fails_alone(open_aws: OpenHouse) -> None:
    async with open_aws() as house:
        spoilt = damage(house, house.mls.feed.listing_keys("Active")[5])
        result = await house.run()
        assert (result.state, result.counts.created, result.counts.failed) == (RunState.DONE, 11, 1)
        assert "cannot be read" in result.errors[0].error
        assert spoilt not in await house.whole()


async def test_a_photo_that_could_not_be_had_is_asked_for_by_the_next_import(open_aws: OpenHouse) -> None:
    async with open_aws() as house:
        key = house.mls.feed.listing_keys("Active")[0]
        house.mls.hook = no_photos_of(key)
        first = await house.run()
        missing = first.counts.photos_failed
        assert (first.state, missing > 0) == (RunState.DONE, True)
        house.mls.hook = None
        second = await house.run()
        assert (second.counts.photos_stored, second.counts.photos_failed) == (missing, 0)
        assert (await house.whole())[key].photos_missing == 0


def no_photos_of(key: str) -> Callable[[web.Request], Awaitable[web.StreamResponse | None]]:
    """The photos of this listing are not there."""

    async def hook(request: web.Request) -> web.StreamResponse | None:
        return web.Response(status=404) if f"/{key}/" in request.path and "photo" in request.path else None

    return hook


async def test_more_listings_on_one_timestamp_than_a_page_holds_all_arrive_without_photos(open_aws: OpenHouse) -> None:
    async with open_aws(listings=15) as house:
        keys = house.mls.feed.listing_keys("Active")
        for key in keys[:13]:
            house.mls.feed.change(key, ModificationTimestamp="2026-05-01T10:00:00.000Z")
        result = await house.run(photos=False)
        counts = result.counts
        assert (result.state, counts.created, counts.total, counts.photos_stored) == (RunState.DONE, 15, 15, 0)
        assert set(await house.listings()) == set(keys)
        assert house.mls.requests["photo"] == 0


def damage(house: House, key: str) -> str:
    """Store a row for this listing that cannot be read and that no import may overwrite; its ListingKey."""
    record = house.mls.feed.record(key)
    number, user = record["ListingId"], house.ws.user_id
    listing_id = f"reso.lakeside-mls-{number}-1"
    data = {
        "listingId": listing_id,
        "mlsId": key,
        "mlsNumber": number,
        "mlsProvider": "reso.lakeside-mls",
        "status": "active",
        "photos": "spoilt",
    }
    table: Any = boto3.resource("dynamodb").Table(house.ws.settings.table)
    table.put_item(Item={"PK": f"USER#{user}", "SK": f"LISTING#{listing_id}", "Data": data})
    mark = f"LISTINGKEY#reso.lakeside-mls#{key}"
    table.put_item(Item={"PK": f"USER#{user}", "SK": mark, "listingId": listing_id})
    return key
