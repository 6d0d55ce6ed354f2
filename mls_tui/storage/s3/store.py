"""The PhotoStore on AWS: objects in one S3 bucket under the keys of docs/contract.md, section S3.

S3 checks every upload against its SHA-256. botocore's errors become sentences in ``S3PhotoStore``.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit

from botocore.exceptions import ClientError

from mls_tui.domain.errors import OneItemError, StorageError
from mls_tui.storage.aws import Aws, error_code, is_custom_endpoint, is_unsupported, status_of, with_storage_errors
from mls_tui.storage.base import Check, StoredObject
from mls_tui.storage.s3.setup import check_bucket, init_bucket
from mls_tui.storage.s3.uploads import FastUploads, fast_uploads
from mls_tui.storage.threads import DaemonPool

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")

_THREADS = 32
_CLOSE_SECONDS = 2.0
_KEYS_A_CALL = 1000
"""The limit of DeleteObjects."""
_READ_BYTES = 1 << 18
_MAX_METADATA_BYTES = 2048
"""S3 counts the bytes of all names and values of user metadata."""
_ATTEMPTS = 6
_FIRST_WAIT_SECONDS = 0.1


class S3PhotoStore:
    """``pause(seconds)`` waits between repeats of a conflict. ``fast=False`` uploads everything through boto3."""

    def __init__(
        self, aws: Aws, bucket: str, *, pause: Callable[[float], None] = time.sleep, fast: bool = True
    ) -> None:
        self._aws = aws
        self._bucket = bucket
        self._pause = pause
        self._pool = DaemonPool(_THREADS, "mls-tui-s3")
        self._fast = fast
        self._uploads: FastUploads | None = None
        self._base_url: str | None = None
        self._prepared = False
        self._lock = threading.Lock()

    async def put(
        self, key: str, body: bytes, *, content_type: str, sha256: str, metadata: dict[str, str]
    ) -> StoredObject:
        request = put_request(self._bucket, key, body, content_type, sha256, metadata)
        if not self._prepared:
            await self._run(lambda _: self._prepare())
        if self._uploads is not None and await self._uploads.put(request):
            return StoredObject(key, self.url(key), len(body))

        def job(client: S3Client) -> StoredObject:
            _put_object(client, request, self._pause)
            return StoredObject(key, self.url(key), len(body))

        return await self._run(job)

    def _prepare(self) -> None:
        with self._lock:
            if not self._prepared:
                if self._fast:
                    self._uploads = fast_uploads(self._aws.session(), self._aws.s3(), self._bucket)
                self._prepared = True

    async def get(self, key: str) -> bytes | None:
        return await self._run(lambda client: _get_object(client, self._bucket, key))

    async def verify(self, key: str, *, sha256: str, size: int) -> bool:
        return await self._run(lambda client: _digest(client, self._bucket, key) == (sha256, size))

    async def delete(self, keys: Sequence[str], *, undoable: bool = False) -> dict[str, str]:
        """Delete objects. The bucket's versioning keeps them until its lifecycle rule removes them."""
        return await self._run(lambda client: _delete(client, self._bucket, [{"Key": key} for key in keys]))

    async def undelete(self, keys: Sequence[str]) -> dict[str, str]:
        return await self._run(lambda client: _undelete(client, self._bucket, keys))

    async def keys(self, prefix: str) -> AsyncIterator[list[str]]:
        token: str | None = None
        while True:
            page, token = await self._run(_list_page(self._bucket, prefix, token))
            if page:
                yield page
            if token is None:
                return

    def url(self, key: str) -> str:
        """``https://<bucket>.s3.<region>.amazonaws.com/<key>``; by path below a custom endpoint."""
        if self._base_url is None:
            self._base_url = with_storage_errors(lambda: _base_url_of(self._aws.s3(), self._bucket), self.describe())
        return self._base_url + _path_of(key)

    async def init(self) -> list[Check]:
        return await self._run(lambda client: init_bucket(client, self._bucket))

    async def check(self) -> list[Check]:
        return await self._run(lambda client: check_bucket(client, self._bucket))

    def describe(self) -> str:
        return f"S3 bucket {self._bucket}"

    async def close(self) -> None:
        await asyncio.to_thread(self._pool.close, _CLOSE_SECONDS)

    async def _run(self, job: Callable[[S3Client], T]) -> T:
        return await self._pool.run(lambda: with_storage_errors(lambda: job(self._aws.s3()), self.describe()))


def _list_page(bucket: str, prefix: str, token: str | None) -> Callable[[S3Client], tuple[list[str], str | None]]:
    def job(client: S3Client) -> tuple[list[str], str | None]:
        more: dict[str, Any] = {} if token is None else {"ContinuationToken": token}
        answer = client.list_objects_v2(Bucket=bucket, Prefix=prefix, **more)
        return [entry["Key"] for entry in answer.get("Contents", [])], answer.get("NextContinuationToken")

    return job


class AbsentOrDeniedError(OneItemError):
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
    """Metadata within S3's limit of 2 kB: ``originalUrl`` is cut if necessary, between percent-encoded characters."""
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


