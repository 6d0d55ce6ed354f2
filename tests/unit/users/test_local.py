"""Promises about the local user: there from the start, gone after sign-out, back after sign-in."""

from __future__ import annotations

from pathlib import Path

import pytest

from mls_tui.config import load_settings
from mls_tui.domain.errors import AuthenticationError
from mls_tui.users.base import User, require
from mls_tui.users.cognito import CognitoUsers
from mls_tui.users.local import LocalUsers, open_users


def test_without_a_user_pool_the_local_user_is_signed_in(home: Path) -> None:
    users = open_users(load_settings({"MLS_TUI_HOME": str(home), "MLS_TUI_USER": "ann"}))
    assert require(users).user_id == "ann"
    assert not users.needs_password()
    assert not home.exists()


@pytest.mark.promise("sign-in")
def test_after_sign_out_authentication_is_required_until_sign_in(tmp_path: Path) -> None:
    LocalUsers("ann", tmp_path).sign_out()
    with pytest.raises(AuthenticationError, match=r"^Authentication required$"):
        require(LocalUsers("ann", tmp_path))
    assert require(LocalUsers("bob", tmp_path)).user_id == "bob"
    assert LocalUsers("ann", tmp_path).sign_in() == User("ann", "ann")
    assert LocalUsers("ann", tmp_path).current() == User("ann", "ann")
    assert list(tmp_path.iterdir()) == []


def test_another_name_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(AuthenticationError, match="MLS_TUI_USER"):
        LocalUsers("ann", tmp_path).sign_in("bob")


def test_a_user_pool_means_cognito_and_nobody_is_signed_in_at_first(home: Path) -> None:
    environ = {"MLS_TUI_HOME": str(home), "MLS_TUI_USER_POOL_ID": "eu-west-1_x", "MLS_TUI_USER_POOL_CLIENT_ID": "c"}
    users = open_users(load_settings(environ))
    assert isinstance(users, CognitoUsers)
    assert users.needs_password()
    assert users.current() is None
