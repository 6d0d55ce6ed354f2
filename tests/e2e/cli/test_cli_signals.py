"""Ctrl-C and SIGTERM: exit code 130, the state saved, the lease given back; a second one ends the process at once."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from collections.abc import Iterator

import pytest
from aiohttp import web

from mls_tui.demo.process import start_in_thread
from mls_tui.demo.server import DemoMLS
from tests.e2e.cli.house import Here, add, ended, process

STOPPING = "Stopping"


@pytest.fixture
def slow(cli: Here) -> Iterator[DemoMLS]:
    """An MLS that answers its first page, and no photo from the third on, until its hook is taken off."""
    with start_in_thread(listings=9) as running:
        photos = 0

        async def hook(request: web.Request) -> web.StreamResponse | None:
            nonlocal photos
            photos += request.path.startswith("/photos/")
            if photos > 2:
                await asyncio.Event().wait()
            return None

        running.mls.hook = hook
        add(cli, running.mls)
        yield running.mls


def _wait_for(running: subprocess.Popen[str], event: str) -> None:
    assert running.stdout is not None
    for line in running.stdout:
        if json.loads(line)["event"] == event:
            return
    raise AssertionError(f"ended before {event}")


@pytest.mark.promise(9)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_an_import_with_130_and_a_rerun_completes_it(
    number: signal.Signals, cli: Here, slow: DemoMLS
) -> None:
    running = process("import", "Lake", "--events")
    _wait_for(running, "PhotoStored")
    running.send_signal(number)
    assert running.stdout is not None
    events = [json.loads(line) for line in running.stdout]
    outcome = ended(running)
    assert outcome.code == 130
    assert STOPPING in outcome.err
    assert "Traceback" not in outcome.err
    assert events[-1]["event"] == "RunFinished"
    assert not [event for event in events if event["event"] in ("ListingFailed", "AttemptFailed")]
    (run,) = cli.done("history", "--json").json
    assert run["state"] == "interrupted"
    assert run["finishedAt"]
    slow.hook = None
    cli.done("import", "Lake")
    stored = cli.done("listings", "--json").json
    assert len(stored) == 9
    assert all("key" in photo for each in stored for photo in each["photos"])


@pytest.mark.promise(9)
def test_a_second_signal_ends_the_process_at_once(cli: Here, slow: DemoMLS) -> None:
    running = process("import", "Lake", "--events")
    _wait_for(running, "PhotoStored")
    running.send_signal(signal.SIGINT)
    assert running.stderr is not None
    while STOPPING not in running.stderr.readline():
        pass
    running.send_signal(signal.SIGINT)
    assert ended(running).code == 130


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_between_two_imports_ends_the_watch(number: signal.Signals, imported: Here) -> None:
    running = process("import", "Lake", "--watch", "15m", "--no-photos")
    assert running.stderr is not None
    while not (line := running.stderr.readline()).startswith("Next import in"):
        assert line, "ended before it waited"
    running.send_signal(number)
    outcome = ended(running)
    assert outcome.code == 130
    assert "Traceback" not in outcome.err


def test_refused_credentials_end_the_watch_with_3(cli: Here, mls: DemoMLS, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "not-the-token")
    cli.done("connections", "add", "Bad", "--provider", "reso", "--base-url", mls.base_url, "--token-env", "TOKEN")
    assert cli("import", "Bad", "--watch", "15m").code == 3


def test_a_wrong_name_ends_the_watch_with_2(cli: Here) -> None:
    outcome = cli("import", "Nowhere", "--watch", "15m", "--json")
    assert outcome.code == 2
    assert outcome.json["success"] is False


def test_a_signal_ends_the_demo_too(cli: Here) -> None:
    running = process("demo", "--headless", "--listings", "300", "--events")
    _wait_for(running, "PhotoStored")
    running.send_signal(signal.SIGTERM)
    outcome = ended(running)
    assert outcome.code == 130
    assert "Traceback" not in outcome.err


def test_a_second_demo_leaves_the_first_ones_folder_alone(cli: Here) -> None:
    first = process("demo", "--headless", "--listings", "40", "--events")
    _wait_for(first, "PhotoStored")
    second = process("demo", "--headless", "--listings", "2", "--json")
    assert ended(second).json["data"]["demo"]["photosDiffering"] == 0
    outcome = ended(first)
    assert outcome.code == 0
    assert json.loads(outcome.lines[-1])["result"]["data"]["successfulImports"] == 40
