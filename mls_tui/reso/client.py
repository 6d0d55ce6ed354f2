"""The HTTP client of one MLS connection: access token, rate limits, retries, pauses and redirects.

Every failed attempt is reported as ``RequestFailed`` and every 429 as ``Paused``. The token is sent to the API's own
origin only. See docs/reso-feeds.md, sections 1 to 3.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

import httpx
from aiohttp.abc import AbstractResolver

from mls_tui import __version__
from mls_tui.domain.clock import Clock
from mls_tui.domain.connection import Connection, SecretField
from mls_tui.domain.errors import MLSError, MlsTuiError, RateLimitedError, UsageError
from mls_tui.domain.masking import Masker
from mls_tui.domain.retry import REQUEST_ATTEMPTS, attempt
from mls_tui.reso.addresses import AddressGuard, Target, same_origin
from mls_tui.reso.auth import FormResponse, KeptToken, OnToken, TokenSource
from mls_tui.reso.base import Observer, PhotoBytes, RequestFailed
from mls_tui.reso.photos import PhotoSource
from mls_tui.reso.presets import PLACEHOLDERS, ProviderPreset, TokenBody
from mls_tui.reso.rate_limit import STRIKES, RateLimits, Slot
from mls_tui.reso.responses import (
    Fault,
    Response,
    error_for_body,
    error_for_fault,
    error_for_status,
    fault_in,
    parse_json,
    phrase,
    with_records,
)
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
"""Largest page, in bytes."""
_FORM_CAP = 1_000_000
_PARSE_IN_THREAD_FROM = 256_000
_MAX_REDIRECTS = 3
# The caller changes its request after these, or takes "gone" for a result, and reports them itself.
_REPORTED_BY_CALLER = frozenset({400, 404, 405, 406, 410, 413, 414, 415, 422})


class TokenUnavailableError(MLSError):
    """The token endpoint failed; its attempts have been reported already."""


class MlsClient:
    """Sends the requests of one connection. ``transport`` and ``resolver`` replace network and resolver in tests.

    ``secrets`` are decrypted. ``on_token`` stores each new token set, ``kept_token`` reads it back. ``proxy`` and
    ``ca_bundle`` are the settings of that name.
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
        """Obtain or renew the token if necessary; a bearer token is used as it is.

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
    ) -> Response:
        """GET the JSON object at an absolute URL of the API.

        Raises:
            MLSError: no success after all attempts that may help; with the status. Reported to the observer.
            RateLimitedError: 429 five times in a row.
            AuthenticationError: the token was refused, also after it was renewed (``TokenSource.refused``).
        """
        target = self._guard.target(url, "MLS")
        self._check_origin(target)
        try:
            return await self._with_retries(lambda number: self._get(target, headers or {}, number, attempts), attempts)
        except MlsTuiError as error:
            # Without the frames below: they hold the response, up to 64 MB, for as long as the error is handled.
            error.__context__ = None
            raise error.with_traceback(None) from None

    async def photo(self, url: str) -> PhotoBytes:
        """One attempt to download a photo; raises PhotoError (``PhotoSource.fetch``)."""
        return await self._photos.fetch(url)

    async def revoke(self) -> None:
        """Revoke the tokens if the provider supports it; otherwise do nothing."""
        await self._tokens.revoke()

    async def close(self) -> None:
        await self._network.close()
        await self._limits.close()

    def masked(self, text: str) -> str:
        """``text`` with this connection's secrets masked and nothing else changed, for URLs that are stored."""
        return self._mask.for_storage(text)

    async def _with_retries(self, work: Callable[[int], Awaitable[T]], attempts: int) -> T:
        """Run ``work`` up to ``attempts`` times (docs/contract.md, section Retries); reports each failed attempt."""

        def report(number: int, wait: float | None, error: BaseException) -> None:
            is_reported = isinstance(error, RateLimitedError | TokenUnavailableError)
            if isinstance(error, MLSError) and not is_reported and error.status not in _REPORTED_BY_CALLER:
                self._report_failure(number, attempts, wait, str(error))

        return await attempt(work, attempts=attempts, clock=self._clock, rng=self._rng, on_failure=report)

    def _report_failure(self, attempt: int, of: int, wait: float | None, cause: str) -> None:
        self._observer(RequestFailed(attempt, of, wait, self._mask(cause)))

    async def _get(self, target: Target, extra: Mapping[str, str], number: int, of: int) -> Response:
        """One attempt. Waits during pauses, renews a refused token, and follows redirects within the API's origin."""
        refusals, redirects = self._tokens.refusals(), 0
        while True:
            token = await self._tokens.token()
            response, slot = await self._send(
                "GET", self._with_parameters(target, token), self._headers(token, extra), PAGE_CAP, self._timeouts.page
            )
            fault, error = await self._parse(target.host, response)
            status = response.status if error is None else error.status or response.status
            if self._throttled(target.host, slot, response, status, fault):
                continue
            if error is None:
                self._tokens.accepted(token)
                return response
            if status in (401, 403):
                wait = await refusals.wait(status, token)
                if wait is None and status == 403:
                    raise error
                self._report_failure(number, of, wait, f"{target.host} answered {phrase(status)}.")
                if wait is None:
                    raise self._tokens.refused(target.host, fault.message if fault else "")
                if wait:
                    await self._clock.sleep(wait)
            elif 300 <= response.status < 400 and redirects < _MAX_REDIRECTS and response.headers.get("location"):
                redirects += 1
                target = self._guard.moved(target, response.headers["location"], "MLS")
                self._check_origin(target)
            else:
                raise error

    async def _send(
        self, method: str, target: Target, headers: Mapping[str, str], cap: int, seconds: float, content: bytes = b""
    ) -> tuple[Response, Slot]:
        """Send one request within the rate limit and read the response, whatever its status. Of an error's body only
        the first 2 kB are read.

        Raises:
            MLSError: there was no readable response; status 413 for a body over ``cap`` bytes.
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
        return Response(reply.status, reply.headers, body), slot

    def _throttled(self, host: str, slot: Slot, response: Response, status: int, fault: Fault | None) -> bool:
        """Whether the server asked to slow down (429 and the like). The host is paused; the caller sends again.

        Raises:
            RateLimitedError: it did so five times in a row.
        """
        if not slot.throttled(status, response.headers, fault):
            return False
        if self._limits.api.tripped:
            raise RateLimitedError(
                f"{host} answered {phrase(status)} {STRIKES} times in a row. The import stops, its state saved; "
                "start it again later or lower the connection's limits.",
                status=status,
            )
        return True

    async def _parse(self, host: str, response: Response) -> tuple[Fault | None, MLSError | None]:
        """Set ``response.body``. Returns what an error says and the exception to raise, or (None, None)."""
        if response.status >= 300:
            return error_for_status(host, response.status, response.content, self._mask)
        if response.status == 204:
            return None, None
        try:
            if len(response.content) < _PARSE_IN_THREAD_FROM:
                body = self._json(response)
            else:  # 16 MB take a third of a second, during which the interface would not be drawn
                body = await asyncio.to_thread(self._json, response)
        except ValueError:
            body = None
        if body is None:
            return None, error_for_body(host, response.status, response.content)
        response.body, response.content = body, b""
        fault = fault_in(body)
        return fault, None if fault is None else error_for_fault(host, response.status, fault, self._mask)

    def _json(self, response: Response) -> Mapping[str, Any] | None:
        """The JSON object of a response, masked; None for other JSON values. Raises ValueError if it is no JSON."""
        return with_records(self._mask.body(parse_json(response.content, response.headers.get("content-type", ""))))

    def _headers(self, token: str, extra: Mapping[str, str]) -> dict[str, str]:
        headers = httpx.Headers({"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": USER_AGENT})
        headers.update({name: value.replace("{token}", token) for name, value in self._preset.headers.items()})
        headers.update(extra)
        headers["Authorization"] = f"Bearer {token}"
        return dict(headers)

    def _with_parameters(self, target: Target, token: str) -> Target:
        """The target with the preset's ``query_parameters``, except those that it has, as next links may."""
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
    ) -> FormResponse:
        """POST a form to a token or revocation endpoint. Redirects are not followed, because the form holds secrets.

        Raises:
            TokenUnavailableError: it could not be reached, or failed, in all attempts.
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

        async def work(number: int) -> FormResponse:
            while True:
                response, slot = await self._send("POST", target, headers, _FORM_CAP, self._timeouts.token, content)
                status = response.status
                fault, error = error_for_status(target.host, status, response.content, self._mask)
                if self._throttled(target.host, slot, response, status, fault if status >= 400 else None):
                    continue
                if error.retryable or 300 <= status < 400:
                    raise error
                return _form_response(response, fault)

        try:
            return await self._with_retries(work, REQUEST_ATTEMPTS)
        except RateLimitedError:
            raise
        except MLSError as error:
            raise TokenUnavailableError(f"No token could be had. {error}", status=error.status) from None


def _timeouts(preset: ProviderPreset) -> Timeouts:
    """The default time-outs; a longer read time-out also extends the time for a whole page."""
    default = Timeouts()
    longer = max(0.0, preset.read_timeout_seconds - default.read)
    return replace(default, read=float(preset.read_timeout_seconds), page=default.page + longer)


def _form_response(response: Response, fault: Fault) -> FormResponse:
    try:
        body = parse_json(response.content, response.headers.get("content-type", ""))
    except (ValueError, MLSError):
        body = {}
    body = body if isinstance(body, dict) else {}
    if response.status >= 400 or fault_in(body) is not None:
        return FormResponse(response.status, body, fault.code, fault.message)
    return FormResponse(response.status, body)
