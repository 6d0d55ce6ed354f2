"""The pool of the tests is as strict as Cognito: a claim that is old, moved or altered in any part is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from mls_tui.users.srp import SrpClient
from tests.cognito import srp
from tests.cognito.pool import Pool, Refused, code_of

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
PASSWORD = "Right-123456"


@pytest.fixture
def pool() -> Pool:
    pool = Pool(now=lambda: NOON)
    pool.add("ann", PASSWORD)
    pool.add("bob", PASSWORD)
    return pool


def challenged(pool: Pool, client: SrpClient, name: str = "ann") -> dict[str, str]:
    answer = pool.answer("InitiateAuth", _initiate(pool, name, client.public))
    assert "Session" not in answer
    parameters: dict[str, str] = answer["ChallengeParameters"]
    return parameters


def _initiate(pool: Pool, name: str, public: str) -> dict[str, Any]:
    given = {"USERNAME": name, "SRP_A": public}
    return {"AuthFlow": "USER_SRP_AUTH", "ClientId": pool.client_id, "AuthParameters": given}


def proving(pool: Pool, claim: dict[str, str]) -> dict[str, Any]:
    return pool.answer(
        "RespondToAuthChallenge",
        {"ClientId": pool.client_id, "ChallengeName": "PASSWORD_VERIFIER", "ChallengeResponses": claim},
    )


@pytest.mark.parametrize(
    ("altered", "code"),
    [
        ({}, None),
        ({"TIMESTAMP": "Mon Jun 1 12:00:01 UTC 2026"}, "NotAuthorizedException"),
        ({"TIMESTAMP": "2026-06-01T12:00:00Z"}, "InvalidParameterException"),
        ({"TIMESTAMP": "lun. juin 1 12:00:00 UTC 2026"}, "InvalidParameterException"),
        ({"PASSWORD_CLAIM_SECRET_BLOCK": "YmxvY2s="}, "NotAuthorizedException"),
        ({"PASSWORD_CLAIM_SIGNATURE": "A" * 43 + "="}, "NotAuthorizedException"),
        ({"USERNAME": "bob"}, "NotAuthorizedException"),
    ],
)
def test_a_claim_that_is_altered_anywhere_is_refused(pool: Pool, altered: dict[str, str], code: str | None) -> None:
    client = SrpClient(pool.pool_id, PASSWORD)
    claim = client.claim(challenged(pool, client), NOON) | altered
    if code is None:
        assert proving(pool, claim)["AuthenticationResult"]["TokenType"] == "Bearer"
        return
    with pytest.raises(Refused) as caught:
        proving(pool, claim)
    assert caught.value.code == code


def test_a_claim_is_good_once_and_for_its_own_sign_in(pool: Pool) -> None:
    client = SrpClient(pool.pool_id, PASSWORD)
    first, second = challenged(pool, client), challenged(pool, client)
    claim = client.claim(first, NOON)
    with pytest.raises(Refused, match="Incorrect username or password"):
        proving(pool, claim | {"PASSWORD_CLAIM_SECRET_BLOCK": second["SECRET_BLOCK"]})
    assert "AuthenticationResult" in proving(pool, claim)
    with pytest.raises(Refused, match="Incorrect username or password"):
        proving(pool, claim)


@pytest.mark.parametrize("times", [0, 1, 2])
def test_a_public_number_that_would_prove_any_password_is_refused(pool: Pool, times: int) -> None:
    with pytest.raises(Refused, match="multiple of N"):
        pool.answer("InitiateAuth", _initiate(pool, "ann", f"{times * srp.N:x}"))


def test_a_day_that_was_signed_with_a_zero_in_front_is_refused(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pool reads the time and signs it as it would have written it: other clients stumbled over that."""
    monkeypatch.setattr("mls_tui.users.srp.timestamp", lambda _: "Mon Jun 01 12:00:00 UTC 2026")
    client = SrpClient(pool.pool_id, PASSWORD)
    with pytest.raises(Refused, match="Incorrect username or password"):
        proving(pool, client.claim(challenged(pool, client), NOON))


def test_codes_are_those_of_rfc_6238() -> None:
    secret = b"12345678901234567890"
    found = [code_of(secret, datetime.fromtimestamp(at, UTC)) for at in (59, 1111111109, 1234567890, 20000000000)]
    assert found == ["287082", "081804", "005924", "353130"]
