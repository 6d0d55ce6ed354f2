"""Sends HTTP requests and reads bodies of limited size, with aiohttp and the address guard as its resolver.

A request is sent once (aiohttp alone repeats a GET after a lost connection), with its URL unchanged (photo URLs are
signed), without cookies, redirects or environment variables. Bodies are decompressed here.
httpx-aiohttp 0.2 was tried first: it re-encodes URLs, repeats requests and reports a lost connection as a slow one.
"""

from __future__ import annotations

import asyncio
import base64
import os
import ssl
import zlib
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, lru_cache
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from mls_tui.domain.errors import MLSError, UsageError
from mls_tui.reso.addresses import AddressGuard, GuardedResolver, Target

MOST_CONNECTIONS = 272
"""16 for the API and 256 for photos: more than are ever in flight, so that no request waits for a connection."""

# Shorter than what common servers allow an idle connection (5 s and more), so that none is used while it is closed.
_KEEP_ALIVE_SECONDS = 4.0
_LONGEST_HEADER = 32 * 1024
_PIECE = 256 * 1024
"""Bytes that are decompressed at a time: a few compressed kilobytes may expand to gigabytes."""
_ERROR_BYTES = 2048
"""Bytes of an error's body that are read."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to connect, between two reads (API and photo), and for a whole page, photo or token response."""

    connect: float = 10.0
    read: float = 120.0
    page: float = 300.0
    photo_read: float = 30.0
    photo: float = 120.0
    token: float = 60.0


@dataclass(slots=True)
class Reply:
    """A response whose body has not been read. Header names are in lower case; ``body`` is not decompressed."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: AsyncIterable[bytes] = field(repr=False)
    close: Callable[[], Awaitable[None] | None] = field(repr=False)


# ---- Why no whole answer came. A library's own text may hold a URL with a signature or a token: it is never shown.


class UnansweredError(Exception):
    """There was no complete response. The text is one of the phrases below, to follow "host: "."""


NOT_RESOLVED = "the name of the host cannot be resolved"
NO_TLS = "its TLS certificate or handshake is not valid"
SLOW_TO_CONNECT = "connecting took too long"
NOT_CONNECTED = "no connection could be made"
NO_PROXY = "the proxy cannot be reached"
PROXY_WANTS_SIGN_IN = "the proxy refused its user name or password (407)"
UNSENDABLE = "the request cannot be sent: a header, perhaps its token, or the address holds a line break"
SLOW_TO_ANSWER = "the answer took too long"
LOST = "the connection was closed or reset before the answer came"
CUT_SHORT = "the answer ended before it was whole"
NOT_HTTP = "the answer was not valid HTTP"

_PHRASES: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((aiohttp.ClientProxyConnectionError,), NO_PROXY),
    ((aiohttp.ClientConnectorDNSError,), NOT_RESOLVED),
    ((aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError, ssl.SSLError), NO_TLS),
    ((aiohttp.ConnectionTimeoutError, httpx.ConnectTimeout), SLOW_TO_CONNECT),
    ((TimeoutError, httpx.TimeoutException), SLOW_TO_ANSWER),
    ((aiohttp.ClientConnectorError, httpx.ConnectError), NOT_CONNECTED),
    ((aiohttp.ClientPayloadError,), CUT_SHORT),
    ((aiohttp.InvalidURL,), UNSENDABLE),
    ((aiohttp.ClientConnectionError, OSError, httpx.NetworkError, httpx.RemoteProtocolError), LOST),
)
REACH_ERRORS = (UnansweredError, aiohttp.ClientError, httpx.HTTPError, TimeoutError, OSError)
"""What a request or its body may raise besides AddressRefusedError; httpx's come from a transport in tests."""


