"""``Wire``: an MlsClient whose responses the test writes, with a clock that moves only when it sleeps."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from aiohttp.abc import AbstractResolver, ResolveResult

from mls_tui.domain.connection import AuthKind, Connection, SecretField
from mls_tui.reso.auth import KeptToken, OnToken
from mls_tui.reso.base import Notice, Paused, RequestFailed
from mls_tui.reso.client import MlsClient
from mls_tui.reso.presets import Limit, ProviderPreset, preset
from mls_tui.reso.rate_limit import RateLimits
from mls_tui.reso.transport import Timeouts

BASE = "https://mls.example/odata"
TOKEN = "canary-token-7f3a"
SECRET = "canary-secret-9c1d"
Answers = Callable[[httpx.Request], Any]
"""A request to a Response, or to a coroutine that gives one."""

Lookup = Callable[[str, int], Awaitable[list[str]]]
"""Host and port to addresses."""


class Resolver(AbstractResolver):
    """Answers with what ``lookup`` gives."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._lookup(host, port)
        return [
            ResolveResult(hostname=host, host=each, port=port, family=socket.AF_INET, proto=0, flags=0)
            for each in found
        ]

    async def close(self) -> None:
        pass


class HandClock:
    """Time passes by sleeping only; ``slept`` are the waits asked for."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 6, 1, 12, tzinfo=UTC) + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return 1000.0 + self.elapsed

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.elapsed += seconds
        await asyncio.sleep(0)


def connection(**changes: Any) -> Connection:
    fields: dict[str, Any] = {
        "connection_id": "c1",
        "user_id": "u1",
        "name": "lakeside",
        "provider": "reso",
        "base_url": BASE,
    }
    return Connection(**(fields | changes))


class Wire:
    """An ``MlsClient`` whose network is ``answers``; collects requests, notices and tokens."""

    def __init__(
        self,
        answers: Answers | None = None,
        *,
        secrets: Mapping[SecretField, str] | None = None,
        preset_changes: Mapping[str, Any] | None = None,
        connection_changes: Mapping[str, Any] | None = None,
        limits: tuple[Limit, ...] = (),
        allow_private_hosts: bool = False,
        proxy: str | None = None,
        ca_bundle: str | None = None,
        lookup: Lookup | None = None,
        timeouts: Timeouts | None = None,
        on_token: OnToken | None = None,
        kept_token: KeptToken | None = None,
    ) -> None:
        self.clock = HandClock()
        self.requests: list[httpx.Request] = []
        self.notices: list[Notice] = []
        self.limits = RateLimits(self.clock).tighten(limits, limits)

        def handle(request: httpx.Request) -> Any:
            self.requests.append(request)
            assert answers is not None
            return answers(request)

        self.preset: ProviderPreset = replace(preset("reso"), **({"base_url": BASE} | dict(preset_changes or {})))
        self.http = MlsClient(
            self.preset,
            connection(**(connection_changes or {})),
            {SecretField.ACCESS_TOKEN: TOKEN} if secrets is None else secrets,
            clock=self.clock,
            limits=self.limits,
            observer=self.notices.append,
            allow_private_hosts=allow_private_hosts,
            proxy=proxy,
            ca_bundle=ca_bundle,
            on_token=on_token,
            kept_token=kept_token,
            rng=random.Random(7),
            transport=httpx.MockTransport(handle) if answers else None,
            resolver=Resolver(lookup) if lookup else None,
            timeouts=timeouts,
        )

    @property
    def failures(self) -> list[RequestFailed]:
        return [each for each in self.notices if isinstance(each, RequestFailed)]

    @property
    def pauses(self) -> list[Paused]:
        return [each for each in self.notices if isinstance(each, Paused)]


def client_credentials(answers: Answers, **more: Any) -> Wire:
    """A connection that signs in with client credentials at https://id.example/token."""
    return Wire(
        answers,
        secrets={SecretField.CLIENT_SECRET: SECRET},
        preset_changes={"token_url": "https://id.example/token", "scope": "api"} | more.pop("preset_changes", {}),
        connection_changes={"auth": AuthKind.CLIENT_CREDENTIALS, "client_id": "me"}
        | more.pop("connection_changes", {}),
        **more,
    )


def script(*answers: httpx.Response | Exception) -> Answers:
    """One answer after the other; the last one for ever. An exception is raised."""
    left = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        each = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(each, Exception):
            raise each
        return httpx.Response(each.status_code, headers=each.headers, content=each.content)

    return answer


def rows(*keys: str) -> httpx.Response:
    return httpx.Response(200, json={"value": [{"ListingKey": key} for key in keys]})
