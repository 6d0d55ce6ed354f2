"""Promises about SRP: the claim is the one that Cognito expects, and tells nothing of the password."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from datetime import UTC, datetime

import pytest

from mls_tui.users.srp import G, K, N, SrpClient, digest, padded, private_key, session_key

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
POOL = "us-east-1_AbCdEf123"

CLAIMS = [
    ("Right-123456", "ann", "8f010101010101010101010101010101", "HSHi0FixJcBwbiadn7MWRlmPwGP7bAY8HF+RiiLjAFw="),
    ("pässwörd ☃", "9f2c-user", "7020202020202020202020202020202", "q4bbNNZHsVkXZrPvWavFRWFafhFskoZIgGCTMy+D78E="),
    ("x" * 99, "ann@example.com", "0aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "QlmB6ibAvI96sfLDiJXnjBczwCTDc7yUz9e2nhvj7JA="),
]
"""Password, user, salt, signature: what pycognito 2024.5 makes of the same numbers."""


def _number(name: str) -> int:
    return int(hashlib.sha512(name.encode()).hexdigest(), 16)


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


class SrpServer:
    """The other side of SRP, from the verifier alone; says whether a claim proves the password."""

    def __init__(self, pool_id: str, user: str, password: str) -> None:
        self.name, self.user, self.salt = pool_id.split("_")[1], user, secrets.randbits(128)
        self.verifier = pow(G, private_key(self.salt, self.name, user, password), N)
        self.secret = secrets.randbits(512)
        self.public = (K * self.verifier + pow(G, self.secret, N)) % N
        self.block = base64.b64encode(secrets.token_bytes(32)).decode()

    def parameters(self) -> dict[str, str]:
        numbers = {"SALT": f"{self.salt:x}", "SRP_B": f"{self.public:x}"}
        return {"USERNAME": self.user, "USER_ID_FOR_SRP": self.user, "SECRET_BLOCK": self.block, **numbers}

    def accepts(self, client_public: int, claim: dict[str, str]) -> bool:
        scramble = digest(padded(client_public), padded(self.public))
        shared = pow(client_public * pow(self.verifier, scramble, N), self.secret, N)
        message = self.name.encode() + self.user.encode() + base64.b64decode(self.block) + claim["TIMESTAMP"].encode()
        wanted = hmac.new(session_key(shared, scramble), message, hashlib.sha256).digest()
        return hmac.compare_digest(base64.b64encode(wanted).decode(), claim["PASSWORD_CLAIM_SIGNATURE"])


@pytest.mark.parametrize(("typed", "accepted"), [("pässwörd-1", True), ("passwörd-1", False)])
def test_a_server_that_knows_only_the_verifier_can_tell_the_password(typed: str, accepted: bool) -> None:
    for _ in range(5):
        server, client = SrpServer(POOL, "ann", "pässwörd-1"), SrpClient(POOL, typed)
        claim = client.claim(server.parameters(), NOON)
        assert server.accepts(int(client.public, 16), claim) is accepted
        assert "rd-1" not in json.dumps(claim)
    assert claim["TIMESTAMP"] == "Mon Jun 1 12:00:00 UTC 2026"


def test_a_dishonest_server_gets_no_claim() -> None:
    parameters = SrpServer(POOL, "ann", "x").parameters() | {"SRP_B": "0"}
    with pytest.raises(ValueError, match="not safe"):
        SrpClient(POOL, "x").claim(parameters, NOON)
