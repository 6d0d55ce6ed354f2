"""Calls on objects: upload with a checksum, download, delete and bring back. Blocking; used in a pool's threads.
botocore's errors pass through; the caller turns them into sentences."""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from mls_tui.domain.errors import OneItemError, StorageError
from mls_tui.storage.aws import is_custom
from mls_tui.storage.aws_errors import error_code, status_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_KEYS_A_CALL = 1000
"""The limit of DeleteObjects."""
_READ_BYTES = 1 << 18
_MAX_METADATA_BYTES = 2048
"""S3 counts the bytes of all names and values of user metadata."""
_ROUNDS = 6
_FIRST_WAIT_SECONDS = 0.1


class HiddenError(OneItemError):
    """S3 does not say whether an object is absent or may not be read."""


def put_request(
    bucket: str, key: str, body: bytes, content_type: str, sha256: str, metadata: dict[str, str]
) -> dict[str, Any]:
    """The parameters of PutObject. Raises StorageError for metadata that S3 would refuse."""
    return {
        "Bucket": bucket,
        "Key": key,
        "Body": body,
        "ContentType": content_type,
        "Metadata": fitting_metadata(metadata),
        "ChecksumSHA256": base64.b64encode(bytes.fromhex(sha256)).decode(),
    }


def fitting_metadata(metadata: dict[str, str]) -> dict[str, str]:
    """Metadata within S3's 2 kB: ``originalUrl`` is cut, never within a percent-encoded character."""
    words = "".join(metadata) + "".join(metadata.values())
    if not (words.isascii() and words.isprintable()):
        raise StorageError("A photo's metadata must be printable ASCII.")
    excess = len(words) - _MAX_METADATA_BYTES
    if excess <= 0:
        return metadata
    url = metadata.get("originalUrl", "")
    if excess > len(url):
        raise StorageError("A photo's metadata is larger than the 2 kB that S3 keeps.")
    cut = url[: len(url) - excess]
    escape = cut.rfind("%", max(0, len(cut) - 2))
    return {**metadata, "originalUrl": cut if escape < 0 else cut[:escape]}


def put(client: S3Client, request: dict[str, Any], pause: Callable[[float], None]) -> None:
    """Upload; a conflict with another writer of the same key (409) is repeated a bounded number of times."""
    from botocore.exceptions import ClientError

    for number in range(_ROUNDS):
        try:
            client.put_object(**request)
        except ClientError as error:
            if status_of(error) == 409 and number < _ROUNDS - 1:
                pause(_FIRST_WAIT_SECONDS * 2**number + random.uniform(0, _FIRST_WAIT_SECONDS))
                continue
            raise _refusal(error) from error
        else:
            return


def _refusal(error: Exception) -> Exception:
    if status_of(error) == 412:
        return StorageError(
            "S3 refused a photo: a condition on the bucket's writes does not hold (412 Precondition Failed). "
            "Check the bucket policy, then import again."
        )
    if error_code(error) in ("BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch"):
        return StorageError("A photo changed on its way to S3, and S3 refused it. Try again.", retryable=True)
    return error


def get(client: S3Client, bucket: str, key: str) -> bytes | None:
    """The bytes; None where there is no such object. Raises HiddenError where S3 does not say."""
    answer = _open(client, bucket, key)
    return None if answer is None else bytes(answer["Body"].read())


def digest(client: S3Client, bucket: str, key: str) -> tuple[str, int] | None:
    """SHA-256 (hex) and size of what S3 serves; None where there is no such object, as far as S3 says."""
    try:
        answer = _open(client, bucket, key)
    except HiddenError:
        return None
    if answer is None:
        return None
    sha, size = hashlib.sha256(), 0
    for chunk in answer["Body"].iter_chunks(_READ_BYTES):
        sha.update(chunk)
        size += len(chunk)
    return sha.hexdigest(), size


def _open(client: S3Client, bucket: str, key: str) -> Any:
    from botocore.exceptions import ClientError

    try:
        return client.get_object(Bucket=bucket, Key=key)
    except client.exceptions.NoSuchKey:
        return None
    except ClientError as error:
        if error_code(error) != "AccessDenied" or _is_listed(client, bucket, key):
            raise
        return None


def _is_listed(client: S3Client, bucket: str, key: str) -> bool:
    """Whether the object is there, asked in another way: to those who may not list the whole bucket, S3 answers 403
    instead of 404 for an object that is absent, also where they may list its prefix (``storage/policy.py``)."""
    from botocore.exceptions import ClientError

    try:
        answer = client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
    except ClientError as error:
        if error_code(error) != "AccessDenied":
            raise
        raise HiddenError(
            f"S3 bucket {bucket} does not give a photo: {key} is not there, or the permission s3:GetObject is missing. "
            "Without s3:ListBucket, AWS does not say which. `mls-tui import --full` stores it again."
        ) from error
    return any(entry["Key"] == key for entry in answer.get("Contents", []))


def delete(client: S3Client, bucket: str, objects: Sequence[Any]) -> dict[str, str]:
    """Delete ``{"Key": …, "VersionId"?: …}``; the keys that S3 did not delete with the reason."""
    failures: dict[str, str] = {}
    for first in range(0, len(objects), _KEYS_A_CALL):
        chunk = list(objects[first : first + _KEYS_A_CALL])
        answer = client.delete_objects(Bucket=bucket, Delete={"Objects": chunk, "Quiet": True})
        for error in answer.get("Errors", []):
            reason = f"{error.get('Code', 'Error')}: {error.get('Message', '')}".rstrip(": ")
            failures[error.get("Key", "?")] = reason
    return failures


def undelete(client: S3Client, bucket: str, keys: Sequence[str]) -> dict[str, str]:
    """Remove the delete markers above ``keys``; the keys that have no version to come back, with the reason."""
    wanted = set(keys)
    markers: list[dict[str, str]] = []
    present: set[str] = set()
    for prefix in sorted({key.rpartition("/")[0] for key in keys}):
        for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=f"{prefix}/"):
            markers += _latest_markers(page.get("DeleteMarkers", []), wanted)
            present |= {version["Key"] for version in page.get("Versions", []) if version["Key"] in wanted}
    failures = dict.fromkeys(wanted - present, "no version of it is kept; is versioning on?")
    return failures | delete(client, bucket, [marker for marker in markers if marker["Key"] in present])


def _latest_markers(entries: Iterable[Any], wanted: set[str]) -> list[dict[str, str]]:
    """All markers of the wanted keys: repeated deletes leave several, and each hides what is below it."""
    return [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries if entry["Key"] in wanted]


def base_url(client: S3Client, bucket: str) -> str:
    """Where the bucket's objects are; a key follows, percent-encoded. Nothing is signed: the bucket is private."""
    endpoint = client.meta.endpoint_url
    if is_custom(endpoint):
        return f"{endpoint.rstrip('/')}/{bucket}/"
    suffix = "amazonaws.com.cn" if (urlsplit(endpoint).hostname or "").endswith(".cn") else "amazonaws.com"
    region = client.meta.region_name
    if "." in bucket:
        # A dot in the name breaks the certificate's wildcard.
        return f"https://s3.{region}.{suffix}/{bucket}/"
    return f"https://{bucket}.s3.{region}.{suffix}/"


def path_of(key: str) -> str:
    """A key as it stands in a URL."""
    return quote(key, safe="/-._~")
