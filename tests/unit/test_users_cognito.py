"""Promises about Cognito sign-in: challenges, renewal with rotation, revocation, credentials that renew."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber
from moto import mock_aws

from mls_tui.config import load_settings
from mls_tui.domain.errors import AuthenticationError, StorageError
from mls_tui.users.cognito import CognitoUsers, IdentityPool
from mls_tui.users.port import Challenge, ChallengeKind, User, require
from mls_tui.users.secrets import open_vault
from mls_tui.users.session import Session, SessionFile
from mls_tui.users.srp import G, K, N, SrpClient, digest, padded, private_key, session_key

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
POOL, CLIENT = "us-east-1_AbCdEf123", "client1"


class HandClock:
    def __init__(self) -> None:
        self.moment = NOON

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.moment.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def sessions(home: Path) -> SessionFile:
    settings = load_settings({"MLS_TUI_HOME": str(home)})
    return SessionFile(settings.session_path, open_vault(settings), CLIENT)


def _session(**changes: Any) -> Session:
    values: dict[str, Any] = {
        "user_id": "u1", "name": "ann", "id_token": "canary-id", "access_token": "canary-access",
        "refresh_token": "canary-refresh", "expires_at": NOON.timestamp() + 3600,
    }  # fmt: skip
    return Session(**(values | changes))


@pytest.fixture
def stubbed(sessions: SessionFile, clock: HandClock) -> Iterator[tuple[CognitoUsers, Stubber]]:
    client: Any = boto3.client("cognito-idp", region_name="us-east-1")
    with Stubber(client) as stub:
        yield CognitoUsers(client, POOL, CLIENT, sessions, clock=clock), stub
        stub.assert_no_pending_responses()


# sign-in over moto ---------------------------------------------------------------------------------------------


@pytest.fixture
def pool() -> Iterator[tuple[Any, str, str]]:
    """A pool with ``ann``, confirmed, and ``new``, who has to choose a password."""
    with mock_aws():
        client: Any = boto3.client("cognito-idp", region_name="us-east-1")
        pool_id = client.create_user_pool(PoolName="p")["UserPool"]["Id"]
        app = client.create_user_pool_client(UserPoolId=pool_id, ClientName="c")["UserPoolClient"]["ClientId"]
        for name in ("ann", "new"):
            client.admin_create_user(UserPoolId=pool_id, Username=name, TemporaryPassword="Temp-123456")
        client.admin_set_user_password(UserPoolId=pool_id, Username="ann", Password="Right-123456", Permanent=True)
        yield client, pool_id, app


def test_a_user_signs_in_and_is_still_there_in_the_next_process(
    pool: tuple[Any, str, str], sessions: SessionFile
) -> None:
    user = CognitoUsers(*pool, sessions).sign_in("ann", "Right-123456")
    assert isinstance(user, User)
    assert CognitoUsers(*pool, sessions).current() == user


def test_a_first_sign_in_asks_for_a_new_password(pool: tuple[Any, str, str], sessions: SessionFile) -> None:
    users = CognitoUsers(*pool, sessions)
    challenge = users.sign_in("new", "Temp-123456")
    assert isinstance(challenge, Challenge)
    assert (challenge.kind, challenge.hidden) == (ChallengeKind.NEW_PASSWORD, True)
    assert users.current() is None
    assert isinstance(users.answer(challenge, "Right-123456"), User)


def test_an_unknown_user_is_refused_in_a_sentence(pool: tuple[Any, str, str], sessions: SessionFile) -> None:
    with pytest.raises(AuthenticationError, match="name or the password is wrong"):
        CognitoUsers(*pool, sessions).sign_in("nobody", "canary-password")


# what moto does not do -----------------------------------------------------------------------------------------


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


def _tokens(**changes: Any) -> dict[str, Any]:
    claims = base64.urlsafe_b64encode(json.dumps({"sub": "u1", "email": "ann@example.com"}).encode()).decode()
    tokens = {"IdToken": f"h.{claims.rstrip('=')}.s", "AccessToken": "a2", "RefreshToken": "r2", "ExpiresIn": 3600}
    return {"AuthenticationResult": tokens | changes}


def test_an_authenticator_code_is_asked_for_and_a_wrong_one_refused(stubbed: tuple[CognitoUsers, Stubber]) -> None:
    users, stub = stubbed
    parameters = SrpServer(POOL, "ann", "x").parameters()
    first = {"ChallengeName": "PASSWORD_VERIFIER", "ChallengeParameters": parameters, "Session": "s" * 20}
    stub.add_response("initiate_auth", first)
    asks = {"ChallengeName": "SOFTWARE_TOKEN_MFA", "ChallengeParameters": {}, "Session": "t" * 20}
    stub.add_response("respond_to_auth_challenge", asks)
    stub.add_client_error("respond_to_auth_challenge", "CodeMismatchException")
    expected = {
        "ClientId": CLIENT, "ChallengeName": "SOFTWARE_TOKEN_MFA", "Session": "t" * 20,
        "ChallengeResponses": {"USERNAME": "ann", "SOFTWARE_TOKEN_MFA_CODE": "123456"},
    }  # fmt: skip
    stub.add_response("respond_to_auth_challenge", _tokens(), expected)
    challenge = users.sign_in("ann", "x")
    assert isinstance(challenge, Challenge)
    assert challenge.kind is ChallengeKind.TOTP
    assert "t" * 20 not in repr(challenge)
    with pytest.raises(AuthenticationError, match="code is wrong"):
        users.answer(challenge, "000000")
    assert users.answer(challenge, "123456") == User("u1", "ann@example.com")


def test_tokens_near_their_end_are_renewed_and_the_rotated_refresh_token_is_kept(
    stubbed: tuple[CognitoUsers, Stubber], sessions: SessionFile, clock: HandClock
) -> None:
    users, stub = stubbed
    sessions.save(_session())
    assert users.current() == User("u1", "ann")
    clock.moment += timedelta(seconds=3400)
    sent = {"RefreshToken": "canary-refresh", "ClientId": CLIENT}
    stub.add_response("get_tokens_from_refresh_token", _tokens(), sent)
    assert users.current() == User("u1", "ann")
    stored = sessions.load()
    assert stored is not None
    assert (stored.refresh_token, stored.access_token) == ("r2", "a2")
    assert stored.expires_at == clock.moment.timestamp() + 3600


def test_a_revoked_session_ends_in_authentication_required(
    stubbed: tuple[CognitoUsers, Stubber], sessions: SessionFile
) -> None:
    users, stub = stubbed
    sessions.save(_session(expires_at=0.0))
    stub.add_client_error("get_tokens_from_refresh_token", "NotAuthorizedException")
    with pytest.raises(AuthenticationError) as caught:
        require(users)
    assert str(caught.value) == "Authentication required"
    assert sessions.load() is None


def test_another_process_that_renewed_first_does_not_sign_us_out(
    stubbed: tuple[CognitoUsers, Stubber], sessions: SessionFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    users, stub = stubbed
    sessions.save(_session(expires_at=0.0))
    stub.add_client_error("get_tokens_from_refresh_token", "RefreshTokenReuseException")
    real = sessions.load
    answers = iter([real(), _session(refresh_token="theirs")])
    monkeypatch.setattr(sessions, "load", lambda: next(answers))
    assert users.current() == User("u1", "ann")


@pytest.mark.parametrize(("left", "still"), [(60, True), (-60, False)])
def test_cognito_out_of_reach_matters_only_when_the_tokens_are_over(
    sessions: SessionFile, clock: HandClock, left: int, still: bool
) -> None:
    class Away:
        def get_tokens_from_refresh_token(self, **_: Any) -> None:
            from botocore.exceptions import EndpointConnectionError

            raise EndpointConnectionError(endpoint_url="https://cognito")

    sessions.save(_session(expires_at=NOON.timestamp() + left))
    users = CognitoUsers(Away(), POOL, CLIENT, sessions, clock=clock)
    if still:
        assert users.current() == User("u1", "ann")
    else:
        with pytest.raises(StorageError, match="could not be reached"):
            users.current()


def test_sign_out_forgets_here_and_revokes_there(stubbed: tuple[CognitoUsers, Stubber], sessions: SessionFile) -> None:
    users, stub = stubbed
    sessions.save(_session())
    stub.add_response("revoke_token", {}, {"Token": "canary-refresh", "ClientId": CLIENT})
    users.sign_out()
    assert users.current() is None
    users.sign_out()


def test_no_token_stands_in_the_clear_on_disk_or_in_a_repr(sessions: SessionFile, home: Path) -> None:
    sessions.save(_session())
    on_disk = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert b"canary" not in on_disk
    assert "canary" not in repr(_session())
    assert sessions.load() == _session()


def test_identity_pool_credentials_are_the_users_and_renew_themselves() -> None:
    client: Any = boto3.client("cognito-identity", region_name="us-east-1")
    identity = IdentityPool(client, "us-east-1:pool", POOL)
    logins = {f"cognito-idp.us-east-1.amazonaws.com/{POOL}": "canary-id"}
    login: Callable[[], Session] = lambda: _session(user_id="us-east-1:ann")  # noqa: E731 - one line is enough
    with Stubber(client) as stub:
        for name, minutes in (("FIRST", 1), ("SECOND", 60)):
            expiry = datetime.now(UTC) + timedelta(minutes=minutes)
            keys = {"AccessKeyId": name, "SecretKey": "s", "SessionToken": "t", "Expiration": expiry}
            answer = {"IdentityId": "us-east-1:ann", "Credentials": keys}
            stub.add_response("get_credentials_for_identity", answer, {"IdentityId": "us-east-1:ann", "Logins": logins})
        session = identity.boto3_session(login)
        assert session.get_credentials().access_key == "SECOND"
        assert session.client("dynamodb").meta.region_name == "us-east-1"
        stub.assert_no_pending_responses()


def test_with_an_identity_pool_the_user_is_the_identity(sessions: SessionFile, clock: HandClock) -> None:
    client: Any = boto3.client("cognito-identity", region_name="us-east-1")
    with Stubber(client) as stub:
        stub.add_response(
            "get_id", {"IdentityId": "us-east-1:ann"}, {"IdentityPoolId": "us-east-1:pool", "Logins": ANY}
        )
        users = CognitoUsers(None, POOL, CLIENT, sessions, IdentityPool(client, "us-east-1:pool", POOL), clock)
        user = users._signed_in(_tokens()["AuthenticationResult"], "ann")
    assert user.user_id == "us-east-1:ann"
