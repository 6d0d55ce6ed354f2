"""A workspace acts as the user who is signed in, and reports secrets and warnings to the callbacks."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mls_tui.actions.workspace import Workspace
from mls_tui.config import Settings, load_settings
from mls_tui.domain.errors import AuthenticationError
from mls_tui.users.base import Challenge, User

POOLS = {"user_pool_id": "us-east-1_p", "user_pool_client_id": "c", "identity_pool_id": "us-east-1:i"}


class Pool:
    """Users of a pool that needs no network."""

    def __init__(self, user: User | None) -> None:
        self.user = user
        self.sessions = 0

    def current(self) -> User | None:
        return self.user

    def sign_in(self, username: str, password: str) -> User | Challenge:
        raise NotImplementedError

    def answer(self, challenge: Challenge, text: str) -> User | Challenge:
        raise NotImplementedError

    def sign_out(self) -> None:
        self.user = None

    def needs_password(self) -> bool:
        return True

    def boto3_session(self) -> Any:
        self.sessions += 1
        return SimpleNamespace(client=lambda name, **_: f"{name} as the user", region_name="us-east-1")


def _settings(tmp_path: Path, **more: Any) -> Settings:
    return load_settings(environ={}, home=str(tmp_path / "house"), **more)


async def test_everything_is_kept_under_the_id_of_who_is_signed_in(tmp_path: Path) -> None:
    async with Workspace(_settings(tmp_path), users=Pool(User("us-east-1:42", "ann"))) as workspace:
        assert workspace.user_id == "us-east-1:42"


async def test_with_nobody_signed_in_no_store_is_opened(tmp_path: Path) -> None:
    workspace = Workspace(_settings(tmp_path), users=Pool(None))
    with pytest.raises(AuthenticationError, match="Authentication required"):
        await workspace.open()
    assert not workspace.is_open
    with pytest.raises(AuthenticationError):
        _ = workspace.user_id


async def test_aws_is_asked_with_the_credentials_of_the_user(tmp_path: Path) -> None:
    users = Pool(User("us-east-1:42", "ann"))
    settings = _settings(tmp_path, storage="aws", bucket="homes-of-ours", kms_key_id="k", **POOLS)
    workspace = Workspace(settings, users=users)
    await workspace.open()
    client: Any = workspace.aws.dynamodb()
    assert client == "dynamodb as the user"
    assert users.sessions == 2, "one for KMS, one for both stores"


async def test_the_embedded_store_asks_for_no_session(tmp_path: Path) -> None:
    users = Pool(User("us-east-1:42"))
    async with Workspace(_settings(tmp_path, **POOLS), users=users):
        assert users.sessions == 0


async def test_secrets_and_the_warning_reach_those_who_asked(tmp_path: Path) -> None:
    secrets: list[str] = []
    warnings: list[str] = []
    settings = _settings(tmp_path)
    async with Workspace(settings, on_secret=secrets.append, on_warning=warnings.append) as workspace:
        workspace.vault.encrypt("canary", user="u", connection="c", field="f")
        workspace.vault.encrypt("canary", user="u", connection="c", field="f")
    assert set(secrets) == {"canary"}
    assert len(warnings) == 1
    assert str(settings.key_path) in warnings[0]
