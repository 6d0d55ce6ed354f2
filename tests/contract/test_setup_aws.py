"""``storage init`` and ``storage check`` on AWS."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest import mock

import boto3
import pytest
from botocore.exceptions import ClientError

from mls_tui.domain.errors import StorageError
from mls_tui.storage.aws import Aws
from mls_tui.storage.base import Check
from mls_tui.storage.dynamodb import DynamoDBListingStore
from mls_tui.storage.s3 import S3PhotoStore
from tests.contract.samples import USER, Pair, a_listing


class OddServer:
    """Answers every request with ``body`` and status 200."""

    def __init__(self) -> None:
        self.body = b""
        self.content_type = "application/x-amz-json-1.0"
        self.requests: list[tuple[bytes, dict[str, str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                got = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.requests.append((got, dict(self.headers)))
                self.send_response(200)
                self.send_header("Content-Type", outer.content_type)
                self.send_header("Content-Length", str(len(outer.body)))
                self.end_headers()
                self.wfile.write(outer.body)

            do_PUT = do_GET = do_HEAD = do_POST

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def states(checks: list[Check]) -> dict[str, str]:
    return {check.name: check.state for check in checks}


async def test_init_makes_everything_and_may_be_repeated(aws_pair: Pair) -> None:
    await aws_pair.rows.put(USER, a_listing())
    for store in (aws_pair.rows, aws_pair.photos):
        for checks in (await store.init(), await store.check()):
            others = {name: state for name, state in states(checks).items() if name != "TLS only"}
            assert set(others.values()) == {"ok"}
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


@pytest.fixture
def odd_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OddServer]:
    """A server that answers every request of AWS's clients in one odd way, and keeps the requests' headers."""
    server = OddServer()
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    yield server
    server.close()


async def test_requests_with_a_list_carry_an_md5_for_stores_that_require_it(odd_server: OddServer) -> None:
    odd_server.body = b"<DeleteResult></DeleteResult>"
    store = S3PhotoStore(Aws(attempts=1), "b")
    assert await store.delete(["listings/u/l/original/photo0.jpg"]) == {}
    body, headers = odd_server.requests[0]
    assert headers["Content-MD5"] == base64.b64encode(hashlib.md5(body).digest()).decode()
    await store.close()


@pytest.mark.parametrize(
    "body", [b"<html><body>Sign in to the network</body></html>", b"{}", b"[]", b"", b"\x00\xff\x10", b'{"Table": 3}']
)
@pytest.mark.promise(14)
async def test_an_answer_that_is_none_of_awss_is_a_sentence(odd_server: OddServer, body: bytes) -> None:
    odd_server.body = body
    table = DynamoDBListingStore(Aws(attempts=1), "t", pause=lambda _: None)
    for job in (table.init, table.check, lambda: table.get(USER, "x"), lambda: table.runs(USER)):
        with contextlib.suppress(StorageError):
            await job()
    await table.close()


async def test_a_web_page_is_not_taken_for_a_missing_item(odd_server: OddServer) -> None:
    odd_server.body, odd_server.content_type = b"<html>Sign in to the network</html>", "text/html"
    table = DynamoDBListingStore(Aws(attempts=1), "t")
    with pytest.raises(StorageError, match="none of AWS's"):
        await table.get(USER, "x")
    await table.close()


async def test_a_protection_that_a_look_alike_lacks_is_skipped(aws_pair: Pair, aws: Aws) -> None:
    """DynamoDB Local knows no point-in-time recovery."""
    client = aws.dynamodb()
    unknown = ClientError({"Error": {"Code": "UnknownOperationException"}}, "DescribeContinuousBackups")
    with mock.patch.object(client, "describe_continuous_backups", side_effect=unknown):
        for checks in (await aws_pair.rows.init(), await aws_pair.rows.check()):
            assert states(checks)["point-in-time recovery"] == "skipped"
            assert states(checks)["deletion protection"] == "ok"
