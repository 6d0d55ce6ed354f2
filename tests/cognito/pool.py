"""A user pool in memory: SRP sign-in, a first password, authenticator codes, refresh tokens that rotate, revocation.

Refusals are those of real pools, where they are known: a wrong proof, secret block or weekday is a wrong password, the
challenge of a password has no Session, and nothing is good twice.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.cognito.srp import Handshake, verifier

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
_TIMESTAMP = re.compile(
    rf"(?:{'|'.join(_DAYS)}) ({'|'.join(_MONTHS)}) (\d\d?) (\d\d?):(\d\d?):(\d\d?) [A-Z]{{3}} (\d{{4}})"
)
WRONG = "Incorrect username or password."
SPENT = "Invalid session for the user."


class Refused(Exception):
    """``code`` is AWS's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Account:
    username: str
    kept: tuple[int, int]
    """Salt and verifier; the pool does not know the password."""
    sub: str
    email: str
    must_change: bool = False
    totp: bytes | None = None


def code_of(secret: bytes, moment: datetime) -> str:
    """RFC 6238: six digits, SHA-1, 30 seconds."""
    mac = hmac.digest(secret, int(moment.timestamp() // 30).to_bytes(8, "big"), "sha1")
    start = mac[-1] & 15
    return f"{(int.from_bytes(mac[start : start + 4], 'big') & 0x7FFF_FFFF) % 1_000_000:06}"


@dataclass
class Pool:
    """``heard`` holds every request as it came, ``now`` is the pool's clock, ``lasts`` how many seconds tokens do."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    pool_id: str = "us-east-1_AbCdEf123"
    client_id: str = "client1"
    lasts: int = 3600
    accounts: dict[str, Account] = field(default_factory=dict)
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    _handshakes: dict[str, tuple[Account | None, Handshake]] = field(default_factory=dict)
    _sessions: dict[str, tuple[str, Account]] = field(default_factory=dict)
    _refresh: dict[str, Account] = field(default_factory=dict)
    _spent: set[str] = field(default_factory=set)

    def add(self, name: str, password: str, *, must_change: bool = False, totp: bytes | None = None) -> Account:
        """``name`` is an alias: the pool knows the account by an id of its own, as pools with e-mail sign-in do."""
        username = f"{secrets.token_hex(4)}-{name}"
        kept = self._kept(username, password)
        account = Account(username, kept, f"sub-of-{name}", f"{name}@example.com", must_change, totp)
        self.accounts[name] = account
        return account

    def answer(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """What Cognito's API of this name answers.

        Raises:
            Refused: with AWS's code.
        """
        if request.get("ClientId") != self.client_id:
            raise Refused("ResourceNotFoundException", f"User pool client {request.get('ClientId')} does not exist.")
        operations = {
            "InitiateAuth": self._initiate,
            "RespondToAuthChallenge": self._respond,
            "GetTokensFromRefreshToken": self._renew,
            "RevokeToken": self._revoke,
        }
        if operation not in operations:
            raise Refused("UnknownOperationException", operation)
        return operations[operation](request)

    def forget_sessions(self) -> None:
        """Three minutes have passed: no question is open any more."""
        self._sessions.clear()

    def _kept(self, username: str, password: str) -> tuple[int, int]:
        salt = secrets.randbits(128)
        return salt, verifier(self.pool_id, username, password, salt)

    def _chosen(self, account: Account, password: str) -> tuple[int, int]:
        if len(password) < 8:
            raise Refused("InvalidPasswordException", "Password did not conform with policy: Password not long enough")
        return self._kept(account.username, password)

    def _initiate(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["AuthFlow"] != "USER_SRP_AUTH":
            raise Refused("InvalidParameterException", f"{request['AuthFlow']} flow not enabled for this client")
        given = request["AuthParameters"]
        account = self.accounts.get(given["USERNAME"])
        # Who is not known is asked all the same, and fails like a wrong password.
        username = account.username if account else given["USERNAME"]
        kept = account.kept if account else self._kept(username, secrets.token_hex(16))
        try:
            handshake = Handshake(self.pool_id, username, kept, int(given["SRP_A"], 16))
        except ValueError as error:
            raise Refused("InvalidParameterException", f"Invalid SRP_A: {error}") from None
        self._handshakes[handshake.block] = (account, handshake)
        return {"ChallengeName": "PASSWORD_VERIFIER", "ChallengeParameters": handshake.parameters()}

    def _respond(self, request: dict[str, Any]) -> dict[str, Any]:
        name, answers = request["ChallengeName"], request["ChallengeResponses"]
        if name == "PASSWORD_VERIFIER":
            account = self._proved(answers)
        else:
            account = self._asked(request.get("Session", ""), name, answers["USERNAME"])
            if name == "NEW_PASSWORD_REQUIRED":
                account.kept, account.must_change = self._chosen(account, answers["NEW_PASSWORD"]), False
            elif answers["SOFTWARE_TOKEN_MFA_CODE"] != code_of(account.totp or b"", self.now()):
                raise Refused("CodeMismatchException", "Invalid code received for user")
            # What was wrong leaves the question standing; what was right is good once.
            del self._sessions[request["Session"]]
        if account.must_change:
            extra = {"USER_ID_FOR_SRP": account.username, "requiredAttributes": "[]", "userAttributes": "{}"}
            return self._ask("NEW_PASSWORD_REQUIRED", account, extra)
        if account.totp and name != "SOFTWARE_TOKEN_MFA":
            return self._ask("SOFTWARE_TOKEN_MFA", account, {"USER_ID_FOR_SRP": account.username})
        return {"ChallengeParameters": {}, "AuthenticationResult": self._tokens(account)}

    def _proved(self, answers: dict[str, str]) -> Account:
        if not (found := _TIMESTAMP.fullmatch(answers["TIMESTAMP"])):
            raise Refused(
                "InvalidParameterException", "TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english."
            )
        account, handshake = self._handshakes.pop(answers["PASSWORD_CLAIM_SECRET_BLOCK"], (None, None))
        if account is None or handshake is None or answers["USERNAME"] != account.username:
            raise Refused("NotAuthorizedException", WRONG)
        month, day, hour, minute, second, year = found.groups()
        at = datetime(int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=UTC)
        # A real pool reads the time and signs it as it would have written it.
        written = f"{_DAYS[at.weekday()]} {month} {at.day} {at:%H:%M:%S} UTC {at.year}"
        if not handshake.accepts(answers["PASSWORD_CLAIM_SIGNATURE"], written):
            raise Refused("NotAuthorizedException", WRONG)
        return account

    def _ask(self, challenge: str, account: Account, parameters: dict[str, str]) -> dict[str, Any]:
        session = secrets.token_urlsafe(600)
        self._sessions[session] = (challenge, account)
        return {"ChallengeName": challenge, "Session": session, "ChallengeParameters": parameters}

    def _asked(self, session: str, challenge: str, username: str) -> Account:
        asked, account = self._sessions.get(session, ("", None))
        if account is None or (asked, account.username) != (challenge, username):
            raise Refused("NotAuthorizedException", SPENT)
        return account

    def _renew(self, request: dict[str, Any]) -> dict[str, Any]:
        token = request["RefreshToken"]
        if token in self._spent:
            raise Refused("RefreshTokenReuseException", "Refresh token has been invalidated by rotation")
        account = self._refresh.pop(token, None)
        if account is None:
            raise Refused("NotAuthorizedException", "Refresh Token has been revoked")
        self._spent.add(token)
        return {"AuthenticationResult": self._tokens(account)}

    def _revoke(self, request: dict[str, Any]) -> dict[str, Any]:
        self._refresh.pop(request["Token"], None)
        return {}

    def _tokens(self, account: Account) -> dict[str, Any]:
        refresh = f"canary-refresh-{secrets.token_urlsafe(600)}"
        self._refresh[refresh] = account
        issued = int(self.now().timestamp())
        known = {
            "sub": account.sub,
            "email": account.email,
            "cognito:username": account.username,
            "exp": issued + self.lasts,
        }
        return {
            "IdToken": _jwt(known | {"token_use": "id", "aud": self.client_id}),
            "AccessToken": _jwt({"sub": account.sub, "token_use": "access", "client_id": self.client_id}),
            "RefreshToken": refresh,
            "ExpiresIn": self.lasts,
            "TokenType": "Bearer",
        }


def _jwt(claims: dict[str, Any]) -> str:
    parts = (json.dumps(each).encode() for each in ({"alg": "RS256", "kid": "k"}, claims))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (*parts, secrets.token_bytes(256)))
