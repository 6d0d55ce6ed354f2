"""The connections of one way out: opened to checked addresses alone, kept for a moment, used one request at a time. It
must never connect to an address that the guard has not checked, nor send a request a second time by itself."""

from __future__ import annotations

import asyncio
import ssl
from functools import cache

import aiohappyeyeballs
import httpx

from mls_tui.reso.net.connection import Connection
from mls_tui.reso.net.incoming import Incoming
from mls_tui.reso.net.names import Addresses, Lookup, Names
from mls_tui.reso.net.netguard import NetGuard, Origin
from mls_tui.reso.net.unanswered import NO_TLS, NOT_CONNECTED, SLOW_TO_CONNECT, UnansweredError

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
        self._names = Names(guard, connect, lookup)
        self._connect_seconds = connect
        self._read_seconds = read
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
        idle, now = self._idle.get(origin), asyncio.get_running_loop().time()
        while idle:
            since, connection = idle.pop()
            if connection.usable and now - since < _KEEP_ALIVE_SECONDS:
                return connection
            connection.abort()
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
        addresses = await self._names.addresses(host, port)
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

    async def _opened(self, addresses: Addresses, tls_name: str | None) -> Connection:
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


@cache
def _tls() -> ssl.SSLContext:
    """One for all connections: reading the certificates takes 40 ms."""
    return httpx.create_ssl_context()
