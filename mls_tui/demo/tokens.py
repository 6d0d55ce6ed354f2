"""OAuth2 as an MLS offers it: client credentials, password and refresh grants (RFC 6749), revocation (RFC 7009), and a
static bearer token. In memory; nothing here outlives the server."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any
from urllib.parse import unquote_plus


class TokenError(Exception):
    """An OAuth2 error answer: ``error`` as RFC 6749 §5.2 names it."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status, self.error, self.description = status, error, description


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the demo accepts. None of it guards anything."""

    token: str
    client_id: str
    client_secret: str
    username: str
    password: str


class Tokens:
    """The tokens given out. ``lifetime`` in seconds."""

    def __init__(self, credentials: Credentials, now: Callable[[], datetime], lifetime: int, seed: int) -> None:
        self.credentials, self.lifetime = credentials, lifetime
        self._now = now
        self._seed, self._count = seed, 0
        self._access: dict[str, datetime] = {}
        self._refresh: set[str] = set()
        self._revoked: set[str] = set()

    def accepts(self, token: str) -> bool:
        """Whether a bearer token opens the service now."""
        if token in self._revoked:
            return False
        until = self._access.get(token)
        return compare_digest(token.encode(), self.credentials.token.encode()) or (
            until is not None and self._now() < until
        )

    def expire(self) -> None:
        """Let every access token given out so far expire at once; refresh tokens and the static token stay."""
        self._access.clear()

    def grant(self, form: Mapping[str, str], authorization: str | None) -> dict[str, Any]:
        """Answer a token request. Raises TokenError."""
        self._check_client(form, authorization)
        kind = form.get("grant_type")
        if kind == "client_credentials":
            return self._issue(refreshable=False)
        if kind == "password":
            login = (form.get("username"), form.get("password"))
            if login != (self.credentials.username, self.credentials.password):
                raise TokenError(400, "invalid_grant", "The user name or password is wrong")
            return self._issue(refreshable=True)
        if kind == "refresh_token":
            token = form.get("refresh_token", "")
            if token not in self._refresh:
                raise TokenError(400, "invalid_grant", "The refresh token is not valid")
            self._refresh.discard(token)
            return self._issue(refreshable=True)
        raise TokenError(400, "unsupported_grant_type", "Use client_credentials, password or refresh_token")

    def revoke(self, form: Mapping[str, str], authorization: str | None) -> None:
        """RFC 7009: after this the token is refused; an unknown one is no error. Raises TokenError."""
        self._check_client(form, authorization)
        token = form.get("token", "")
        if not token:
            raise TokenError(400, "invalid_request", "The parameter token is missing")
        self._access.pop(token, None)
        self._refresh.discard(token)
        self._revoked.add(token)

    def _issue(self, *, refreshable: bool) -> dict[str, Any]:
        access = self._new("access")
        self._access[access] = self._now() + timedelta(seconds=self.lifetime)
        answer = {"access_token": access, "token_type": "Bearer", "expires_in": self.lifetime, "scope": "api"}
        if refreshable:
            answer["refresh_token"] = self._new("refresh")
            self._refresh.add(str(answer["refresh_token"]))
        return answer

    def _new(self, kind: str) -> str:
        self._count += 1
        return hashlib.sha256(f"{self._seed} {kind} {self._count}".encode()).hexdigest()[:40]

    def _check_client(self, form: Mapping[str, str], authorization: str | None) -> None:
        given = _basic(authorization) or (form.get("client_id", ""), form.get("client_secret", ""))
        wanted = (self.credentials.client_id, self.credentials.client_secret)
        if not all(compare_digest(a.encode(), b.encode()) for a, b in zip(given, wanted, strict=True)):
            raise TokenError(401, "invalid_client", "The client id or secret is wrong")


def _basic(authorization: str | None) -> tuple[str, str] | None:
    """Client credentials from HTTP Basic (RFC 6749 §2.3.1), None if there is no such header."""
    scheme, _, rest = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(rest, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ("", "")
    return unquote_plus(name), unquote_plus(secret)
