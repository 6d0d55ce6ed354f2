"""The table and bucket of docs/contract.md, read with bare boto3, as another system would."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import boto3
import pytest

from mls_tui.domain.listing import ListingStatus
from tests.contract.samples import FIRST_MS, JPEG, USER, Pair, a_connection, a_listing, a_photo, a_run, sha256

NUMBER = "A/1 #2"
ENCODED = "A%2F1%20%232"
LISTING_ID = f"reso.lakeside-mls-{ENCODED}-{FIRST_MS}"
PHOTO_KEY = f"listings/{USER}/{LISTING_ID}/original/photo0.jpg"


@pytest.fixture
def name(aws_pair: Pair) -> str:
    return aws_pair.photos.describe().removeprefix("S3 bucket ")


@pytest.fixture
def table(endpoint: str, name: str) -> Any:
    return boto3.resource("dynamodb", endpoint_url=endpoint, region_name="us-east-1").Table(name)


@pytest.fixture
def s3(endpoint: str) -> Any:
    return boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")


async def test_listing_and_mark_are_the_items_of_the_contract(aws_pair: Pair, table: Any) -> None:
    listing = a_listing(NUMBER, status=ListingStatus.PENDING)
    listing = listing.model_copy(update={"photos": (a_photo(listing.listing_id),)})
    await aws_pair.rows.put(USER, listing)

    items = {item["SK"]: item for item in table.scan()["Items"]}

    assert set(items) == {f"LISTING#{LISTING_ID}", f"LISTINGKEY#reso.lakeside-mls#key-{ENCODED}"}
    row, mark = items[f"LISTING#{LISTING_ID}"], items[f"LISTINGKEY#reso.lakeside-mls#key-{ENCODED}"]
    assert row["PK"] == mark["PK"] == f"USER#{USER}"
    assert mark["listingId"] == LISTING_ID
    assert (row["GSI1PK"], row["GSI1SK"]) == (f"MLS#reso.lakeside-mls#{ENCODED}", "STATUS#pending")
    assert row["EntityType"] == "Listing"
    assert row["CreatedAt"] == row["UpdatedAt"]
    assert row["CreatedAt"] > FIRST_MS // 2
    data = row["Data"]
    assert (data["listingId"], data["mlsNumber"], data["mlsProvider"]) == (LISTING_ID, NUMBER, "reso.lakeside-mls")
    assert (data["price"], data["bathrooms"]) == (Decimal(525_000), Decimal("2.5"))
    assert data["latitude"] == Decimal("30.267153")
    assert data["syncedAt"] == FIRST_MS
    assert data["address"]["zip"] == "78701-1234"
    assert data["photos"][0]["sha256"] == sha256(JPEG)
    assert "description" not in data


async def test_update_keeps_created_at_and_moves_the_index(aws_pair: Pair, table: Any) -> None:
    await aws_pair.rows.put(USER, a_listing())
    key = {"PK": f"USER#{USER}", "SK": f"LISTING#{a_listing().listing_id}"}
    table.update_item(Key=key, UpdateExpression="SET CreatedAt = :c", ExpressionAttributeValues={":c": 7})

    await aws_pair.rows.put(USER, a_listing(second=2, status=ListingStatus.SOLD))

    row = table.get_item(Key=key)["Item"]
    assert (row["CreatedAt"], row["GSI1SK"]) == (7, "STATUS#sold")
    assert row["UpdatedAt"] > 7
    found = table.query(
        IndexName="GSI1",
        KeyConditionExpression="GSI1PK = :p",
        ExpressionAttributeValues={":p": "MLS#reso.lakeside-mls#A-1"},
    )["Items"]
    assert found == [row]


async def test_delete_leaves_neither_row_nor_mark(aws_pair: Pair, table: Any) -> None:
    await aws_pair.rows.put(USER, a_listing())
    await aws_pair.rows.delete(USER, a_listing().listing_id)
    assert table.scan()["Items"] == []


async def test_mark_without_its_row_does_not_block_the_number(aws_pair: Pair, table: Any) -> None:
    await aws_pair.rows.put(USER, a_listing())
    table.delete_item(Key={"PK": f"USER#{USER}", "SK": f"LISTING#{a_listing().listing_id}"})
    again = a_listing(first_ms=FIRST_MS + 5)

    assert (await aws_pair.rows.put(USER, again)).listing_id == again.listing_id
    marks = [item for item in table.scan()["Items"] if item["SK"].startswith("LISTINGKEY#")]
    assert [mark["listingId"] for mark in marks] == [again.listing_id]


async def test_row_without_its_mark_gets_one(aws_pair: Pair, table: Any) -> None:
    await aws_pair.rows.put(USER, a_listing())
    mark_key = {"PK": f"USER#{USER}", "SK": "LISTINGKEY#reso.lakeside-mls#key-A-1"}
    table.delete_item(Key=mark_key)

    await aws_pair.rows.put(USER, a_listing(second=5))

    assert table.get_item(Key=mark_key)["Item"]["listingId"] == a_listing().listing_id
    assert await aws_pair.rows.get(USER, a_listing().listing_id) == a_listing(second=5)


async def test_connection_and_run_are_the_items_of_the_contract(aws_pair: Pair, table: Any) -> None:
    await aws_pair.rows.put_connection(USER, a_connection())
    await aws_pair.rows.put_run(USER, a_run("r1"))

    items = {item["SK"]: item for item in table.scan()["Items"]}

    assert set(items) == {"MLSCONNECTION#c1", f"IMPORTRUN#{FIRST_MS}#r1"}
    assert items["MLSCONNECTION#c1"]["EntityType"] == "MLSConnection"
    assert items["MLSCONNECTION#c1"]["Data"]["secrets"] == {"access_token": "v1.ciphertext"}
    assert items[f"IMPORTRUN#{FIRST_MS}#r1"]["EntityType"] == "ImportRun"
    assert items[f"IMPORTRUN#{FIRST_MS}#r1"]["Data"]["checkpoint"]["phase"] == "sweep"


async def test_object_has_the_key_type_and_metadata_of_the_contract(aws_pair: Pair, name: str, s3: Any) -> None:
    metadata = {"listingId": LISTING_ID, "photoIndex": "0", "originalUrl": "https%3A//x/" + "%C3%A9" * 400}
    await aws_pair.photos.put(PHOTO_KEY, JPEG, content_type="image/jpeg", sha256=sha256(JPEG), metadata=metadata)

    found = s3.get_object(Bucket=name, Key=PHOTO_KEY, ChecksumMode="ENABLED")

    assert found["Body"].read() == JPEG
    assert found["ContentType"] == "image/jpeg"
    kept = found["Metadata"]
    assert (kept["listingid"], kept["photoindex"]) == (LISTING_ID, "0")
    assert metadata["originalUrl"].startswith(kept["originalurl"])
    assert kept["originalurl"].endswith("%C3%A9") or kept["originalurl"].endswith("%C3")
    assert sum(len(part) for pair in kept.items() for part in pair) <= 2048
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=name)["Contents"]] == [PHOTO_KEY]


async def test_url_names_the_object_by_path_below_a_custom_endpoint(aws_pair: Pair, name: str, endpoint: str) -> None:
    path = PHOTO_KEY.replace("%", "%25").replace(":", "%3A")
    assert aws_pair.photos.url(PHOTO_KEY) == f"{endpoint}/{name}/{path}"
