"""``storage init`` and ``storage check`` on AWS."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from mls_tui.domain.errors import StorageError
from mls_tui.storage.aws import Aws
from mls_tui.storage.base import Check
from mls_tui.storage.dynamodb import DynamoDBListingStore
from mls_tui.storage.s3 import S3PhotoStore
from tests.contract.samples import USER, Pair, a_listing


def states(checks: list[Check]) -> dict[str, str]:
    return {check.name: check.state for check in checks}


async def test_init_makes_everything_and_may_be_repeated(aws_pair: Pair) -> None:
    await aws_pair.rows.put(USER, a_listing())
    for store in (aws_pair.rows, aws_pair.photos):
        assert set(states(await store.init()).values()) == {"ok"}
        assert set(states(await store.check()).values()) == {"ok"}
    assert await aws_pair.rows.get(USER, a_listing().listing_id) == a_listing()


async def test_table_is_on_demand_protected_and_recoverable(aws_pair: Pair, aws: Aws) -> None:
    name = aws_pair.photos.describe().removeprefix("S3 bucket ")
    found: Any = aws.dynamodb().describe_table(TableName=name)["Table"]
    assert found["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert found["DeletionProtectionEnabled"]
    assert found["GlobalSecondaryIndexes"][0]["Projection"] == {"ProjectionType": "ALL"}
    backups: Any = aws.dynamodb().describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


@pytest.mark.promise(11)
async def test_bucket_is_closed_encrypted_versioned_and_tidied(aws_pair: Pair, aws: Aws) -> None:
    name, s3 = aws_pair.photos.describe().removeprefix("S3 bucket "), aws.s3()
    assert all(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    rules = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert any(rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation") == 7 for rule in rules)
    assert any(rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays") == 30 for rule in rules)


async def test_init_keeps_the_lifecycle_rules_of_others(aws_pair: Pair, aws: Aws) -> None:
    name, s3 = aws_pair.photos.describe().removeprefix("S3 bucket "), aws.s3()
    theirs: Any = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "x/"}, "Expiration": {"Days": 3}}
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [theirs]})

    await aws_pair.photos.init()

    rules = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert {rule["ID"] for rule in rules} == {"theirs", "mls-tui-abort-multipart", "mls-tui-noncurrent"}


async def test_missing_index_is_reported_and_made(aws: Aws) -> None:
    client = aws.dynamodb()
    client.create_table(
        TableName="bare",
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK")],
        BillingMode="PAY_PER_REQUEST",
    )
    store = DynamoDBListingStore(aws, "bare", pause=lambda _: None)

    before = states(await store.check())
    assert (before["index"], before["point-in-time recovery"]) == ("failure", "warning")
    await store.init()
    assert set(states(await store.check()).values()) == {"ok"}


async def test_table_of_something_else_is_refused_and_left_alone(aws: Aws) -> None:
    aws.dynamodb().create_table(
        TableName="theirs",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    store = DynamoDBListingStore(aws, "theirs")

    with pytest.raises(StorageError, match=r"other keys than PK and SK.*MLS_TUI_TABLE"):
        await store.init()
    assert states(await store.check())["keys"] == "failure"


async def test_nothing_there_is_a_failure_that_says_what_to_run(aws: Aws) -> None:
    rows, photos = DynamoDBListingStore(aws, "nowhere"), S3PhotoStore(aws, "nowhere-bucket")
    for checks in (await rows.check(), await photos.check()):
        assert [check.state for check in checks] == ["failure"]
        assert "mls-tui storage init" in checks[0].advice
    with pytest.raises(StorageError, match="Run `mls-tui storage init`"):
        await rows.get(USER, "x")
    with pytest.raises(StorageError, match="Run `mls-tui storage init`"):
        await photos.put("k", b"x", content_type="image/jpeg", sha256="00" * 32, metadata={})


async def test_bucket_elsewhere_names_its_region(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    store = S3PhotoStore(Aws(), "a-bucket-in-ireland")

    await store.init()

    client: Any = boto3.client("s3", endpoint_url=endpoint)
    assert client.get_bucket_location(Bucket="a-bucket-in-ireland")["LocationConstraint"] == "eu-west-1"
    await store.close()


async def test_unreachable_endpoint_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    store = DynamoDBListingStore(Aws(attempts=1), "t")
    with pytest.raises(StorageError, match="cannot be reached") as caught:
        await store.get(USER, "x")
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("AWS_DEFAULT_REGION", None, "No AWS region is set"),
        ("AWS_ACCESS_KEY_ID", None, "AWS_ACCESS_KEY_ID"),
        ("AWS_PROFILE", "nobody", "AWS_PROFILE"),
        ("AWS_ENDPOINT_URL", "not a url", "AWS_ENDPOINT_URL"),
    ],
)
async def test_wrong_settings_are_sentences(
    endpoint: str, monkeypatch: pytest.MonkeyPatch, variable: str, value: str | None, sentence: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    if value is None:
        monkeypatch.delenv(variable)
    else:
        monkeypatch.setenv(variable, value)
    for store in (DynamoDBListingStore(Aws(), "t"), S3PhotoStore(Aws(), "t")):
        with pytest.raises(StorageError, match=sentence):
            await store.check()
