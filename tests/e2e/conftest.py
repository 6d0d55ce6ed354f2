"""Whole imports on both pairs of stores, each test with a fresh MLS, table and bucket, or folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from mls_tui.config import Settings, load_settings
from mls_tui.demo.server import DemoMLS
from tests.clocks import SwiftClock
from tests.contract.aws_server import aws_endpoint
from tests.e2e.house import House, opened, quick_photo

OpenHouse = Callable[..., AbstractAsyncContextManager[House]]


@pytest.fixture(scope="session")
def endpoint(_neutral_environment: None) -> Iterator[str]:
    with aws_endpoint() as url:
        yield url


@pytest.fixture(autouse=True)
def _quick_photos(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo's homes as tiny JPEGs, each with bytes of its own: what a photo shows does not matter here."""
    monkeypatch.setattr("mls_tui.demo.photos.draw", quick_photo)


@pytest.fixture
def local_settings(tmp_path: Path) -> Settings:
    return load_settings(environ={}, home=str(tmp_path / "house"), allow_private_hosts=True)


@pytest.fixture
def aws_settings(tmp_path: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    name = f"t-{uuid4().hex}"
    return load_settings(
        environ={},
        home=str(tmp_path / "house"),
        storage="aws",
        table=name,
        bucket=name,
        queue_prefix=name,
        allow_private_hosts=True,
    )


def _opener(settings: Settings) -> OpenHouse:
    def open_house(**mls: Any) -> AbstractAsyncContextManager[House]:
        clock = SwiftClock()
        return opened(settings, DemoMLS(**{"listings": 12, "now": clock.now, **mls}), clock)

    return open_house


@pytest.fixture
def open_local(local_settings: Settings) -> OpenHouse:
    """For what does not depend on the store: a house over SQLite and a folder."""
    return _opener(local_settings)


@pytest.fixture
def open_aws(aws_settings: Settings) -> OpenHouse:
    """A house over DynamoDB and S3."""
    return _opener(aws_settings)


@pytest.fixture(params=["local", "aws"])
def open_house(request: pytest.FixtureRequest) -> OpenHouse:
    """The same over each pair of stores."""
    return _opener(request.getfixturevalue(f"{request.param}_settings"))


@pytest.fixture
async def house(open_local: OpenHouse) -> AsyncIterator[House]:
    """Twelve active listings over SQLite and a folder."""
    async with open_local() as found:
        yield found
