"""Makes every boto3 client of the program, and turns botocore's errors into sentences.

Region, profile, credentials and endpoints come from boto3's own variables (docs/contract.md, section Configuration).
"""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast
from urllib.parse import urlsplit

from mls_tui.domain.errors import StorageError
from mls_tui.storage.base import Check

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.model import OperationModel
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")

log = logging.getLogger("mls_tui")

CONNECT_SECONDS = 5
READ_SECONDS = 20


class _Limits(NamedTuple):
    """Seconds to connect, seconds between two bytes of an answer, and attempts of one request in all.

    botocore repeats 5xx, throttling, resets and time-outs with jitter (its standard mode).
    """

    connect: float = CONNECT_SECONDS
    read: float = READ_SECONDS
    attempts: int = 3


_LIMITS = {
    # AWS's SDKs give DynamoDB 10 attempts by default: its throttles and splits pass in seconds.
    "dynamodb": _Limits(attempts=8),
    "s3": _Limits(attempts=8),
    # A long poll may take 20 s before the first byte of its answer.
    "sqs": _Limits(read=30, attempts=8),
    "cognito-idp": _Limits(read=15),
    "cognito-identity": _Limits(read=15),
    "kms": _Limits(read=10),
    "logs": _Limits(connect=3, read=5),
    "sts": _Limits(read=10, attempts=2),
}
_UNSIGNED = ("cognito-idp", "cognito-identity")
"""Services that a user calls before there are credentials."""

_AMAZON = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


def default_session() -> Session:
    """A session that knows only what AWS's own variables and files say."""
    import boto3

    # botocore only reads AWS_DEFAULT_REGION; other AWS tools prefer AWS_REGION.
    return boto3.session.Session(region_name=os.environ.get("AWS_REGION") or None)


def renewing_session(fetch: Callable[[], dict[str, str]], region: str) -> Session:
    """A session whose credentials are those that ``fetch`` returns (access_key, secret_key, token, expiry_time in ISO
    8601), called again before they expire. AWS's own variables and files name the region; ``region`` is the default.
    """
    import boto3
    from botocore.credentials import RefreshableCredentials
    from botocore.session import get_session

    core: Any = get_session()
    core._credentials = RefreshableCredentials.create_from_metadata(fetch(), fetch, "cognito-identity")
    named = os.environ.get("AWS_REGION") or core.get_config_variable("region") or region
    return boto3.session.Session(botocore_session=core, region_name=named)


def new_client(
    service: str, session: Session | None = None, *, region: str | None = None, attempts: int | None = None, **more: Any
) -> Any:
    """A boto3 client with this program's time-outs and attempts. Every client is made here.

    ``more`` are options of botocore's Config. Raises botocore's errors (no region, no such profile).
    """
    from botocore import UNSIGNED
    from botocore.config import Config

    limits = _LIMITS[service]
    config = Config(
        connect_timeout=limits.connect,
        read_timeout=limits.read,
        retries={"mode": "standard", "total_max_attempts": attempts or limits.attempts},
        user_agent_extra="mls-tui",
        **({"signature_version": UNSIGNED} if service in _UNSIGNED else {}),
        **more,
    )
    clients: Any = session or default_session()
    return clients.client(service, region_name=region, config=config)


class Aws:
    """The clients of the stores and of the queue, each made once, by the thread that first needs it.

    ``session`` may have its own credentials. ``connections`` bounds the open connections of one client, and
    ``attempts`` replaces the number of attempts of every request.
    """

    def __init__(
        self, session: Callable[[], Session] = default_session, *, connections: int = 48, attempts: int | None = None
    ) -> None:
        self._new_session = session
        self._connections = connections
        self._attempts = attempts
        self._lock = threading.RLock()
        self._session: Session | None = None
        self._clients: dict[str, Any] = {}

    def dynamodb(self) -> DynamoDBClient:
        """Blocking; call it off the event loop. Raises botocore's errors (no region, no such profile)."""
        # Our own code types the attributes; validating each one again costs 0.5 ms an item.
        return cast(
            "DynamoDBClient", self._client("dynamodb", lambda: self._new("dynamodb", parameter_validation=False))
        )

    def s3(self) -> S3Client:
        """As ``dynamodb``. A custom endpoint is addressed by path, as few have a host name for each bucket."""
        return cast("S3Client", self._client("s3", self._new_s3))

    def sqs(self) -> Any:
        """As ``dynamodb``."""
        return self._client("sqs", lambda: self._new("sqs"))

    def session(self) -> Session:
        """The session that the clients come from. Blocking, as ``dynamodb`` is."""
        with self._lock:
            if self._session is None:
                session = self._new_session()
                if session.region_name is None:
                    from botocore.exceptions import NoRegionError

                    # S3 alone would go on without one, in a region that nobody chose.
                    raise NoRegionError()
                self._session = session
            return self._session

    @property
    def region(self) -> str:
        """The region in use, as far as it is known without making a client."""
        if self._session is not None:
            return self._session.region_name or "no region"
        return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "the default region"

    @property
    def account_hint(self) -> str:
        """Differs between two accounts or endpoints, as far as the environment names them; AWS is not asked."""
        names = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB")
        return "|".join((self.region, *(os.environ.get(name, "") for name in names)))

    def _client(self, service: str, new: Callable[[], Any]) -> Any:
        with self._lock:
            if service not in self._clients:
                self._clients[service] = new()
            return self._clients[service]

    def _new(self, service: str, **more: Any) -> Any:
        return new_client(
            service,
            self.session(),
            attempts=self._attempts,
            max_pool_connections=self._connections,
            tcp_keepalive=True,
            **more,
        )

    def _new_s3(self) -> Any:
        def addressed(style: str) -> Any:
            return self._new(
                "s3",
                s3={"addressing_style": style},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            )

        client = addressed("auto")
        if is_custom_endpoint(client.meta.endpoint_url):
            client = addressed("path")
        client.meta.events.register("before-call.s3", _add_content_md5)
        return client


