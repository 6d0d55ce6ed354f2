"""Answers of S3 that moto never gives, and requests to Amazon's own endpoints."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from botocore.stub import ANY

from mls_tui.domain.errors import StorageError
from mls_tui.storage.s3 import S3PhotoStore
from mls_tui.storage.s3.store import fitting_metadata
from tests.unit.storage.stubs import StubbedAws

KEY = "listings/u/l/original/photo0.jpg"
BODY = b"bytes"
SHA = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def aws() -> StubbedAws:
    return StubbedAws()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def store(aws: StubbedAws, waits: list[float]) -> S3PhotoStore:
    return S3PhotoStore(aws, "b", pause=waits.append, fast=False)


async def put(store: S3PhotoStore) -> None:
    await store.put(KEY, BODY, content_type="image/jpeg", sha256=SHA, metadata={})


@pytest.mark.promise(6)
async def test_upload_carries_its_checksum_for_s3_to_verify(aws: StubbedAws, store: S3PhotoStore) -> None:
    aws.objects.add_response(
        "put_object",
        {},
        {
            "Bucket": "b",
            "Key": KEY,
            "Body": BODY,
            "ContentType": "image/jpeg",
            "Metadata": {},
            "ChecksumSHA256": base64.b64encode(hashlib.sha256(BODY).digest()).decode(),
        },
    )
    await put(store)
    aws.objects.assert_no_pending_responses()
    with pytest.raises(StorageError, match="UnStubbedResponseError"):  # it was the one call that was expected
        await put(store)


async def test_conflict_409_is_repeated(aws: StubbedAws, store: S3PhotoStore, waits: list[float]) -> None:
    aws.objects.add_client_error("put_object", "ConditionalRequestConflict", "x", 409)
    aws.objects.add_client_error("put_object", "OperationAborted", "x", 409)
    aws.objects.add_response("put_object", {})
    await put(store)
    assert len(waits) == 2
    aws.done()


@pytest.mark.promise(7)
async def test_conflict_409_that_stays_is_not_success(aws: StubbedAws, store: S3PhotoStore) -> None:
    for _ in range(6):
        aws.objects.add_client_error("put_object", "OperationAborted", "x", 409)
    with pytest.raises(StorageError) as caught:
        await put(store)
    assert caught.value.retryable
    aws.done()


@pytest.mark.promise(7)
@pytest.mark.parametrize(
    ("code", "status", "sentence", "retryable"),
    [
        ("PreconditionFailed", 412, "412 Precondition Failed", False),
        ("SlowDown", 503, "throttled", True),
        ("ServiceUnavailable", 503, "ServiceUnavailable", True),
        ("BadDigest", 400, "changed on its way", True),
        ("XAmzContentChecksumMismatch", 400, "changed on its way", True),
        ("AccessDenied", 403, "the permission s3:PutObject is missing", False),
        ("ExpiredToken", 400, "have expired", False),
        ("NoSuchBucket", 404, "mls-tui storage init", False),
        ("PermanentRedirect", 301, "another region", False),
    ],
)
async def test_refused_upload_is_a_sentence_and_not_success(
    aws: StubbedAws, store: S3PhotoStore, waits: list[float], code: str, status: int, sentence: str, retryable: bool
) -> None:
    aws.objects.add_client_error("put_object", code, "x", status)
    with pytest.raises(StorageError, match=sentence) as caught:
        await put(store)
    assert caught.value.retryable is retryable
    assert waits == []
    aws.done()


FOUND: dict[str, Any] = {"Contents": [{"Key": KEY, "Size": 5}]}
OTHERS: dict[str, Any] = {"Contents": [{"Key": f"{KEY}.old", "Size": 5}]}


def denied(aws: StubbedAws, listed: dict[str, Any] | None) -> None:
    """S3 denies the object; ``listed`` is what it says of keys that begin so, None where it denies that as well."""
    aws.objects.add_client_error("get_object", "AccessDenied", "Access Denied", 403)
    if listed is None:
        aws.objects.add_client_error("list_objects_v2", "AccessDenied", "Access Denied", 403)
    else:
        aws.objects.add_response("list_objects_v2", listed, {"Bucket": "b", "Prefix": KEY, "MaxKeys": 1})


@pytest.mark.parametrize("listed", [{}, OTHERS])
async def test_a_photo_that_is_denied_and_not_listed_is_absent(
    aws: StubbedAws, store: S3PhotoStore, listed: dict[str, Any]
) -> None:
    """Without s3:ListBucket on the whole bucket, S3 answers 403 and not 404 for a key that is not there."""
    denied(aws, listed)
    assert await store.get(KEY) is None
    denied(aws, listed)
    assert not await store.verify(KEY, sha256=SHA, size=5)
    aws.done()


async def test_a_photo_that_is_denied_and_listed_is_a_right_that_is_missing(
    aws: StubbedAws, store: S3PhotoStore
) -> None:
    for job in (store.get(KEY), store.verify(KEY, sha256=SHA, size=5)):
        denied(aws, FOUND)
        with pytest.raises(StorageError, match="the permission s3:GetObject is missing"):
            await job
    aws.done()


async def test_a_photo_that_may_be_absent_or_denied_says_both_and_is_fetched_again(
    aws: StubbedAws, store: S3PhotoStore
) -> None:
    denied(aws, None)
    with pytest.raises(StorageError, match=r"photo0\.jpg is not there, or .* s3:GetObject .* s3:ListBucket"):
        await store.get(KEY)
    denied(aws, None)
    assert not await store.verify(KEY, sha256=SHA, size=5)
    aws.done()


async def test_wrong_credentials_are_not_taken_for_an_absent_photo(aws: StubbedAws, store: S3PhotoStore) -> None:
    aws.objects.add_client_error("get_object", "InvalidAccessKeyId", "x", 403)
    with pytest.raises(StorageError, match="does not accept the credentials"):
        await store.verify(KEY, sha256=SHA, size=5)
    aws.done()


@pytest.mark.promise(7)
async def test_key_that_could_not_be_deleted_is_named(aws: StubbedAws, store: S3PhotoStore) -> None:
    errors = [{"Key": "k7", "Code": "AccessDenied", "Message": "no"}, {"Key": "k1001", "Code": "InternalError"}]
    aws.objects.add_response("delete_objects", {"Errors": errors[:1]}, {"Bucket": "b", "Delete": ANY})
    aws.objects.add_response("delete_objects", {"Errors": errors[1:]}, {"Bucket": "b", "Delete": ANY})
    failures = await store.delete([f"k{number}" for number in range(1500)])
    assert failures == {"k7": "AccessDenied: no", "k1001": "InternalError"}
    aws.done()


def test_url_of_a_bucket_of_amazons() -> None:
    assert S3PhotoStore(StubbedAws(), "b").url("listings/a:b/x/photo0.jpg") == (
        "https://b.s3.eu-west-1.amazonaws.com/listings/a%3Ab/x/photo0.jpg"
    )
    assert S3PhotoStore(StubbedAws("us-east-1"), "b").url("k") == "https://b.s3.us-east-1.amazonaws.com/k"
    assert S3PhotoStore(StubbedAws(), "a.b").url("k") == "https://s3.eu-west-1.amazonaws.com/a.b/k"


def test_metadata_is_cut_to_2_kb_never_within_an_escape() -> None:
    for length in range(640, 660):
        kept = fitting_metadata({"listingId": "l", "photoIndex": "0", "originalUrl": "%C3%A9" * 300 + "x" * length})
        assert sum(len(name) + len(value) for name, value in kept.items()) <= 2048
    for length in range(6):
        url = "x" * length + "%C3" * 1000
        kept = fitting_metadata({"listingId": "l", "photoIndex": "0", "originalUrl": url})
        assert (len(kept["originalUrl"]) - length) % 3 == 0
        assert 2040 < sum(len(name) + len(value) for name, value in kept.items()) <= 2048


@pytest.mark.parametrize("value", ["é", "a\nb", "a\x00", "\x1b[31m"])
def test_metadata_that_could_break_a_header_is_refused(value: str) -> None:
    with pytest.raises(StorageError, match="printable ASCII"):
        fitting_metadata({"originalUrl": value})


def _init_answers(aws: StubbedAws, policy: dict[str, Any] | None) -> None:
    stub = aws.objects
    stub.add_response("head_bucket", {})
    stub.add_response("put_public_access_block", {})
    stub.add_client_error("get_bucket_encryption", "ServerSideEncryptionConfigurationNotFoundError", "x", 404)
    stub.add_response("put_bucket_encryption", {})
    stub.add_response("put_bucket_versioning", {})
    stub.add_client_error("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration", "x", 404)
    stub.add_response("put_bucket_lifecycle_configuration", {})
    if policy is None:
        stub.add_client_error("get_bucket_policy", "NoSuchBucketPolicy", "x", 404)
    else:
        stub.add_response("get_bucket_policy", {"Policy": json.dumps(policy)})


async def test_init_adds_the_tls_rule_to_the_policy_that_is_there(aws: StubbedAws, store: S3PhotoStore) -> None:
    theirs = {"Sid": "Theirs", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "x"}
    sent: list[dict[str, Any]] = []
    aws.s3().meta.events.register(
        "before-parameter-build.s3.PutBucketPolicy", lambda params, **_: sent.append(json.loads(params["Policy"]))
    )
    _init_answers(aws, {"Version": "2012-10-17", "Statement": [theirs]})
    aws.objects.add_response("put_bucket_policy", {})

    await store.init()

    assert sent[0]["Statement"][0] == theirs
    ours = sent[0]["Statement"][1]
    assert (ours["Effect"], ours["Action"]) == ("Deny", "s3:*")
    assert ours["Resource"] == ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]
    assert ours["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    aws.done()


async def test_bucket_of_another_account_is_a_sentence(aws: StubbedAws, store: S3PhotoStore) -> None:
    aws.objects.add_client_error("head_bucket", "403", "Forbidden", 403)
    with pytest.raises(StorageError, match="another account"):
        await store.init()
    aws.objects.add_client_error("head_bucket", "403", "Forbidden", 403)
    assert [check.state for check in await store.check()] == ["failure"]


async def test_bucket_name_taken_in_between_is_a_sentence(aws: StubbedAws, store: S3PhotoStore) -> None:
    aws.objects.add_client_error("head_bucket", "404", "Not Found", 404)
    aws.objects.add_client_error("create_bucket", "BucketAlreadyExists", "x", 409)
    with pytest.raises(StorageError, match="is taken by another account"):
        await store.init()


async def test_protection_that_may_not_be_read_is_a_warning(aws: StubbedAws, store: S3PhotoStore) -> None:
    aws.objects.add_response("head_bucket", {})
    for name in (
        "get_public_access_block",
        "get_bucket_encryption",
        "get_bucket_versioning",
        "get_bucket_lifecycle_configuration",
        "get_bucket_policy",
    ):
        aws.objects.add_client_error(name, "AccessDenied", "no", 403)
    checks = await store.check()
    assert [check.state for check in checks] == ["ok"] + ["warning"] * 5
    assert "s3:GetBucketVersioning" in checks[3].detail


KEYS = [f"listings/u/l/original/photo{number}.jpg" for number in range(3)]


@pytest.mark.parametrize(
    ("code", "status"), [("MissingContentMD5", 400), ("NotImplemented", 501), ("MethodNotAllowed", 405)]
)
async def test_a_store_that_refuses_deletions_in_bulk_is_asked_to_delete_one_by_one(
    aws: StubbedAws, store: S3PhotoStore, code: str, status: int
) -> None:
    aws.objects.add_client_error("delete_objects", code, http_status_code=status)
    for key in KEYS[:2]:
        aws.objects.add_response("delete_object", {}, {"Bucket": "b", "Key": key})
    aws.objects.add_client_error("delete_object", "InternalError", http_status_code=500)
    assert await store.delete(KEYS) == {KEYS[2]: "InternalError"}
    aws.done()


async def test_a_protection_that_the_store_lacks_is_skipped_and_the_next_ones_are_turned_on(
    aws: StubbedAws, store: S3PhotoStore
) -> None:
    aws.objects.add_response("head_bucket", {})
    aws.objects.add_client_error("put_public_access_block", "NotImplemented", http_status_code=501)
    aws.objects.add_client_error("get_bucket_encryption", "MethodNotAllowed", http_status_code=405)
    aws.objects.add_response("put_bucket_versioning", {})
    aws.objects.add_client_error("get_bucket_lifecycle_configuration", "AccessDenied", http_status_code=403)
    aws.objects.add_response("get_bucket_policy", {"Policy": json.dumps({"Statement": []})})
    aws.objects.add_response("put_bucket_policy", {})
    states = {check.name: check.state for check in await store.init()}
    assert states == {
        "bucket": "ok",
        "public access": "skipped",
        "encryption": "skipped",
        "versioning": "ok",
        "lifecycle": "failure",
        "TLS only": "ok",
    }
    aws.done()


async def test_answers_without_what_was_asked_for_are_no_protection(aws: StubbedAws, store: S3PhotoStore) -> None:
    for operation in ("head_bucket", "get_public_access_block", "get_bucket_encryption", "get_bucket_versioning"):
        aws.objects.add_response(operation, {})
    aws.objects.add_response("get_bucket_lifecycle_configuration", {})
    aws.objects.add_response("get_bucket_policy", {})
    states = {check.name: check.state for check in await store.check()}
    assert states.pop("bucket") == "ok"
    assert states.pop("public access") == "failure"
    assert set(states.values()) == {"warning"}
