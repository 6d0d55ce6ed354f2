"""Promises about identity pools: AWS credentials are the signed-in user's own, and renew themselves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from mls_tui.config import load_settings
from mls_tui.domain.errors import AuthenticationError
from mls_tui.users.cognito import CognitoUsers, IdentityPool, session_file
from mls_tui.users.session import Session
from tests.unit.users.test_cognito import CLIENT, POOL, HandClock, _session, _tokens

IDENTITY = "us-east-1:ann"
LOGINS = {f"cognito-idp.us-east-1.amazonaws.com/{POOL}": "canary-id"}


def _client() -> Any:
    return boto3.client("cognito-identity", region_name="us-east-1")


def _live_session() -> Session:
    return _session(user_id=IDENTITY)


def _credentials(name: str, minutes: int) -> dict[str, Any]:
    expiry = datetime.now(UTC) + timedelta(minutes=minutes)
    keys = {"AccessKeyId": name, "SecretKey": "s", "SessionToken": "t", "Expiration": expiry}
    return {"IdentityId": IDENTITY, "Credentials": keys}


def _boto3_session(login: Callable[[], Session] = _live_session, *answers: dict[str, Any]) -> Any:
    client = _client()
    with Stubber(client) as stub:
        for answer in answers or (_credentials("FIRST", 60),):
            stub.add_response("get_credentials_for_identity", answer, {"IdentityId": IDENTITY, "Logins": LOGINS})
        session = IdentityPool(client, "us-east-1:pool", POOL).boto3_session(login)
        session.get_credentials().access_key  # noqa: B018 - asks for new ones where they are due
        stub.assert_no_pending_responses()
    return session


@pytest.mark.promise("sign-in")
def test_credentials_are_the_users_and_renew_themselves() -> None:
    session = _boto3_session(_live_session, _credentials("FIRST", 1), _credentials("SECOND", 60))
    assert session.get_credentials().access_key == "SECOND"


def test_renewal_asks_who_is_signed_in_each_time_and_ends_with_the_session() -> None:
    logins = iter([_live_session()])

    def login() -> Session:
        for session in logins:
            return session
        raise AuthenticationError("Authentication required")

    with pytest.raises(AuthenticationError, match=r"^Authentication required$"):
        _boto3_session(login, _credentials("FIRST", 1))


@pytest.mark.promise("sign-in")
@pytest.mark.parametrize(
    ("environ", "region"),
    [
        ({}, "us-east-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_REGION": "us-west-2"}, "us-west-2"),
        ({"AWS_REGION": "us-west-2", "AWS_DEFAULT_REGION": "eu-west-1"}, "us-west-2"),
    ],
)
def test_the_region_is_that_of_awss_variables_and_else_of_the_pool(
    environ: dict[str, str], region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    session = _boto3_session()
    assert (session.region_name, session.client("dynamodb").meta.region_name) == (region, region)


def test_with_an_identity_pool_the_user_is_the_identity(home: Path) -> None:
    client = _client()
    sessions = session_file(load_settings({"MLS_TUI_HOME": str(home)}))
    with Stubber(client) as stub:
        stub.add_response("get_id", {"IdentityId": IDENTITY}, {"IdentityPoolId": "us-east-1:pool", "Logins": ANY})
        identity = IdentityPool(client, "us-east-1:pool", POOL)
        users = CognitoUsers(None, POOL, CLIENT, sessions, identity, HandClock())
        user = users._signed_in(_tokens()["AuthenticationResult"], "ann")
    assert user.user_id == IDENTITY


def test_an_identity_pool_that_refuses_is_not_taken_for_a_wrong_password() -> None:
    client = _client()
    with Stubber(client) as stub:
        stub.add_client_error("get_id", "NotAuthorizedException", "Token is not from a supported provider")
        with pytest.raises(AuthenticationError, match="MLS_TUI_IDENTITY_POOL_ID") as caught:
            IdentityPool(client, "us-east-1:pool", POOL).identity_id("canary-id")
    assert "canary" not in str(caught.value)
