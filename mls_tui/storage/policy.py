"""The IAM policy of one signed-in user: only the user's own items and photos, no scan, TLS only. Pure.

Printed by ``storage init --print-policy``, for the authenticated role of a Cognito identity pool; the user id in every
key is then the identity id, which AWS fills in.
"""

from __future__ import annotations

import json
from typing import Any

USER = "${cognito-identity.amazonaws.com:sub}"
"""A variable that IAM replaces by the identity id of the caller."""


def user_policy(
    table: str, bucket: str, *, region: str = "*", account: str = "*", partition: str = "aws"
) -> dict[str, Any]:
    """The rights of every command but ``storage init`` and ``storage check``, which an administrator runs."""
    table_arn = f"arn:{partition}:dynamodb:{region}:{account}:table/{table}"
    bucket_arn = f"arn:{partition}:s3:::{bucket}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            _own_items(table_arn),
            _own_photos(bucket_arn),
            _list_own_photos(bucket_arn),
            {
                "Sid": "NoScan",
                "Effect": "Deny",
                "Action": ["dynamodb:Scan", "dynamodb:PartiQLSelect"],
                "Resource": [table_arn, f"{table_arn}/index/*"],
            },
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Action": ["dynamodb:*", "s3:*"],
                "Resource": [table_arn, f"{table_arn}/index/*", bucket_arn, f"{bucket_arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    }


def _own_items(table_arn: str) -> dict[str, Any]:
    """The index is left out, as its partition key names an MLS, which users share. A transaction needs only the rights
    of its parts."""
    return {
        "Sid": "OwnItems",
        "Effect": "Allow",
        "Action": [
            "dynamodb:GetItem",
            "dynamodb:BatchGetItem",
            "dynamodb:Query",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
            "dynamodb:BatchWriteItem",
        ],
        "Resource": [table_arn],
        "Condition": {
            "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": [f"USER#{USER}"]},
            # ForAllValues alone holds for a request that names no key at all.
            "Null": {"dynamodb:LeadingKeys": "false"},
            "Bool": {"aws:SecureTransport": "true"},
        },
    }


def _own_photos(bucket_arn: str) -> dict[str, Any]:
    return {
        "Sid": "OwnPhotos",
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"],
        "Resource": [f"{bucket_arn}/listings/{USER}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "true"}},
    }


def _list_own_photos(bucket_arn: str) -> dict[str, Any]:
    """By prefix, so that nobody reads the names of another's objects. S3 then answers 403 instead of 404 for an object
    that is absent; ``S3PhotoStore`` tells the two apart by listing the key."""
    return {
        "Sid": "ListOwnPhotos",
        "Effect": "Allow",
        "Action": ["s3:ListBucket", "s3:ListBucketVersions"],
        "Resource": [bucket_arn],
        "Condition": {
            "StringLike": {"s3:prefix": [f"listings/{USER}/*"]},
            "Bool": {"aws:SecureTransport": "true"},
        },
    }


def policy_json(table: str, bucket: str, **where: str) -> str:
    return json.dumps(user_policy(table, bucket, **where), indent=2)
