"""The log of a whole import: one line for each error, in the file and in CloudWatch Logs, which never holds it up."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web

from mls_tui.config import Settings
from mls_tui.demo.server import DemoMLS
from mls_tui.domain.events import AttemptFailed, ListingFailed, PhotoFailed
from mls_tui.domain.run import RunState
from mls_tui.log import setup_logging
from tests.clocks import SwiftClock
from tests.e2e.house import House, opened

LINES = 6


async def _troubled(house: House) -> list[dict[str, Any]]:
    """An import in which one listing is put aside and the photos of another are gone; the lines of its log."""
    first, second = house.mls.feed.listing_keys("Active")[:2]
    house.mls.feed.change(first, ListingId="9" * 300)

    async def hook(request: web.Request) -> web.StreamResponse | None:
        return web.Response(status=404) if second in request.path and "photos" in request.path else None

    house.mls.hook = hook
    log = setup_logging(house.ws.settings)
    try:
        assert (await house.run()).state is RunState.DONE
    finally:
        await asyncio.to_thread(log.close)
    written = [json.loads(line) for line in log.path.read_text().splitlines()]
    lines = [line for line in written if line["logger"] == "mls_tui"]  # the test's own servers log as well
    _one_line_for_each_error(house, lines)
    return lines


def _one_line_for_each_error(house: House, lines: list[dict[str, Any]]) -> None:
    failed, photos = house.said(ListingFailed), house.said(PhotoFailed)
    assert failed
    assert photos
    errors = [line for line in lines if line["level"] == "error"]
    assert Counter(line["category"] for line in errors) == {"import": len(failed), "photo": len(photos)}
    for event in (*failed, *photos):
        same = [
            line
            for line in errors
            if line["mls_number"] == event.mls_number and line.get("photo_index") == getattr(event, "photo_index", None)
        ]
        (line,) = same
        assert (line["attempts"], line["run"]) == (event.attempts, event.run)
        assert line["cause"] == getattr(event, "cause", None) or line["cause"] == getattr(event, "error", None)
    again = [event for event in house.said(AttemptFailed) if event.wait is not None]
    assert len([line for line in lines if line["message"].startswith("Attempt ")]) == len(again)


@asynccontextmanager
async def logging_house(settings: Settings) -> AsyncIterator[House]:
    clock = SwiftClock()
    mls = DemoMLS(listings=LINES, now=clock.now)
    group = f"/mls-tui/{uuid4().hex}"  # of its own: moto keeps the lines of every server in one place
    async with opened(replace(settings, log_group=group), mls, clock) as house:
        yield house


@pytest.mark.promise("logs")
async def test_cloudwatch_gets_each_line_that_the_file_gets(
    local_settings: Settings, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", endpoint)
    monkeypatch.setattr("mls_tui.storage.cloudwatch.CloudWatchHandler.FLUSH_TIMEOUT", 60.0)
    async with logging_house(local_settings) as house:
        lines = await _troubled(house)
        sent = await asyncio.to_thread(_sent, endpoint, house.ws.settings.log_group)
    assert [line for line in sent if line["level"] == "error"] == [line for line in lines if line["level"] == "error"]
    assert sent == lines


def _sent(endpoint: str, group: str | None) -> list[dict[str, Any]]:
    import boto3

    client: Any = boto3.client("logs", endpoint_url=endpoint)
    (stream,) = client.describe_log_streams(logGroupName=group)["logStreams"]
    name = stream["logStreamName"]
    events = client.get_log_events(logGroupName=group, logStreamName=name, startFromHead=True)["events"]
    return [json.loads(event["message"]) for event in events]


@pytest.mark.promise("logs")
@pytest.mark.parametrize("answers", ["never", "with 500", "not at all"])
async def test_a_cloudwatch_that_is_slow_broken_or_away_holds_nothing_up_and_is_told_in_the_file(
    answers: str, local_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, held = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        if answers == "never":
            await held.wait()
        writer.write(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    if answers == "not at all":
        server.close()
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr("mls_tui.storage.cloudwatch.CloudWatchHandler.FLUSH_TIMEOUT", 0.01)
    async with logging_house(local_settings) as house:
        lines = await _troubled(house)
        assert len(await house.listings()) == LINES - 1
    held.set()
    server.close()
    assert "did not reach CloudWatch Logs" in lines[-1]["message"]
    assert lines[-1]["message"].startswith(f"{len(lines) - 1} lines ")
