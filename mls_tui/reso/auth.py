"""The access token of one connection: obtains it, renews it before it expires and after it was refused
(docs/reso-feeds.md, section 2)."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from mls_tui.domain.clock import Clock, epoch_ms
from mls_tui.domain.connection import AuthKind, Connection, SecretField
from mls_tui.domain.errors import (
    AuthenticationError,
    ConnectionExpiredError,
    CredentialsRefusedError,
    MLSError,
    MlsTuiError,
    UsageError,
)
from mls_tui.domain.masking import Masker
from mls_tui.reso.presets import ProviderPreset, TokenAuth, TokenBody

_RENEW_BEFORE_SECONDS = 60.0
_STORED_TOKEN_READS = 3
"""How often, a second apart, the stored token is read after a refused renewal: another process may have renewed it."""
_FRESH_WAITS = (1.0, 2.0, 4.0)
"""Seconds between attempts: some servers of an MLS learn of a new token 1 to 3 s later."""
_STATIC_WAIT = 2.0
_FORBIDDEN_SECONDS = 600.0
"""How long a 403 means a missing permission, after a renewed token got one too."""
_MAX_LIFETIME_SECONDS = 10 * 365 * 86400.0
_NOT_KNOWN = frozenset({"", "400", "401", "invalid_client", "invalid_request", "unauthorized", "unauthorized_client"})


_HOW = "--set token_parameters='audience=…' or --set token_body=json"


@dataclass(frozen=True, slots=True)
class TokenSet:
    """An issued token. ``expires_at_ms`` is epoch milliseconds; None if the server does not say."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class FormResponse:
    """The response of a token or revocation endpoint: its JSON object (empty if there is none) and its masked error."""

    status: int
    body: Mapping[str, Any] = field(repr=False)
    code: str = ""
    message: str = ""


PostForm = Callable[[str, Mapping[str, str], tuple[str, str] | None, TokenBody], Awaitable[FormResponse]]
"""(URL, form, HTTP Basic user and password, encoding of the form) to a response below 500. It retries and pauses."""
OnToken = Callable[[TokenSet], Awaitable[None]]
KeptToken = Callable[[], Awaitable[TokenSet | None]]
"""Reads the stored token set, which another process may have renewed; None if there is none."""


