"""The one place that builds boto3 clients. Region, profile, credentials and endpoints come from boto3's own variables
and nothing of ours shadows them; clients are built once, in the thread that first needs one, never on an event loop."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from mls_tui.domain.errors import StorageError
from mls_tui.storage.aws_errors import translate

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.config import Config
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

    from mls_tui.storage.s3.bulk import BulkUploads

T = TypeVar("T")

CONNECT_SECONDS = 5
READ_SECONDS = 20
SQS_READ_SECONDS = 30
ATTEMPTS = 8
"""All attempts of one request, botocore's standard mode: 5xx, throttling, resets and time-outs, with jitter. AWS's SDKs
give DynamoDB 10 by default: its throttles and splits pass in seconds."""

_AMAZON = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


def default_session() -> Session:
    """A session that knows only what AWS's own variables and files say."""
    import boto3

    # botocore reads AWS_DEFAULT_REGION alone; every other AWS tool lets AWS_REGION win (CONTRACT: "Configuration").
    return boto3.session.Session(region_name=os.environ.get("AWS_REGION") or None)


class Aws:
    """Clients for the stores. ``session`` may bring credentials of its own (an identity pool's, refreshable)."""

    def __init__(
        self, session: Callable[[], Session] = default_session, *, connections: int = 48, attempts: int = ATTEMPTS
    ) -> None:
        self._new_session = session
        self._connections = connections
        self._attempts = attempts
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._dynamodb: DynamoDBClient | None = None
        self._s3: S3Client | None = None
        self._sqs: Any = None

    def dynamodb(self) -> DynamoDBClient:
        """Blocking; call it off the event loop. Raises botocore's errors (no region, no such profile)."""
        from mls_tui.storage.dynamodb.body import write_bodies

        with self._lock:
            if self._dynamodb is None:
                # We build typed attributes ourselves; checking every nested value again costs 0.5 ms an item.
                client = self._get_session().client("dynamodb", config=self._config(parameter_validation=False))
                write_bodies(client)
                self._dynamodb = client
            return self._dynamodb

    def s3(self) -> S3Client:
        """As ``dynamodb``. A custom endpoint is addressed by path: it seldom has a name for every bucket."""
        with self._lock:
            if self._s3 is None:
                client = self._get_session().client("s3", config=self._s3_config("auto"))
                if is_custom(client.meta.endpoint_url):
                    client = self._get_session().client("s3", config=self._s3_config("path"))
                self._s3 = client
            return self._s3

    def sqs(self) -> Any:
        """As ``dynamodb``. A long poll may take 20 s before the first byte of its answer."""
        with self._lock:
            if self._sqs is None:
                config = self._config(read_timeout=SQS_READ_SECONDS)
                self._sqs = self._get_session().client("sqs", config=config)
            return self._sqs

    def bulk_uploads(self, bucket: str) -> BulkUploads | None:
        """The fast way up to a bucket, as ``s3`` would go; None where there is none. Blocking, as ``s3`` is."""
        from mls_tui.storage.s3.bulk import bulk_uploads

        client = self.s3()
        with self._lock:
            return bulk_uploads(self._get_session(), client, bucket)

    @property
    def region(self) -> str:
        """The region in use, as far as it is known without building a client."""
        if self._session is not None:
            return self._session.region_name or "no region"
        return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "the default region"

    def _get_session(self) -> Session:
        if self._session is None:
            session = self._new_session()
            if session.region_name is None:
                from botocore.exceptions import NoRegionError

                # S3 alone would go on without one, in a region nobody chose.
                raise NoRegionError()
            self._session = session
        return self._session

    def _s3_config(self, addressing: str) -> Config:
        return self._config(
            s3={"addressing_style": addressing},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )

    def _config(self, **more: Any) -> Config:
        from botocore.config import Config

        return Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=more.pop("read_timeout", READ_SECONDS),
            retries={"mode": "standard", "total_max_attempts": self._attempts},
            max_pool_connections=self._connections,
            tcp_keepalive=True,
            user_agent_extra="mls-tui",
            **more,
        )


def is_custom(endpoint: str) -> bool:
    """True where the endpoint is not Amazon's own (a test server, a compatible store)."""
    return not (urlsplit(endpoint).hostname or "").endswith(_AMAZON)


def guarded(job: Callable[[], T], where: str) -> T:
    """Run ``job``; botocore's errors, and those of its configuration, become StorageErrors."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return job()
    except StorageError:
        raise
    except (BotoCoreError, ClientError, OSError, ValueError) as error:
        raise translate(error, where) from error
    except Exception as error:
        # urllib3 reports a body cut short by errors of its own.
        if type(error).__module__.startswith("urllib3."):
            raise StorageError(f"The {where} broke off an answer. Try again.", retryable=True) from error
        raise
