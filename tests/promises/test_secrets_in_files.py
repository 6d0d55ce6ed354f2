"""No secret stands in what leaves the program by other ways than its folder: exports, rotated logs and CloudWatch."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import boto3
import pytest

from mls_tui import actions
from mls_tui.actions.workspace import Workspace
from mls_tui.config import load_settings
from mls_tui.export import FORMATS
from mls_tui.log import setup_logging
from mls_tui.storage.summaries import Selection
from tests.clocks import SwiftClock
from tests.e2e.house import House
from tests.promises import canaries
from tests.promises.leaky_mls import LeakyMLS, leaky_mls


async def _leaky_house(mls: LeakyMLS, ws: Workspace, clock: SwiftClock) -> House:
    """Connected with a password and a client's secret, for which the MLS gives tokens."""
    await ws.store.init()
    await ws.photos.init()
    house = House(cast(Any, mls), ws, clock)
    secrets = {"password": canaries.PASSWORD, "client_secret": canaries.CLIENT_SECRET, "access_token": ""}
    house.connection_id = await house.connect(
        "Leaky", token_url=mls.token_url, username="ann", client_id="id", overrides={}, **secrets
    )
    return house


def _rows(path: Path, file_format: str) -> bytes:
    """What a reader of the export gets: Parquet packs it."""
    if file_format != "parquet":
        return path.read_bytes()
    parquet = pytest.importorskip("pyarrow.parquet", reason="the parquet extra is not installed")
    table = parquet.read_table(path)
    return path.read_bytes() + json.dumps([table.to_pylist(), str(table.schema)], ensure_ascii=False).encode()


@pytest.mark.promise("secrets nowhere else")
@pytest.mark.parametrize("file_format", FORMATS)
async def test_no_export_of_any_format_holds_a_secret(tmp_path: Path, file_format: str) -> None:
    if file_format == "parquet":
        pytest.importorskip("pyarrow", reason="the parquet extra is not installed")
    settings = load_settings(environ={}, home=str(tmp_path / "home"), allow_private_hosts=True)
    target, clock = tmp_path / f"homes.{file_format}", SwiftClock()
    async with leaky_mls() as mls, Workspace(settings, clock=clock) as ws:
        house = await _leaky_house(mls, ws, clock)
        await house.run()
        stored = (await (await actions.open_summaries(ws)).select(Selection())).rows
        answer = await actions.export_listings(stored, str(target), file_format, ws)
    assert answer.success, answer.error
    rows = _rows(target, file_format)
    assert b"Quiet street" in rows
    # If a photo could not be fetched, its row keeps the URL, whose own signature is a part of it.
    assert canaries.found_in(rows, canaries.BUT_URLS if b"X-Amz-Signature" in rows else canaries.EVERY) == []


@pytest.mark.promise("secrets nowhere else")
async def test_rotated_logs_and_what_cloudwatch_gets_hold_no_secret(
    tmp_path: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mls_tui.log.MAX_BYTES", 1_000)
    monkeypatch.setattr("mls_tui.log.BACKUPS", 99)
    monkeypatch.setattr("mls_tui.storage.cloudwatch.CloudWatchHandler.FLUSH_TIMEOUT", 60.0)
    group = f"/mls-tui/{uuid4().hex}"
    client: Any = boto3.client("logs", endpoint_url=endpoint)
    settings = load_settings(
        environ={}, home=str(tmp_path / "home"), allow_private_hosts=True, log_group=group, key=canaries.KEY
    )
    readable, clock = io.StringIO(), SwiftClock()
    log = setup_logging(settings, verbose=2, stream=readable, client=client)
    try:
        async with leaky_mls() as mls, Workspace(settings, clock=clock, on_secret=log.masker.add) as ws:
            await (await _leaky_house(mls, ws, clock)).run()
            assert f"Bearer {canaries.TOKEN}" in mls.sent
    finally:
        log.close()
    assert len(list(log.path.parent.iterdir())) > 2, "the log was rotated"
    assert "quarantined" in readable.getvalue()
    assert canaries.found_in(readable.getvalue().encode()) == []
    assert canaries.search_folder(log.path.parent) == []
    (stream,) = client.describe_log_streams(logGroupName=group)["logStreams"]
    events = client.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    assert any("quarantined" in each["message"] for each in events)
    assert canaries.found_in(json.dumps(events).encode()) == []
