"""An MLS that repeats the secrets it is told wherever a server can: in error bodies, links, photo URLs, records."""

from __future__ import annotations

import base64
import html
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from aiohttp import web

from tests.promises import canaries
from tests.promises.house import quick_jpeg

_LEAKS = f"{canaries.TOKEN} {canaries.REFRESH} {canaries.CLIENT_SECRET} {canaries.PASSWORD}"


def _escaped(leaks: str) -> str:
    """What a program further on may decode to a secret again."""
    secrets = [each for each in (canaries.TOKEN, canaries.REFRESH, canaries.CLIENT_SECRET) if each in leaks]
    return "|".join(
        spelled
        for secret in secrets
        for spelled in (
            "".join(f"&#{ord(char)};" for char in secret),
            html.escape("".join(f"&#x{ord(char):x};" for char in secret)),
            secret.replace("+", "\\u002B"),
            "".join(f"\\u{ord(char):04X}" for char in secret),
            "\u200b".join(secret),
            secret[:9] + "<b></b>" + secret[9:],
            quote(quote(secret, safe=""), safe=""),
            base64.b64encode(f"me:{secret}".encode()).decode(),
        )
    )


class LeakyMLS:
    """``base_url``, ``token_url``; ``plain_url`` for a connection that told its token alone; ``broken`` makes every API
    request fail with what it was told; ``watch`` is called at each request for a photo."""

    def __init__(self) -> None:
        self.origin = ""
        self.broken = False
        self.watch: Callable[[], object] = lambda: None
        self.sent: set[str] = set()

    @property
    def base_url(self) -> str:
        return f"{self.origin}/odata"

    @property
    def plain_url(self) -> str:
        return f"{self.origin}/plain"

    @property
    def token_url(self) -> str:
        return f"{self.origin}/token"

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.sent |= {str(value) for value in form.values()}
        return web.json_response(
            {"access_token": canaries.TOKEN, "refresh_token": canaries.REFRESH, "expires_in": "3600"}
        )

    async def property(self, request: web.Request) -> web.Response:
        self.sent.add(request.headers.get("Authorization", ""))
        leaks = _LEAKS if request.path.startswith("/odata/") else canaries.TOKEN
        if self.broken:
            raise web.HTTPForbidden(text=f'{{"error": {{"message": "No rights for {_LEAKS}"}}}}')
        if "skip" in request.query:
            return web.json_response({"value": [self._record(number, leaks) for number in (4, 5)]})
        link = f"{self.origin}{request.path}?skip=3&access_token={canaries.TOKEN}"
        records = [self._record(number, leaks) for number in (1, 2, 3)]
        nameless = {"StandardStatus": "Active", "AccessToken": canaries.TOKEN, "PublicRemarks": leaks + _escaped(leaks)}
        return web.json_response({"value": [*records, nameless], "@odata.nextLink": link})

    async def photo(self, request: web.Request) -> web.Response:
        self.watch()
        if request.match_info["number"] != "1":
            raise web.HTTPForbidden(text=f"<html>{request.url} {_LEAKS}</html>")
        headers = {"X-Echo": canaries.TOKEN, "Set-Cookie": f"token={canaries.TOKEN}", "ETag": f'"{canaries.TOKEN}"'}
        return web.Response(body=quick_jpeg("1"), content_type="image/jpeg", headers=headers)

    async def other(self, request: web.Request) -> web.Response:
        raise web.HTTPNotFound(text=f"No {request.url} for {_LEAKS}")

    def _record(self, number: int, leaks: str) -> dict[str, Any]:
        path = f"/photo/{quote(canaries.TOKEN, safe='')}/{number}.jpg"
        url = (
            f"{self.origin}{path}?access_token={canaries.TOKEN}&t={canaries.TOKEN}&X-Amz-Signature={canaries.SIGNATURE}"
        )
        return {
            "ListingKey": f"K{number}",
            "ListingId": f"N{number}",
            "StandardStatus": "Active" if number != 5 else "Nonsense",
            "ModificationTimestamp": f"2026-01-0{number}T00:00:00Z",
            "ListPrice": 100_000 + number,
            "UnparsedAddress": f"{number} Oak St",
            "PublicRemarks": f"Quiet street. {leaks} {_escaped(leaks)}",
            "Directions": _escaped(leaks),
            "SyndicationRemarks": _escaped(leaks),
            "AssociationName": _escaped(canaries.TOKEN),
            "ListAgentFullName": canaries.TOKEN,
            "InteriorFeatures": ["Loft", leaks, *_escaped(leaks).split("|")],
            "PrivateRemarks": leaks,
            "PhotosCount": 1,
            "Media": [{"MediaKey": f"m{number}", "Order": 0, "MediaURL": url, "MediaCategory": "Photo"}],
        }


@asynccontextmanager
async def leaky_mls() -> AsyncIterator[LeakyMLS]:
    mls = LeakyMLS()
    app = web.Application()
    app.router.add_post("/token", mls.token)
    for path in ("/odata/Property", "/plain/Property"):
        app.router.add_get(path, mls.property)
    app.router.add_get("/photo/{token}/{number}.jpg", mls.photo)
    app.router.add_route("*", "/{rest:.*}", mls.other)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    mls.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield mls
    finally:
        await runner.cleanup()
