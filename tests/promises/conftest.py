"""Houses over both pairs of stores, and moto's server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from mls_tui.config import Settings, load_settings
from mls_tui.demo.server import DemoMLS
from tests.contract.aws_server import aws_endpoint
from tests.promises.house import KilledHouse

OpenHouse = Callable[[DemoMLS], KilledHouse]


@pytest.fixture(scope="session")
def endpoint(_neutral_environment: None) -> Iterator[str]:
    with aws_endpoint() as url:
        yield url


@pytest.fixture(params=["local", "aws"])
def kind(request: pytest.FixtureRequest) -> str:
    """Which pair of stores."""
    return str(request.param)


@pytest.fixture
def new_environ(kind: str, tmp_path: Path, endpoint: str) -> Callable[[], dict[str, str]]:
    """Makes whole environments of children over the pair, each with a folder, table and bucket of its own."""

    def made() -> dict[str, str]:
        name = f"t-{uuid4().hex}"
        kept = {key: value for key, value in os.environ.items() if not key.startswith("MLS_TUI_")}
        environ = {**kept, "MLS_TUI_HOME": str(tmp_path / name), "MLS_TUI_ALLOW_PRIVATE_HOSTS": "1"}
        if kind == "aws":
            aws = {"MLS_TUI_STORAGE": "aws", "MLS_TUI_TABLE": name, "MLS_TUI_BUCKET": name}
            environ |= {**aws, "AWS_ENDPOINT_URL": endpoint}
        return environ

    return made


@pytest.fixture
def open_house(new_environ: Callable[[], dict[str, str]]) -> OpenHouse:
    """Opens houses over the pair, with a connection."""

    def opened(mls: DemoMLS) -> KilledHouse:
        house = KilledHouse(mls, new_environ())
        asyncio.run(house.connect())
        return house

    return opened


@pytest.fixture
def local_settings(tmp_path: Path) -> Settings:
    return load_settings(environ={}, home=str(tmp_path / "house"), allow_private_hosts=True)


@pytest.fixture
def any_settings(kind: str, tmp_path: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Of either pair, with a folder, table and bucket of its own."""
    name = f"t-{uuid4().hex}"
    more: dict[str, object] = {}
    if kind == "aws":
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        more = {"storage": "aws", "table": name, "bucket": name}
    return load_settings(environ={}, home=str(tmp_path / "house"), allow_private_hosts=True, **more)
