"""``mls-tui listings``, ``show``, ``delete``, ``storage``, ``info``, ``doctor``, ``keys`` and who is asking."""

from __future__ import annotations

import csv
import io
import json
import sys
from pathlib import Path

import pytest

from tests.e2e.cli.house import Here, files_below


def test_a_fresh_machine_has_no_listing_and_says_what_to_do(cli: Here) -> None:
    outcome = cli.done("listings")
    assert outcome.out == ""
    assert "mls-tui import" in outcome.err
    assert cli.done("listings", "--json").json == []


def test_json_is_an_array_of_data_maps_and_show_one_of_them(imported: Here) -> None:
    listings = imported.done("listings", "--json").json
    first = listings[0]
    assert {"listingId", "mlsId", "mlsNumber", "mlsProvider", "address", "price", "status", "photos"} <= set(first)
    assert imported.done("show", first["mlsNumber"], "--json").json == first
    assert imported.done("show", first["listingId"], "--json").json == first
    assert first["address"]["city"] in imported.done("show", first["mlsNumber"]).out


def test_csv_has_a_row_for_each_listing(imported: Here) -> None:
    rows = list(csv.DictReader(io.StringIO(imported.done("listings", "--csv").out)))
    assert {row["listingId"] for row in rows} == {
        each["listingId"] for each in imported.done("listings", "--json").json
    }


def test_search_and_sort_choose_and_order(imported: Here) -> None:
    listings = imported.done("listings", "--json").json
    city = listings[0]["address"]["city"]
    found = imported.done("listings", "--search", f'city:"{city}"', "--json").json
    assert [each["listingId"] for each in found] == [
        each["listingId"] for each in listings if each["address"]["city"] == city
    ]
    prices = [each["price"] for each in imported.done("listings", "--sort", "-price", "--json").json]
    assert prices == sorted(prices, reverse=True)
    assert imported.done("listings", "--status", "sold", "--json").json == []


def test_parquet_without_pyarrow_is_a_sentence_and_no_file(
    imported: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    outcome = imported("listings", "--parquet", str(tmp_path / "homes.parquet"))
    assert outcome.code == 2
    assert "pyarrow" in outcome.err
    assert not (tmp_path / "homes.parquet").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("listings", "--sort", "colour"),
        ("listings", "--status", "lost"),
        ("listings", "--search", "price:<cheap"),
        ("listings", "--json", "--csv"),
        ("show", "nowhere"),
        ("show", "../../etc/passwd"),
        ("delete", "nowhere", "--yes"),
        ("delete",),
    ],
)
def test_wrong_usage_is_exit_code_2_and_changes_nothing(arguments: tuple[str, ...], imported: Here) -> None:
    before = imported.done("listings", "--json").out
    outcome = imported(*arguments)
    assert (outcome.code, outcome.out) == (2, ""), outcome
    assert imported.done("listings", "--json").out == before


def test_delete_takes_what_is_named_and_needs_yes_where_nobody_can_be_asked(imported: Here, home: Path) -> None:
    first, second, *rest = imported.done("listings", "--json").json
    refused = imported("delete", first["mlsNumber"])
    assert refused.code == 2
    assert "--yes" in refused.err
    assert imported("delete", first["mlsNumber"], "nowhere", "--yes").code == 2
    assert len(imported.done("listings", "--json").json) == 6
    answer = imported.done("delete", first["mlsNumber"], second["listingId"], "--yes", "--json").json
    assert set(answer["data"]["deleted"]) == {first["listingId"], second["listingId"]}
    assert [each["listingId"] for each in imported.done("listings", "--json").json] == [
        each["listingId"] for each in rest
    ]
    assert not [path for path in files_below(home) if first["listingId"] in str(path)]


def test_storage_init_is_idempotent_and_check_says_what_is_missing(cli: Here) -> None:
    missing = cli("storage", "check", "--json")
    assert missing.code == 4
    assert any("storage init" in (check["advice"] or "") for check in missing.json)
    cli.done("storage", "init")
    cli.done("storage", "init", "--json")
    assert {check["state"] for check in cli.done("storage", "check", "--json").json} == {"ok"}
    assert cli("storage", "check", "--repair").code == 2
    cli.done("storage", "check", "--photos", "--repair")


