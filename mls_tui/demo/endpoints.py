"""HTTP for the service: who may ask, what is counted, which fault comes instead, and the answer."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from aiohttp import web

from mls_tui.demo.darkroom import Darkroom
from mls_tui.demo.delivery import deliver
from mls_tui.demo.errors import ODataError
from mls_tui.demo.faults import Fault, Faults
from mls_tui.demo.meter import Meter
from mls_tui.demo.replies import check_accept, odata_error, odata_json, service_document
from mls_tui.demo.schema import metadata_xml
from mls_tui.demo.service import Address, Service, read_address
from mls_tui.demo.signing import Signer
from mls_tui.demo.tokens import TokenError, Tokens

Hook = Callable[[web.Request], Awaitable[web.StreamResponse | None]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_LOG = logging.getLogger(__name__)
_MAXPAGESIZE = re.compile(r"(?:odata\.)?maxpagesize\s*=\s*\"?(\d{1,6})")
_OWNER = {"Property": "ListingKey", "Media": "ResourceRecordKey"}


class Endpoints:
    """The handlers of one server."""

    def __init__(self, service: Service, signer: Signer, tokens: Tokens, faults: Faults, meter: Meter) -> None:
        self.hook: Hook | None = None
        self._service, self._signer, self._tokens = service, signer, tokens
        self._faults, self._meter = faults, meter
        self._darkroom = Darkroom(service.feed, ThreadPoolExecutor(2, "demo-photo"))

    def add_routes(self, app: web.Application) -> None:
        """Register every handler, and what surrounds each of them."""
        app.middlewares.append(self._around)
        app.router.add_get("/reso/odata/{path:.*}", self._odata)
        app.router.add_get("/reso/odata", self._odata)
        app.router.add_post("/oauth2/token", self._token)
        app.router.add_post("/oauth2/revoke", self._revoke)
        app.router.add_get(r"/photos/{key}/{number:\d{1,4}}.jpg", self._photo)

    def digests(self, key: str) -> list[str | None]:
        """Hex SHA-256 of a listing's photos in display order, as drawn; None for those not asked for yet."""
        shots = self._service.feed.shots(key)
        found = [self._darkroom.digest(key, shot.number, shot.version) for shot in shots]
        return [None if digest is None else digest.hex() for digest in found]

    def close(self) -> None:
        """Let the drawing threads go."""
        self._darkroom.close()

    @web.middleware
    async def _around(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count, let the hook speak, and turn every error into an answer."""
        side = "photo" if request.path.startswith("/photos/") else "api"
        self._meter.began(side)
        try:
            if self.hook is not None and (answer := await self.hook(request)) is not None:
                return answer
            return await handler(request)
        except ODataError as error:
            answer = odata_error(error.status, error.code, error.message)
            if error.status == 401:
                answer.headers["WWW-Authenticate"] = 'Bearer realm="Lakeside MLS", error="invalid_token"'
            return answer
        except TokenError as error:
            return web.json_response(
                {"error": error.error, "error_description": error.description}, status=error.status
            )
        except web.HTTPException as error:
            return odata_error(error.status, error.reason.replace(" ", ""), error.reason)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception:
            _LOG.exception("the demo MLS failed on %s", request.path)
            return odata_error(500, "InternalServerError", "The demo MLS failed; this is a mistake in it")
        finally:
            self._meter.ended(side)

    async def _odata(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info.get("path", "").strip("/")
        if path == "$metadata":
            self._meter.requests["$metadata"] += 1
            self._authorize(request)
            check_accept(request, "application/xml")
            return web.Response(text=metadata_xml(), content_type="application/xml", headers={"OData-Version": "4.0"})
        if not path:
            self._meter.requests["service"] += 1
            self._authorize(request)
            check_accept(request, "application/json")
            return odata_json(service_document(self._service.root))
        address = read_address(path)
        self._meter.requests[address.name] += 1
        self._authorize(request)
        check_accept(
            request, *(("text/plain", "application/json") if address.part == "$count" else ("application/json",))
        )
        options = _options(request)
        fault = self._api_fault(request, address, options)
        if fault is not None and fault.kind in ("429", "5xx"):
            return await deliver(request, fault, self._faults, web.Response())
        real = self._answer(request, address, options)
        if fault is None:
            self._faults.answered("page")
            return real
        return await deliver(request, fault, self._faults, real)

    def _answer(self, request: web.Request, address: Address, options: Mapping[str, str]) -> web.Response:
        wish = _MAXPAGESIZE.search(request.headers.get("Prefer", ""))
        most = int(wish[1]) or None if wish else None
        document = self._service.answer(address, options, most)
        if isinstance(document, int):
            return web.Response(text=str(document), headers={"OData-Version": "4.0"})
        response = odata_json(document)
        if most is not None and "value" in document:
            response.headers["Preference-Applied"] = f"odata.maxpagesize={most}"
        return response

    def _api_fault(self, request: web.Request, address: Address, options: Mapping[str, str]) -> Fault | None:
        """The fault for an API request: a listing's own budget where it is about one listing, else a page's."""
        key = address.key
        field = _OWNER.get(address.resource)
        if key is None and field is not None and (text := options.get("$filter")) is not None:
            found = re.fullmatch(rf"\s*{field}\s+eq\s+'([^']*)'.*", text, re.DOTALL)
            key = found[1] if found and " or " not in text else None
        elif key is not None and address.resource == "Media":
            key = key.rpartition("-")[0]
        url = request.path_qs
        return self._faults.page(url) if key is None else self._faults.listing(key, url)

    def _authorize(self, request: web.Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self._tokens.accepts(token.strip()):
            raise ODataError(401, "Unauthorized", "The access token is missing, expired or not valid")

    async def _token(self, request: web.Request) -> web.StreamResponse:
        self._meter.requests["token"] += 1
        answer = self._tokens.grant(await _form(request), request.headers.get("Authorization"))
        return web.json_response(answer, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})

    async def _revoke(self, request: web.Request) -> web.StreamResponse:
        self._meter.requests["revoke"] += 1
        self._tokens.revoke(await _form(request), request.headers.get("Authorization"))
        return web.Response()

    async def _photo(self, request: web.Request) -> web.StreamResponse:
        self._meter.requests["photo"] += 1
        key, number = request.match_info["key"], int(request.match_info["number"])
        status, turn = self._signer.check(key, number, request.query)
        if status != 200:
            return web.Response(status=status, text="This URL has expired or is not valid")
        fault = self._faults.photo(key, number, turn)
        if fault is not None and fault.kind in ("5xx", "html", "expired"):
            return await deliver(request, fault, self._faults, web.Response(), key)
        body = await self._darkroom.picture(key, number)
        real = web.Response(status=404, text="No such photo") if body is None else _jpeg(body)
        if fault is None:
            self._faults.answered("photo")
            return real
        return await deliver(request, fault, self._faults, real, key)


def _jpeg(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


async def _form(request: web.Request) -> dict[str, str]:
    """A form's text fields. Raises TokenError where the body is no form."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise TokenError(400, "invalid_request", "The body must be application/x-www-form-urlencoded")
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def _options(request: web.Request) -> dict[str, str]:
    """The query options, each once. Raises ODataError (400)."""
    found: dict[str, str] = {}
    for name, value in request.query.items():
        if name in found and name.startswith("$"):
            raise ODataError(400, "BadRequest", f"The query option {name} is given twice")
        found[name] = value
    return found
