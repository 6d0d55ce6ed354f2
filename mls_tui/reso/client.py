"""Signed requests to one MLS: token, rate limit, retries, pauses, redirects, notices.

Each failed attempt is one ``RequestFailed`` notice and each 429 one ``Paused``; nothing is repeated unseen. The token
goes to the API's own origin only. See docs/reso-feeds.md, sections 1 to 3.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

import httpx
from aiohttp.abc import AbstractResolver

from mls_tui import __version__
from mls_tui.domain.clock import Clock
from mls_tui.domain.connection import Connection, SecretField
from mls_tui.domain.errors import MLSError, RateLimitedError, UsageError
from mls_tui.domain.masking import Masker
from mls_tui.domain.retry import REQUEST_ATTEMPTS, attempt
from mls_tui.reso.addresses import AddressGuard, Target, same_origin
from mls_tui.reso.answers import (
    Answer,
    Fault,
    error_inside,
    fault_in,
    no_json,
    parsed,
    phrase,
    records_of,
    refused,
)
from mls_tui.reso.auth import FormAnswer, KeptToken, OnToken, TokenSource
from mls_tui.reso.base import Observer, PhotoBytes, RequestFailed
from mls_tui.reso.photos import PhotoSource
from mls_tui.reso.presets import PLACEHOLDERS, ProviderPreset, TokenBody
from mls_tui.reso.rate_limit import STRIKES, RateLimits, Slot
from mls_tui.reso.transport import (
    REACH_ERRORS,
    BodyError,
    Network,
    Timeouts,
    basic_auth,
    read_body,
    read_error_body,
    why_unanswered,
)

T = TypeVar("T")

USER_AGENT = f"mls-tui/{__version__}"
PAGE_CAP = 64_000_000
_FORM_CAP = 1_000_000
_PARSE_HERE = 256_000
_REDIRECTS = 3
# The pager words its request differently, or takes "gone" for an answer: it reports these itself.
_FOR_THE_CALLER = frozenset({400, 404, 405, 406, 410, 413, 414, 415, 422})


class TokenUnavailableError(MLSError):
    """The token endpoint failed for good; its attempts have been reported already."""


@dataclass(frozen=True, slots=True)
class _Raw:
    """An answer as it came: header names in lower case, the body unpacked."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class MlsClient:
    """The HTTP of one connection. ``transport`` and ``resolver`` replace network and resolver in tests.

    ``secrets`` are in the clear here and nowhere else; ``on_token`` is given each new token set, to keep it encrypted;
    ``kept_token`` reads it back. ``proxy`` and ``ca_bundle`` are those of the configuration.
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
        proxy: str | None = None,
        ca_bundle: str | None = None,
        on_token: OnToken | None = None,
        kept_token: KeptToken | None = None,
        rng: random.Random | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        resolver: AbstractResolver | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self._preset = preset
        self._secrets = secrets
        self._timeouts = timeouts or _timeouts(preset)
        self._guard = AddressGuard(allow_private_hosts)
        self._mask = Masker(secrets.values())
        self._clock = clock
        self._rng = rng or random.Random()
        self._observer = observer
        self._network = Network(
            self._guard,
            self._timeouts,
            proxy={None: proxy, "direct": None}.get(preset.proxy, preset.proxy),
            ca_bundle=ca_bundle,
            resolver=resolver,
            transport=transport,
        )
        self._limits = limits.opened()
        self._tokens = TokenSource(
            preset,
            connection,
            secrets,
            clock=clock,
            mask=self._mask,
            post=self._post_form,
            on_token=on_token,
            kept=kept_token,
        )
        self._photos = PhotoSource(
            self._network,
            self._guard,
            limits.media,
            observer,
            self._mask,
            preset,
            self._tokens.token,
            user_agent=USER_AGENT,
            timeouts=self._timeouts,
        )

    async def sign_in(self) -> None:
        """Obtain or renew the token if that is needed; a bearer token is taken as it is.

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
            MLSError: with the status; every attempt that could help was made and reported to the observer.
            RateLimitedError: five pauses in a row.
            AuthenticationError: the token was refused, also after it was renewed (``TokenSource.refused``).
        """
        target = self._guard.target(url, "MLS")
        self._check_origin(target)
        return await self._in_attempts(lambda number: self._signed(target, headers or {}, number, attempts), attempts)

    async def photo(self, url: str) -> PhotoBytes:
        """One attempt at one photo; raises PhotoError (``PhotoSource.fetch``)."""
        return await self._photos.fetch(url)

    async def revoke(self) -> None:
        """Revoke the tokens if the provider can; never raises for one that cannot."""
        await self._tokens.revoke()

    async def close(self) -> None:
        await self._network.close()
        await self._limits.close()

    def masked(self, text: str) -> str:
        """``text`` without this connection's secrets, and otherwise unchanged: for an address that is stored."""
        return self._mask.known(text)

    async def _in_attempts(self, work: Callable[[int], Awaitable[T]], attempts: int) -> T:
        """``work`` with the contract's retries; each failed attempt is reported once."""

        def report(number: int, wait: float | None, error: BaseException) -> None:
            reported = isinstance(error, RateLimitedError | TokenUnavailableError)
            if isinstance(error, MLSError) and not reported and error.status not in _FOR_THE_CALLER:
                self._failed(number, attempts, wait, str(error))

        return await attempt(work, attempts=attempts, clock=self._clock, rng=self._rng, on_failure=report)

    def _failed(self, attempt: int, of: int, wait: float | None, cause: str) -> None:
        self._observer(RequestFailed(attempt, of, wait, self._mask(cause)))

    async def _signed(self, target: Target, extra: Mapping[str, str], number: int, of: int) -> Answer:
        """One attempt: pauses are waited out, a refused token is tried again, redirects stay on the API's origin."""
        refusals, hops = self._tokens.refusals(), 0
        while True:
            token = await self._tokens.token()
            raw, slot = await self._exchange(
                "GET", self._with_parameters(target, token), self._headers(token, extra), PAGE_CAP, self._timeouts.page
            )
            answer, fault, error = await self._judge(target.host, raw)
            status = raw.status if error is None else error.status or raw.status
            if self._throttled(target.host, slot, raw, status, fault):
                continue
            if answer is not None:
                self._tokens.accepted(token)
                return answer
            if status in (401, 403):
                wait = await refusals.wait(status, token)
                if wait is None and status == 403 and error is not None:
                    raise error
                self._failed(number, of, wait, f"{target.host} answered {phrase(status)}.")
                if wait is None:
                    raise self._tokens.refused(target.host, fault.message if fault else "")
                if wait:
                    await self._clock.sleep(wait)
            elif 300 <= raw.status < 400 and hops < _REDIRECTS and raw.headers.get("location"):
                hops += 1
                target = self._guard.moved(target, raw.headers["location"], "MLS")
                self._check_origin(target)
            elif error is not None:
                raise error

    async def _exchange(
        self, method: str, target: Target, headers: Mapping[str, str], cap: int, seconds: float, content: bytes = b""
    ) -> tuple[_Raw, Slot]:
        """One request within the rate limit, and its answer whatever its status; an error's body is cut at 2 kB.

        Raises:
            MLSError: no answer, or none that could be read; status 413 for a body over ``cap``.
        """
        async with await self._limits.api.slot(target.host, cap, self._observer) as slot:
            try:
                async with asyncio.timeout(seconds):
                    reply = await self._network.send(
                        method, target, headers, content=content, read_seconds=self._timeouts.read
                    )
                    slot.answered(reply.headers)
                    try:
                        if reply.status >= 300:
                            body = await read_error_body(reply, lambda chunk: slot.received(len(chunk)))
                        else:
                            body = await read_body(reply, cap, lambda chunk: slot.received(len(chunk)))
                    finally:
                        if (closing := reply.close()) is not None:
                            await closing
            except BodyError as error:
                raise MLSError(
                    f"{target.host}: {error}.", status=None if error.retryable else 413, retryable=error.retryable
                ) from None
            except REACH_ERRORS as error:
                # Without its cause, which holds the request with its token.
                raise MLSError(f"{target.host}: {why_unanswered(error)}.", retryable=True) from None
        return _Raw(reply.status, reply.headers, body), slot

    def _throttled(self, host: str, slot: Slot, raw: _Raw, status: int, fault: Fault | None) -> bool:
        """Whether the answer was a 429 or its like; the host is paused then, and the request is to be sent again.

        Raises:
            RateLimitedError: it was one too many in a row.
        """
        if not slot.throttled(status, raw.headers, fault):
            return False
        if self._limits.api.open:
            raise RateLimitedError(
                f"{host} answered {phrase(status)} {STRIKES} times in a row. The import stops, its state saved; "
                "start it again later or lower the connection's limits.",
                status=status,
            )
        return True

    async def _judge(self, host: str, raw: _Raw) -> tuple[Answer | None, Fault | None, MLSError | None]:
        """What an answer is: a good one, or what it says and the error to raise for it."""
        if raw.status >= 300:
            return (None, *refused(host, raw.status, raw.body, self._mask))
        if raw.status == 204:
            return Answer(204, {}, raw.headers), None, None
        try:
            body = await self._parsed(raw)
        except ValueError:
            body = None
        if body is None:
            return None, None, no_json(host, raw.status, raw.body)
        fault = fault_in(body)
        if fault is None:
            return Answer(raw.status, body, raw.headers), None, None
        return None, fault, error_inside(host, raw.status, fault, self._mask)

    async def _parsed(self, raw: _Raw) -> Mapping[str, Any] | None:
        """The JSON object of an answer, masked; ValueError if it is no JSON.

        Large bodies are parsed in a thread: 16 MB take a third of a second, during which no frame would be drawn.
        """

        def read() -> Mapping[str, Any] | None:
            return records_of(self._mask.body(parsed(raw.body, raw.headers.get("content-type", ""))))

        return read() if len(raw.body) <= _PARSE_HERE else await asyncio.to_thread(read)

    def _headers(self, token: str, extra: Mapping[str, str]) -> dict[str, str]:
        headers = httpx.Headers({"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": USER_AGENT})
        headers.update({name: value.replace("{token}", token) for name, value in self._preset.headers.items()})
        headers.update(extra)
        headers["Authorization"] = f"Bearer {token}"
        return dict(headers)

    def _with_parameters(self, target: Target, token: str) -> Target:
        """The target with the preset's ``query_parameters`` that it lacks: links of the server may hold them."""
        path, _, query = target.text.partition("?")
        given = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
        values = {"{token}": token} | {f"{{{name}}}": value for name, value in self._secrets.items()}
        added = []
        for name, value in self._preset.query_parameters:
            if name in given:
                continue
            for placeholder in PLACEHOLDERS:
                if placeholder in value and not values.get(placeholder):
                    raise UsageError(
                        f"The setting query_parameters wants {placeholder}, which this connection does not have. "
                        "Edit the connection."
                    )
                value = value.replace(placeholder, values.get(placeholder, ""))
            added.append((name, value))
        if not added:
            return target
        query = f"{query}&" if query else ""
        return replace(target, text=f"{path}?{query}{urlencode(added, quote_via=quote, safe='')}")

    def _check_origin(self, target: Target) -> None:
        if not same_origin(target.text, self._preset.base_url):
            scheme, host, port = target.origin
            raise MLSError(
                f"The MLS points to another origin ({scheme}://{host}:{port}); its token is not sent there. "
                "If the MLS has moved, change the connection's base URL."
            )

    async def _post_form(
        self, url: str, form: Mapping[str, str], basic: tuple[str, str] | None, body: TokenBody
    ) -> FormAnswer:
        """POST a form to a token or revocation endpoint. No redirect is followed: the form holds secrets.

        Raises:
            TokenUnavailableError: it could not be reached, or failed, three times.
        """
        target = self._guard.target(url, "token URL")
        headers = {
            "accept": "application/json",
            "accept-encoding": "identity",
            "user-agent": USER_AGENT,
            "content-type": "application/json" if body is TokenBody.JSON else "application/x-www-form-urlencoded",
        }
        if basic is not None:
            headers["authorization"] = basic_auth(*basic)
        content = (json.dumps(form) if body is TokenBody.JSON else urlencode(form)).encode()

        async def work(number: int) -> FormAnswer:
            while True:
                raw, slot = await self._exchange("POST", target, headers, _FORM_CAP, self._timeouts.token, content)
                fault, error = refused(target.host, raw.status, raw.body, self._mask)
                if self._throttled(target.host, slot, raw, raw.status, fault if raw.status >= 400 else None):
                    continue
                if error.retryable or 300 <= raw.status < 400:
                    raise error
                return _form_answer(raw, fault)

        try:
            return await self._in_attempts(work, REQUEST_ATTEMPTS)
        except RateLimitedError:
            raise
        except MLSError as error:
            raise TokenUnavailableError(f"No token could be had. {error}", status=error.status) from None


def _timeouts(preset: ProviderPreset) -> Timeouts:
    """A server that may be silent for longer has longer for a whole page too."""
    usual = Timeouts()
    longer = max(0.0, preset.read_timeout_seconds - usual.read)
    return replace(usual, read=float(preset.read_timeout_seconds), page=usual.page + longer)


def _form_answer(raw: _Raw, fault: Fault) -> FormAnswer:
    try:
        body = parsed(raw.body, raw.headers.get("content-type", ""))
    except (ValueError, MLSError):
        body = {}
    body = body if isinstance(body, dict) else {}
    if raw.status >= 400 or fault_in(body) is not None:
        return FormAnswer(raw.status, body, fault.code, fault.message)
    return FormAnswer(raw.status, body)
