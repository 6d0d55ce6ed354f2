"""Promises about SRP: the claim is the one that Cognito expects, and tells nothing of the password."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from datetime import UTC, datetime

import pytest

from mls_tui.users.srp import G, K, N, SrpClient
from tests.cognito import srp as server_srp
from tests.cognito.srp import Handshake, verifier

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
POOL = "us-east-1_AbCdEf123"

CLAIMS = [
    ("Right-123456", "ann", "8f010101010101010101010101010101", "HSHi0FixJcBwbiadn7MWRlmPwGP7bAY8HF+RiiLjAFw="),
    ("pässwörd ☃", "9f2c-user", "7020202020202020202020202020202", "q4bbNNZHsVkXZrPvWavFRWFafhFskoZIgGCTMy+D78E="),
    ("x" * 99, "ann@example.com", "0aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "QlmB6ibAvI96sfLDiJXnjBczwCTDc7yUz9e2nhvj7JA="),
]
"""Password, user, salt, signature: what pycognito 2024.5 and Amazon's own
amazon-cognito-identity-js 6.3.21 both make of the same numbers."""


def _number(name: str) -> int:
    return int(hashlib.sha512(name.encode()).hexdigest(), 16)


@pytest.mark.promise("sign-in")
@pytest.mark.parametrize(("index", "given"), list(enumerate(CLAIMS)))
def test_the_claim_is_that_of_another_implementation(index: int, given: tuple[str, str, str, str]) -> None:
    password, user, salt, signature = given
    client = SrpClient("eu-west-1_AbCdEf123", password, int(f"{_number(f'a{index}'):x}" * 2, 16))
    parameters = {
        "USER_ID_FOR_SRP": user,
        "USERNAME": user,
        "SALT": salt,
        "SRP_B": f"{pow(5, _number(f'b{index}'), N):x}",
        "SECRET_BLOCK": base64.b64encode(b"block%d" % index).decode(),
    }
    claim = client.claim(parameters, datetime(2026, 6, 1, 9, 5, tzinfo=UTC))
    assert claim == {
        "TIMESTAMP": "Mon Jun 1 09:05:00 UTC 2026",
        "USERNAME": user,
        "PASSWORD_CLAIM_SECRET_BLOCK": parameters["SECRET_BLOCK"],
        "PASSWORD_CLAIM_SIGNATURE": signature,
    }


@pytest.mark.parametrize(("typed", "accepted"), [("pässwörd-1", True), ("passwörd-1", False)])
def test_a_server_that_knows_only_the_verifier_can_tell_the_password(typed: str, accepted: bool) -> None:
    for _ in range(5):
        client, salt = SrpClient(POOL, typed), secrets.randbits(128)
        kept = (salt, verifier(POOL, "ann", "pässwörd-1", salt))
        server = Handshake(POOL, "ann", kept, int(client.public, 16))
        claim = client.claim(server.parameters(), NOON)
        assert server.accepts(claim["PASSWORD_CLAIM_SIGNATURE"], "Mon Jun 1 12:00:00 UTC 2026") is accepted
        assert "rd-1" not in json.dumps(claim)


def test_the_group_is_the_one_that_rfc_3526_defines() -> None:
    assert (N, G, K) == (server_srp.N, server_srp.G, server_srp.K)


def test_a_dishonest_server_gets_no_claim() -> None:
    parameters = {"USER_ID_FOR_SRP": "ann", "SALT": "1", "SRP_B": f"{N:x}", "SECRET_BLOCK": "YmxvY2s="}
    for public in ("0", f"{N:x}", f"{2 * N:x}"):
        with pytest.raises(ValueError, match="not safe"):
            SrpClient(POOL, "x").claim(parameters | {"SRP_B": public}, NOON)
