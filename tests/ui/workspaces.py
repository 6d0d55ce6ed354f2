"""The house around the interface's tests: a clock that stands still, a workspace in memory, connections. No I/O."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

from mls_tui.actions import ConnectionView
from mls_tui.domain.connection import Connection

if TYPE_CHECKING:
    from mls_tui.actions.workspace import Workspace

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)


class FrozenClock:
    """Time stands still until ``move`` pushes it."""

    def __init__(self, now: datetime = NOW) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._now.timestamp()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)

    def move(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


@dataclass
class FakeSettings:
    storage: str = "local"
    theme: str | None = None
    keymap: dict[str, str] = field(default_factory=dict)
    state_path: Path = Path("/dev/null/mls-tui")
    """Cannot be written, so that no test remembers a theme."""


@dataclass(frozen=True)
class FakeStore:
    """A store that can only say where it is."""

    place: str

    def describe(self) -> str:
        return self.place


@dataclass
class FakeWorkspace:
    """What the interface sees of a Workspace. ``fails`` is raised by ``open`` as long as it is set."""

    settings: FakeSettings = field(default_factory=FakeSettings)
    user_id: str = "local"
    read_only: bool = False
    fails: Exception | None = None
    is_open: bool = False
    store: FakeStore = FakeStore("SQLite file ~/mls-tui/listings.db")
    photos: FakeStore = FakeStore("folder ~/mls-tui/photos")

    async def open(self) -> None:
        if self.fails is not None:
            raise self.fails
        self.is_open = True

    async def close(self) -> None:
        self.is_open = False


def fake_workspace(*, read_only: bool = False, fails: Exception | None = None, **settings: object) -> Workspace:
    """A FakeWorkspace, typed as the real one."""
    wanted = FakeSettings(**settings)  # type: ignore[arg-type]
    return cast("Workspace", FakeWorkspace(settings=wanted, read_only=read_only, fails=fails))


def a_connection(name: str = "Demo MLS", provider: str = "reso", **more: object) -> Connection:
    """A connection; its id is a slug of its name."""
    data: dict[str, object] = {
        "connection_id": name.lower().replace(" ", "-"),
        "user_id": "local",
        "name": name,
        "provider": provider,
        "base_url": "https://mls.example/odata",
        "created_at": NOW_MS,
    }
    return Connection.model_validate(data | more)


def a_view(connection: Connection | None = None, **more: object) -> ConnectionView:
    """A row of the connections table; ``never imported`` unless told otherwise."""
    view = ConnectionView(connection=connection or a_connection(), state="never imported")
    return replace(view, **more)  # type: ignore[arg-type]
