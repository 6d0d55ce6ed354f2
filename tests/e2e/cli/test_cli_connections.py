"""``mls-tui connections``: every way of signing in, and no secret in what is printed."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path

import pytest

from mls_tui.demo.server import DemoMLS
from tests.e2e.cli.house import FAST, Here, add


def test_a_fresh_machine_has_no_connection_and_is_told_how_to_make_one(cli: Here) -> None:
    outcome = cli.done("connections", "list")
    assert outcome.out == ""
    assert "mls-tui connections add" in outcome.err
    assert cli.done("connections", "list", "--json").json == []


def test_add_prints_the_id_alone_and_list_shows_the_connection(cli: Here, mls: DemoMLS) -> None:
    made = add(cli, mls)
    assert made
    assert len(made.split()) == 1
    (line,) = cli.done("connections", "list").lines
    assert line.startswith(made)
    assert "Lake" in line
    (listed,) = cli.done("connections", "list", "--json").json
    assert (listed["connectionId"], listed["name"], listed["provider"]) == (made, "Lake", "reso")
    assert "secrets" not in listed


def test_test_names_the_member_and_what_waits(connected: Here, mls: DemoMLS) -> None:
    assert "6 listings waiting" in connected.done("connections", "test", "Lake").out
    answer = connected.done("connections", "test", "Lake", "--json").json
    assert answer["success"] is True
    assert answer["data"]["waiting"] == 6


def test_remove_forgets_the_connection_and_keeps_its_listings(imported: Here) -> None:
    outcome = imported.done("connections", "remove", "Lake", "--json")
    assert outcome.json["success"] is True
    assert imported.done("connections", "list", "--json").json == []
    assert len(imported.done("listings", "--json").json) == 6


@pytest.mark.parametrize("kind", ["client_credentials", "password", "refresh_token"])
def test_each_way_of_signing_in_reaches_the_mls(
    kind: str, cli: Here, mls: DemoMLS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", mls.client_secret)
    monkeypatch.setenv("PASSWORD", mls.password)
    given = ["--provider", "reso", "--base-url", mls.base_url, "--token-url", mls.token_url, *FAST]
    given += ["--client-id", mls.client_id, "--client-secret-env", "SECRET"]
    if kind == "password":
        given += ["--username", mls.username, "--password-env", "PASSWORD"]
    if kind == "refresh_token":
        monkeypatch.setenv("REFRESH", _refresh_token(mls))
        given += ["--refresh-token-env", "REFRESH"]
    cli.done("connections", "add", "Lake", *given)
    (listed,) = cli.done("connections", "list", "--json").json
    assert listed["auth"] == kind
    assert "6 listings waiting" in cli.done("connections", "test", "Lake").out
    result = cli.done("import", "Lake", "--no-photos", "--json").json
    assert result["data"]["successfulImports"] == 6


def _refresh_token(mls: DemoMLS) -> str:
    import httpx

    form = {
        "grant_type": "password",
        "client_id": mls.client_id,
        "client_secret": mls.client_secret,
        "username": mls.username,
        "password": mls.password,
    }
    return str(httpx.post(mls.token_url, data=form, trust_env=False).json()["refresh_token"])


def test_a_refused_token_is_exit_code_3(cli: Here, mls: DemoMLS, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "not-the-token-at-all")
    cli.done("connections", "add", "Bad", "--provider", "reso", "--base-url", mls.base_url, "--token-env", "TOKEN")
    for arguments in (("connections", "test", "Bad"), ("import", "Bad"), ("import", "Bad", "--dry-run")):
        outcome = cli(*arguments)
        assert outcome.code == 3, outcome
        assert outcome.out == ""
        assert "not-the-token" not in outcome.err
    assert json.loads(cli("import", "Bad", "--json").out)["success"] is False


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--provider", "reso", "--base-url", "http://127.0.0.1:1/odata"], "token"),
        (["--provider", "zillow", "--token-env", "T"], "bridge"),
        (["--provider", "reso", "--token-env", "T"], "--base-url"),
        (["--provider", "reso", "--base-url", "lakeside", "--token-env", "T"], "https://host/path"),
        (["--provider", "reso", "--base-url", "ftp://host/x", "--token-env", "T"], "https://host/path"),
        (["--provider", "reso", "--base-url", "http://[::1", "--token-env", "T"], "https://host/path"),
        (["--provider", "reso", "--base-url", "https://u:p@mls.example/x", "--token-env", "T"], "password"),
        (["--provider", "reso", "--base-url", "http://h/x", "--token-env", "UNSET_VARIABLE"], "UNSET_VARIABLE"),
        (["--provider", "reso", "--base-url", "http://h/x", "--token-env", "T", "--set", "page_size"], "FIELD=VALUE"),
        (["--provider", "reso", "--base-url", "http://h/x", "--token-env", "T", "--set", "pages=3"], "pages"),
        (["--provider", "reso", "--base-url", "http://h/x", "--token-env", "T", "--set", "page_size=x"], "page_size"),
        (["--provider", "reso", "--base-url", "http://h/x", "--auth", "password", "--token-env", "T"], "password"),
        (["--base-url", "http://h/x", "--token-env", "T"], "--provider"),
        (["--provider", "reso", "--schedule", "0", "--token-env", "T"], "--schedule"),
        (["--provider", "reso", "--token", "abc"], "--token"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_connection_is_exit_code_2_and_is_not_kept(
    given: list[str], said: str, cli: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("T", "some-token")
    outcome = cli("connections", "add", "New", *given)
    assert outcome.code == 2, outcome
    assert outcome.out == ""
    assert said in outcome.err
    assert cli.done("connections", "list", "--json").json == []


def test_a_second_connection_of_the_same_name_is_refused(connected: Here, mls: DemoMLS) -> None:
    before = connected.done("connections", "list", "--json").out
    outcome = connected("connections", "add", "lake", "--provider", "reso", "--base-url", mls.base_url)
    assert outcome.code == 2
    assert connected.done("connections", "list", "--json").out == before


@pytest.mark.parametrize("verb", ["test", "remove"])
def test_an_unknown_connection_is_refused_with_those_known(verb: str, connected: Here) -> None:
    outcome = connected("connections", verb, "Nowhere")
    assert outcome.code == 2
    assert "Lake" in outcome.err


def test_the_first_key_in_a_file_is_warned_of_once(cli: Here, mls: DemoMLS, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", mls.token)
    given = ("--provider", "reso", "--base-url", mls.base_url, "--token-env", "TOKEN")
    assert cli.done("connections", "add", "One", *given).err.count("MLS_TUI_KEY") == 1
    assert "MLS_TUI_KEY" not in cli.done("connections", "add", "Two", *given).err


TOKEN = "canary-4f9d1c7e2b"


@pytest.mark.promise("secrets nowhere else")
@pytest.mark.parametrize(
    ("option", "address", "way_out"),
    [
        ("--base-url", f"https://mls.example/odata?access_token={TOKEN}", "--token-env"),
        ("--base-url", f"https://mls.example/odata?k={TOKEN}", "query_parameters"),
        ("--base-url", "https://mls.example/odata?Class=Residential", "query_parameters"),
        ("--base-url", f"https://mls.example/odata#{TOKEN}", "--token-env"),
        ("--base-url", f"https://ann:{TOKEN}@mls.example/odata", "--password-env"),
        ("--base-url", f"https://{TOKEN}@mls.example/odata", "--token-env"),
        ("--base-url", TOKEN, "https://host/path"),
        ("--token-url", f"https://id.example/token?client_secret={TOKEN}", "--client-secret-env"),
        ("--token-url", f"https://id.example/token?code={TOKEN}", "token_parameters"),
        ("--token-url", f"https://id.example/token#{TOKEN}", "--client-secret-env"),
        ("--token-url", f"https://me:{TOKEN}@id.example/token", "--client-secret-env"),
        ("--set", f"revocation_url=https://id.example/revoke?token={TOKEN}", "revocation_url"),
        ("--set", f"token_url=https://id.example/token?secret={TOKEN}", "token_parameters"),
        ("--set", f"base_url=https://mls.example/odata?token={TOKEN}", "query_parameters"),
        ("--set", f"query_parameters=access_token={TOKEN}", "{token}"),
        ("--set", f"headers=X-Api-Key: {TOKEN}; Authorization: Bearer {TOKEN}", "headers"),
        ("--set", f"proxy=http://me:{TOKEN}@proxy.example:3128", "MLS_TUI_PROXY"),
    ],
)
def test_a_secret_in_an_address_is_refused_with_the_way_out_and_kept_nowhere(
    option: str, address: str, way_out: str, cli: Here, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("T", "a-token-for-the-mls")
    given = {"--base-url": "https://mls.example/odata", "--token-url": "https://id.example/token", option: address}
    given.pop(f"--{address.partition('=')[0].replace('_', '-')}", None)
    outcome = cli("connections", "add", "Lake", "--provider", "reso", "--token-env", "T", *chain(*given.items()))
    assert outcome.code == 2
    assert way_out in outcome.err
    assert TOKEN not in outcome.out + outcome.err
    assert cli.done("connections", "list", "--json").json == []
    assert not any(TOKEN.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_token_url_may_have_a_query_that_is_no_secret(cli: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("T", "a-token-for-the-mls")
    urls = ["--base-url", "https://mls.example/odata", "--token-url", "https://id.example/token?p=B2C_1_sign_in"]
    cli.done("connections", "add", "Lake", "--provider", "reso", "--token-env", "T", *urls)
