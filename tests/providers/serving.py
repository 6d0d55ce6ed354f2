"""Runs a ``FeedServer`` on a free port of the loopback interface, and opens a real connector to it."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from mls_tui.domain.connection import SecretField
from mls_tui.reso.base import Notice
from mls_tui.reso.connector import ResoConnector, open_connector
from tests.providers.direct import connection
from tests.providers.feed_server import FeedServer


class HandClock:
    """A clock that moves only by ``sleep``, which returns at once."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 6, 10, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += max(0.0, seconds)
        await asyncio.sleep(0)


@asynccontextmanager
async def serving(server: FeedServer) -> AsyncIterator[str]:
    """The base URL of the running server."""

    async def handle(request: web.Request) -> web.Response:
        if request.path == "/token":
            return await _token(server, request)
        url = f"{server.base}{str(request.rel_url).removeprefix('/odata')}"
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        reply = server.answer(url, token)
        return web.Response(
            status=reply.status,
            body=json.dumps(reply.body).encode(),
            headers={"Content-Type": "application/json", **reply.headers},
        )

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        server.base = f"http://127.0.0.1:{port}/odata"
        yield server.base
    finally:
        await runner.cleanup()


async def _token(server: FeedServer, request: web.Request) -> web.Response:
    form = await request.post()
    if form.get("client_secret") != "sesame":
        return web.json_response({"error": "invalid_client"}, status=401)
    token = f"token-{len(server.tokens_accepted) + 10}"
    server.tokens_accepted = {token}
    return web.json_response({"access_token": token, "token_type": "Bearer", "expires_in": "3600"})


@asynccontextmanager
async def connected(
    server: FeedServer, provider: str = "reso", *, clock: HandClock | None = None, **fields: Any
) -> AsyncIterator[tuple[ResoConnector, list[Notice]]]:
    """A real connector over HTTP to the server, and its notices."""
    notices: list[Notice] = []
    async with serving(server) as base:
        made = connection(provider, base, **{"token_url": base.replace("/odata", "/token"), **fields})
        secrets = {SecretField.ACCESS_TOKEN: server.quirks.token, SecretField.CLIENT_SECRET: "sesame"}
        link = open_connector(
            made,
            secrets,
            clock=clock or HandClock(),
            observer=notices.append,
            allow_private_hosts=True,
            rng=random.Random(1),
        )
        try:
            yield link, notices
        finally:
            await link.close()
