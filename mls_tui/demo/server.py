"""``DemoMLS``: the demo's HTTP server, on loopback only. It starts and stops in the event loop it is entered in."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import logging
import re
import socket
import struct
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import orjson
from aiohttp import web

from mls_tui.demo import homes, photos, records
from mls_tui.demo.faults import DemoFault, Faults
from mls_tui.demo.feed import DemoFeed
from mls_tui.demo.filter import ODataError, bad_request
from mls_tui.demo.homes import Shot
from mls_tui.demo.query import ODataService, ResourcePath, read_path
from mls_tui.demo.schema import ENTITIES, metadata_xml
from mls_tui.demo.tokens import Credentials, TokenError, Tokens

Hook = Callable[[web.Request], Awaitable[web.StreamResponse | None]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_LOG = logging.getLogger(__name__)
_LONGEST_LINE = 65_536
_PHOTO_CACHE = 64 * 1024 * 1024
_MAXPAGESIZE = re.compile(r"(?:odata\.)?maxpagesize\s*=\s*\"?(\d{1,6})")
_LISTING_KEY = {"Property": "ListingKey", "Media": "ResourceRecordKey"}
_MAINTENANCE = (
    b"<!doctype html><html><head><title>Maintenance</title></head><body><h1>We will be right back</h1></body></html>"
)


class DemoMLS:
    """A RESO Web API Core 2.0 server with generated homes. ``async with DemoMLS(listings=300) as mls: …``

    Args:
        listings: how many homes are Active; about 29 % more have other statuses.
        seed: of the homes and their photos.
        faults: a seed for faults, a ``Faults``, or None for none.
        port: 0 takes a free one.
        host: a loopback address; anything else is a ValueError.
        epoch: the feed's today, which generated timestamps lie before.
        now: the server's clock: changes, token and URL lifetimes, ``now()``.
        page_size: rows of a page if the client asks for no size.
        token_lifetime, media_lifetime: seconds.
    """

    def __init__(
        self,
        listings: int = 300,
        seed: int = 1,
        faults: int | Faults | None = None,
        port: int = 0,
        host: str = "127.0.0.1",
        *,
        epoch: datetime = homes.EPOCH,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        page_size: int = 100,
        token_lifetime: int = 3600,
        media_lifetime: int = 3600,
    ) -> None:
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"the demo MLS listens on loopback only, not on {host}")
        self.host, self.port = host, port
        self.feed = DemoFeed(listings, seed, epoch, now)
        self.faults = faults if isinstance(faults, Faults) else Faults(faults)
        self.token = f"lakeside-demo-token-{seed}"
        self.client_id, self.client_secret = "lakeside-demo", f"lakeside-demo-secret-{seed}"
        self.username, self.password = records.LOGIN, f"lakeside-demo-password-{seed}"
        self.member_key = self.feed.people[0]["MemberKey"]
        credentials = Credentials(self.token, self.client_id, self.client_secret, self.username, self.password)
        self.tokens = Tokens(credentials, now, token_lifetime, seed)
        self.meter = Meter()
        self.hook: Hook | None = None
        """Called before every request; what it returns, if not None, is the answer. For tests."""
        self._signer = _Signer(seed, media_lifetime, now)
        self.feed.photo_url = lambda key, shot: self._signer.url(key, shot, self.faults.generation(key))
        self._service = ODataService(self.feed, now, page_size)
        self._pictures = _Pictures(self.feed)
        self._runner: web.AppRunner | None = None

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def base_url(self) -> str:
        """The service root, without a slash at its end."""
        return f"{self.origin}/reso/odata"

    @property
    def token_url(self) -> str:
        """The OAuth2 token endpoint."""
        return f"{self.origin}/oauth2/token"

    @property
    def revocation_url(self) -> str:
        """The RFC 7009 endpoint."""
        return f"{self.origin}/oauth2/revoke"

    @property
    def requests(self) -> Counter[str]:
        """Requests by resource: ``Property``, ``Property('')``, ``Property('')/Media``, ``Property/$count``,
        ``Media``, ``OpenHouse``, ``Member``, ``Office``, ``$metadata``, ``service``, ``token``, ``revoke``,
        ``photo``."""
        return self.meter.requests

    def digests(self, key: str) -> list[str | None]:
        """Hex SHA-256 of each photo of a listing as it was served, in display order; None if it was not."""
        return [self._pictures.digests.get((key, shot.number, shot.version)) for shot in self.feed.shots(key)]

    def expire_tokens(self) -> None:
        """Every access token given out so far stops working; the next request with one is a 401."""
        self.tokens.expire()

    async def start(self) -> None:
        """Listen. Raises OSError if the port is taken."""
        app = web.Application(client_max_size=64 * 1024, middlewares=[self._around])
        app.router.add_get("/reso/odata/{path:.*}", self._odata)
        app.router.add_get("/reso/odata", self._odata)
        app.router.add_post("/oauth2/token", self._token)
        app.router.add_post("/oauth2/revoke", self._revoke)
        app.router.add_get(r"/photos/{key}/{number:\d{1,4}}.jpg", self._photo)
        runner = web.AppRunner(
            app,
            access_log=None,
            shutdown_timeout=0.2,
            handler_cancellation=True,
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, self.host, self.port).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        self.port = int(runner.addresses[0][1])
        self._service.root = self.base_url
        self._signer.root = f"{self.origin}/photos"

    async def stop(self) -> None:
        """Close every connection and forget the port. Safe to call twice."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await asyncio.shield(runner.cleanup())
            self._pictures.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @web.middleware
    async def _around(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count, let the hook speak, and turn every error into an answer."""
        side = "photo" if request.path.startswith("/photos/") else "api"
        self.meter.began(side)
        try:
            if self.hook is not None and (answer := await self.hook(request)) is not None:
                return answer
            return await handler(request)
        except ODataError as error:
            refused = _odata_error(error.status, error.code, error.message)
            if error.status == 401:
                refused.headers["WWW-Authenticate"] = 'Bearer realm="Lakeside MLS", error="invalid_token"'
            return refused
        except TokenError as error:
            return web.json_response(
                {"error": error.error, "error_description": error.description}, status=error.status
            )
        except web.HTTPException as error:
            return _odata_error(error.status, error.reason.replace(" ", ""), error.reason)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception:
            _LOG.exception("the demo MLS failed on %s", request.path)
            return _odata_error(500, "InternalServerError", "The demo MLS failed; this is a mistake in it")
        finally:
            self.meter.ended(side)

    async def _odata(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info.get("path", "").strip("/")
        address = read_path(path) if path not in ("", "$metadata") else None
        self.meter.requests[address.name if address else path or "service"] += 1
        self._authorize(request)
        _check_version(request)
        if path == "$metadata":
            _check_accept(request, "application/xml")
            return web.Response(text=metadata_xml(), content_type="application/xml", headers={"OData-Version": "4.0"})
        if address is None:
            _check_accept(request, "application/json")
            sets = [{"name": name, "kind": "EntitySet", "url": name} for name in ENTITIES]
            return _odata_json({"@odata.context": f"{self._service.root}/$metadata", "value": sets})
        _check_accept(request, *(("text/plain",) if address.part == "$count" else ()), "application/json")
        options = _options(request)
        fault = self._api_fault(request, address, options)
        if fault is not None and fault.kind in ("429", "5xx"):
            return await _deliver(request, fault, self.faults, web.Response())
        real = self._answer(request, address, options)
        if fault is None:
            self.faults.answered("page")
            return real
        return await _deliver(request, fault, self.faults, real)

    def _answer(self, request: web.Request, address: ResourcePath, options: Mapping[str, str]) -> web.Response:
        wish = _MAXPAGESIZE.search(request.headers.get("Prefer", ""))
        most = int(wish[1]) or None if wish else None
        document = self._service.answer(address, options, most)
        if isinstance(document, int):
            return web.Response(text=str(document), headers={"OData-Version": "4.0"})
        response = _odata_json(document)
        if most is not None and "value" in document:
            response.headers["Preference-Applied"] = f"odata.maxpagesize={most}"
        return response

    def _api_fault(self, request: web.Request, address: ResourcePath, options: Mapping[str, str]) -> DemoFault | None:
        """The fault for an API request: of a listing's own share if it is about one listing, else of a page's."""
        key = address.key
        field = _LISTING_KEY.get(address.resource)
        if key is None and field is not None and (text := options.get("$filter")) is not None:
            found = re.fullmatch(rf"\s*{field}\s+eq\s+'([^']*)'.*", text, re.DOTALL)
            key = found[1] if found and " or " not in text else None
        elif key is not None and address.resource == "Media":
            key = key.rpartition("-")[0]
        url = request.path_qs
        return self.faults.page(url) if key is None else self.faults.listing(key, url)

    def _authorize(self, request: web.Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self.tokens.accepts(token.strip()):
            raise ODataError(401, "Unauthorized", "The access token is missing, expired or not valid")

    async def _token(self, request: web.Request) -> web.StreamResponse:
        self.meter.requests["token"] += 1
        answer = self.tokens.grant(await _form(request), request.headers.get("Authorization"))
        return web.json_response(answer, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})

    async def _revoke(self, request: web.Request) -> web.StreamResponse:
        self.meter.requests["revoke"] += 1
        self.tokens.revoke(await _form(request), request.headers.get("Authorization"))
        return web.Response()

    async def _photo(self, request: web.Request) -> web.StreamResponse:
        self.meter.requests["photo"] += 1
        key, number = request.match_info["key"], int(request.match_info["number"])
        status, generation = self._signer.check(key, number, request.query)
        if status != 200:
            return web.Response(status=status, text="This URL has expired or is not valid")
        fault = self.faults.photo(key, number, generation)
        if fault is not None and fault.kind in ("5xx", "html", "expired"):
            return await _deliver(request, fault, self.faults, web.Response(), key)
        body = await self._pictures.picture(key, number)
        headers = {"Cache-Control": "private, max-age=3600"}
        real = web.Response(status=404, text="No such photo")
        if body is not None:
            real = web.Response(body=body, content_type="image/jpeg", headers=headers)
        if fault is None:
            self.faults.answered("photo")
            return real
        return await _deliver(request, fault, self.faults, real, key)


class Meter:
    """What was asked of the server, for tests of how gentle a client is: ``requests`` by resource; by side ("api" or
    "photo") ``busiest_second``, the most in any sliding second, and ``most_at_once``."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.busiest_second: Counter[str] = Counter()
        self.most_at_once: Counter[str] = Counter()
        self._open: Counter[str] = Counter()
        self._recent: dict[str, deque[float]] = {"api": deque(), "photo": deque()}

    def began(self, side: str) -> None:
        """A request arrived."""
        now, recent = time.monotonic(), self._recent[side]
        recent.append(now)
        while now - recent[0] >= 1:
            recent.popleft()
        self.busiest_second[side] = max(self.busiest_second[side], len(recent))
        self._open[side] += 1
        self.most_at_once[side] = max(self.most_at_once[side], self._open[side])

    def ended(self, side: str) -> None:
        """It was answered."""
        self._open[side] -= 1


class _Signer:
    """Photo URLs that expire: signed over the photo, the time, and how often the listing's Media was refreshed."""

    def __init__(self, seed: int, lifetime: int, now: Callable[[], datetime]) -> None:
        self.root = ""
        self._key = f"lakeside {seed}".encode()
        self._lifetime, self._now = lifetime, now

    def url(self, key: str, shot: Shot, generation: int) -> str:
        until = int(self._now().timestamp()) + self._lifetime
        signature = self._sign(key, shot.number, until, generation)
        name = f"{quote(key, safe='')}/{shot.number}.jpg"
        return f"{self.root}/{name}?expires={until}&turn={generation}&signature={signature}"

    def check(self, key: str, number: int, query: Mapping[str, str]) -> tuple[int, int]:
        """(HTTP status, generation): 200 for a URL that works, 403 for a forged one, 410 for one past its time."""
        until, turn = query.get("expires", ""), query.get("turn", "")
        if not (until.isascii() and until.isdigit() and turn in ("0", "1") and len(until) < 16):
            return 403, 0
        wanted = self._sign(key, number, int(until), int(turn))
        if not hmac.compare_digest(wanted.encode(), query.get("signature", "").encode()):
            return 403, 0
        return (410 if self._now().timestamp() > int(until) else 200), int(turn)

    def _sign(self, key: str, number: int, until: int, generation: int) -> str:
        text = f"{key}/{number}/{until}/{generation}"
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()[:24]


class _Pictures:
    """The JPEG bytes of the feed's photos, drawn in threads; the latest 64 MiB are kept. ``digests`` are the SHA-256
    of all that were drawn, by (ListingKey, number, version)."""

    def __init__(self, feed: DemoFeed) -> None:
        self._feed, self._pool = feed, ThreadPoolExecutor(2, "demo-photo")
        self._kept: OrderedDict[tuple[str, int, int], bytes] = OrderedDict()
        self._size = 0
        self.digests: dict[tuple[str, int, int], str] = {}

    async def picture(self, key: str, number: int) -> bytes | None:
        """A photo by its listing and its number; None if there is no such photo (any more)."""
        shots = self._feed.shots(key) if key in self._feed else ()
        shot = next((shot for shot in shots if shot.number == number), None)
        if shot is None:
            return None
        name = (key, number, shot.version)
        if name not in self._kept:
            home = self._feed.home(key)
            body = await asyncio.get_running_loop().run_in_executor(self._pool, photos.draw, home, shot)
            if name not in self._kept:
                self._kept[name] = body
                self.digests[name] = hashlib.sha256(body).hexdigest()
                self._size += len(body)
            while self._size > _PHOTO_CACHE:
                self._size -= len(self._kept.popitem(last=False)[1])
            return body
        self._kept.move_to_end(name)
        return self._kept[name]

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


async def _form(request: web.Request) -> dict[str, str]:
    """A form's text fields. Raises TokenError if the body is not a form."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise TokenError(400, "invalid_request", "The body must be application/x-www-form-urlencoded")
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def _options(request: web.Request) -> dict[str, str]:
    """The query options, each once. Raises ODataError (400)."""
    found: dict[str, str] = {}
    for name, value in request.query.items():
        if name in found and name.startswith("$"):
            raise bad_request(f"The query option {name[:40]} is given twice")
        found[name] = value
    return found


def _odata_json(document: Any, status: int = 200) -> web.Response:
    """A JSON answer with OData's headers."""
    response = web.Response(body=orjson.dumps(document), status=status)
    response.headers["Content-Type"] = "application/json;odata.metadata=minimal;charset=utf-8"
    response.headers["OData-Version"] = "4.0"
    return response


def _odata_error(status: int, code: str, message: str) -> web.Response:
    """``{"error": {"code", "message"}}`` (OData JSON 4.0 §19)."""
    return _odata_json({"error": {"code": code, "message": message}}, status)


def _check_version(request: web.Request) -> None:
    """OData 4.0 §8.1.5 and §8.2.6: a server that cannot answer in the client's version refuses. Raises ODataError."""
    for name, last in (("OData-Version", 5.0), ("OData-MaxVersion", 1000.0)):
        text = request.headers.get(name)
        if text is not None and not (re.fullmatch(r"\d{1,3}(\.\d{1,3})?", text.strip()) and 4.0 <= float(text) < last):
            message = f"{name} {text[:20]} is not supported; this service speaks OData 4.0"
            raise ODataError(400, "UnsupportedODataVersion", message)


def _check_accept(request: web.Request, *allowed: str) -> None:
    """Raises ODataError (406) if the client takes nothing that this resource can be."""
    wanted: str = request.query.get("$format") or request.headers.get("Accept") or "*/*"
    kinds = [part.split(";")[0].strip().lower() for part in wanted.split(",")]
    fine = {"", "*/*", "application/*", "json" if "application/json" in allowed else "xml", *allowed}
    if not fine.intersection(kinds):
        raise ODataError(406, "NotAcceptable", f"This resource is served as {allowed[0]} only")


async def _deliver(
    request: web.Request, fault: DemoFault, faults: Faults, real: web.Response, key: str = ""
) -> web.StreamResponse:
    """Serve ``fault`` in place of (or, for a slow answer, before) the real answer, and count it if the client stayed.

    A reset comes after the headers and a part of the body: a connection that dies before any byte of an answer may be
    replayed by a client's pool, and would then not be a failed attempt.
    """
    try:
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        if request.transport is None or request.transport.is_closing():
            raise ConnectionResetError
        if fault.kind in ("reset", "truncated"):
            response: web.StreamResponse = await _cut_short(request, fault, real)
        else:
            response = real if fault.kind == "slow" else _instead(fault)
            await response.prepare(request)
            await response.write_eof()
    except (ConnectionError, asyncio.CancelledError):
        faults.undelivered(fault)
        raise
    faults.delivered(fault, key)
    return response


def _instead(fault: DemoFault) -> web.Response:
    """The whole answer of a fault that is an answer."""
    if fault.kind == "429":
        answer = _odata_error(429, "TooManyRequests", "Request limit reached, slow down")
        answer.headers["Retry-After"] = str(int(fault.seconds))
        return answer
    if fault.kind == "html":
        return web.Response(body=_MAINTENANCE, content_type="text/html")
    if fault.kind == "expired":
        return web.Response(status=fault.status, text="The signature of this URL has expired")
    if fault.resource == "photo":
        return web.Response(status=fault.status, text="upstream error")
    return _odata_error(fault.status, str(fault.status), "The MLS is busy, try again")


async def _cut_short(request: web.Request, fault: DemoFault, real: web.Response) -> web.StreamResponse:
    """Promise the whole body, send a part of it, then close the connection (truncated) or reset it."""
    body = real.body if isinstance(real.body, bytes) else b"{}"
    response = web.StreamResponse(status=real.status, headers={"Content-Length": str(len(body))})
    response.content_type = real.content_type
    response.force_close()
    await response.prepare(request)
    await response.write(body[: len(body) // 2 if fault.kind == "truncated" else min(400, len(body) // 2)])
    if fault.kind == "reset" and request.transport is not None:
        link = request.transport.get_extra_info("socket")
        if link is not None:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    else:
        await response.write_eof()
    return response
