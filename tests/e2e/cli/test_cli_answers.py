"""Answers that used to mislead: a run that failed as a whole, a fresh machine, secrets that cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mls_tui.demo.server import DemoMLS
from tests.e2e.cli.house import Here, add


def failures(checks: list[dict[str, Any]]) -> list[str]:
    return [check["name"] for check in checks if check["state"] == "failure"]


def test_the_history_of_a_run_that_failed_as_a_whole_says_why(
    cli: Here, mls: DemoMLS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAD_TOKEN", "wrong")
    cli.done("connections", "add", "Bad", "--provider", "reso", "--base-url", mls.base_url, "--token-env", "BAD_TOKEN")
    why = cli("import", "Bad", "--json").json["error"]
    run = cli.done("history", "--json").json[0]["runId"]
    shown = cli("history", run)
    assert shown.code == 1
    assert shown.lines == [f"The import failed: {why}"]
    assert "Nothing failed" not in shown.err
    assert cli("history", run, "--json").json == [{"kind": "run", "error": why}]


def test_the_history_of_a_good_run_says_that_nothing_failed(imported: Here) -> None:
    run = imported.done("history", "--json").json[0]["runId"]
    assert "Nothing failed." in imported.done("history", run).err


def test_a_fresh_machine_and_a_new_connection_have_no_failures(cli: Here, mls: DemoMLS) -> None:
    assert failures(cli.done("doctor", "--json").json) == []
    assert not Path(cli.done("info", "--json").json["paths"]["database"]).exists()
    add(cli, mls)
    assert failures(cli.done("doctor", "Lake", "--json").json) == []


def test_photos_that_are_stored_but_have_no_folder_are_a_failure(connected: Here) -> None:
    connected.done("import", "Lake", "--limit", "2")
    photos = Path(connected.done("info", "--json").json["paths"]["photos"])
    photos.rename(photos.with_name("elsewhere"))
    assert failures(connected("doctor", "--json").json) == ["photos"]


def test_the_doctor_names_the_connections_whose_secrets_cannot_be_read(connected: Here) -> None:
    keys = Path(connected.done("info", "--json").json["paths"]["state"]) / "keys" / "keys.json"
    assert "secrets of Lake" in connected.done("doctor").out
    keys.unlink()
    for arguments in (("doctor",), ("doctor", "Lake")):
        outcome = connected(*arguments, "--json")
        assert outcome.code == 4
        assert failures(outcome.json) == ["secrets of Lake"]
        assert len(outcome.json) > 5
