"""Requests to the API's host and the token endpoint: leave from the budget, one exchange, pauses waited out, notices to
the observer. It must never repeat a request unseen: each failed attempt is one notice, each 429 another."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import httpx

from mls_tui import __version__
from mls_tui.domain.clock import Clock
from mls_tui.domain.errors import MLSError, RateLimitedError
from mls_tui.domain.masking import Masker
from mls_tui.domain.retry import REQUEST_ATTEMPTS, attempt
from mls_tui.reso.answer_errors import parsed, refused
from mls_tui.reso.answers import Fault, fault_in, phrase
from mls_tui.reso.auth import FormAnswer
from mls_tui.reso.base import Observer, RequestFailed
from mls_tui.reso.exchange import BodyError, Raw, asked, read_body, read_head
from mls_tui.reso.net.netguard import NetGuard
from mls_tui.reso.net.reply import Reply, sent
from mls_tui.reso.rate_limit import STRIKES, RateLimit, Slot

T = TypeVar("T")

USER_AGENT = f"mls-tui/{__version__}"
_FORM_CAP = 1_000_000
# The caller words its request anew, or takes "gone" for an answer: it says itself what it makes of these.
_FOR_THE_CALLER = frozenset({400, 404, 405, 406, 410, 413, 414, 415, 422})


class TokenUnavailableError(MLSError):
    """The token endpoint failed for good; its attempts have been told already."""


class Requester:
    """What pages and tokens share. ``transport`` and ``limit`` are the API's."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        guard: NetGuard,
        limit: RateLimit,
        mask: Masker,
        *,
        clock: Clock,
        rng: random.Random,
        observer: Observer,
        token_seconds: float,
    ) -> None:
        self._transport = transport
        self._guard = guard
        self._limit = limit
        self._mask = mask
        self._clock = clock
        self._rng = rng
        self._observer = observer
        self._token_seconds = token_seconds

    async def in_attempts(self, work: Callable[[int], Awaitable[T]], attempts: int) -> T:
        """``work`` with the contract's retries, each failed attempt told once."""

        def tell(number: int, wait: float | None, error: BaseException) -> None:
            told_elsewhere = isinstance(error, RateLimitedError | TokenUnavailableError)
            if isinstance(error, MLSError) and not told_elsewhere and error.status not in _FOR_THE_CALLER:
                self.failed(number, attempts, wait, str(error))

        return await attempt(work, attempts=attempts, clock=self._clock, rng=self._rng, on_failure=tell)

    def failed(self, attempt: int, of: int, wait: float | None, cause: str) -> None:
        self._observer(RequestFailed(attempt, of, wait, self._mask(cause)))

    async def exchange(self, request: httpx.Request, cap: int, total_seconds: float) -> tuple[Raw, Slot]:
        """One request within the budget, and its answer whatever its status; an error's body is cut at 2 kB.

        Raises:
            MLSError: no answer, or none that could be read; status 413 for a body over ``cap``.
        """
        host = request.url.host
        async with await self._limit.slot(host, cap, self._observer) as slot:

            async def read(reply: Reply) -> Raw:
                if reply.status >= 300:
                    return Raw(reply.status, reply.headers, await read_head(reply, slot))
                return Raw(reply.status, reply.headers, await read_body(reply, slot, cap))

            try:
                return await asked(sent(self._transport, request), host, slot, total_seconds, read), slot
            except BodyError as error:
                raise MLSError(
                    f"{host}: {error}.", status=None if error.retryable else 413, retryable=error.retryable
                ) from None

    def throttled(self, host: str, slot: Slot, raw: Raw, status: int, fault: Fault | None) -> bool:
        """Whether the answer was a 429 or its like; the host is paused then, and the same request is to be sent again.

        Raises:
            RateLimitedError: it was one too many in a row.
        """
        if not slot.throttled(status, raw.headers, fault):
            return False
        if self._limit.open:
            raise RateLimitedError(
                f"{host} answered {phrase(status)} {STRIKES} times in a row. The import stops, its state saved; "
                "start it again later or lower the connection's limits.",
                status=status,
            )
        return True

    async def post_form(self, url: str, form: Mapping[str, str], basic: tuple[str, str] | None) -> FormAnswer:
        """POST a form to a token or revocation endpoint. No redirect is followed: the form holds secrets.

        Raises:
            TokenUnavailableError: it could not be reached, or failed, three times.
        """
        target = self._guard.url(url, "token URL")
        request = httpx.Request("POST", target, data=dict(form), headers=_FORM_HEADERS)
        if basic is not None:
            request.headers["Authorization"] = httpx.BasicAuth(*basic)._auth_header

        async def work(number: int) -> FormAnswer:
            while True:
                raw, slot = await self.exchange(request, _FORM_CAP, self._token_seconds)
                fault, error = refused(target.host, raw, self._mask)
                if self.throttled(target.host, slot, raw, raw.status, fault if raw.status >= 400 else None):
                    continue
                if error.retryable or 300 <= raw.status < 400:
                    raise error
                return _form_answer(raw, fault)

        try:
            return await self.in_attempts(work, REQUEST_ATTEMPTS)
        except RateLimitedError:
            raise
        except MLSError as error:
            raise TokenUnavailableError(f"No token could be had. {error}", status=error.status) from None


_FORM_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": USER_AGENT}


def _form_answer(raw: Raw, fault: Fault) -> FormAnswer:
    try:
        body = parsed(raw.body)
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    if raw.status >= 400 or fault_in(body) is not None:
        return FormAnswer(raw.status, body, fault.code, fault.message)
    return FormAnswer(raw.status, body)
