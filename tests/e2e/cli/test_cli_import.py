"""``mls-tui import``, ``retry`` and ``history``: each option, the JSON of the contract, the events."""

from __future__ import annotations

import json
import re

import pytest

from mls_tui.demo.process import start_in_thread
from mls_tui.demo.server import DemoMLS
from tests.e2e.cli.house import LISTINGS, Here, add


def test_import_brings_listings_and_photos_and_says_how_it_went(connected: Here, mls: DemoMLS) -> None:
    outcome = connected.done("import", "lake")
    assert outcome.out.startswith(f"Imported {LISTINGS} of {LISTINGS} listings")
    assert "Page 1: 4 records of 6" in outcome.err
    for listing in connected.done("listings", "--json").json:
        assert [photo["sha256"] for photo in listing["photos"]] == mls.digests(listing["mlsId"])


def test_json_has_the_shape_of_the_contract_and_nothing_beside_it(connected: Here) -> None:
    outcome = connected.done("import", "Lake", "--no-photos", "--json")
    assert outcome.err == ""
    document = outcome.json
    assert list(document) == ["success", "message", "data"]
    assert list(document["data"])[:4] == ["totalListings", "successfulImports", "failedImports", "errors"]
    assert document["success"] is True
    assert document["message"] == "Imported 6 of 6 listings"
    assert [document["data"][name] for name in list(document["data"])[:4]] == [6, 6, 0, []]


def test_a_failed_import_prints_the_failure_document(cli: Here) -> None:
    outcome = cli("import", "Nowhere", "--json")
    assert outcome.code == 2
    assert list(outcome.json) == ["success", "error"]
    assert outcome.json["success"] is False
    assert "connections add" in outcome.json["error"]


def test_events_are_one_json_object_a_line(connected: Here) -> None:
    outcome = connected.done("import", "Lake", "--no-photos", "--events", "--json")
    events = [json.loads(line) for line in outcome.lines]
    assert events[0]["event"] == "RunStarted"
    assert events[-1]["event"] == "RunFinished"
    assert {event["run"] for event in events} == {events[0]["run"]}
    assert all(list(event)[:3] == ["event", "at", "run"] for event in events)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", event["at"]) for event in events)
    assert [event["outcome"] for event in events if event["event"] == "ListingStored"] == ["created"] * 6
    assert events[-1]["result"]["data"]["successfulImports"] == 6


def test_dry_run_says_what_would_change_and_stores_nothing(connected: Here) -> None:
    outcome = connected.done("import", "Lake", "--dry-run")
    assert sum(line.startswith("new") for line in outcome.lines) == 6
    assert "Nothing was written" in outcome.err
    document = connected.done("import", "Lake", "--dry-run", "--json").json
    assert document["data"]["counts"]["new"] == 6
    assert len(document["data"]["listings"]) == 6
    assert connected.done("listings", "--json").json == []
    assert connected.done("history", "--json").json == []


def test_dry_run_of_a_changed_listing_shows_field_by_field(cli: Here) -> None:
    with start_in_thread(listings=3) as running:
        add(cli, running.mls)
        cli.done("import", "Lake", "--no-photos")
        running.mls.feed.change(running.mls.feed.listing_keys("Active")[0], ListPrice=1234567)
        document = cli.done("import", "Lake", "--dry-run", "--no-photos", "--json").json
        (row,) = [row for row in document["data"]["listings"] if row["change"] == "changed"]
        (price,) = [each for each in row["differences"] if each["field"] == "price"]
        assert price["new"] == "1234567"
        assert "1234567" in cli.done("import", "Lake", "--dry-run", "--no-photos").out


def test_only_imports_the_listings_that_are_named(connected: Here, mls: DemoMLS) -> None:
    numbers = [mls.feed.record(key)["ListingId"] for key in mls.feed.listing_keys("Active")[:2]]
    connected.done("import", "Lake", "--no-photos", "--only", numbers[0], "--only", numbers[1])
    assert {each["mlsNumber"] for each in connected.done("listings", "--json").json} == set(numbers)


def test_status_widens_active(connected: Here, mls: DemoMLS) -> None:
    connected.done("import", "Lake", "--no-photos", "--status", "all", "--json")
    found = {each["status"] for each in connected.done("listings", "--json").json}
    assert "active" in found
    assert len(found) > 1
    assert all(each["status"] == "active" for each in connected.done("listings", "--status", "active", "--json").json)


def test_limit_takes_no_more_than_that_many(connected: Here) -> None:
    document = connected.done("import", "Lake", "--no-photos", "--limit", "2", "--json").json
    assert document["data"]["totalListings"] == 2


def test_full_looks_at_everything_again(imported: Here) -> None:
    assert imported.done("import", "Lake", "--no-photos", "--json").json["data"]["totalListings"] <= 1
    full = imported.done("import", "Lake", "--no-photos", "--full", "--json").json
    assert full["data"]["totalListings"] == 6
    assert full["data"]["counts"]["unchanged"] == 6