def is_custom_endpoint(endpoint: str) -> bool:
    """True for a test server or a store that is compatible with AWS."""
    return not (urlsplit(endpoint).hostname or "").endswith(_AMAZON)


def with_storage_errors(job: Callable[[], T], where: str) -> T:
    """Run ``job``; errors of botocore, and answers that cannot be read, become StorageErrors about ``where``."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        return job()
    except StorageError:
        raise
    except ResponseParserError as error:
        raise unreadable_answer(where) from error
    except (BotoCoreError, ClientError, OSError, ValueError) as error:
        raise translate(error, where) from error
    except (KeyError, TypeError, AttributeError) as error:
        log.warning("an answer of the %s could not be read", where, exc_info=error)
        raise unreadable_answer(where) from error
    except Exception as error:
        # urllib3 reports a body cut short by errors of its own.
        if type(error).__module__.startswith("urllib3."):
            raise StorageError(f"The {where} broke off an answer. Try again.", retryable=True) from error
        raise


def unreadable_answer(where: str) -> StorageError:
    """For an answer that is not AWS's, such as a proxy's web page."""
    return StorageError(
        f"The {where} gave an answer that is none of AWS's. Check AWS_ENDPOINT_URL, and any proxy in between."
    )


def _add_content_md5(model: OperationModel, params: dict[str, Any], **_: object) -> None:
    """Some S3-compatible stores require Content-MD5 on requests with a list or a document; boto3 stopped sending it."""
    if isinstance(params["body"], bytes) and model.http_checksum.get("requestChecksumRequired"):
        digest = hashlib.md5(params["body"], usedforsecurity=False).digest()
        params["headers"].setdefault("Content-MD5", base64.b64encode(digest).decode())


# errors ------------------------------------------------------------------------------------------------------

THROTTLES = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "SlowDown",
        "Throttling",
        "ThrottlingError",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_UNKNOWN_KEY = frozenset(
    {
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
        "IncompleteSignature",
    }
)
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "403", "Forbidden", "AllAccessDisabled"})
_WRONG_CLOCK = frozenset({"RequestTimeTooSkewed", "SignatureExpired"})
_WRONG_REGION = frozenset({"PermanentRedirect", "AuthorizationHeaderMalformed", "301", "IllegalLocationConstraint"})
_NO_QUEUE = frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"})
_UNREACHABLE = frozenset(
    {
        "EndpointConnectionError",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "ConnectionClosedError",
        "ConnectionError",
        "ProxyConnectionError",
        "SSLError",
        "HTTPClientError",
        "IncompleteReadError",
        "ResponseStreamingError",
    }
)
_UNSUPPORTED = frozenset(
    {
        "InvalidAction",
        "MethodNotAllowed",
        "NotImplemented",
        "UnknownOperationException",
        "UnsupportedOperation",
        "UnsupportedOperationException",
        "XNotImplemented",
    }
)
_SIGN_IN = "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws sso login`."
_PERMISSIONS = {
    "DescribeTable": "dynamodb:DescribeTable",
    "BatchWriteItem": "dynamodb:BatchWriteItem",
    "TransactWriteItems": "dynamodb:PutItem, dynamodb:UpdateItem and dynamodb:DeleteItem",
    "ListObjectsV2": "s3:ListBucket",
    "ListObjectVersions": "s3:ListBucketVersions",
    "HeadBucket": "s3:ListBucket",
    "DeleteObjects": "s3:DeleteObject",
    "GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "SendMessageBatch": "sqs:SendMessage",
}


def error_code(error: BaseException) -> str:
    """AWS's error code, such as ``ConditionalCheckFailedException``; empty if AWS did not answer."""
    response: dict[str, Any] = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", ""))


