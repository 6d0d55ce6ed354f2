"""The commands of many machines: what they set up, and what they refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest

import mls_tui.deploy
from tests.contract.aws_server import aws_endpoint
from tests.deployment import resource
from tests.e2e.cli.house import Here


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
    assert names == ["-media", "-media-dead", "-pages", "-pages-dead"]
    dynamodb: Any = boto3.client("dynamodb")
    expiry = dynamodb.describe_time_to_live(TableName=on_aws)["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ExpiresAt"}
    found = cli.done("storage", "check", "--distributed", "--json").json
    assert {check["state"] for check in found} == {"ok"}


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
    assert "SIGTERM" in cli.done(*container["Command"], "--help").out
    text, _ = resource("ImportSchedule")["Target"]["Input"]["Fn::Sub"]
    [override] = json.loads(text)["containerOverrides"]
    verb, *flags, _ = override["command"]
    told = cli.done(verb, "--help").out
    assert flags
    assert all(flag in told for flag in flags)