class TokenSource:
    """Provides the connection's access token.

    ``on_token`` stores a new token before its first use. ``kept`` reads the stored token, because other processes may
    renew the same connection, and some refresh tokens can be used only once.
    """

    def __init__(
        self,
        preset: ProviderPreset,
        connection: Connection,
        secrets: Mapping[SecretField, str],
        *,
        clock: Clock,
        mask: Masker,
        post: PostForm,
        on_token: OnToken | None = None,
        kept: KeptToken | None = None,
    ) -> None:
        self._preset = preset
        self._connection = connection
        self._secrets = {SecretField(name): value for name, value in secrets.items() if value}
        self._clock = clock
        self._mask = mask
        self._post = post
        self._on_token = on_token
        self._kept = kept
        self._token = self._secrets.get(SecretField.ACCESS_TOKEN, "")
        self._refresh = self._secrets.get(SecretField.REFRESH_TOKEN)
        self._expires_at: int | None = connection.token_expires_at if self._token else None
        self._renew_before = _RENEW_BEFORE_SECONDS
        self._basic = preset.token_auth is TokenAuth.BASIC
        # Whether the credentials have ever been accepted. If so, a refusal means that they have expired.
        cursor = connection.cursor
        self._was_accepted = bool(connection.member or cursor.watermark or cursor.swept or cursor.updated_at)
        self._fresh = ""
        self._forbidden_until = float("-inf")
        self._renewing = asyncio.Lock()
        self._refused: tuple[str, AuthenticationError] | None = None

    @property
    def current(self) -> str:
        """The access token; empty before the first sign-in."""
        return self._token

    async def token(self) -> str:
        """A token that has not expired.

        Raises:
            ConnectionExpiredError: it has, and cannot be renewed.
            AuthenticationError: the MLS refused the credentials.
            UsageError: the connection lacks what signing in needs.
            MLSError: the token endpoint could not be reached.
        """
        if self._token and not self._expires_within(self._renew_before):
            return self._token
        if not self._renewable():
            return self._token_as_it_is()
        try:
            return await self.renew(self._token)
        except MLSError:
            if self._token and not self._expires_within(0.0):
                return self._token  # the endpoint is down, but the old token has not expired
            raise

    async def renew(self, refused: str) -> str:
        """A token other than ``refused``. Concurrent calls send one request.

        Raises:
            ConnectionExpiredError, AuthenticationError, UsageError, MLSError: as ``token``.
        """
        async with self._renewing:
            if self._token and self._token != refused:
                return self._token
            if self._refused is not None and self._refused[0] == refused:
                raise self._refused[1]
            if not self._renewable():
                raise ConnectionExpiredError
            if await self._renewed_elsewhere(refused):
                return self._token
            try:
                issued = await self._grant()
            except AuthenticationError as error:
                if await self._renewed_elsewhere(refused, reads=_STORED_TOKEN_READS):
                    return self._token
                self._refused = (refused, error)
                raise
            await self._use(issued)
            return self._token

    def refusals(self) -> Refusals:
        """Decides what to do about the 401s and 403s of one request."""
        return Refusals(self)

    def accepted(self, token: str) -> None:
        """The MLS has accepted a request with this token."""
        self._was_accepted = True
        if token == self._fresh:
            self._fresh = ""

    def refused(self, host: str, said: str) -> AuthenticationError:
        """The error for a token that is still refused; ``said`` is the server's reason, if it gave one."""
        if self._was_accepted:
            return ConnectionExpiredError()
        reason = f" {host} says: {said}." if said else ""
        what = (
            "that the client may read this API, and the scope"
            if self._connection.auth is AuthKind.CLIENT_CREDENTIALS
            else "that it is complete and issued for this server, then edit the connection"
        )
        return CredentialsRefusedError(f"The MLS refused this token (401).{reason} Check {what}.")

    async def _renewed_elsewhere(self, refused: str, reads: int = 1) -> bool:
        """Use a token that another process has stored, if there is one. Waits a second between two reads."""
        for read in range(reads if self._kept is not None else 0):
            if read:
                await self._clock.sleep(1.0)
            kept = await self._kept() if self._kept is not None else None
            if kept is None:
                continue
            self._refresh = kept.refresh_token or self._refresh
            self._mask.add(self._refresh)
            ended = kept.expires_at_ms is not None and kept.expires_at_ms <= epoch_ms(self._clock.now())
            if kept.access_token and not ended and kept.access_token not in (refused, self._token):
                self._mask.add(kept.access_token)
                self._token, self._expires_at = kept.access_token, kept.expires_at_ms
                return True
        return False

    async def revoke(self) -> None:
        """Revoke the tokens (RFC 7009) if the provider supports it; ignores failures."""
        url = self._preset.revocation_url
        tokens = (("refresh_token", self._refresh), ("access_token", self._token))
        for hint, token in tokens if url else ():
            if url and token:
                with suppress(MlsTuiError):
                    form, basic = self._with_client({"token": token, "token_type_hint": hint})
                    await self._post(url, form, basic, TokenBody.FORM)
        self._token, self._refresh = "", None

    def _expires_within(self, seconds: float) -> bool:
        return self._expires_at is not None and epoch_ms(self._clock.now()) >= self._expires_at - seconds * 1000

    def _token_as_it_is(self) -> str:
        if not self._token:
            wanted = (
                "an access token" if self._connection.auth is AuthKind.BEARER else "a refresh token and a token URL"
            )
            raise UsageError(f"Connection {self._connection.name!r} has no credentials: it needs {wanted}. Edit it.")
        if self._expires_within(0.0):
            raise ConnectionExpiredError
        return self._token

    def _renewable(self) -> bool:
        if self._connection.auth in (AuthKind.CLIENT_CREDENTIALS, AuthKind.PASSWORD):
            return True  # if something is missing, _grant says what
        return bool(self._refresh and self._preset.token_url)

    async def _grant(self) -> TokenSet:
        if self._refresh and self._connection.auth is not AuthKind.CLIENT_CREDENTIALS:
            answer = await self._request_token({"grant_type": "refresh_token", "refresh_token": self._refresh})
            if answer.status == 200 and answer.body.get("access_token"):
                return self._read(answer)
            if self._connection.auth is not AuthKind.PASSWORD:
                raise self._refusal(answer, refreshing=True)
            self._refresh = None
        if self._connection.auth is AuthKind.PASSWORD:
            return self._read(
                await self._request_token(
                    {
                        "grant_type": "password",
                        "username": self._require("user name", self._connection.username),
                        "password": self._require("password", self._secrets.get(SecretField.PASSWORD)),
                    }
                )
            )
        self._require("client id", self._connection.client_id)
        self._require("client secret", self._secrets.get(SecretField.CLIENT_SECRET))
        return self._read(await self._request_token({"grant_type": "client_credentials"}))

    async def _request_token(self, form: dict[str, str]) -> FormResponse:
        url = self._require("token URL", self._preset.token_url)
        if self._preset.scope and form["grant_type"] != "refresh_token":
            form["scope"] = self._preset.scope
        for name, value in self._preset.token_parameters:
            for field_, secret in self._secrets.items():
                value = value.replace(f"{{{field_.value}}}", secret)
            form[name] = value
        answer = await self._post(url, *self._with_client(form), self._preset.token_body)
        if answer.status in (400, 401) and answer.code in _NOT_KNOWN and self._secrets.get(SecretField.CLIENT_SECRET):
            # Some servers want HTTP Basic, others the form, and the error does not say which.
            self._basic = not self._basic
            other = await self._post(url, *self._with_client(form), self._preset.token_body)
            if other.status == 200:
                return other
            self._basic = not self._basic
        return answer

    def _with_client(self, form: dict[str, str]) -> tuple[dict[str, str], tuple[str, str] | None]:
        client, secret = self._connection.client_id, self._secrets.get(SecretField.CLIENT_SECRET)
        if not client:
            return form, None
        if secret and self._basic:
            return form, (client, secret)
        return form | {"client_id": client} | ({"client_secret": secret} if secret else {}), None

    def _read(self, answer: FormResponse) -> TokenSet:
        token = answer.body.get("access_token")
        if answer.status != 200 or not isinstance(token, str) or not token.strip():
            raise self._refusal(answer, refreshing=False)
        refresh = answer.body.get("refresh_token")
        life = _seconds(answer.body.get("expires_in"))
        return TokenSet(
            token.strip(),
            refresh if isinstance(refresh, str) and refresh else self._refresh,
            None if life is None else epoch_ms(self._clock.now()) + int(life * 1000),
        )

    async def _use(self, issued: TokenSet) -> None:
        self._mask.add(issued.access_token)
        self._mask.add(issued.refresh_token)
        if self._on_token is not None:
            await self._on_token(issued)
        self._token, self._refresh, self._expires_at = issued.access_token, issued.refresh_token, issued.expires_at_ms
        self._fresh = issued.access_token
        if issued.expires_at_ms is not None:
            life = (issued.expires_at_ms - epoch_ms(self._clock.now())) / 1000
            self._renew_before = min(_RENEW_BEFORE_SECONDS, life / 10)

    def _refusal(self, answer: FormResponse, *, refreshing: bool) -> MlsTuiError:
        """The error to raise for a response of the token endpoint."""
        said = ": ".join(part for part in (answer.code, answer.message) if part) or f"status {answer.status}"
        name = self._connection.name
        if refreshing and answer.code != "invalid_client":
            return (
                ConnectionExpiredError()
                if self._was_accepted
                else CredentialsRefusedError(
                    f"The MLS refused the refresh token of connection {name!r} ({said}). Get a new one and edit it."
                )
            )
        if answer.status == 400 and (answer.code in ("", "400", "invalid_request") and answer.message):
            return CredentialsRefusedError(
                f"The token URL of connection {name!r} refused the request: {answer.message} "
                f"If the provider wants more fields, or JSON, set them: {_HOW}."
            )
        if answer.status in (400, 401, 403) or answer.code:
            what = "user name or password" if self._connection.auth is AuthKind.PASSWORD else "client id or secret"
            if answer.code in ("invalid_scope", "unauthorized_client", "unsupported_grant_type"):
                what = "kind of sign-in or scope"
            return CredentialsRefusedError(
                f"The MLS refused the {what} of connection {name!r} ({said}). Check it and retry."
            )
        if answer.status == 415:
            said += f"; some providers want JSON: {_HOW}"
        return MLSError(
            f"The token URL of connection {name!r} gave no access token ({said}). Check the token URL.",
            status=answer.status,
        )

    def _require(self, what: str, value: str | None) -> str:
        if not value:
            raise UsageError(f"Connection {self._connection.name!r} has no {what}, which its sign-in needs. Edit it.")
        return value


