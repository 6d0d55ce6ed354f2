"""Uploads by obstore store exactly what boto3 would, and leave to boto3 what obstore cannot do."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import boto3
import pytest

from mls_tui.domain.errors import StorageError
from mls_tui.storage.aws import Aws
from mls_tui.storage.s3 import S3PhotoStore
from mls_tui.storage.s3.store import put_request
from mls_tui.storage.s3.uploads import MAX_FAILURES, PAUSE_SECONDS, FastUploads, fast_uploads
from tests.contract.samples import Pair

BODY = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40
SHA = hashlib.sha256(BODY).hexdigest()
KEY = "listings/u/reso-A%231 é/original/photo0.jpg"
METADATA = {"listingId": "reso-A#1", "photoIndex": "0", "originalUrl": "https://cdn.example/a%20b.jpg"}


@pytest.fixture
def sent_by_boto3(aws: Aws) -> Iterator[list[str]]:
    """The keys of the objects that boto3 put."""
    keys: list[str] = []

    def note(params: dict[str, Any], **_: object) -> None:
        keys.append(params["Key"])

    event = "before-parameter-build.s3.PutObject"
    aws.s3().meta.events.register(event, note)
    yield keys
    aws.s3().meta.events.unregister(event, note)


async def put(pair: Pair, key: str = KEY) -> None:
    await pair.photos.put(key, BODY, content_type="image/jpeg", sha256=SHA, metadata=METADATA)


async def test_object_is_the_one_that_boto3_would_have_put(aws: Aws, aws_pair: Pair, sent_by_boto3: list[str]) -> None:
    await put(aws_pair)
    assert sent_by_boto3 == []
    bucket = aws_pair.photos.describe().removeprefix("S3 bucket ")
    found = aws.s3().get_object(Bucket=bucket, Key=KEY, ChecksumMode="ENABLED")
    assert found["Body"].read() == BODY
    assert found["ContentType"] == "image/jpeg"
    assert {name.lower(): value for name, value in found["Metadata"].items()} == {
        name.lower(): value for name, value in METADATA.items()
    }
    assert await aws_pair.photos.verify(KEY, sha256=SHA, size=len(BODY))


async def test_s3_is_given_the_checksum_of_the_bytes_to_verify_and_a_signature() -> None:
    heads: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        assert await reader.readexactly(len(BODY)) == BODY
        writer.write(b'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: 0\r\n\r\n')
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    session = boto3.session.Session("AKIDEXAMPLE", "secret", region_name="eu-west-1")
    port = server.sockets[0].getsockname()[1]
    uploads = fast_uploads(session, session.client("s3", endpoint_url=f"http://127.0.0.1:{port}"), "b")
    assert uploads is not None
    assert await uploads.put(put_request("b", "listings/u/1.jpg", BODY, "image/jpeg", SHA, METADATA))
    server.close()
    (head,) = heads
    sent = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
    assert head.startswith("PUT /b/listings/u/1.jpg HTTP/1.1\r\n")
    checksum = base64.b64encode(hashlib.sha256(BODY).digest()).decode().lower()
    assert (sent["x-amz-checksum-sha256"], sent["x-amz-content-sha256"]) == (checksum, SHA)
    assert "akidexample" in sent["authorization"]
    assert "/eu-west-1/s3/" in sent["authorization"]
    assert (sent["x-amz-meta-photoindex"], sent["x-amz-meta-originalurl"]) == ("0", METADATA["originalUrl"].lower())


async def test_key_that_it_would_change_goes_by_boto3(aws_pair: Pair, sent_by_boto3: list[str]) -> None:
    odd = "listings/u//original/photo0.jpg"
    await put(aws_pair, odd)
    assert sent_by_boto3 == [odd]
    assert await aws_pair.photos.get(odd) == BODY


async def test_refusal_is_told_by_boto3_and_after_a_few_only_boto3_is_asked(aws: Aws, sent_by_boto3: list[str]) -> None:
    bucket = f"none-{uuid4().hex}"
    store = S3PhotoStore(aws, bucket)
    for _ in range(MAX_FAILURES + 1):
        with pytest.raises(StorageError, match="does not exist"):
            await store.put(KEY, BODY, content_type="image/jpeg", sha256=SHA, metadata={})
    assert len(sent_by_boto3) == MAX_FAILURES + 1
    await store.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_SERVER_SIDE_ENCRYPTION", "aws:kms"),
        ("AWS_SSE_CUSTOMER_KEY_BASE64", "a2V5"),
        ("AWS_REQUEST_PAYER", "true"),
        ("AWS_S3_EXPRESS", "true"),
        ("aws_s3_express", "true"),
        ("AWS_CONDITIONAL_PUT", "nonsense"),
    ],
)
def test_variable_that_boto3_does_not_know_changes_nothing(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = boto3.session.Session("AKIDEXAMPLE", "secret", region_name="eu-west-1")
    client = session.client("s3", endpoint_url="http://127.0.0.1:9")
    assert fast_uploads(session, client, "b") is not None
    monkeypatch.setenv(name, value)
    assert fast_uploads(session, client, "b") is None


async def test_fast_way_that_failed_is_tried_again_after_a_while() -> None:
    class Counting:
        tries = 0
        down = True

        async def put_async(self, *_: object, **__: object) -> None:
            self.tries += 1
            if self.down:
                raise OSError

    store, clock = Counting(), [0.0]
    uploads = FastUploads(store, now=lambda: clock[0])  # type: ignore[arg-type]
    request = put_request("b", KEY, BODY, "image/jpeg", SHA, METADATA)
    for _ in range(MAX_FAILURES + 3):
        assert not await uploads.put(request)
    assert store.tries == MAX_FAILURES
    clock[0] += PAUSE_SECONDS
    assert not await uploads.put(request)
    assert not await uploads.put(request)
    assert store.tries == MAX_FAILURES + 1  # one failure is enough now
    clock[0] += PAUSE_SECONDS
    store.down = False
    assert await uploads.put(request)
    assert await uploads.put(request)