def why_unanswered(error: BaseException) -> str:
    """The phrase for one of ``REACH_ERRORS``."""
    if isinstance(error, UnansweredError):
        return str(error)
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return PROXY_WANTS_SIGN_IN if error.status == 407 else f"the proxy refused to connect to it ({error.status})"
    return next((phrase for kinds, phrase in _PHRASES if isinstance(error, kinds)), NOT_HTTP)


# ---- Proxy and certificates


@dataclass(frozen=True, slots=True)
class Proxy:
    """``url`` without user and password; ``authorization`` is the Proxy-Authorization header."""

    url: URL
    authorization: str | None = field(default=None, repr=False)


class Proxies:
    """Which proxy a request goes through. ``setting``: None for none, ``env`` for HTTPS_PROXY and its kin, or a URL.

    Raises:
        UsageError: it is no URL of an HTTP proxy; the message does not repeat it.
    """

    def __init__(self, setting: str | None) -> None:
        self._environment = getproxies_environment()
        self._from_environment = (setting or "").strip().lower() == "env"
        self._set = None if self._from_environment or not (setting or "").strip() else _proxy(setting or "", "proxy")

    @property
    def hosts(self) -> list[str]:
        """The host names of the proxies, which may resolve to private addresses."""
        found = [self._set] if self._set else []
        for name in ("http", "https", "all") if self._from_environment else ():
            if self._named(name):
                with suppress(UsageError):  # another kind of proxy, which is an error only if it is to be used
                    found.append(_proxy(self._environment[name], name))
        return [proxy.url.raw_host for proxy in found if proxy.url.raw_host]

    def of(self, scheme: str, host: str) -> Proxy | None:
        if not self._from_environment:
            return self._set
        name = next((name for name in (scheme, "all") if self._named(name)), None)
        if name is None or proxy_bypass_environment(host, self._environment):
            return None
        return _proxy(self._environment[name], f"{name.upper()}_PROXY")

    def unused(self, scheme: str, host: str) -> str | None:
        """The environment variable with a proxy for this host that no setting enables."""
        if self._set or self._from_environment or proxy_bypass_environment(host, self._environment):
            return None
        return next((f"{name.upper()}_PROXY" for name in (scheme, "all") if self._named(name)), None)

    def _named(self, name: str) -> bool:
        return bool(self._environment.get(name, "").strip())


USE_ENVIRONMENT = 'set MLS_TUI_PROXY=env, or proxy = "env" in config.toml'


def _proxy(text: str, name: str) -> Proxy:
    wrong = UsageError(
        f"The setting {name} must be the address of an HTTP proxy, such as http://proxy.example.com:3128, or env."
    )
    text = text.strip()
    try:
        url = URL(text if "://" in text else f"http://{text}")
        user, password, port = url.user, url.password, url.port
    except ValueError:
        raise wrong from None
    if url.scheme not in ("http", "https") or not url.raw_host or not port:
        raise wrong
    authorization = basic_auth(user or "", password or "") if user or password else None
    return Proxy(URL.build(scheme=url.scheme, host=url.raw_host, port=port), authorization)


