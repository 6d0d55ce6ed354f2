"""Signed requests to one MLS: token, budget, retries, pauses, notices (FIELD §1 to §3). The MLS token must never leave
for another origin than the API's, and no secret may reach an error, a notice or a log."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping

import httpx

from mls_tui.domain.clock import Clock
from mls_tui.domain.connection import Connection, SecretField
from mls_tui.domain.errors import ConnectionExpiredError, MLSError
from mls_tui.domain.masking import Masker
from mls_tui.domain.retry import REQUEST_ATTEMPTS
from mls_tui.reso.answer_errors import as_object, error_inside, no_json, parsed, refused
from mls_tui.reso.answers import Answer, Fault, fault_in, phrase
from mls_tui.reso.auth import KeptToken, OnToken, TokenSet, TokenSource
from mls_tui.reso.base import Observer, PhotoBytes
from mls_tui.reso.exchange import Raw
from mls_tui.reso.media_headers import PhotoHeaders
from mls_tui.reso.net.names import Lookup
from mls_tui.reso.net.netguard import NetGuard, Origin, origin
from mls_tui.reso.net.reply import Door, HttpxDoor
from mls_tui.reso.net.transport import GuardedTransport, Timeouts
from mls_tui.reso.photos import PhotoSource
from mls_tui.reso.presets import ProviderPreset
from mls_tui.reso.rate_limit import RateLimit, RateLimits
from mls_tui.reso.requester import USER_AGENT, Requester

__all__ = ["Answer", "MlsHttp", "Timeouts", "TokenSet"]

PAGE_CAP = 64_000_000
_PARSE_HERE = 256_000
_API_CONNECTIONS = 16
_PHOTO_CONNECTIONS = 256
"""The most that may be set to be in flight; the importer's limit says how many are."""
_REDIRECTS = 3


