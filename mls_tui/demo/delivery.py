"""Putting a fault on the wire, so that a client sees one failed attempt, and counting it once it is out."""

from __future__ import annotations

import asyncio
import socket
import struct

from aiohttp import web

from mls_tui.demo.faults import Fault, Faults
from mls_tui.demo.replies import odata_error

_PAGE = (
    b"<!doctype html><html><head><title>Maintenance</title></head><body><h1>We will be right back</h1></body></html>"
)


async def deliver(
    request: web.Request, fault: Fault, faults: Faults, real: web.Response, key: str = ""
) -> web.StreamResponse:
    """Serve ``fault`` in place of (or, for a slow answer, before) the real answer, and count it if the client stayed.

    A reset comes after the headers and a part of the body: a connection that dies before any byte of an answer may be
    replayed by a client's pool without a word, and would not be a failed attempt to anyone.
    """
    try:
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        if _left(request):
            raise ConnectionResetError
        if fault.kind in ("reset", "truncated"):
            response = await _cut_short(request, fault, real)
        else:
            response = real if fault.kind == "slow" else _instead(fault)
            await response.prepare(request)
            await response.write_eof()
    except (ConnectionError, asyncio.CancelledError):
        faults.undelivered(fault)
        raise
    faults.delivered(fault, key)
    return response


def _left(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _instead(fault: Fault) -> web.Response:
    """The whole answer of a fault that is an answer."""
    if fault.kind == "429":
        answer = odata_error(429, "TooManyRequests", "Request limit reached, slow down")
        answer.headers["Retry-After"] = str(int(fault.seconds))
        return answer
    if fault.kind == "html":
        return web.Response(body=_PAGE, content_type="text/html")
    if fault.kind == "expired":
        return web.Response(status=fault.status, text="The signature of this URL has expired")
    if fault.resource == "photo":
        return web.Response(status=fault.status, text="upstream error")
    return odata_error(fault.status, str(fault.status), "The MLS is busy, try again")


async def _cut_short(request: web.Request, fault: Fault, real: web.Response) -> web.StreamResponse:
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
