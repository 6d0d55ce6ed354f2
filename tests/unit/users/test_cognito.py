"""Promises about what is sent to Cognito, in the shapes that AWS documents, and about what it may refuse."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import ANY, Stubber

from mls_tui.config import load_settings
from mls_tui.domain.errors import AuthenticationError, StorageError, UsageError
from mls_tui.users.base import Challenge, ChallengeKind, User, require
from mls_tui.users.cognito import CognitoUsers, open_cognito
from mls_tui.users.session import Session, SessionFile
from mls_tui.vault.secrets import open_vault

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


def srp_parameters(user: str) -> dict[str, str]:
    numbers = {"SALT": "a" * 31, "SRP_B": "b" * 700, "SECRET_BLOCK": "YmxvY2s="}
    return {"USERNAME": user, "USER_ID_FOR_SRP": user, **numbers}


def _tokens(**changes: Any) -> dict[str, Any]:
    claims = base64.urlsafe_b64encode(json.dumps({"sub": "u1", "email": "ann@example.com"}).encode()).decode()
    tokens = {"IdToken": f"h.{claims.rstrip('=')}.s", "AccessToken": "a2", "RefreshToken": "r2", "ExpiresIn": 3600}
    return {"AuthenticationResult": tokens | changes}


@pytest.mark.promise("sign-in")
def test_an_authenticator_code_is_asked_for_and_a_wrong_one_refused(stubbed: tuple[CognitoUsers, Stubber]) -> None:
    users, stub = stubbed
    parameters = srp_parameters("ann")
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


@pytest.mark.promise("sign-in")
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
            raise EndpointConnectionError(endpoint_url="https://cognito")

    sessions.save(_session(expires_at=NOON.timestamp() + left))
    users = CognitoUsers(Away(), POOL, CLIENT, sessions, clock=clock)
    if still:
        assert users.current() == User("u1", "ann")
    else:
        with pytest.raises(StorageError, match="could not be reached"):
            users.current()


@pytest.mark.parametrize("code", ["TooManyRequestsException", "InternalErrorException"])
@pytest.mark.parametrize(("left", "still"), [(60, True), (-60, False)])
def test_cognito_in_trouble_matters_only_when_the_tokens_are_over(
    stubbed: tuple[CognitoUsers, Stubber], sessions: SessionFile, code: str, left: int, still: bool
) -> None:
    users, stub = stubbed
    sessions.save(_session(expires_at=NOON.timestamp() + left))
    stub.add_client_error("get_tokens_from_refresh_token", code)
    if still:
        assert users.current() == User("u1", "ann")
    else:
        with pytest.raises(AuthenticationError, match="Cognito refused"):
            users.current()
    assert sessions.load() == _session(expires_at=NOON.timestamp() + left)


@pytest.mark.promise("sign-in")
def test_sign_out_forgets_here_and_revokes_there(stubbed: tuple[CognitoUsers, Stubber], sessions: SessionFile) -> None:
    users, stub = stubbed
    sessions.save(_session())
    stub.add_response("revoke_token", {}, {"Token": "canary-refresh", "ClientId": CLIENT})
    users.sign_out()
    assert users.current() is None
    users.sign_out()


@pytest.mark.promise("secrets at rest")
def test_no_token_stands_in_the_clear_on_disk_or_in_a_repr(sessions: SessionFile, home: Path) -> None:
    sessions.save(_session())
    on_disk = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert b"canary" not in on_disk
    assert "canary" not in repr(_session())
    assert sessions.load() == _session()


FIRST = {"ChallengeName": "PASSWORD_VERIFIER", "ChallengeParameters": srp_parameters("ann"), "Session": "s" * 20}


@pytest.mark.promise("sign-in")
@pytest.mark.parametrize(
    "said",
    [
        "Unable to verify secret hash for client client1",
        "Client client1 is configured with secret but SECRET_HASH was not received",
    ],
)
def test_an_app_client_with_a_secret_is_named_as_the_cause_and_not_the_password(
    stubbed: tuple[CognitoUsers, Stubber], said: str
) -> None:
    users, stub = stubbed
    stub.add_client_error("initiate_auth", "NotAuthorizedException", said)
    with pytest.raises(AuthenticationError, match="app client without one") as caught:
        users.sign_in("ann", "canary-password")
    assert "password is wrong" not in str(caught.value)
    assert "canary" not in str(caught.value)


def test_a_first_sign_in_that_wants_attributes_says_which(stubbed: tuple[CognitoUsers, Stubber]) -> None:
    users, stub = stubbed
    stub.add_response("initiate_auth", FIRST)
    wanted = {"requiredAttributes": '["userAttributes.email","userAttributes.given_name"]'}
    asks = {"ChallengeName": "NEW_PASSWORD_REQUIRED", "ChallengeParameters": wanted, "Session": "t" * 20}
    stub.add_response("respond_to_auth_challenge", asks)
    with pytest.raises(AuthenticationError, match=r"email, given_name"):
        users.sign_in("ann", "x")


def test_a_new_password_and_then_a_code_are_sent_as_aws_documents_them(stubbed: tuple[CognitoUsers, Stubber]) -> None:
    users, stub = stubbed
    asked = {"AuthFlow": "USER_SRP_AUTH", "ClientId": CLIENT, "AuthParameters": {"USERNAME": "ann", "SRP_A": ANY}}
    stub.add_response("initiate_auth", FIRST, asked)
    asks = {"ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": "t" * 20}
    known = {"USER_ID_FOR_SRP": "u-1", "requiredAttributes": "[]"}
    stub.add_response("respond_to_auth_challenge", {**asks, "ChallengeParameters": known})
    then = {"ChallengeName": "SOFTWARE_TOKEN_MFA", "Session": "u" * 20, "ChallengeParameters": known}
    answers = {"USERNAME": "u-1", "NEW_PASSWORD": "Right-123456"}
    sent = {"ClientId": CLIENT, "ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": "t" * 20}
    stub.add_response("respond_to_auth_challenge", then, {**sent, "ChallengeResponses": answers})
    answers = {"USERNAME": "u-1", "SOFTWARE_TOKEN_MFA_CODE": "123456"}
    sent = {"ClientId": CLIENT, "ChallengeName": "SOFTWARE_TOKEN_MFA", "Session": "u" * 20}
    stub.add_response("respond_to_auth_challenge", _tokens(), {**sent, "ChallengeResponses": answers})
    first = users.sign_in("ann", "Temp-123456")
    assert isinstance(first, Challenge)
    second = users.answer(first, "Right-123456")
    assert isinstance(second, Challenge)
    assert users.answer(second, "123456") == User("u1", "ann@example.com")


def test_without_rotation_the_refresh_token_stays(stubbed: tuple[CognitoUsers, Stubber], sessions: SessionFile) -> None:
    users, stub = stubbed
    sessions.save(_session(expires_at=NOON.timestamp() + 100))
    answer = _tokens()
    del answer["AuthenticationResult"]["RefreshToken"]
    stub.add_response("get_tokens_from_refresh_token", answer)
    assert users.current() == User("u1", "ann")
    kept = sessions.load()
    assert kept is not None
    assert (kept.refresh_token, kept.access_token) == ("canary-refresh", "a2")


def test_a_profile_that_does_not_exist_is_a_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody-has-this")
    pool = {"MLS_TUI_USER_POOL_ID": POOL, "MLS_TUI_USER_POOL_CLIENT_ID": CLIENT}
    with pytest.raises(UsageError, match="AWS_PROFILE"):
        open_cognito(load_settings({"MLS_TUI_HOME": str(home), **pool}))


def test_a_sign_out_that_cannot_be_told_to_cognito_says_that_it_holds_here(
    sessions: SessionFile, clock: HandClock
) -> None:
    class Away:
        def revoke_token(self, **_: Any) -> None:
            raise EndpointConnectionError(endpoint_url="https://cognito")

    users = CognitoUsers(Away(), POOL, CLIENT, sessions, clock=clock)
    sessions.save(_session())
    with pytest.raises(StorageError, match=r"^Signed out here, but .*could not be reached"):
        users.sign_out()
    assert users.current() is None
