"""The one way out to the network: httpx's transport interface over aiohttp's connections (httpx's own pool degrades
beyond eight in flight), and a door for photos without httpx's objects. It must never connect to an address that the
guard has not checked, repeat a request by itself, follow a redirect, keep a cookie, read proxy settings, or change a
URL's escapes (photo URLs are signed)."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from mls_tui.mls.netguard import NetGuard
from mls_tui.mls.reply import Reply, plain_headers

if TYPE_CHECKING:
    from aiohttp.connector import Connection

Lookup = Callable[[str, int], Awaitable[list[str]]]
"""Host and port to addresses: what tests put in place of the machine's resolver."""

# Shorter than what common servers allow an idle connection (5 s and more), so that none is used as it is closed.
_KEEP_ALIVE_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, between two reads, and for a whole page, photo or token with its body."""

    connect: float = 10.0
    read: float = 30.0
    page: float = 300.0
    photo: float = 120.0
    token: float = 60.0


class ConnectionLostError(aiohttp.ClientConnectionError):
    """A connection broke after the request was sent."""


class UnsendableError(aiohttp.ClientError):
    """aiohttp will not write such a request. Its own error shows what it holds."""


class InStepRequest(aiohttp.ClientRequest):
    """Not sent on a connection on which the server has spoken unasked: that would be taken for its answer."""

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        if conn.protocol is None or conn.protocol.should_close:
            raise ConnectionLostError("out of step")
        return await super().send(conn)


class GuardedResolver(AbstractResolver):
    """Resolves a name once and hands on only answers that the guard accepts."""

    def __init__(self, guard: NetGuard, lookup: Lookup | None = None) -> None:
        self._guard = guard
        self._lookup = lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        if self._lookup is None:
            found = await ThreadedResolver().resolve(host, port, family)
        else:
            found = [_result(host, port, address) for address in await self._lookup(host, port)]
        self._guard.addresses(host, [each["host"] for each in found])
        return found

    async def close(self) -> None:
        """Nothing is held open."""


class GuardedTransport(httpx.AsyncBaseTransport):
    """At most ``connections`` open. Raises ``REACH_ERRORS`` and AddressRefusedError; bodies come as they are sent."""

    def __init__(
        self, guard: NetGuard, timeouts: Timeouts, *, connections: int = 64, lookup: Lookup | None = None
    ) -> None:
        self._guard = guard
        self._timeouts = timeouts
        self._connections = connections
        self._lookup = lookup
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]
        response = await self._answer(request.method, str(request.url), headers, request.content or None)
        return httpx.Response(
            response.status, headers=list(response.raw_headers), stream=_Body(response), request=request
        )

    async def get(self, url: str, headers: Mapping[str, str]) -> Reply:
        """``reply.Door``."""
        response = await self._answer("GET", url, headers, None)

        def close() -> None:
            response.release()

        return Reply(response.status, plain_headers(response.raw_headers), response.content.iter_any(), close)

    async def _answer(
        self, method: str, url: str, headers: Mapping[str, str] | Iterable[tuple[str, str]], content: bytes | None
    ) -> aiohttp.ClientResponse:
        session = self._session or self._open()
        try:
            target = URL(url, encoded=True)
            return await session.request(method, target, headers=headers, data=content, allow_redirects=False)
        except ValueError as error:
            if isinstance(error, aiohttp.ClientError):
                raise
            raise UnsendableError from None

    async def aclose(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            resolver=GuardedResolver(self._guard, self._lookup),
            socket_factory=self._socket,
            limit=self._connections,
            keepalive_timeout=_KEEP_ALIVE_SECONDS,
            ssl=_tls(),
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            request_class=InStepRequest,
            middlewares=(_every_failure_shows,),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=self._timeouts.connect, sock_read=self._timeouts.read
            ),
            trust_env=False,
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept-Encoding"),
        )
        return self._session

    def _socket(self, info: tuple[Any, ...]) -> socket.socket:
        # The last word: whatever way an address came here, this is the one that gets connected.
        family, kind, proto, _, address = info
        self._guard.addresses(str(address[0]), [str(address[0])])
        return socket.socket(family=family, type=kind, proto=proto)


@cache
def _tls() -> ssl.SSLContext:
    """One for all connections: reading the certificates takes 40 ms."""
    return httpx.create_ssl_context()


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._response.content.iter_any():
            yield chunk

    async def aclose(self) -> None:
        self._response.release()  # to the pool if it was read to its end, else closed


async def _every_failure_shows(
    request: aiohttp.ClientRequest, handler: Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]]
) -> aiohttp.ClientResponse:
    """aiohttp sends a GET again, once and unseen, when a reused connection breaks, unless the error is one it does not
    know. Each fault must be seen by whoever counts them."""
    try:
        return await handler(request)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        raise
    except aiohttp.ServerDisconnectedError:
        raise ConnectionLostError("closed") from None
    except aiohttp.ClientOSError:
        raise ConnectionLostError("reset") from None


REACH_ERRORS = (httpx.HTTPError, aiohttp.ClientError, TimeoutError, OSError)
"""What a request may raise besides AddressRefusedError. Their texts may hold a URL: never show them."""


def why_not_reached(error: BaseException) -> str:
    """An error of the network in a few plain words of our own."""
    for kinds, words in _WORDS:
        if isinstance(error, kinds):
            return words
    return "the answer was not valid HTTP"


_Kinds = tuple[type[BaseException], ...]
_WORDS: tuple[tuple[_Kinds, str], ...] = (
    ((aiohttp.ClientConnectorDNSError, socket.gaierror), "the name of the host cannot be resolved"),
    (
        (aiohttp.ClientSSLError, aiohttp.ClientConnectorCertificateError),
        "its TLS certificate or handshake is not valid",
    ),
    ((aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout), "connecting took too long"),
    ((TimeoutError, httpx.TimeoutException), "the answer took too long"),
    ((aiohttp.ClientConnectorError, ConnectionRefusedError, httpx.ConnectError), "no connection could be made"),
    ((UnsendableError,), "the request cannot be sent: a header, perhaps its token, or the address holds a line break"),
    ((aiohttp.ClientPayloadError,), "the answer ended before it was whole"),
    (
        (ConnectionLostError, aiohttp.ClientConnectionError, OSError, httpx.NetworkError, httpx.RemoteProtocolError),
        "the connection was closed or reset before the answer came",
    ),
)


def _result(host: str, port: int, address: str) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=flags)