def _put_object(client: S3Client, request: dict[str, Any], pause: Callable[[float], None]) -> None:
    """Upload; if another writer uploads the same key (409), try again a bounded number of times."""
    for number in range(_ATTEMPTS):
        try:
            client.put_object(**request)
        except ClientError as error:
            if status_of(error) == 409 and number < _ATTEMPTS - 1:
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


def _get_object(client: S3Client, bucket: str, key: str) -> bytes | None:
    """The bytes; None if there is no such object. Raises HiddenError if S3 does not say."""
    answer = _open(client, bucket, key)
    return None if answer is None else bytes(answer["Body"].read())


def _digest(client: S3Client, bucket: str, key: str) -> tuple[str, int] | None:
    """SHA-256 (hex) and size of what S3 serves; None if there is no such object, as far as S3 says."""
    try:
        answer = _open(client, bucket, key)
    except AbsentOrDeniedError:
        return None
    if answer is None:
        return None
    sha, size = hashlib.sha256(), 0
    for chunk in answer["Body"].iter_chunks(_READ_BYTES):
        sha.update(chunk)
        size += len(chunk)
    return sha.hexdigest(), size


def _open(client: S3Client, bucket: str, key: str) -> Any:
    try:
        return client.get_object(Bucket=bucket, Key=key)
    except client.exceptions.NoSuchKey:
        return None
    except ClientError as error:
        if error_code(error) != "AccessDenied" or _is_listed(client, bucket, key):
            raise
        return None


def _is_listed(client: S3Client, bucket: str, key: str) -> bool:
    """Whether the object exists, asked by listing its key.

    S3 answers 403 instead of 404 for a missing object to users who may only list a prefix (``storage/policy.py``).
    """
    try:
        answer = client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)
    except ClientError as error:
        if error_code(error) != "AccessDenied":
            raise
        raise AbsentOrDeniedError(
            f"S3 bucket {bucket} does not give a photo: {key} is not there, or the permission s3:GetObject is missing. "
            "Without s3:ListBucket, AWS does not say which. `mls-tui import --full` stores it again."
        ) from error
    return any(entry["Key"] == key for entry in answer.get("Contents", []))


def _delete(client: S3Client, bucket: str, objects: Sequence[Any]) -> dict[str, str]:
    """Delete ``{"Key": …, "VersionId"?: …}``. Returns the keys that S3 did not delete, with the reason.

    Some stores refuse DeleteObjects altogether; their objects are deleted one by one.
    """
    failures: dict[str, str] = {}
    for first in range(0, len(objects), _KEYS_A_CALL):
        chunk = list(objects[first : first + _KEYS_A_CALL])
        try:
            answer = client.delete_objects(Bucket=bucket, Delete={"Objects": chunk, "Quiet": True})
        except ClientError as error:
            if not (is_unsupported(error) or status_of(error) == 400):
                raise
            failures |= _delete_one_by_one(client, bucket, chunk)
            continue
        for refused in answer.get("Errors", []):
            reason = f"{refused.get('Code', 'Error')}: {refused.get('Message', '')}".rstrip(": ")
            failures[refused.get("Key", "?")] = reason
    return failures


def _delete_one_by_one(client: S3Client, bucket: str, objects: Sequence[Any]) -> dict[str, str]:
    failures: dict[str, str] = {}
    for each in objects:
        try:
            client.delete_object(Bucket=bucket, **each)
        except ClientError as error:
            failures[each["Key"]] = error_code(error) or "refused"
    return failures


def _undelete(client: S3Client, bucket: str, keys: Sequence[str]) -> dict[str, str]:
    """Remove the delete markers of ``keys``. Returns the keys that have no version left, with the reason."""
    wanted = set(keys)
    markers: list[dict[str, str]] = []
    present: set[str] = set()
    for prefix in sorted({key.rpartition("/")[0] for key in keys}):
        for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=f"{prefix}/"):
            markers += _delete_markers(page.get("DeleteMarkers", []), wanted)
            present |= {version["Key"] for version in page.get("Versions", []) if version["Key"] in wanted}
    failures = dict.fromkeys(wanted - present, "no version of it is kept; is versioning on?")
    return failures | _delete(client, bucket, [marker for marker in markers if marker["Key"] in present])


def _delete_markers(entries: Iterable[Any], wanted: set[str]) -> list[dict[str, str]]:
    """All delete markers of the wanted keys. Repeated deletes leave several, and each hides the versions below it."""
    return [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries if entry["Key"] in wanted]


def _base_url_of(client: S3Client, bucket: str) -> str:
    """The URL prefix of the bucket's objects, without a signature."""
    endpoint = client.meta.endpoint_url
    if is_custom_endpoint(endpoint):
        return f"{endpoint.rstrip('/')}/{bucket}/"
    suffix = "amazonaws.com.cn" if (urlsplit(endpoint).hostname or "").endswith(".cn") else "amazonaws.com"
    region = client.meta.region_name
    if "." in bucket:
        # A dot in the name breaks the certificate's wildcard.
        return f"https://s3.{region}.{suffix}/{bucket}/"
    return f"https://{bucket}.s3.{region}.{suffix}/"


def _path_of(key: str) -> str:
    return quote(key, safe="/-._~")
