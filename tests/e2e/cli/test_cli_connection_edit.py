"""``mls-tui connections edit`` and ``show``: what is named changes and nothing else; every setting with its value."""

from __future__ import annotations

import os
import pty
from typing import Any

import pytest

from mls_tui.demo.process import start_in_thread
from mls_tui.demo.server import DemoMLS
from mls_tui.reso.presets import SETTING_NAMES
from tests.e2e.cli.house import Here, add, ended, process


def shown(cli: Here, name: str = "Lake") -> dict[str, Any]:
    return dict(cli.done("connections", "show", name, "--json").json)


def facts(cli: Here, name: str = "Lake") -> dict[str, dict[str, Any]]:
    return {fact["name"]: fact for fact in shown(cli, name)["settings"]}


def test_edit_changes_what_is_named_and_nothing_else(connected: Here) -> None:
    before = shown(connected)
    outcome = connected.done("connections", "edit", "Lake", "--name", "Pond", "--agent", "A1", "--schedule", "30")
    assert outcome.out.strip() == before["connectionId"]
    after = shown(connected, "Pond")
    changed = {key for key in after if after[key] != before.get(key)}
    assert changed == {"name", "agentKey", "scheduleMinutes", "updatedAt"}
    assert after["storedSecrets"] == before["storedSecrets"] == ["access_token"]


@pytest.mark.feed(6, "every field can be edited")
def test_a_fact_is_set_shown_as_ones_own_and_given_back(connected: Here) -> None:
    connected.done("connections", "edit", "Lake", "--set", "overlap_minutes=30", "--set", "headers=X-Feed: idx")
    mine = facts(connected)
    assert (mine["overlap_minutes"]["value"], mine["overlap_minutes"]["default"]) == ("30", "5")
    assert {name for name in mine if mine[name]["setByYou"]} == {
        "api_limits", "base_url", "headers", "overlap_minutes", "page_size",
    }  # fmt: skip
    connected.done("connections", "edit", "Lake", "--unset", "overlap_minutes")
    assert facts(connected)["overlap_minutes"] == {
        "name": "overlap_minutes", "value": "5", "default": "5", "setByYou": False,
        "help": "minutes before the last change at which an import begins", "type": "a whole number from 0 to 527,040",
    }  # fmt: skip
    assert facts(connected)["page_size"]["value"] == "4"


def test_show_prints_every_setting_with_its_value_and_its_meaning(connected: Here) -> None:
    said = connected.done("connections", "show", "Lake").out
    lines = {line.split()[0]: line for line in said.splitlines() if line}
    assert set(SETTING_NAMES) <= set(lines)
    assert lines["page_size"].endswith("4  (set by you; the preset: 200)")
    assert lines["base_url"].endswith("(set by you; the preset: none)")
    assert lines["keys_per_filter"].endswith("25  (keys in one filter)")


