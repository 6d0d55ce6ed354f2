"""A demo MLS for the whole session that nobody changes, and the program over it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mls_tui.demo.process import start_in_thread
from mls_tui.demo.server import DemoMLS
from tests.e2e.cli.house import LISTINGS, Here, add


@pytest.fixture(scope="session")
def mls() -> Iterator[DemoMLS]:
    with start_in_thread(listings=LISTINGS) as running:
        yield running.mls


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Here:
    monkeypatch.setenv("MLS_TUI_ALLOW_PRIVATE_HOSTS", "1")
    return Here(capsys)


@pytest.fixture
def connected(cli: Here, mls: DemoMLS) -> Here:
    """With a connection named Lake."""
    add(cli, mls)
    return cli


@pytest.fixture
def imported(connected: Here) -> Here:
    """With its listings stored, without photos."""
    connected.done("import", "Lake", "--no-photos")
    return connected