def basic_auth(user: str, password: str) -> str:
    """The value of an Authorization header. A client id may hold a colon, which aiohttp's own function refuses."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def tls_context(ca_bundle: str | None = None) -> ssl.SSLContext:
    """Trusts public certificate authorities (or those of SSL_CERT_FILE) and those in ``ca_bundle``.

    Raises:
        UsageError: a file cannot be read as certificates.
    """
    return _tls_context(ca_bundle, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@cache
def _tls_context(ca_bundle: str | None, file: str | None, folder: str | None) -> ssl.SSLContext:
    """Cached, because reading the certificates takes 40 ms."""
    name, value = "SSL_CERT_FILE", file or folder
    try:
        context = httpx.create_ssl_context()
        if ca_bundle:
            name, value = "MLS_TUI_CA_BUNDLE", ca_bundle
            context.load_verify_locations(cafile=ca_bundle)
    except (OSError, ValueError) as error:
        reason = "holds no certificates" if isinstance(error, ssl.SSLError) else "cannot be read"
        raise UsageError(
            f"{name} names {value!r}, which {reason}. Give a file of certificates in PEM format."
        ) from None
    return context


# ---- Requests


class _Connector(aiohttp.TCPConnector):
    """Closes an idle connection on which the server has sent bytes, which are no response to the next request."""

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[aiohttp.tracing.Trace], timeout: aiohttp.ClientTimeout
    ) -> Connection:
        while True:
            connection = await super().connect(req, traces, timeout)
            if connection.protocol is None or not connection.protocol.should_close:
                return connection
            connection.close()


class _Body:
    """The body of aiohttp's response, which alone would wait for ever after a chunk that is not HTTP, and take a body
    for whole that is longer than its Content-Length says."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self._content = response.content
        connection = response.connection  # None if the whole body came with the head
        self._protocol = connection.protocol if connection else None
        self._lost = self._protocol.closed if self._protocol is not None else None
        if self._lost is not None:
            self._lost.remove_done_callback(_retrieved)
            self._lost.add_done_callback(_retrieved)
            self._lost.add_done_callback(self._break_off)

    def __aiter__(self) -> _Body:
        return self

    async def __anext__(self) -> bytes:
        chunk = await self._content.readany()
        if chunk:
            return chunk
        if self._protocol is not None and isinstance(self._protocol.exception(), HttpProcessingError):
            raise UnansweredError(NOT_HTTP)
        raise StopAsyncIteration

    def close(self) -> None:
        """Give the connection back if the body was read to its end, else close it."""
        if self._lost is not None:
            self._lost.remove_done_callback(self._break_off)
        self._response.close()

    def _break_off(self, _: asyncio.Future[None]) -> None:
        if not self._content.is_eof() and self._content.exception() is None:
            self._content.set_exception(UnansweredError(NOT_HTTP))


def _retrieved(lost: asyncio.Future[None]) -> None:
    """asyncio logs an exception that nobody retrieves; that an idle connection was reset is no news."""
    lost.exception()


class _Response(aiohttp.ClientResponse):
    """aiohttp repeats a GET after these two errors; here the caller sees every failed attempt."""

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        try:
            return await super().start(connection)
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
            raise UnansweredError(why_unanswered(error)) from None


