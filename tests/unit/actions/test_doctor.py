"""doctor's checks of this machine and of AWS: each failure says what to do, and nothing is changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from mls_tui.actions.doctor import aws_checks, diagnose, local_checks
from mls_tui.config import effective, load_settings
from mls_tui.storage.aws import new_client
from mls_tui.storage.base import Check
from mls_tui.users.local import open_users
from mls_tui.vault.secrets import open_vault

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def _clock(seconds: int) -> Callable[[], datetime]:
    return lambda: NOON + timedelta(seconds=seconds)


def _states(checks: list[Check]) -> dict[str, str]:
    return {check.name: check.state for check in checks}


def test_a_fresh_machine_is_well_and_stays_untouched(home: Path) -> None:
    settings = load_settings({"MLS_TUI_HOME": str(home)})
    checks = asyncio.run(diagnose(settings, users=open_users(settings), vault=open_vault(settings)))
    assert not home.exists()
    assert "failure" not in _states(checks).values()
    assert {"configuration", "data folder", "state folder", "disk", "sign-in", "secret key"} <= set(_states(checks))


@pytest.mark.promise("secrets at rest")
async def test_a_key_in_a_file_is_a_warning_that_names_the_file_and_what_keeps_it_elsewhere(home: Path) -> None:
    settings = load_settings({"MLS_TUI_HOME": str(home)})
    vault = open_vault(settings)
    vault.encrypt("secret", user="u", connection="c", field="f")
    (line,) = [check for check in await diagnose(settings, vault=vault) if check.name == "secret key"]
    assert (line.state, str(settings.key_path) in line.detail) == ("warning", True)
    assert "keyring" in line.advice
    assert "MLS_TUI_KEY" in line.advice


async def test_signed_out_is_a_failure_that_says_what_to_run(home: Path) -> None:
    settings = load_settings({"MLS_TUI_HOME": str(home)})
    users = open_users(settings)
    users.sign_out()
    (line,) = [check for check in await diagnose(settings, users=users) if check.name == "sign-in"]
    assert line.state == "failure"
    assert "mls-tui sign-in" in line.advice


async def test_a_store_that_breaks_hides_nothing_else(home: Path) -> None:
    class Broken:
        async def check(self) -> list[Check]:
            raise RuntimeError("disk on fire")

    class Fine:
        async def check(self) -> list[Check]:
            return [Check("folder", "ok", "there")]

    broken: Any = Broken()
    fine: Any = Fine()
    checks = await diagnose(load_settings({"MLS_TUI_HOME": str(home)}), store=broken, photos=fine)
    assert _states(checks)["listings"] == "failure"
    assert _states(checks)["folder"] == "ok"


def test_a_file_in_the_place_of_a_folder_is_found(home: Path) -> None:
    home.mkdir()
    (home / "data").write_text("")
    (line,) = [
        check for check in local_checks(load_settings({"MLS_TUI_HOME": str(home)})) if check.name == "data folder"
    ]
    assert line.state == "failure"
    assert "MLS_TUI_HOME" in line.advice


def test_private_hosts_are_warned_of(home: Path) -> None:
    settings = load_settings({"MLS_TUI_HOME": str(home), "MLS_TUI_ALLOW_PRIVATE_HOSTS": "1"})
    assert _states(local_checks(settings))["private hosts"] == "warning"


@pytest.mark.parametrize(
    ("proxy", "variable", "state", "says"),
    [
        (None, None, None, ""),
        (None, "HTTPS_PROXY", "warning", "HTTPS_PROXY is set but not used"),
        (None, "all_proxy", "warning", "ALL_PROXY is set but not used"),
        ("env", "HTTPS_PROXY", "ok", "go through proxy.corp"),
        ("http://me:canary@proxy.corp:3128", None, "ok", "go through http://proxy.corp:3128"),
    ],
)
def test_the_proxy_and_what_cannot_be_checked_behind_it_are_said(
    proxy: str | None, variable: str | None, state: str | None, says: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    if variable:
        monkeypatch.setenv(variable, "http://me:canary@proxy.corp:3128")
    settings = load_settings(environ={"MLS_TUI_PROXY": proxy or ""}, home=str(home))
    found = [check for check in local_checks(settings) if check.name == "proxy"]
    assert [check.state for check in found] == ([state] if state else [])
    assert all(says in check.detail for check in found)
    assert ("MLS_TUI_PROXY=env" in str(found)) is (state == "warning")
    assert ("private addresses are refused only where a URL spells them out" in str(found)) is (state == "ok")
    assert "canary" not in str(found) + repr(settings) + str(effective(settings))


def test_a_ca_bundle_that_cannot_be_read_is_a_failure(home: Path) -> None:
    settings = load_settings(environ={"MLS_TUI_CA_BUNDLE": str(home / "ca.pem")}, home=str(home))
    (check,) = [check for check in local_checks(settings) if check.name == "certificates"]
    assert check.state == "failure"
    assert "MLS_TUI_CA_BUNDLE" in check.detail


def test_aws_tells_who_and_where() -> None:
    with mock_aws():
        checks = aws_checks()
    assert _states(checks)["AWS identity"] == "ok"
    assert ("AWS region", "ok", "us-east-1") in [(check.name, check.state, check.detail) for check in checks]


@pytest.mark.promise(14)
@pytest.mark.parametrize(
    ("seconds", "state"),
    [(0, "ok"), (59, "ok"), (-61, "warning"), (200, "warning"), (301, "failure"), (-900, "failure")],
)
def test_a_wrong_clock_is_measured_against_aws(seconds: int, state: str) -> None:
    client: Any = boto3.client("sts", region_name="us-east-1")
    with Stubber(client) as stub:
        metadata = {"HTTPStatusCode": 200, "HTTPHeaders": {"date": "Mon, 01 Jun 2026 12:00:00 GMT"}}
        identity = {"Arn": "arn:aws:iam::123456789012:user/ann", "Account": "123456789012", "UserId": "ann"}
        stub.add_response("get_caller_identity", {**identity, "ResponseMetadata": metadata})
        assert _states(aws_checks(client, _clock(seconds)))["clock"] == state


@pytest.mark.promise(14)
def test_expired_credentials_say_how_to_renew_them() -> None:
    client: Any = boto3.client("sts", region_name="us-east-1")
    with Stubber(client) as stub:
        stub.add_client_error("get_caller_identity", "ExpiredToken", http_status_code=403)
        (line,) = aws_checks(client)
    assert line.state == "failure"
    assert "ExpiredToken" in line.detail
    assert "aws sso login" in line.advice


def test_no_credentials_say_where_they_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert aws_checks()[0].detail == "no credentials were found"


def test_aws_out_of_reach_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    (line,) = aws_checks()
    assert line.state == "failure"
    assert "could not be reached" in line.detail


def test_the_region_is_taken_from_either_of_the_variables_that_name_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    assert new_client("sts").meta.region_name == "us-west-2"