def test_doctor_says_each_setting_that_the_user_changed_in_text_and_in_json(connected: Here) -> None:
    assert "setting page_size: 4 (set by you; the preset: 200)" in connected("doctor", "Lake").out
    checks = {check["name"]: check for check in connected("doctor", "Lake", "--json").json}
    assert {name for name in checks if name.startswith("setting ")} == {
        "setting api_limits", "setting base_url", "setting page_size",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "nothing to change"),
        (["--set", "page_size=0"], "page_size"),
        (["--set", "colour=red"], "Known settings"),
        (["--set", "page_size"], "FIELD=VALUE"),
        (["--set", "headers=Authorization: Bearer x"], "headers"),
        (["--set", "label=A"], "label"),
        (["--unset", "colour"], "cannot be unset"),
        (["--unset", "base_url"], "--base-url"),
        (["--set", "page_size=5", "--unset", "page_size"], "at once"),
        (["--mls", "X", "--unset", "mls"], "at once"),
        (["--provider", "zillow"], "bridge"),
        (["--provider", "bridge", "--token-env", "T"], "--mls"),
        (["--provider", "trestle"], "access token"),
        (["--base-url", "lakeside"], "https://host/path"),
        (["--base-url", "https://u:p@mls.example/x"], "password"),
        (["--auth", "client_credentials"], "client secret"),
        (["--token-env", "UNSET_VARIABLE"], "UNSET_VARIABLE"),
        (["--token", "abc"], "--token"),
        (["--schedule", "0"], "--schedule"),
        (["--name", "pond"], "already"),
        (["--ask"], "terminal"),
    ],
)  # fmt: skip
def test_a_wrong_edit_is_exit_code_2_and_changes_nothing(
    given: list[str], said: str, connected: Here, mls: DemoMLS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("T", "some-token")
    add(connected, mls, "Pond")
    before = connected.done("connections", "show", "Lake", "--json").out
    outcome = connected("connections", "edit", "Lake", *given)
    assert (outcome.code, outcome.out) == (2, ""), outcome
    assert said in outcome.err
    assert connected.done("connections", "show", "Lake", "--json").out == before


@pytest.mark.parametrize("verb", [["show"], ["edit", "--name", "x"]])
def test_an_unknown_connection_is_refused_with_those_known(verb: list[str], connected: Here) -> None:
    outcome = connected("connections", verb[0], "Nowhere", *verb[1:])
    assert (outcome.code, "Lake" in outcome.err) == (2, True)


def test_a_new_token_comes_from_a_variable_and_is_printed_nowhere(
    connected: Here, mls: DemoMLS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEW", "a-token-nobody-knows")
    said = connected.done("connections", "edit", "Lake", "--token-env", "NEW", "--json")
    assert "a-token-nobody-knows" not in said.out + said.err + connected.done("connections", "show", "Lake").out
    assert connected("connections", "test", "Lake").code == 3
    monkeypatch.setenv("NEW", mls.token)
    connected.done("connections", "edit", "Lake", "--token-env", "NEW")
    assert "6 listings waiting" in connected.done("connections", "test", "Lake").out


def test_a_new_token_may_be_typed_at_a_prompt_that_does_not_show_it(connected: Here, mls: DemoMLS) -> None:
    master, slave = pty.openpty()
    running = process("connections", "edit", "Lake", "--ask", stdin=slave, start_new_session=True)
    os.close(slave)
    assert running.stderr is not None
    prompt = ""
    while not prompt.endswith("Access token:") and (letter := running.stderr.read(1)):
        prompt += letter
    os.write(master, b"a-token-nobody-knows\n")
    outcome = ended(running)
    os.close(master)
    assert outcome.code == 0, outcome
    assert "nobody-knows" not in outcome.out + outcome.err
    assert connected("connections", "test", "Lake").code == 3


@pytest.mark.feed(0, "another provider gets no secret of the old one")
def test_another_provider_gets_neither_the_old_ones_secrets_nor_its_facts(
    connected: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEW", "a-token-of-bridge")
    connected.done("connections", "edit", "Lake", "--provider", "bridge", "--mls", "actris", "--token-env", "NEW")
    after = shown(connected)
    assert after["baseUrl"] == "https://api.bridgedataoutput.com/api/v2/OData/actris"
    assert "overrides" not in after or not after["overrides"]
    assert {fact["name"] for fact in after["settings"] if fact["setByYou"]} == {"dataset"}


def test_another_dataset_moves_the_address_that_the_preset_makes_of_it(
    cli: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("T", "some-token")
    cli.done("connections", "add", "Lake", "--provider", "bridge", "--mls", "actris", "--token-env", "T")
    cli.done("connections", "edit", "Lake", "--mls", "stellar")
    assert shown(cli)["baseUrl"] == "https://api.bridgedataoutput.com/api/v2/OData/stellar"
    cli.done("connections", "edit", "Lake", "--set", "dataset=itso")
    assert shown(cli)["baseUrl"] == "https://api.bridgedataoutput.com/api/v2/OData/itso"


def test_another_way_of_signing_in_takes_the_place_of_the_token(
    connected: Here, mls: DemoMLS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", mls.client_secret)
    given = ("--client-id", mls.client_id, "--client-secret-env", "SECRET", "--token-url", mls.token_url)
    connected.done("connections", "edit", "Lake", *given)
    after = shown(connected)
    assert (after["auth"], after["storedSecrets"]) == ("client_credentials", ["client_secret"])
    assert "6 listings waiting" in connected.done("connections", "test", "Lake").out


@pytest.mark.feed(0, "a connection pointed at another feed")
def test_a_connection_pointed_at_another_feed_brings_in_all_of_it(imported: Here) -> None:
    with start_in_thread(listings=9, seed=7) as running:
        other = running.mls
        watermark = imported.done("connections", "list", "--json").json[0]["watermark"]
        outcome = imported.done("connections", "edit", "Lake", "--base-url", other.base_url)
        assert "another feed" in outcome.err
        assert "watermark" not in imported.done("connections", "list", "--json").json[0]
        give_token(imported, other)
        waiting = set(other.feed.listing_keys("Active"))
        imported.done("import", "Lake", "--no-photos")
    stored = {row["mlsId"] for row in imported.done("listings", "--json").json}
    assert watermark
    assert len(waiting) == 9
    assert waiting <= stored


def test_a_new_name_keeps_how_far_imports_have_come(imported: Here) -> None:
    before = imported.done("connections", "list", "--json").json[0]["watermark"]
    outcome = imported.done("connections", "edit", "Lake", "--name", "Pond", "--schedule", "15")
    assert "another feed" not in outcome.err
    assert imported.done("connections", "list", "--json").json[0]["watermark"] == before


def give_token(cli: Here, mls: DemoMLS) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTHER_TOKEN", mls.token)
        cli.done("connections", "edit", "Lake", "--token-env", "OTHER_TOKEN")
