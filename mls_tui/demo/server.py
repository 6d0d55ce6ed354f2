"""``DemoMLS``: the demo's HTTP server. Loopback only; starts and stops in the event loop it is entered in."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from aiohttp import web

from mls_tui.demo import homes, people
from mls_tui.demo.endpoints import Endpoints, Hook
from mls_tui.demo.faults import Faults
from mls_tui.demo.feed import Feed
from mls_tui.demo.meter import Meter
from mls_tui.demo.service import Service
from mls_tui.demo.signing import Signer
from mls_tui.demo.tokens import Credentials, Tokens

_LONGEST_LINE = 65_536


class DemoMLS:
    """A RESO Web API Core 2.0 server with generated homes. ``async with DemoMLS(listings=300) as mls: …``

    Args:
        listings: how many homes are Active; about 29 % more have other statuses.
        seed: of the homes and their photos.
        faults: a seed for faults, a ``Faults``, or None for none.
        port: 0 takes a free one.
        host: a loopback address; anything else is a ValueError.
        epoch: the instant that generated timestamps lie before.
        now: the server's clock: changes, token and URL lifetimes, ``now()``.
        page_size: rows of a page where the client asks for no size.
        strict_top: see ``Service``.
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
        strict_top: bool = False,
        token_lifetime: int = 3600,
        media_lifetime: int = 3600,
    ) -> None:
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"the demo MLS listens on loopback only, not on {host}")
        self.host, self.port = host, port
        self.feed = Feed(listings, seed, epoch, now)
        self.faults = faults if isinstance(faults, Faults) else Faults(faults)
        self.token = f"lakeside-demo-token-{seed}"
        self.client_id, self.client_secret = "lakeside-demo", f"lakeside-demo-secret-{seed}"
        self.username, self.password = people.LOGIN, f"lakeside-demo-password-{seed}"
        self.member_key = self.feed.people[0]["MemberKey"]
        credentials = Credentials(self.token, self.client_id, self.client_secret, self.username, self.password)
        self.tokens = Tokens(credentials, now, token_lifetime, seed)
        self.meter = Meter()
        self._signer = Signer(seed, media_lifetime, now, self.faults.generation)
        self._service = Service(self.feed, self._signer.url, now, page_size, strict_top)
        self._endpoints = Endpoints(self._service, self._signer, self.tokens, self.faults, self.meter)
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
        ``Media``, ``Member``, ``Office``, ``$metadata``, ``service``, ``token``, ``revoke``, ``photo``."""
        return self.meter.requests

    @property
    def hook(self) -> Hook | None:
        """Called before every request; what it returns, if not None, is the answer. For tests."""
        return self._endpoints.hook

    @hook.setter
    def hook(self, hook: Callable[[web.Request], Awaitable[web.StreamResponse | None]] | None) -> None:
        self._endpoints.hook = hook

    def digests(self, key: str) -> list[str | None]:
        """Hex SHA-256 of each photo of a listing as it was served, in display order; None for one nobody asked for."""
        return self._endpoints.digests(key)

    def expire_tokens(self) -> None:
        """Every access token given out so far stops working; the next request with one is a 401."""
        self.tokens.expire()

    async def start(self) -> None:
        """Listen. Raises OSError where the port is taken."""
        app = web.Application(client_max_size=64 * 1024)
        self._endpoints.add_routes(app)
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
            self._endpoints.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
