"""botocore's errors as sentences: which service said no, why, and what to do. No message holds a credential."""

from __future__ import annotations

from typing import Any

from mls_tui.domain.errors import StorageError

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
    """``ConditionalCheckFailedException`` and the like; empty where AWS did not answer."""
    response: dict[str, Any] = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", ""))


def status_of(error: BaseException) -> int:
    """The HTTP status of the answer; 0 where there was none."""
    response: dict[str, Any] = getattr(error, "response", {})
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def translate(error: BaseException, where: str) -> StorageError:
    """``where`` is the thing in use: ``DynamoDB table mls-listings``, ``S3 bucket photos``."""
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
        # A page of HTML from something in between says nothing to a person.
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
