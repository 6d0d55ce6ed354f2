"""Imports into DynamoDB and S3: the promises of any import, and the items and objects of docs/contract.md, sections
DynamoDB and S3, read with plain boto3."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from aiohttp import web

from mls_tui.demo.faults import Faults
from mls_tui.domain.clock import epoch_ms
from mls_tui.domain.listing import ListingStatus
from mls_tui.domain.run import RunState
from tests.clocks import START
from tests.e2e.conftest import OpenHouse
from tests.e2e.house import House, scan

NUMBERS = ("price", "bedrooms", "bathrooms", "squareFeet", "syncedAt", "latitude", "longitude")


@pytest.fixture
async def house(open_aws: OpenHouse) -> AsyncIterator[House]:
    async with open_aws(listings=5) as found:
        await found.run()
        yield found


def items(house: House, kind: str) -> list[dict[str, Any]]:
    return [item for item in scan(house.ws.settings.table) if item["SK"].startswith(f"{kind}#")]


def objects(house: House) -> dict[str, dict[str, Any]]:
    s3: Any = boto3.client("s3")
    bucket = house.ws.settings.bucket
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [row["Key"] for page in pages for row in page.get("Contents", [])]
    return {key: s3.get_object(Bucket=bucket, Key=key) for key in keys}


async def test_listing_items_are_the_contracts(house: House) -> None:
    found = items(house, "LISTING")
    assert len(found) == 5
    for item in found:
        data = item["Data"]
        provider, number = data["mlsProvider"], data["mlsNumber"]
        listing_id = data["listingId"]
        assert item["PK"] == f"USER#{house.ws.user_id}"
        assert item["SK"] == f"LISTING#{listing_id}"
        assert item["GSI1PK"] == f"MLS#{provider}#{quote(number, safe='-._~')}"
        assert item["GSI1SK"] == "STATUS#active" == f"STATUS#{data['status']}"
        assert item["EntityType"] == "Listing"
        assert provider == "reso.lakeside-mls"
        assert re.fullmatch(rf"{re.escape(provider)}-{re.escape(number)}-\d{{13}}", listing_id)
        for stamp in ("CreatedAt", "UpdatedAt"):
            assert isinstance(item[stamp], Decimal)
            assert epoch_ms(START) <= item[stamp] < epoch_ms(START) + 10**7
        assert {"listingId", "mlsId", "mlsNumber", "mlsProvider", "address", "price", "status"} <= set(data)
        assert {"propertyType", "listDate", "photos", "features", "syncedAt", "standardStatus"} <= set(data)
        assert all(isinstance(data[name], Decimal) for name in NUMBERS if name in data)
        assert set(data["address"]) <= {"street", "city", "state", "zip", "country"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", data["listDate"])
        assert None not in data.values()


async def test_each_listing_has_its_uniqueness_mark(house: House) -> None:
    marks = {item["SK"]: item for item in items(house, "LISTINGKEY")}
    for item in items(house, "LISTING"):
        data = item["Data"]
        mark = marks.pop(f"LISTINGKEY#{data['mlsProvider']}#{quote(data['mlsId'], safe='-._~')}")
        assert mark["PK"] == item["PK"]
        assert mark["listingId"] == data["listingId"]
    assert not marks


async def test_connection_and_run_items_are_there_and_no_byte_of_the_table_tells_the_token(house: House) -> None:
    (connection,) = items(house, "MLSCONNECTION")
    assert connection["SK"] == f"MLSCONNECTION#{house.connection_id}"
    assert connection["EntityType"] == "MLSConnection"
    (run,) = items(house, "IMPORTRUN")
    assert re.fullmatch(rf"IMPORTRUN#\d{{13}}#{house.events[0].run}", run["SK"])
    assert run["EntityType"] == "ImportRun"
    everything = repr(scan(house.ws.settings.table))
    assert house.mls.token not in everything
    assert house.mls.token.encode() not in b"".join(each["Body"].read() for each in objects(house).values())


async def test_photo_objects_are_dense_with_the_contracts_metadata(house: House) -> None:
    found = objects(house)
    for item in items(house, "LISTING"):
        data = item["Data"]
        prefix = f"listings/{house.ws.user_id}/{data['listingId']}/"
        mine = {key: each for key, each in found.items() if key.startswith(prefix)}
        photos = sorted(data["photos"], key=lambda photo: photo["order"])
        assert [photo["key"] for photo in photos] == [f"{prefix}original/photo{n}.jpg" for n in range(len(photos))]
        assert set(mine) == {photo["key"] for photo in photos}
        for index, photo in enumerate(photos):
            each = mine[photo["key"]]
            assert each["ContentType"] == photo["contentType"] == "image/jpeg"
            body = each["Body"].read()
            assert len(body) == photo["size"] == each["ContentLength"]
            assert {"url", "key", "order", "originalUrl", "sha256", "contentType", "size"} <= set(photo)
            metadata = {name.lower(): value for name, value in each["Metadata"].items()}
            assert metadata["listingid"] == data["listingId"]
            assert metadata["photoindex"] == str(index)
            original = metadata["originalurl"]
            assert original == photo["originalUrl"]
            assert original.startswith(f"{house.mls.origin}/photos/")
            assert "?" not in original


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