def test_print_policy_prints_the_policy_and_makes_nothing(cli: Here, home: Path) -> None:
    policy = cli.done("storage", "init", "--print-policy").json
    assert policy["Version"] == "2012-10-17"
    assert not (home / "data").exists()


def test_sign_out_means_authentication_required_until_sign_in(imported: Here) -> None:
    assert imported.done("whoami").out == "local\n"
    imported.done("sign-out")
    for arguments in (("whoami",), ("listings",), ("import", "Lake"), ("history",), ("connections", "list")):
        outcome = imported(*arguments)
        assert (outcome.code, outcome.out) == (3, ""), outcome
        assert "Authentication required" in outcome.err
    failure = imported("import", "Lake", "--json").json
    assert failure == {"success": False, "error": "Authentication required"}
    imported.done("sign-in")
    assert len(imported.done("listings", "--json").json) == 6


def test_info_shows_every_path_and_setting_and_creates_nothing(
    cli: Here, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLS_TUI_KEY", "canary-key-of-the-user")
    outcome = cli.done("info")
    document = cli.done("info", "--json").json
    assert "canary-key" not in outcome.out + json.dumps(document)
    assert str(home / "config.toml") in outcome.out
    assert document["encryptionKey"]["place"] == "the variable MLS_TUI_KEY"
    assert len(document["encryptionKey"]["id"]) == 8
    assert "SQLite file" in document["stores"]["listings"]
    assert document["settings"]["key"]["source"] == "environment"
    assert not home.exists()


@pytest.mark.promise("secrets at rest")
def test_rotating_keys_re_encrypts_every_secret_and_imports_go_on(connected: Here) -> None:
    before = connected.done("info", "--json").json["encryptionKey"]["id"]
    assert "1 secret" in connected.done("keys", "rotate").err
    assert connected.done("info", "--json").json["encryptionKey"]["id"] != before
    connected.done("import", "Lake", "--no-photos")


def test_doctor_looks_at_the_house_and_with_a_connection_at_its_provider(connected: Here) -> None:
    connected.done("storage", "init")
    alone = connected.done("doctor", "--json").json
    with_provider = connected.done("doctor", "Lake", "--json").json
    assert len(with_provider) > len(alone)
    assert all(set(check) == {"name", "state", "detail", "advice"} for check in alone)
    assert "ok" in connected.done("doctor").out
    assert connected("doctor", "Nowhere").code == 2


def test_doctor_before_the_first_import_finds_nothing_missing_for_that_alone(connected: Here) -> None:
    checks = connected("doctor", "Lake", "--json").json
    assert [check for check in checks if check["state"] == "failure"] == []
    assert "the first import with photos creates it" in next(
        check["detail"] for check in checks if check["name"] == "photos"
    )


def test_the_demo_reports_as_many_faults_as_it_served(cli: Here, home: Path) -> None:
    outcome = cli.done("demo", "--headless", "--listings", "30", "--faults", "7", "--json")
    data = outcome.json["data"]
    assert data["successfulImports"] == data["totalListings"] == 30
    assert data["demo"]["faultsServed"] == data["demo"]["faultsReported"] > 0
    assert data["demo"]["photosVerified"] > 0
    assert data["demo"]["photosDiffering"] == 0
    assert outcome.err == ""
    assert cli.done("listings", "--json").json == []


def test_info_lists_the_ids_by_which_keys_are_given_others(cli: Here) -> None:
    lines = {line.split()[0]: line for line in cli.done("info", "--keys").lines}
    assert "slash" in lines["listings.filter"]
    assert "Import it now" in lines["connection.import"]
    assert {"app.quit", "table.mark", "detail.refetch"} <= lines.keys()
    assert cli.done("info", "--keys", "--json").json.keys() == lines.keys()
