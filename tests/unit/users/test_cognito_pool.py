"""Signing in at a pool that checks the proof, over HTTP: only who knows the password is signed in; tokens are
renewed once each, and worth nothing after sign-out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from mls_tui.config import Settings, load_settings
from mls_tui.domain.errors import AuthenticationError
from mls_tui.users.base import Challenge, ChallengeKind, ChallengeOverError, User, require
from mls_tui.users.cognito import CognitoUsers, open_cognito
from tests.cognito.pool import Pool, code_of
from tests.cognito.server import serving
from tests.promises.canaries import found_in

PASSWORD, TEMPORARY, CHOSEN = "Right-pässwörd-1", "Temporary-123456", "Chosen-654321"
APP = b"12345678901234567890"
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
WRONG = "the name or the password is wrong"


@pytest.fixture
def pool() -> Pool:
    pool = Pool(now=lambda: NOON)
    pool.add("ann", PASSWORD)
    pool.add("bob", PASSWORD, totp=APP)
    pool.add("new", TEMPORARY, must_change=True)
    pool.add("both", TEMPORARY, must_change=True, totp=APP)
    return pool


@pytest.fixture
def settings(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    with serving(pool) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        yield load_settings(
            {"MLS_TUI_USER_POOL_ID": pool.pool_id, "MLS_TUI_USER_POOL_CLIENT_ID": pool.client_id},
            home=str(load_settings().home),
        )


@pytest.fixture
def users(settings: Settings) -> CognitoUsers:
    return open_cognito(settings)


def asked(answer: User | Challenge) -> Challenge:
    assert isinstance(answer, Challenge)
    return answer


def said(pool: Pool, operation: str, field: str) -> list[str]:
    """What the requests of this kind held in this field, in order."""
    return [json.loads(body)[field] for name, body in pool.heard if name == operation]


@pytest.mark.promise("sign-in")
def test_who_knows_the_password_is_signed_in_and_it_never_leaves_this_process(
    pool: Pool, users: CognitoUsers, settings: Settings
) -> None:
    for _ in range(4):
        assert users.sign_in("ann", PASSWORD) == User("sub-of-ann", "ann@example.com")
    assert open_cognito(settings).current() == User("sub-of-ann", "ann@example.com")
    assert len(pool.heard) == 8
    assert found_in(b"".join(body for _, body in pool.heard), [PASSWORD]) == []


@pytest.mark.promise("sign-in")
@pytest.mark.parametrize("typed", ["Right-passwörd-1", f"{PASSWORD} ", PASSWORD.lower(), "x", ""])
def test_a_wrong_password_is_found_out_by_its_proof(
    pool: Pool, users: CognitoUsers, settings: Settings, typed: str
) -> None:
    with pytest.raises(AuthenticationError, match=WRONG):
        users.sign_in("ann", typed)
    assert said(pool, "RespondToAuthChallenge", "ChallengeName") == ["PASSWORD_VERIFIER"]
    assert users.current() is None
    assert not settings.session_path.exists()


def test_who_is_not_known_is_refused_like_a_wrong_password(users: CognitoUsers) -> None:
    with pytest.raises(AuthenticationError, match=WRONG):
        users.sign_in("nobody", PASSWORD)
    assert users.current() is None


@pytest.mark.promise("sign-in")
def test_a_first_sign_in_chooses_a_password_that_replaces_the_temporary_one(users: CognitoUsers) -> None:
    challenge = asked(users.sign_in("new", TEMPORARY))
    assert (challenge.kind, challenge.hidden) == (ChallengeKind.NEW_PASSWORD, True)
    with pytest.raises(AuthenticationError, match="does not satisfy the pool's rules"):
        users.answer(challenge, "short")
    assert users.current() is None
    assert users.answer(challenge, CHOSEN) == User("sub-of-new", "new@example.com")
    with pytest.raises(AuthenticationError, match=WRONG):
        users.sign_in("new", TEMPORARY)
    assert users.sign_in("new", CHOSEN) == User("sub-of-new", "new@example.com")


@pytest.mark.promise("sign-in")
def test_the_authenticators_code_is_checked_and_asked_for_again_after_a_wrong_one(users: CognitoUsers) -> None:
    challenge = asked(users.sign_in("bob", PASSWORD))
    assert (challenge.kind, challenge.hidden) == (ChallengeKind.TOTP, False)
    right = code_of(APP, NOON)
    with pytest.raises(AuthenticationError, match="the code is wrong"):
        users.answer(challenge, f"{(int(right) + 1) % 1_000_000:06}")
    assert users.current() is None
    assert users.answer(challenge, right) == User("sub-of-bob", "bob@example.com")


def test_a_new_password_and_a_code_are_asked_for_one_after_the_other(users: CognitoUsers) -> None:
    second = asked(users.answer(asked(users.sign_in("both", TEMPORARY)), CHOSEN))
    assert second.kind is ChallengeKind.TOTP
    assert users.current() is None
    assert users.answer(second, code_of(APP, NOON)) == User("sub-of-both", "both@example.com")


@pytest.mark.promise("sign-in")
def test_a_question_that_is_no_longer_open_is_not_told_as_a_wrong_password(users: CognitoUsers) -> None:
    challenge = asked(users.sign_in("bob", PASSWORD))
    users.answer(challenge, code_of(APP, NOON))
    users.sign_out()
    with pytest.raises(ChallengeOverError, match="took too long") as caught:
        users.answer(challenge, code_of(APP, NOON))
    assert "password is wrong" not in str(caught.value)
    assert users.current() is None


@pytest.mark.promise("sign-in")
def test_each_renewal_uses_the_refresh_token_that_the_one_before_it_brought(
    pool: Pool, users: CognitoUsers, settings: Settings
) -> None:
    pool.lasts = 100
    users.sign_in("ann", PASSWORD)
    stolen = settings.session_path.read_bytes()
    for _ in range(3):
        assert open_cognito(settings).current() == User("sub-of-ann", "ann@example.com")
    used = said(pool, "GetTokensFromRefreshToken", "RefreshToken")
    assert len(used) == len(set(used)) == 3
    settings.session_path.write_bytes(stolen)
    with pytest.raises(AuthenticationError, match="Authentication required"):
        require(users)


@pytest.mark.promise("sign-in")
def test_after_sign_out_a_kept_copy_of_the_session_renews_nothing(
    pool: Pool, users: CognitoUsers, settings: Settings
) -> None:
    pool.lasts = 100
    users.sign_in("ann", PASSWORD)
    kept = settings.session_path.read_bytes()
    users.sign_out()
    assert users.current() is None
    settings.session_path.write_bytes(kept)
    with pytest.raises(AuthenticationError, match="Authentication required"):
        require(users)
    assert [name for name, _ in pool.heard][-2:] == ["RevokeToken", "GetTokensFromRefreshToken"]
