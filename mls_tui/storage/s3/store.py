"""The PhotoStore on AWS: objects in one bucket under the keys of CONTRACT.md. S3 itself checks every upload against its
SHA-256; an object is reported as stored only after S3 said so."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from mls_tui.storage.aws import Aws, guarded
from mls_tui.storage.base import Check, StoredObject
from mls_tui.storage.s3 import objects
from mls_tui.storage.s3.setup import check_bucket, init_bucket
from mls_tui.storage.threads import DaemonPool

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from mls_tui.storage.s3.bulk import BulkUploads

T = TypeVar("T")

_THREADS = 32
_CLOSE_SECONDS = 2.0


class S3PhotoStore:
    """``pause`` waits between repeats of a conflict, in seconds."""

    def __init__(self, aws: Aws, bucket: str, *, pause: Callable[[float], None] = time.sleep) -> None:
        self._aws = aws
        self._bucket = bucket
        self._pause = pause
        self._pool = DaemonPool(_THREADS, "mls-tui-s3")
        self._bulk: BulkUploads | None = None
        self._base_url: str | None = None
        self._prepared = False
        self._lock = threading.Lock()

    async def put(
        self, key: str, body: bytes, *, content_type: str, sha256: str, metadata: dict[str, str]
    ) -> StoredObject:
        request = objects.put_request(self._bucket, key, body, content_type, sha256, metadata)
        if not self._prepared:
            await self._run(lambda _: self._prepare())
        if self._bulk is not None and await self._bulk.put(request):
            return StoredObject(key, self.url(key), len(body))

        def job(client: S3Client) -> StoredObject:
            objects.put(client, request, self._pause)
            return StoredObject(key, self.url(key), len(body))

        return await self._run(job)

    def _prepare(self) -> None:
        with self._lock:
            if not self._prepared:
                self._bulk = self._aws.bulk_uploads(self._bucket)
                self._prepared = True

    async def get(self, key: str) -> bytes | None:
        return await self._run(lambda client: objects.get(client, self._bucket, key))

    async def verify(self, key: str, *, sha256: str, size: int) -> bool:
        return await self._run(lambda client: objects.digest(client, self._bucket, key) == (sha256, size))

    async def delete(self, keys: Sequence[str], *, undoable: bool = False) -> dict[str, str]:
        """The bucket's versioning keeps what was deleted below a marker until its lifecycle rule removes it."""
        return await self._run(lambda client: objects.delete(client, self._bucket, [{"Key": key} for key in keys]))

    async def undelete(self, keys: Sequence[str]) -> dict[str, str]:
        return await self._run(lambda client: objects.undelete(client, self._bucket, keys))

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
            self._base_url = guarded(lambda: objects.base_url(self._aws.s3(), self._bucket), self.describe())
        return self._base_url + objects.path_of(key)

    async def init(self) -> list[Check]:
        return await self._run(lambda client: init_bucket(client, self._bucket))

    async def check(self) -> list[Check]:
        return await self._run(lambda client: check_bucket(client, self._bucket))

    def describe(self) -> str:
        return f"S3 bucket {self._bucket}"

    async def close(self) -> None:
        await asyncio.to_thread(self._pool.close, _CLOSE_SECONDS)

    async def _run(self, job: Callable[[S3Client], T]) -> T:
        return await self._pool.run(lambda: guarded(lambda: job(self._aws.s3()), self.describe()))


def _list_page(bucket: str, prefix: str, token: str | None) -> Callable[[S3Client], tuple[list[str], str | None]]:
    def job(client: S3Client) -> tuple[list[str], str | None]:
        more: dict[str, Any] = {} if token is None else {"ContinuationToken": token}
        answer = client.list_objects_v2(Bucket=bucket, Prefix=prefix, **more)
        return [entry["Key"] for entry in answer.get("Contents", [])], answer.get("NextContinuationToken")

    return job