class Refusals:
    """Decides what to do about the 401s and 403s of one request."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source
        self._waits = iter(_FRESH_WAITS)
        self._renewed = False
        self._again = False

    async def wait(self, status: int, token: str) -> float | None:
        """Seconds to wait before the request is sent again with ``TokenSource.token``; None if that would not help.

        Raises:
            AuthenticationError, UsageError, MLSError: the token could not be renewed.
        """
        source = self._source
        if token != source.current:
            return 0.0  # a concurrent request has renewed it
        if status == 403:
            return await self._forbidden(token)
        if token == source._fresh:
            return next(self._waits, None)
        if source._renewable():
            return None if self._renewed else await self._renew(token)
        again, self._again = self._again, True
        return None if again else _STATIC_WAIT

    async def _forbidden(self, token: str) -> float | None:
        """Some gateways send 403 for an expired token. After a renewal it means a missing permission."""
        source = self._source
        now = source._clock.monotonic()
        if self._renewed or token == source._fresh:
            source._forbidden_until = now + _FORBIDDEN_SECONDS
        if now < source._forbidden_until or not source._renewable():
            return None
        return await self._renew(token)

    async def _renew(self, token: str) -> float:
        self._renewed = True
        await self._source.renew(token)
        return 0.0


def _seconds(value: Any) -> float | None:
    """``expires_in`` in seconds, also from text; None if it is missing or absurd."""
    if value is None or isinstance(value, bool):
        return None
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return None
    return seconds if math.isfinite(seconds) and 0 < seconds <= _MAX_LIFETIME_SECONDS else None
