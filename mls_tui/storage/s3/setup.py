"""Creates, protects and checks the S3 bucket. Idempotent: rules and policy statements of others are kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from mls_tui.domain.errors import StorageError
from mls_tui.storage.aws import error_code, is_unsupported, status_of, turn_on_protection, with_storage_errors
from mls_tui.storage.base import Check

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_INIT = "run `mls-tui storage init`"
_NOTHING_SET_CODES = frozenset(
    {
        "NoSuchLifecycleConfiguration",
        "NoSuchBucketPolicy",
        "NoSuchPublicAccessBlockConfiguration",
        "ServerSideEncryptionConfigurationNotFoundError",
    }
)
_BLOCK: Any = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}
_RULES: list[Any] = [
    {
        "ID": "mls-tui-abort-multipart",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    },
    {
        "ID": "mls-tui-noncurrent",
        "Status": "Enabled",
        "Filter": {"Prefix": "listings/"},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        "Expiration": {"ExpiredObjectDeleteMarker": True},
    },
]
_TLS_SID = "MlsTuiTlsOnly"
_TLS_CHECK_SKIPPED = Check("TLS only", "skipped", "this endpoint is plain HTTP, and the rule would lock everyone out")


def init_bucket(client: S3Client, bucket: str) -> list[Check]:
    """Create the bucket and turn on its protections. Raises StorageError if there is no bucket to protect."""
    protections: list[tuple[str, Callable[[], str]]] = [
        ("public access", lambda: _block_public_access(client, bucket)),
        ("encryption", lambda: _encrypt(client, bucket)),
        ("versioning", lambda: _turn_on_versioning(client, bucket)),
        ("lifecycle", lambda: _set_lifecycle_rules(client, bucket)),
    ]
    if not _plain_http(client):
        protections.append(("TLS only", lambda: _add_tls_policy(client, bucket)))
    done = [_create(client, bucket)]
    done += [turn_on_protection(name, f"S3 bucket {bucket}", turn_on) for name, turn_on in protections]
    return [*done, _TLS_CHECK_SKIPPED] if _plain_http(client) else done


def _block_public_access(client: S3Client, bucket: str) -> str:
    client.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=_BLOCK)
    return "blocked"


def _encrypt(client: S3Client, bucket: str) -> str:
    if _encryption(client, bucket) is None:
        rule: Any = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
        client.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    return "on by default"


def _turn_on_versioning(client: S3Client, bucket: str) -> str:
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return "on"


def _create(client: S3Client, bucket: str) -> Check:
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if status_of(error) == 403:
            raise StorageError(
                f"The S3 bucket {bucket} belongs to another account, or the permission s3:ListBucket is missing. "
                "Set MLS_TUI_BUCKET to a name of your own."
            ) from error
        if status_of(error) != 404:
            raise
    else:
        return Check("bucket", "ok", f"ready: {bucket}")
    region = client.meta.region_name
    # S3 refuses a LocationConstraint of us-east-1.
    where: dict[str, Any] = (
        {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    )
    try:
        client.create_bucket(Bucket=bucket, **where)
    except client.exceptions.BucketAlreadyOwnedByYou:
        return Check("bucket", "ok", f"ready: {bucket}")
    except client.exceptions.BucketAlreadyExists as error:
        raise StorageError(
            f"The S3 bucket name {bucket} is taken by another account. Set MLS_TUI_BUCKET to another name."
        ) from error
    return Check("bucket", "ok", f"created: {bucket}")


def _set_lifecycle_rules(client: S3Client, bucket: str) -> str:
    ours = {rule["ID"] for rule in _RULES}
    others = [rule for rule in _rules(client, bucket) if rule.get("ID") not in ours]
    client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [*others, *_RULES]})
    return "unfinished uploads are removed after 7 days, deleted photos after 30"


def _add_tls_policy(client: S3Client, bucket: str) -> str:
    policy = _policy(client, bucket)
    others = [statement for statement in _statements(policy) if statement.get("Sid") != _TLS_SID]
    statement = tls_statement(bucket, _partition(client))
    document = {"Version": "2012-10-17", **policy, "Statement": [*others, statement]}
    client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(document))
    return "the bucket policy refuses plain HTTP"


def tls_statement(bucket: str, partition: str = "aws") -> dict[str, Any]:
    """Denies every request to the bucket over plain HTTP."""
    arn = f"arn:{partition}:s3:::{bucket}"
    return {
        "Sid": _TLS_SID,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _plain_http(client: S3Client) -> bool:
    return client.meta.endpoint_url.startswith("http:")


def _partition(client: S3Client) -> str:
    return str(getattr(client.meta, "partition", "aws"))


def check_bucket(client: S3Client, bucket: str) -> list[Check]:
    """One line for the bucket and each protection. A protection that may not be read is a warning."""
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if status_of(error) == 404:
            return [Check("bucket", "failure", f"the S3 bucket {bucket} does not exist", _INIT)]
        if status_of(error) == 403:
            advice = "use a bucket of your own, or allow s3:ListBucket"
            return [Check("bucket", "failure", f"access to the S3 bucket {bucket} is denied", advice)]
        raise
    probes: list[tuple[str, Callable[[], bool], str]] = [
        ("public access", lambda: _public_blocked(client, bucket), "not blocked"),
        ("encryption", lambda: _encryption(client, bucket) is not None, "no default encryption"),
        ("versioning", lambda: client.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled", "off"),
        ("lifecycle", lambda: _aborts_uploads(client, bucket), "unfinished uploads are never removed"),
    ]
    checks = [Check("bucket", "ok", f"{bucket} is there"), *(_check_protection(bucket, *probe) for probe in probes)]
    if _plain_http(client):
        return [*checks, _TLS_CHECK_SKIPPED]
    tls = _check_protection(
        bucket, "TLS only", lambda: _tls_only(client, bucket), "the bucket policy allows plain HTTP"
    )
    return [*checks, tls]


def _check_protection(bucket: str, name: str, holds: Callable[[], bool], otherwise: str) -> Check:
    try:
        good = with_storage_errors(holds, f"S3 bucket {bucket}")
    except StorageError as error:
        if error.__cause__ is not None and is_unsupported(error.__cause__):
            return Check(name, "skipped", f"the S3 bucket {bucket} does not offer it")
        return Check(name, "warning", str(error), "allow it, or check it in the AWS console")
    if good:
        return Check(name, "ok", "as it should be")
    return Check(name, "failure" if name == "public access" else "warning", otherwise, _INIT)


def _public_blocked(client: S3Client, bucket: str) -> bool:
    found = _none_if_unset(lambda: client.get_public_access_block(Bucket=bucket).get("PublicAccessBlockConfiguration"))
    return found is not None and all(found.get(name) for name in _BLOCK)


def _encryption(client: S3Client, bucket: str) -> Any:
    found = _none_if_unset(lambda: client.get_bucket_encryption(Bucket=bucket).get("ServerSideEncryptionConfiguration"))
    return found if found and found.get("Rules") else None


def _rules(client: S3Client, bucket: str) -> list[Any]:
    return list(_none_if_unset(lambda: client.get_bucket_lifecycle_configuration(Bucket=bucket).get("Rules")) or [])


def _aborts_uploads(client: S3Client, bucket: str) -> bool:
    rules = _rules(client, bucket)
    return any(rule.get("Status") == "Enabled" and "AbortIncompleteMultipartUpload" in rule for rule in rules)


def _policy(client: S3Client, bucket: str) -> dict[str, Any]:
    text = _none_if_unset(lambda: client.get_bucket_policy(Bucket=bucket).get("Policy"))
    policy: dict[str, Any] = json.loads(text) if text else {}
    return policy


def _statements(policy: dict[str, Any]) -> list[dict[str, Any]]:
    found = policy.get("Statement", [])
    return [found] if isinstance(found, dict) else list(found)


def _tls_only(client: S3Client, bucket: str) -> bool:
    return any(
        statement.get("Effect") == "Deny"
        and statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport") in ("false", False)
        for statement in _statements(_policy(client, bucket))
    )


def _none_if_unset(question: Callable[[], Any]) -> Any:
    """The answer; None if S3 says that nothing is set."""
    try:
        return question()
    except ClientError as error:
        if error_code(error) in _NOTHING_SET_CODES:
            return None
        raise