class Network:
    """The connections of one MLS connection. ``transport`` and ``resolver`` replace network and resolver in tests.

    Raises:
        UsageError: proxy or CA bundle are not usable.
    """

    def __init__(
        self,
        guard: AddressGuard,
        timeouts: Timeouts,
        *,
        proxy: str | None = None,
        ca_bundle: str | None = None,
        resolver: AbstractResolver | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._guard = guard
        self._timeouts = timeouts
        self._proxies = Proxies(proxy)
        self._ca_bundle = ca_bundle
        self._resolver = resolver
        self._transport = transport
        self._session: aiohttp.ClientSession | None = None

    async def send(
        self, method: str, target: Target, headers: Mapping[str, str], *, read_seconds: float, content: bytes = b""
    ) -> Reply:
        """Send one request and wait for the head of its answer; the caller closes it. Redirects are not followed.

        Raises:
            AddressRefusedError: the name leads to an address that is not public.
            UnansweredError, or another of ``REACH_ERRORS``: no answer.
        """
        if self._transport is not None:
            return await _sent(self._transport, httpx.Request(method, target.text, headers=headers, content=content))
        self._session = session = self._session or self._opened()
        if session.closed:
            raise UnansweredError(LOST)
        scheme, host, _ = target.origin
        proxy = self._proxies.of(scheme, host)
        if proxy is None and host in self._proxies.hosts:
            # Its name may lead to a private address: that is allowed for connections through it, and no others.
            self._guard.refuse(host, "the proxy of this network")
        proxy_headers = {"Proxy-Authorization": proxy.authorization} if proxy and proxy.authorization else None
        if proxy_headers and scheme == "http":
            headers, proxy_headers = {**headers, **proxy_headers}, None
        try:
            response = await session.request(
                method,
                URL(target.text, encoded=True),
                headers=headers,
                data=content or None,
                allow_redirects=False,
                proxy=proxy.url if proxy else None,
                proxy_headers=proxy_headers,
                timeout=_timeout(self._timeouts.connect, read_seconds),
            )
        except aiohttp.ClientConnectorError as error:
            raise UnansweredError(self._with_hint(why_unanswered(error), scheme, host)) from None
        except aiohttp.ConnectionTimeoutError:
            raise UnansweredError(self._with_hint(SLOW_TO_CONNECT, scheme, host)) from None
        except ValueError:
            raise UnansweredError(UNSENDABLE) from None
        if response.status == 101:  # another protocol, which was not asked for
            response.close()
            raise UnansweredError(NOT_HTTP)
        answer = _Body(response)
        return Reply(response.status, plain_headers(response.raw_headers), answer, answer.close)

    async def close(self) -> None:
        """Close every connection, also those in use."""
        if self._session is not None:
            await self._session.close()
        if self._transport is not None:
            await self._transport.aclose()

    def _opened(self) -> aiohttp.ClientSession:
        connector = _Connector(
            limit=MOST_CONNECTIONS,
            keepalive_timeout=_KEEP_ALIVE_SECONDS,
            ssl=tls_context(self._ca_bundle),
            resolver=GuardedResolver(
                self._guard, seconds=self._timeouts.connect, exempt=self._proxies.hosts, inner=self._resolver
            ),
            interleave=1,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            max_line_size=_LONGEST_HEADER,
            max_field_size=_LONGEST_HEADER,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            response_class=_Response,
        )

    def _with_hint(self, phrase: str, scheme: str, host: str) -> str:
        """What a corporate network may need, if it looks like one."""
        variable = self._proxies.unused(scheme, host)
        if variable is not None and phrase != NO_TLS:
            return f"{phrase}; {variable} names a proxy that is not used; to use it, {USE_ENVIRONMENT}"
        if phrase == NO_TLS and self._ca_bundle is None:
            return (
                f"{phrase}; if your network has a certificate authority of its own, name its file in MLS_TUI_CA_BUNDLE"
            )
        return phrase


@cache
def _timeout(connect: float, read: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=connect, sock_read=read)


async def _sent(transport: httpx.AsyncBaseTransport, request: httpx.Request) -> Reply:
    response = await transport.handle_async_request(request)
    if not isinstance(response.stream, httpx.AsyncByteStream):
        raise TypeError("the transport gave a body that cannot be read here")
    return Reply(response.status_code, plain_headers(response.headers.raw), response.stream, response.aclose)


def plain_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Lower-case names; a repeated header joined by commas. Values are UTF-8 if they can be."""
    found: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name = _usual_name(raw_name) if len(raw_name) < 60 else _name(raw_name)
        value = str(raw_value, "ascii" if raw_value.isascii() else _charset(raw_value))
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _name(raw: bytes) -> str:
    return str(raw, "latin-1").strip().lower()  # some servers write "Content-Length : 5"


_usual_name = lru_cache(1_000)(_name)
"""Cached, as all answers of a host have the same few names."""


def _charset(value: bytes) -> str:
    try:
        value.decode()
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


# ---- Bodies


class BodyError(MLSError):
    """The body is larger than the cap, not as long as its Content-Length says, or packed badly."""


async def read_body(reply: Reply, cap: int, on_chunk: Callable[[bytes], object]) -> bytes:
    """The whole body, unpacked, at most ``cap`` bytes of it.

    Raises:
        BodyError: over the cap (not retryable); not of the announced length, or packed badly (retryable).
        One of ``REACH_ERRORS``: it broke off.
    """
    packed = packing(reply.headers)
    promised = _length(reply.headers) if packed == "identity" else None
    if promised is not None and promised > cap:
        raise _too_large(cap)
    chunks: list[bytes] = []
    size = 0
    async for chunk in _unpacked(reply, packed):
        size += len(chunk)
        if size > cap:
            raise _too_large(cap)
        chunks.append(chunk)
        on_chunk(chunk)
    if promised is not None and size != promised:
        raise BodyError(f"the answer has {size:,} bytes and not the {promised:,} it announced", retryable=True)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def read_error_body(reply: Reply, on_chunk: Callable[[bytes], object]) -> bytes:
    """The first 2 kB of an error's body; less, or nothing, if it cannot be read."""
    head = b""
    try:
        async for chunk in _unpacked(reply, packing(reply.headers)):
            on_chunk(chunk)
            head += chunk[:_ERROR_BYTES]
            if len(head) >= _ERROR_BYTES:
                break
    except (*REACH_ERRORS, BodyError):
        pass
    return head[:_ERROR_BYTES]


def packing(headers: Mapping[str, str]) -> str:
    """The Content-Encoding, "identity" if there is none."""
    return headers.get("content-encoding", "").strip().lower() or "identity"


def _unpacked(reply: Reply, packed: str) -> AsyncIterable[bytes]:
    if packed == "identity":
        return reply.body
    if packed not in ("gzip", "x-gzip", "deflate"):
        raise BodyError(f"the answer is packed as {packed[:30]!r}, which was not asked for", retryable=True)
    return _unpacking(reply.body, _Unpacker(gzip=packed != "deflate"))


async def _unpacking(body: AsyncIterable[bytes], unpacker: _Unpacker) -> AsyncIterable[bytes]:
    async for chunk in body:
        for piece in unpacker.feed(chunk):
            yield piece
    unpacker.end()


class _Unpacker:
    """All members of a gzip body; of a deflate body zlib (RFC 9110) or the bare deflate that some servers send."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._member: zlib._Decompress | None = None
        self._members = 0
        self._start = b""
        self._over = False

    def feed(self, packed: bytes) -> Iterator[bytes]:
        """What this part of the body holds, in pieces of bounded size. Raises BodyError."""
        while packed and not self._over:
            if self._member is None:
                packed = self._begin(self._start + packed)
            if self._member is None:
                return
            yield from self._inflated(self._member, packed)
            packed = self._member.unused_data
            if self._member.eof:
                self._member = None

    def end(self) -> None:
        """Raises BodyError if the body ended within a member."""
        if self._member is not None or (self._start and not self._members):
            raise BodyError("the packed answer ended before it was whole", retryable=True)

    def _begin(self, packed: bytes) -> bytes:
        """Begin a member if there are bytes enough to tell that it is one; what follows the last one is dropped."""
        if self._members:
            packed = packed.lstrip(b"\0") if self._gzip else b""  # gzip files may be padded with zeros
        if len(packed) < 2:
            self._start = packed
            return b""
        self._start = b""
        if self._members and not packed.startswith(b"\x1f\x8b"):
            self._over = True
            return b""
        is_zlib = packed[0] & 0x0F == 8 and int.from_bytes(packed[:2], "big") % 31 == 0
        window = 16 + zlib.MAX_WBITS if self._gzip else zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS
        self._member = zlib.decompressobj(window)
        self._members += 1
        return packed

    @staticmethod
    def _inflated(member: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
        full = True
        try:
            while (packed or full) and not member.eof:
                piece = member.decompress(packed, _PIECE)
                packed, full = member.unconsumed_tail, len(piece) == _PIECE
                yield piece
        except zlib.error:
            raise BodyError("the packed answer is damaged", retryable=True) from None


def _length(headers: Mapping[str, str]) -> int | None:
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _too_large(cap: int) -> BodyError:
    return BodyError(f"the answer is larger than {cap // 1_000_000} MB")
