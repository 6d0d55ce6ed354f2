"""What an import leaves in DynamoDB and S3, word for word as CONTRACT says, read with bare boto3."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from mls_tui.domain.clock import epoch_ms
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
    import boto3

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