@pytest.mark.parametrize(
    "arguments",
    [
        ("import",),
        ("import", "Lake", "--limit", "0"),
        ("import", "Lake", "--status", "gone"),
        ("import", "Lake", "--watch", "soon"),
        ("import", "Lake", "--watch", "5s"),
        ("import", "Lake", "--watch", "999999999999d"),
        ("import", "Lake", "--watch", "99999999999999999999999d"),
        ("import", "Lake", "--all"),
        ("import", "Lake", "Nowhere"),
        ("import", "Lake", "--detach"),
        ("import", "Lake", "--dry-run", "--watch", "15m"),
        ("import", "Lake", "--everything"),
        ("retry", "nope"),
        ("history", "nope"),
        ("demo", "--json"),
        ("demo", "--listings", "0"),
        ("fly",),
        ("--storage", "tape", "listings"),
        ("--storage", "aws", "listings"),
        ("--read-only", "import", "Lake"),
        ("--read-only", "delete", "1", "--yes"),
        ("--read-only", "keys", "rotate"),
        ("--read-only", "connections", "remove", "Lake"),
    ],
)
def test_wrong_usage_is_exit_code_2_and_prints_no_data(arguments: tuple[str, ...], connected: Here) -> None:
    outcome = connected(*arguments)
    assert outcome.code == 2, outcome
    assert outcome.out == ""
    assert outcome.err.strip()


def test_history_is_newest_first_and_shows_a_run(imported: Here) -> None:
    imported.done("import", "Lake", "--no-photos", "--full")
    runs = imported.done("history", "--json").json
    assert [run["full"] for run in runs] == [True, False]
    assert runs[0]["startedAt"] >= runs[1]["startedAt"]
    assert imported.done("history").lines[0].startswith(runs[0]["runId"])
    assert imported.done("history", runs[0]["runId"], "--json").json == []
    assert "Nothing failed" in imported.done("history", runs[0]["runId"]).err


@pytest.mark.promise(10)
def test_a_record_without_a_key_is_quarantined_the_rest_comes_and_the_exit_code_is_1(cli: Here) -> None:
    with start_in_thread(listings=3) as running:
        broken = running.mls.feed.listing_keys("Active")[0]
        running.mls.feed.change(broken, ListingId="9" * 300)
        add(cli, running.mls)
        outcome = cli("import", "Lake", "--no-photos", "--json")
        assert outcome.code == 1
        assert (outcome.json["data"]["successfulImports"], outcome.json["data"]["failedImports"]) == (2, 1)
        (error,) = outcome.json["data"]["errors"]
        assert "its ListingId is too long" in error["error"]
        run = cli.done("history", "--json").json[0]["runId"]
        assert cli.done("history", run).lines[0].startswith("quarantined")
        running.mls.feed.change(broken, ListingId="mended")
        assert cli("retry", run, "--json").code == 0
        assert len(cli.done("listings", "--json").json) == 3


def test_several_connections_are_imported_one_after_the_other(connected: Here, mls: DemoMLS) -> None:
    add(connected, mls, "Other")
    outcome = connected("import", "Lake", "Other", "Lake", "--no-photos", "--json")
    assert outcome.code == 0
    assert outcome.json["success"] is True
    assert [(run["connection"], run["success"]) for run in outcome.json["runs"]] == [("Lake", True), ("Other", True)]
    assert all(run["data"]["failedImports"] == 0 for run in outcome.json["runs"])
    told = connected.done("import", "--all", "--no-photos")
    assert [line for line in told.err.splitlines() if " of 2: " in line] == ["1 of 2: Lake", "2 of 2: Other"]
    assert len([line for line in told.lines if line.startswith("Imported ")]) == 2


def test_one_of_several_that_fails_stops_no_other_and_gives_the_exit_code(
    cli: Here, mls: DemoMLS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAD_TOKEN", "wrong")
    bad = ("--provider", "reso", "--base-url", mls.base_url, "--token-env", "BAD_TOKEN")
    cli.done("connections", "add", "Bad", *bad)
    add(cli, mls, "Good")
    outcome = cli("import", "Bad", "Good", "--no-photos", "--json")
    assert outcome.code == 3
    assert outcome.json["success"] is False
    assert [(run["connection"], run["success"]) for run in outcome.json["runs"]] == [("Bad", False), ("Good", True)]
    preview = cli("import", "--all", "--dry-run", "--json")
    assert preview.code == 3
    assert [run["success"] for run in preview.json["runs"]] == [False, True]


def test_all_without_a_connection_says_how_to_make_one(cli: Here) -> None:
    outcome = cli("import", "--all", "--json")
    assert outcome.code == 2
    assert "connections add" in outcome.json["error"]
