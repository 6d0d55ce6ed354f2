"""CloudWatch Logs: records arrive, and nothing waits for AWS if it is slow, unreachable or refuses."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from mls_tui.config import load_settings
from mls_tui.domain.errors import MLSError
from mls_tui.log import log_error, setup_logging
from mls_tui.storage.cloudwatch import QUEUE, CloudWatchHandler

GROUP = "/mls-tui/test"


@pytest.fixture
def client() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("logs", region_name="us-east-1")


def _messages(client: Any) -> list[str]:
    found = []
    for stream in client.describe_log_streams(logGroupName=GROUP)["logStreams"]:
        events = client.get_log_events(logGroupName=GROUP, logStreamName=stream["logStreamName"], startFromHead=True)
        found += [event["message"] for event in events["events"]]
    return found


def _record(text: str) -> logging.LogRecord:
    return logging.LogRecord("mls_tui", logging.ERROR, "", 0, text, None, None)


def test_records_arrive_masked_in_a_group_that_is_made_for_them(home: Path, client: Any) -> None:
    settings = load_settings({"MLS_TUI_HOME": str(home), "MLS_TUI_LOG_GROUP": GROUP})
    log = setup_logging(settings, client=client)
    log.masker.add("canary-token")
    log_error(MLSError("down canary-token"), "Import failed")
    log.close()
    (message,) = _messages(client)
    assert json.loads(message)["category"] == "network"
    assert "canary" not in message


def test_more_than_one_call_may_hold_arrives_whole_and_in_order(client: Any) -> None:
    handler = CloudWatchHandler(GROUP, "ann", client, pause_seconds=0)
    wide = "x" * 100_000
    for number in range(30):
        handler.emit(_record(f"{number:02d} {wide}"))
    handler.close()
    assert [message[:2] for message in _messages(client)] == [f"{number:02d}" for number in range(30)]
    assert handler.dropped == 0


class StuckClient:
    """Answers nothing until released, then refuses."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.release = threading.Event()

    class exceptions:
        class ResourceNotFoundException(Exception): ...

        class ResourceAlreadyExistsException(Exception): ...

    def put_log_events(self, **_: Any) -> None:
        self.asked.set()
        self.release.wait()
        raise ConnectionError("away")


@pytest.mark.promise("logs")
def test_a_stuck_aws_holds_nobody_up_and_costs_bounded_memory() -> None:
    client = StuckClient()
    handler = CloudWatchHandler(GROUP, "ann", client, pause_seconds=0)
    try:
        handler.emit(_record("first"))
        assert client.asked.wait(10)
        for number in range(QUEUE + 500):
            handler.emit(_record(str(number)))
        assert handler.dropped == 500
    finally:
        client.release.set()
        handler.close()
    assert handler.last_error == "ConnectionError"


def test_without_credentials_or_region_nothing_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    handler = CloudWatchHandler(GROUP, "ann", pause_seconds=0)
    handler.emit(_record("x"))
    handler.close()
    assert handler.dropped == 1
    assert handler.last_error == "NoRegionError"
