"""A whole import from a test server into embedded stores. ``visiting`` yields a ``Visit``, which runs imports and holds
what was requested, reported and stored."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from mls_tui import actions
from mls_tui.actions import ConnectionForm, ImportControl, ImportOptions
from mls_tui.actions.workspace import Workspace
from mls_tui.config import load_settings
from mls_tui.domain.connection import AuthKind
from mls_tui.domain.events import AttemptFailed, Event, RunFinished, Throttled
from mls_tui.domain.listing import Listing
from mls_tui.domain.run import ImportResult
from tests.clocks import SwiftClock

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6300010000000500010d0a2db40000000049454e44ae426082"
)
FAST = "100000/1"


@dataclass(slots=True)
class Visit:
    """One connection to the test server, and what was requested, reported and stored."""

    ws: Workspace
    clock: SwiftClock
    base: str
    asked: list[str]
    at: list[float]
    connection_id: str = ""
    events: list[Event] = field(default_factory=list)

    async def connect(self, **form: Any) -> None:
        fields: dict[str, Any] = {
            "name": "Stranger",
            "provider": "reso",
            "base_url": self.base,
            "access_token": "open-sesame",
            "auth": AuthKind.BEARER,
            "overrides": {"api_limits": FAST},
        }
        answer = await actions.connect_mls(ConnectionForm(**{**fields, **form}), self.ws)
        assert answer.data is not None, answer.error
        self.connection_id = answer.data.connection.connection_id
        self.forget()

    def forget(self) -> None:
        self.asked.clear()
        self.at.clear()

    async def run(self, control: ImportControl | None = None, **options: Any) -> ImportResult:
        """Import to the end."""
        self.events = []
        async for event in actions.import_events(self.connection_id, ImportOptions(**options), self.ws, control):
            self.events.append(event)
        last = self.events[-1]
        assert isinstance(last, RunFinished)
        return last.result

    async def listings(self) -> dict[str, Listing]:
        """What is stored, by ListingKey."""
        found = [listing async for batch in self.ws.store.listings(self.ws.user_id) for listing in batch]
        assert len({listing.mls_id for listing in found}) == len(found)
        return {listing.mls_id: listing for listing in found}

    async def numbers(self) -> set[str]:
        """The MLS numbers of what is stored."""
        return {listing.mls_number for listing in (await self.listings()).values()}

    def asked_for(self, resource: str) -> list[str]:
        """Requests for a resource, in order."""
        return [url for url in self.asked if url.split("?")[0].rstrip("/").endswith(resource)]

    @property
    def attempts(self) -> list[AttemptFailed]:
        return [event for event in self.events if isinstance(event, AttemptFailed)]

    @property
    def pauses(self) -> list[Throttled]:
        return [event for event in self.events if isinstance(event, Throttled)]


@asynccontextmanager
async def serving(handler: Handler, asked: list[str] | None = None) -> AsyncIterator[str]:
    """The origin of a server that calls ``handler`` for every path."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if asked is not None:
            asked.append(request.path_qs)
        return await handler(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def visiting(
    handler: Handler, folder: Path, *, speed: float = 200.0, open_houses: bool = False, **form: Any
) -> AsyncIterator[Visit]:
    """A connection to a server of this kind, over stores of its own. Time runs ``speed`` times as fast."""
    clock = SwiftClock(speed, datetime(2026, 7, 1, tzinfo=UTC))
    asked: list[str] = []
    at: list[float] = []

    async def noted(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/OpenHouse") and not open_houses:
            asked.pop()  # an import's one more request has tests of its own
            return web.json_response({"error": {"message": "no such resource"}}, status=404)
        at.append(clock.monotonic())
        return await handler(request)

    settings = load_settings(environ={}, home=str(folder / "house"), allow_private_hosts=True)
    async with serving(noted, asked) as origin, Workspace(settings, clock=clock) as ws:
        await ws.store.init()
        await ws.photos.init()
        visit = Visit(ws, clock, f"{origin}/odata", asked, at)
        await visit.connect(**{name: _placed(value, origin) for name, value in form.items()})
        yield visit


def _placed(value: Any, origin: str) -> Any:
    return value.replace("{origin}", origin) if isinstance(value, str) else value


def house(number: int, **fields: Any) -> dict[str, Any]:
    """One record as a plain MLS gives it, one minute after the one before."""
    hour, minute = divmod(number, 60)
    return {
        "ListingKey": f"3yd-{number:05d}",
        "ListingId": f"{2_600_000 + number}",
        "StandardStatus": "Active",
        "ListPrice": 250_000 + number,
        "StreetNumber": str(number),
        "StreetName": "Birch",
        "StreetSuffix": "Lane",
        "City": "Marlow",
        "StateOrProvince": "WI",
        "PostalCode": "53000",
        "PhotosCount": 0,
        "ModificationTimestamp": f"2026-06-{1 + hour // 24:02d}T{hour % 24:02d}:{minute:02d}:00.000Z",
        **fields,
    }


def houses(count: int, **fields: Any) -> list[dict[str, Any]]:
    return [house(number, **fields) for number in range(count)]


def numbers(rows: list[dict[str, Any]]) -> set[str]:
    return {row["ListingId"] for row in rows}