def status_of(error: BaseException) -> int:
    """The HTTP status of the answer; 0 if there was none."""
    response: dict[str, Any] = getattr(error, "response", {})
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def turn_on_protection(name: str, where: str, turn_on: Callable[[], str]) -> Check:
    """Call ``turn_on``, which returns the detail of the check.

    The check is ``skipped`` if the service does not have this protection, and a failure if it cannot be turned on.
    """
    try:
        return Check(name, "ok", with_storage_errors(turn_on, where))
    except StorageError as error:
        if error.__cause__ is not None and is_unsupported(error.__cause__):
            return Check(name, "skipped", f"the {where} does not offer it")
        return Check(name, "failure", str(error))


def is_unsupported(error: BaseException) -> bool:
    """True if the service does not know the operation, as servers that imitate AWS answer."""
    return error_code(error) in _UNSUPPORTED or status_of(error) in (405, 501)


def translate(error: BaseException, where: str) -> StorageError:
    """``error`` as a sentence. ``where`` names the resource: ``DynamoDB table mls-listings``, ``S3 bucket photos``."""
    code = error_code(error)
    if code:
        return _answered(error, code, where)
    return _unanswered(error, where)


def _answered(error: BaseException, code: str, where: str) -> StorageError:
    operation = str(getattr(error, "operation_name", ""))
    if code in THROTTLES or code == "TransactionInProgressException":
        return StorageError(f"The {where} is throttled: AWS asks to slow down. Try again in a minute.", retryable=True)
    if code in _EXPIRED:
        return StorageError(f"The AWS credentials for the {where} have expired. Renew them, e.g. `aws sso login`.")
    if code in _UNKNOWN_KEY:
        return StorageError(f"AWS does not accept the credentials for the {where} ({code}). {_SIGN_IN}")
    if code in _WRONG_CLOCK:
        return StorageError(f"AWS refused the {where} because this machine's clock is wrong. Set it and try again.")
    if code in _DENIED or status_of(error) == 403:
        return StorageError(f"AWS denies access to the {where}: {_permission(operation, where)} is missing.")
    if code in ("ResourceNotFoundException", "NoSuchBucket", "TableNotFoundException"):
        return StorageError(
            f"The {where} does not exist in this region. Run `mls-tui storage init`, or set AWS_REGION."
        )
    if code in _NO_QUEUE:
        return StorageError(
            f"The {where} does not exist in this region. Run `mls-tui storage init --distributed`, or set AWS_REGION."
        )
    if code in _WRONG_REGION:
        return StorageError(f"The {where} is in another region. Set AWS_REGION to the bucket's region.")
    retryable = status_of(error) in (409, 500, 502, 503, 504)
    advice = "Try again in a minute." if retryable else "Run `mls-tui storage check`."
    refused = f"The {where} refused {operation or 'a request'}: {code}.{_detail(error)}"
    return StorageError(f"{refused} {advice}", retryable=retryable)


def _permission(operation: str, where: str) -> str:
    service = {"S3": "s3", "SQS": "sqs"}.get(where.split(" ")[0], "dynamodb")
    return f"the permission {_PERMISSIONS.get(operation, f'{service}:{operation}')}"


def _detail(error: BaseException) -> str:
    response: dict[str, Any] = getattr(error, "response", {})
    text = " ".join(str(response.get("Error", {}).get("Message", "")).split())
    if text.startswith("<"):
        # An HTML page, from a proxy for instance.
        return ""
    return f" {text[:200].rstrip('.')}." if text else ""


def _unanswered(error: BaseException, where: str) -> StorageError:
    name = type(error).__name__
    if name in ("NoCredentialsError", "PartialCredentialsError"):
        return StorageError(f"No AWS credentials were found for the {where}. {_SIGN_IN}")
    if name in ("CredentialRetrievalError", "TokenRetrievalError", "UnauthorizedSSOTokenError", "SSOTokenLoadError"):
        return StorageError(f"The AWS credentials for the {where} could not be renewed. Run `aws sso login`.")
    if name == "NoRegionError":
        return StorageError(f"No AWS region is set for the {where}. Set AWS_REGION, e.g. AWS_REGION=us-east-1.")
    if name == "ProfileNotFound":
        return StorageError("The AWS profile does not exist. Set AWS_PROFILE to one in ~/.aws/config.")
    if name in _UNREACHABLE or isinstance(error, OSError):
        return StorageError(
            f"The {where} cannot be reached ({name}). Check the network, AWS_REGION and AWS_ENDPOINT_URL.",
            retryable=True,
        )
    if isinstance(error, ValueError):
        return StorageError(
            f"The AWS settings for the {where} are wrong ({name}). Check AWS_ENDPOINT_URL and AWS_REGION."
        )
    return StorageError(f"The {where} failed ({name}). Run `mls-tui storage check`.")
