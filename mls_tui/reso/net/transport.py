"""The one way out to the network: httpx's transport interface over connections of ours (httpx's own pool degrades
beyond eight in flight), and a door for photos without httpx's objects. It must never repeat a request by itself, follow
a redirect, keep a cookie, read proxy settings, or change a URL's escapes (photo URLs are signed)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass

import httpx

from mls_tui.reso.net.connections import Connections
from mls_tui.reso.net.incoming import Incoming
from mls_tui.reso.net.names import Lookup
from mls_tui.reso.net.netguard import NetGuard, Origin
from mls_tui.reso.net.reply import Reply, plain_headers
from mls_tui.reso.net.unanswered import UNSENDABLE, UnansweredError

_PORTS = {"http": 80, "https": 443}
_URL = re.compile(r"(https?)://(\[[0-9A-Fa-f:.]+\]|[^/?#:@\[\]\\]+)(?::([0-9]+))?([^#]*)(?:#.*)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, between two reads, and for a whole page, photo or token with its body."""

    connect: float = 10.0
    read: float = 30.0
    page: float = 300.0
    photo: float = 120.0
    token: float = 60.0


class GuardedTransport(httpx.AsyncBaseTransport):
    """At most ``connections`` in use. Raises ``REACH_ERRORS`` and AddressRefusedError; bodies come as they are sent."""

    def __init__(
        self, guard: NetGuard, timeouts: Timeouts, *, connections: int = 64, lookup: Lookup | None = None
    ) -> None:
        self._connections = Connections(
            guard, limit=connections, connect=timeouts.connect, read=timeouts.read, lookup=lookup
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]
        place = placed(str(request.url))
        answer = await self._connections.ask(place.origin, _written(request.method, place, headers) + request.content)
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=_Body(answer), request=request)

    async def get(self, url: str, headers: Mapping[str, str]) -> Reply:
        """``reply.Door``."""
        place = placed(url)
        request = _written("GET", place, (("host", place.authority), *headers.items()))
        answer = await self._connections.ask(place.origin, request)
        return Reply(answer.status, plain_headers(answer.raw_headers), answer, answer.close)

    async def aclose(self) -> None:
        await self._connections.aclose()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request goes. ``path`` is all that stands behind the authority, query included."""

    origin: Origin
    authority: str
    path: str


def placed(url: str) -> Place:
    """The parts of a URL that the guard has let pass. Raises UnansweredError where it is none that can be asked for."""
    parts = _URL.fullmatch(url)
    if parts is None:
        raise UnansweredError(UNSENDABLE)
    scheme, host, port, path = parts.groups()
    path = path if path.startswith("/") else f"/{path}"
    authority = host if port is None else f"{host}:{port}"
    return Place((scheme, host.strip("[]"), _PORTS[scheme] if port is None else int(port)), authority, path)


def _written(method: str, place: Place, headers: Iterable[tuple[str, str]]) -> bytes:
    """The request's head as it is sent. What would begin a line of its own, or another part, is refused."""
    lines = [f"{method} {place.path} HTTP/1.1", *[f"{name}: {value}" for name, value in headers]]
    head = "\r\n".join(lines)
    breaks = head.count("\r"), head.count("\n")
    if breaks != (len(lines) - 1,) * 2 or "\0" in head or not place.path.isprintable() or " " in place.path:
        raise UnansweredError(UNSENDABLE)
    try:
        return f"{head}\r\n\r\n".encode("latin-1")
    except UnicodeEncodeError:
        raise UnansweredError(UNSENDABLE) from None


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: Incoming) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._answer:
            yield chunk

    async def aclose(self) -> None:
        self._answer.close()
