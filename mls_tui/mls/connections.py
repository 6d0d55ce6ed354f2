"""The connections of one way out: opened to checked addresses alone, kept for a moment, used one request at a time. It
must never connect to an address that the guard has not checked, nor send a request a second time by itself."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from functools import cache

import aiohappyeyeballs
import httpx

from mls_tui.mls.connection import Connection
from mls_tui.mls.incoming import Incoming
from mls_tui.mls.netguard import NetGuard, Origin, literal
from mls_tui.mls.unanswered import NO_TLS, NOT_CONNECTED, NOT_RESOLVED, SLOW_TO_CONNECT, UnansweredError

Lookup = Callable[[str, int], Awaitable[list[str]]]
"""Host and port to addresses: what tests put in place of the machine's resolver."""

# Shorter than what common servers allow an idle connection (5 s and more), so that none is used as it is closed.
_KEEP_ALIVE_SECONDS = 4.0
_NEXT_ADDRESS_SECONDS = 0.25
"""How long one address of a host may hesitate before the next is tried beside it (RFC 8305)."""


class Connections:
    """At most ``limit`` in use at once. Times in seconds: ``connect`` for the name, and again for connection and TLS;
    ``read`` for the longest silence."""

    def __init__(
        self, guard: NetGuard, *, limit: int, connect: float, read: float, lookup: Lookup | None = None
    ) -> None:
        self._guard = guard
        self._connect_seconds = connect
        self._read_seconds = read
        self._lookup = lookup
        self._turns = asyncio.Semaphore(limit)
        self._open: set[Connection] = set()
        self._idle: dict[Origin, list[tuple[float, Connection]]] = {}
        self._sweep: asyncio.TimerHandle | None = None

    async def ask(self, origin: Origin, request: bytes) -> Incoming:
        """Send a request to ``origin`` when it is its turn, and wait for the head of the answer; the caller closes it.

        Raises:
            UnansweredError: no connection, or no answer.
            AddressRefusedError: the name leads to an address that is not public.
        """
        await self._turns.acquire()
        try:
            connection = self._rested(origin) or await self._connected(origin)
            answer = connection.ask(request, lambda reusable: self._back(origin, connection, reusable))
        except BaseException:
            self._turns.release()
            raise
        try:
            await answer.head()
        except BaseException:
            answer.close()
            raise
        return answer

    async def aclose(self) -> None:
        """Close every connection, also those in use."""
        if self._sweep is not None:
            self._sweep.cancel()
        self._idle.clear()
        lost = [connection.lost for connection in self._open]
        for connection in self._open:
            connection.abort()
        if lost:
            await asyncio.wait(lost)

    def _rested(self, origin: Origin) -> Connection | None:
        idle = self._idle.get(origin)
        while idle:
            _, connection = idle.pop()
            if connection.usable:
                return connection
        return None

    def _back(self, origin: Origin, connection: Connection, reusable: bool) -> None:
        self._turns.release()
        connection.rest()
        if not reusable or not connection.usable:
            connection.abort()
            return
        loop = asyncio.get_running_loop()
        self._idle.setdefault(origin, []).append((loop.time(), connection))
        if self._sweep is None:
            self._sweep = loop.call_later(_KEEP_ALIVE_SECONDS, self._close_idle)

    def _close_idle(self) -> None:
        """Close what has rested for too long; look again as long as something rests."""
        loop = asyncio.get_running_loop()
        too_long = loop.time() - _KEEP_ALIVE_SECONDS
        for origin, idle in list(self._idle.items()):
            kept = [(since, connection) for since, connection in idle if since > too_long and connection.usable]
            for each in idle:
                if each not in kept:
                    each[1].abort()
            self._idle[origin] = kept
            if not kept:
                del self._idle[origin]
        self._sweep = loop.call_later(_KEEP_ALIVE_SECONDS, self._close_idle) if self._idle else None

    async def _connected(self, origin: Origin) -> Connection:
        scheme, host, port = origin
        addresses = await self._resolved(host, port)
        try:
            async with asyncio.timeout(self._connect_seconds):
                connection = await self._opened(addresses, host if scheme == "https" else None)
        except (ssl.SSLError, ssl.CertificateError):
            raise UnansweredError(NO_TLS) from None
        except TimeoutError:
            raise UnansweredError(SLOW_TO_CONNECT) from None
        except OSError:
            raise UnansweredError(NOT_CONNECTED) from None
        self._open.add(connection)
        connection.lost.add_done_callback(lambda _: self._open.discard(connection))
        return connection

    async def _opened(self, addresses: Sequence[aiohappyeyeballs.AddrInfoType], tls_name: str | None) -> Connection:
        loop = asyncio.get_running_loop()
        opened = await aiohappyeyeballs.start_connection(
            addresses, happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS, interleave=1, loop=loop
        )
        try:
            _, connection = await loop.create_connection(
                lambda: Connection(self._read_seconds),
                sock=opened,
                ssl=None if tls_name is None else _tls(),
                server_hostname=tls_name and tls_name.rstrip("."),
            )
        except BaseException:
            opened.close()
            raise
        return connection

    async def _resolved(self, host: str, port: int) -> Sequence[aiohappyeyeballs.AddrInfoType]:
        """The addresses of ``host``, asked for once and each checked: they alone are connected to."""
        try:
            async with asyncio.timeout(self._connect_seconds):
                found = await self._looked_up(host, port)
        except TimeoutError:
            raise UnansweredError(SLOW_TO_CONNECT) from None
        except (OSError, UnicodeError):  # the codec of names refuses some
            raise UnansweredError(NOT_RESOLVED) from None
        self._guard.addresses(host, [str(info[4][0]) for info in found])
        return found

    async def _looked_up(self, host: str, port: int) -> Sequence[aiohappyeyeballs.AddrInfoType]:
        ask, stream = asyncio.get_running_loop().getaddrinfo, socket.SOCK_STREAM
        if literal(host) is not None:
            return await ask(host, port, type=stream, flags=socket.AI_NUMERICHOST)
        if self._lookup is None:
            return await ask(host, port, type=stream, flags=socket.AI_ADDRCONFIG)
        found = [
            await ask(each, port, type=stream, flags=socket.AI_NUMERICHOST) for each in await self._lookup(host, port)
        ]
        return [info for infos in found for info in infos]


@cache
def _tls() -> ssl.SSLContext:
    """One for all connections: reading the certificates takes 40 ms."""
    return httpx.create_ssl_context()
