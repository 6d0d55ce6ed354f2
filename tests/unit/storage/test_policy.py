"""The IAM policy's shape: one user's items and photos, no scan, TLS only."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mls_tui.storage.policy import USER, policy_json

STATEMENTS: list[dict[str, Any]] = json.loads(policy_json("t", "b"))["Statement"]
ALLOWED = [statement for statement in STATEMENTS if statement["Effect"] == "Allow"]
DENIED = [statement for statement in STATEMENTS if statement["Effect"] == "Deny"]


def test_nothing_is_allowed_by_wildcard() -> None:
    for statement in ALLOWED:
        assert all("*" not in action for action in statement["Action"])
        assert "*" not in statement["Resource"]


@pytest.mark.promise(11)
def test_items_are_those_of_the_user() -> None:
    (items,) = [statement for statement in ALLOWED if statement["Action"][0].startswith("dynamodb:")]
    assert items["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"] == [f"USER#{USER}"]
    assert items["Condition"]["Null"] == {"dynamodb:LeadingKeys": "false"}
    assert items["Resource"] == ["arn:aws:dynamodb:*:*:table/t"]


@pytest.mark.promise(11)
def test_photos_are_those_of_the_user() -> None:
    photos = [statement for statement in ALLOWED if statement["Action"][0].startswith("s3:")]
    assert photos[0]["Resource"] == [f"arn:aws:s3:::b/listings/{USER}/*"]
    assert photos[1]["Condition"]["StringLike"]["s3:prefix"] == [f"listings/{USER}/*"]


@pytest.mark.promise(11)
def test_no_scan_and_no_administration() -> None:
    allowed = {action for statement in ALLOWED for action in statement["Action"]}
    assert not any(word in action for action in allowed for word in ("Scan", "Create", "Table", "Policy", "PartiQL"))
    assert any("dynamodb:Scan" in statement["Action"] for statement in DENIED)


@pytest.mark.promise(11)
def test_only_tls() -> None:
    assert all(statement["Condition"]["Bool"] == {"aws:SecureTransport": "true"} for statement in ALLOWED)
    tls = [statement for statement in DENIED if statement.get("Condition")]
    assert tls[0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert {"dynamodb:*", "s3:*"} == set(tls[0]["Action"])