class MlsHttp:
    """One connection's HTTP. ``transport`` and ``lookup`` replace the network and the resolver in tests.

    ``secrets`` are in the clear here and nowhere else; ``on_token`` is given each new token set, to keep it encrypted;
    ``kept_token`` reads it back.
    """

    def __init__(
        self,
        preset: ProviderPreset,
        connection: Connection,
        secrets: Mapping[SecretField, str],
        *,
        clock: Clock,
        limits: RateLimits,
        observer: Observer,
        allow_private_hosts: bool = False,
        on_token: OnToken | None = None,
        kept_token: KeptToken | None = None,
        rng: random.Random | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        lookup: Lookup | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self._preset = preset
        self._timeouts = timeouts or Timeouts()
        self._guard = NetGuard(allow_private_hosts)
        self._mask = Masker(secrets.values())
        self._home = _origin_of(preset.base_url)
        api, media = self._ways_out(transport, lookup)
        self._requester = Requester(
            api,
            self._guard,
            limits.api,
            self._mask,
            clock=clock,
            rng=rng or random.Random(),
            observer=observer,
            token_seconds=self._timeouts.token,
        )
        self._tokens = TokenSource(
            preset,
            connection,
            secrets,
            clock=clock,
            mask=self._mask,
            post=self._requester.post_form,
            on_token=on_token,
            kept=kept_token,
        )
        self._limits = limits.opened()
        self._photos = self._photo_source(media, limits.media, observer)

    def _ways_out(
        self, transport: httpx.AsyncBaseTransport | None, lookup: Lookup | None
    ) -> tuple[httpx.AsyncBaseTransport, Door]:
        """For the API and for photos, each with connections of its own."""
        self._transports: list[httpx.AsyncBaseTransport] = []
        if transport is not None:
            self._transports.append(transport)
            return transport, HttpxDoor(transport)
        api, media = (
            GuardedTransport(self._guard, self._timeouts, connections=count, lookup=lookup)
            for count in (_API_CONNECTIONS, _PHOTO_CONNECTIONS)
        )
        self._transports += [api, media]
        return api, media

    def _photo_source(self, door: Door, limit: RateLimit, observer: Observer) -> PhotoSource:
        headers = PhotoHeaders(self._preset, self._home, self._tokens.token, USER_AGENT)
        return PhotoSource(door, self._guard, limit, observer, self._mask, headers, total_seconds=self._timeouts.photo)

    async def sign_in(self) -> None:
        """Obtain or renew the token where that is needed; a bearer token is taken as it is.

        Raises:
            ConnectionExpiredError, AuthenticationError, UsageError, MLSError: as ``TokenSource.token``.
        """
        await self._tokens.token()

    async def get_json(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        attempts: int = REQUEST_ATTEMPTS,
    ) -> Answer:
        """The JSON object at an absolute URL of the API.

        Raises:
            MLSError: with the status; attempts that could help are used up, each was told to the observer.
            RateLimitedError: five pauses in a row.
            ConnectionExpiredError: the token was refused, and again after it was renewed.
        """
        target = self._guard.url(url, "MLS")
        self._only_home(target)
        return await self._requester.in_attempts(
            lambda number: self._signed(target, headers or {}, number, attempts), attempts
        )

    async def photo(self, url: str) -> PhotoBytes:
        """One attempt at one photo; raises PhotoError (``PhotoSource.fetch``)."""
        return await self._photos.fetch(url)

    async def revoke(self) -> None:
        """Revoke the tokens where the provider can; never raises for one that cannot."""
        await self._tokens.revoke()

    async def close(self) -> None:
        for transport in self._transports:
            await transport.aclose()
        await self._limits.close()

    def masked(self, text: str) -> str:
        """``text`` without this connection's secrets, and otherwise as it is: for an address that is to be kept."""
        return self._mask.known(text)

    async def _signed(self, target: httpx.URL, extra: Mapping[str, str], number: int, of: int) -> Answer:
        """One attempt: pauses are waited out, a refused token is renewed once, redirects stay at home."""
        renewed, hops = False, 0
        while True:
            token = await self._tokens.token()
            request = httpx.Request("GET", target, headers=self._headers(token, extra))
            raw, slot = await self._requester.exchange(request, PAGE_CAP, self._timeouts.page)
            answer, fault, error = await self._judge(target.host, raw)
            status = raw.status if error is None else error.status or raw.status
            if self._requester.throttled(target.host, slot, raw, status, fault):
                continue
            if answer is not None:
                return answer
            if status == 401:
                self._requester.failed(number, of, None if renewed else 0.0, f"{target.host} answered {phrase(401)}.")
                if renewed:
                    raise ConnectionExpiredError
                renewed = True
                await self._tokens.renew(token)
            elif 300 <= raw.status < 400 and hops < _REDIRECTS and raw.headers.get("location"):
                hops += 1
                target = self._guard.url(self._guard.moved(target, raw.headers["location"], "MLS"), "MLS")
                self._only_home(target)
            elif error is not None:
                raise error

    async def _judge(self, host: str, raw: Raw) -> tuple[Answer | None, Fault | None, MLSError | None]:
        """What an answer is: a good one, or what it says and the error to raise for it (FIELD §3)."""
        if raw.status >= 300:
            return (None, *refused(host, raw, self._mask))
        if raw.status == 204:
            return Answer(204, {}, raw.headers), None, None
        try:
            body = as_object(await _off_loop(raw.body, self._mask))
        except ValueError:
            body = None
        if body is None:
            return None, None, no_json(host, raw)
        fault = fault_in(body)
        if fault is None:
            return Answer(raw.status, body, raw.headers), None, None
        return None, fault, error_inside(host, raw, fault, self._mask)

    def _headers(self, token: str, extra: Mapping[str, str]) -> httpx.Headers:
        headers = httpx.Headers({"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": USER_AGENT})
        headers.update({name: value.replace("{token}", token) for name, value in self._preset.headers.items()})
        headers.update(extra)
        headers["Authorization"] = f"Bearer {token}"
        return headers

    def _only_home(self, target: httpx.URL) -> None:
        if origin(target) != self._home:
            scheme, host, port = origin(target)
            raise MLSError(
                f"The MLS points to another origin ({scheme}://{host}:{port}); its token is not sent there. "
                "If the MLS has moved, change the connection's base URL."
            )


def _origin_of(base_url: str) -> Origin:
    try:
        return origin(httpx.URL(base_url))
    except (httpx.InvalidURL, ValueError):
        return "", "", 0  # nothing is at home there; the guard says so when a request is made


async def _off_loop(body: bytes, mask: Masker) -> object:
    """Parse a large body in a thread: 16 MB take a third of a second, for which no frame would be drawn."""
    return _masked(body, mask) if len(body) <= _PARSE_HERE else await asyncio.to_thread(_masked, body, mask)


def _masked(body: bytes, mask: Masker) -> object:
    return mask.body(parsed(body))
