"""The commands of imports by workers: what they set up, and what they refuse."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest

import mls_tui.deploy
from mls_tui.demo.server import DemoMLS
from tests.contract.aws_server import aws_endpoint
from tests.deployment import resource
from tests.e2e.cli.house import LISTINGS, Here, add, ended, process


@pytest.fixture
def on_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a table, a bucket and a prefix that are not there yet."""
    name = f"t-{uuid4().hex}"
    with aws_endpoint() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        monkeypatch.setenv("MLS_TUI_STORAGE", "aws")
        for variable in ("TABLE", "BUCKET", "QUEUE_PREFIX"):
            monkeypatch.setenv(f"MLS_TUI_{variable}", name)
        yield name


def test_storage_init_makes_the_queues_where_it_is_asked_to(cli: Here, on_aws: str) -> None:
    client: Any = boto3.client("sqs")
    cli.done("storage", "init")
    assert "QueueUrls" not in client.list_queues(QueueNamePrefix=on_aws)

    cli.done("storage", "init", "--distributed")
    urls = client.list_queues(QueueNamePrefix=on_aws)["QueueUrls"]
    names = sorted(url.rpartition("/")[2].removeprefix(on_aws) for url in urls)
    assert names == ["-imports-dead.fifo", "-imports.fifo"]
    found = cli.done("storage", "check", "--distributed", "--json").json
    assert {check["state"] for check in found} <= {"ok", "skipped"}
    assert [check["name"] for check in found if "queue" in check["detail"] or "fifo" in check["detail"]]


@pytest.mark.parametrize("verb", ["init", "check"])
def test_the_embedded_store_is_refused_in_a_sentence_and_not_made(cli: Here, verb: str) -> None:
    refused = cli("storage", verb, "--distributed")
    assert refused.code == 2
    assert "MLS_TUI_STORAGE=aws" in refused.err
    assert refused.out == ""


def test_the_template_is_printed_as_it_is_shipped_and_makes_nothing(cli: Here, home: Path) -> None:
    printed = cli.done("storage", "init", "--print-template")
    assert printed.out == (Path(mls_tui.deploy.__file__).parent / "template.yaml").read_text()
    assert "AWSTemplateFormatVersion" in printed.out
    assert not (home / "data").exists()


def test_the_template_gives_commands_that_the_program_has(cli: Here) -> None:
    [container] = resource("WorkerTask")["ContainerDefinitions"]
    command, option, _ = container["Command"]
    told = cli.done(command, "--help").out
    assert "SIGTERM" in told
    assert option in told
    text, _ = resource("ImportSchedule")["Target"]["Input"]["Fn::Sub"]
    [override] = json.loads(text)["containerOverrides"]
    verb, *flags, _ = override["command"]
    told = cli.done(verb, "--help").out
    assert flags
    assert all(flag in told for flag in flags)


def test_an_import_is_begun_done_by_a_worker_and_told_as_the_contract_says(
    cli: Here, mls: DemoMLS, on_aws: str
) -> None:
    cli.done("storage", "init", "--distributed")
    add(cli, mls)
    worker = process("worker", "--concurrency", "4")
    try:
        outcome = cli.done("import", "--distributed", "Lake", "--json")
    finally:
        worker.send_signal(signal.SIGTERM)
        left = ended(worker)
    data = outcome.json["data"]
    assert (data["totalListings"], data["successfulImports"], data["failedImports"]) == (LISTINGS, LISTINGS, 0)
    assert (left.code, "Other workers go on" in left.err) == (0, True)
    assert [run["state"] for run in cli.done("history", "--json").json] == ["done"]
    assert len(cli.done("listings", "--json").json) == LISTINGS


def test_an_import_that_could_not_be_given_to_workers_stands_in_no_ones_way(
    cli: Here, mls: DemoMLS, on_aws: str
) -> None:
    cli.done("storage", "init")
    add(cli, mls)
    refused = cli("import", "--distributed", "--detach", "Lake")
    assert (refused.code, "Run `mls-tui storage init --distributed`" in refused.err) == (4, True)
    assert [run["state"] for run in cli.done("history", "--json").json] == ["failed"]
    idle = cli("worker")
    assert (idle.code, "Run `mls-tui storage init --distributed`" in idle.err) == (4, True)
    cli.done("storage", "init", "--distributed")
    cli.done("import", "--distributed", "--detach", "Lake")


def test_a_run_is_steered_by_its_row_and_only_while_it_runs(cli: Here, mls: DemoMLS, on_aws: str) -> None:
    cli.done("storage", "init", "--distributed")
    add(cli, mls)
    run = cli.done("import", "--distributed", "--detach", "Lake", "--json").json["data"]["run"]
    busy = cli("import", "--distributed", "Lake")
    assert (busy.code, f"already with the workers (run {run})" in busy.err) == (2, True)
    assert "is paused" in cli.done("pause", run).err
    assert "is resumed" in cli.done("resume", run).err
    assert "is cancelled" in cli.done("cancel", run).err
    late = cli("pause", run)
    assert (late.code, "has ended" in late.err) == (2, True)
    assert cli.done("history", "--json").json[0]["state"] == "cancelled"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("import", "A", "--detach"), "--detach goes with --distributed"),
        (("import", "--distributed", "A", "--dry-run"), "does not go with --dry-run"),
        (("import", "--distributed", "A", "--watch", "15m"), "does not go with --watch"),
        (("import", "--distributed", "A"), "storage here is local"),
        (("worker",), "storage here is local"),
        (("pause", "nosuch"), "There is no run 'nosuch'"),
        (("worker", "--concurrency", "0"), "not in the range"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(cli: Here, arguments: tuple[str, ...], says: str) -> None:
    outcome = cli(*arguments)
    assert outcome.code == 2
    assert says in outcome.err


@pytest.mark.parametrize("option", [("--only", "X1"), ("--limit", "2")])
def test_workers_bring_in_whole_mlss_only(cli: Here, mls: DemoMLS, on_aws: str, option: tuple[str, ...]) -> None:
    cli.done("storage", "init", "--distributed")
    add(cli, mls)
    outcome = cli("import", "--distributed", "Lake", *option)
    assert (outcome.code, "leave out --only and --limit" in outcome.err) == (2, True)
    assert cli.done("history", "--json").json == []


def test_several_connections_are_queued_and_told_together(cli: Here, mls: DemoMLS, on_aws: str) -> None:
    cli.done("storage", "init", "--distributed")
    add(cli, mls, "Lake")
    add(cli, mls, "Hill")
    cli.done("import", "--distributed", "--detach", "Hill")
    outcome = cli("import", "--distributed", "--detach", "Lake", "Hill", "--json")
    assert (outcome.code, outcome.json["success"]) == (2, False)
    assert cli("import", "--distributed", "--detach", "--all").code == 2
    lake, hill = outcome.json["runs"]
    assert (lake["connection"], lake["success"], hill["success"]) == ("Lake", True, False)
    assert [run["state"] for run in cli.done("history", "--json").json] == ["queued", "queued"]
