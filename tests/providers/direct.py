"""A connector to a ``FeedServer`` without a socket, for properties that need thousands of requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mls_tui.domain.clock import Clock, SystemClock
from mls_tui.domain.connection import AuthKind, Connection
from mls_tui.domain.errors import MLSError
from mls_tui.reso.base import FeedQuery, Notice, Page, PhotoBytes, RawRecord
from mls_tui.reso.connector import ResoConnector
from mls_tui.reso.presets import for_connection
from tests.providers.feed_server import BASE, FeedServer


@dataclass(frozen=True, slots=True)
class JsonReply:
    body: Any
    headers: Mapping[str, str]


class DirectTransport:
    """Retries a 5xx without a wait; a 429 does not count as an attempt."""

    def __init__(self, server: FeedServer) -> None:
        self.server = server

    async def get_json(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        attempts: int = 3,
    ) -> JsonReply:
        attempt = 0
        while True:
            reply = self.server.answer(url)
            attempt += reply.status >= 500
            if reply.status == 429 or (reply.status in (500, 502, 503) and attempt < attempts):
                continue
            if reply.status != 200:
                raise MLSError(f"The MLS answered {reply.status}: {reply.body}", status=reply.status)
            return JsonReply(reply.body, reply.headers)

    async def sign_in(self) -> None: ...

    async def photo(self, url: str) -> PhotoBytes:
        raise NotImplementedError

    async def revoke(self) -> None: ...

    def masked(self, text: str) -> str:
        return text

    async def close(self) -> None: ...


def connection(provider: str = "reso", base_url: str = BASE, **fields: Any) -> Connection:
    values: dict[str, Any] = {"auth": AuthKind.BEARER, **fields}
    return Connection(connection_id="c1", user_id="u1", name="Test", provider=provider, base_url=base_url, **values)


def connector(
    server: FeedServer, provider: str = "reso", *, clock: Clock | None = None, **fields: Any
) -> ResoConnector:
    """A connector that calls ``server.answer`` without HTTP."""
    notices: list[Notice] = []
    made = connection(provider, server.base, **fields)
    return ResoConnector(
        for_connection(made), made, DirectTransport(server), clock=clock or SystemClock(), observer=notices.append
    )


@dataclass(frozen=True, slots=True)
class Swept:
    pages: list[Page]

    @property
    def records(self) -> list[RawRecord]:
        return [record for page in self.pages for record in page.records]

    @property
    def keys(self) -> list[str]:
        return [str(record["ListingKey"]) for record in self.records]

    @property
    def complete(self) -> bool:
        return self.pages[-1].complete


async def sweep(made: ResoConnector, query: FeedQuery | None = None) -> Swept:
    """All pages of a sweep."""
    return Swept([page async for page in made.pages(query or FeedQuery())])
