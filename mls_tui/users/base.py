"""The interface of the local user and of Cognito. Methods may block; call them in a thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from mls_tui.domain.errors import AuthenticationError


@dataclass(frozen=True, slots=True)
class User:
    """``user_id`` is a part of every key (``USER#<userId>``); ``name`` is shown."""

    user_id: str
    name: str = ""


class ChallengeKind(StrEnum):
    """What Cognito asks for beyond the password."""

    NEW_PASSWORD = "NEW_PASSWORD_REQUIRED"  # noqa: S105 - a name
    TOTP = "SOFTWARE_TOKEN_MFA"
    SMS = "SMS_MFA"


class ChallengeOverError(AuthenticationError):
    """The challenge has expired: sign in again with name and password."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """A question that the user has to answer to be signed in, by ``UserSource.answer``.

    If ``hidden``, the answer is not echoed. ``session`` is Cognito's own and expires after a few minutes.
    """

    kind: ChallengeKind
    prompt: str
    hidden: bool
    username: str
    session: str = field(repr=False, default="")


class UserSource(Protocol):
    """Signs users in and out."""

    def current(self) -> User | None:
        """Who is signed in, None if nobody is. Renews the token if necessary.

        Raises:
            StorageError: the sign-in service cannot be reached.
        """
        ...

    def sign_in(self, username: str, password: str) -> User | Challenge:
        """Raises AuthenticationError if the service refuses."""
        ...

    def answer(self, challenge: Challenge, text: str) -> User | Challenge:
        """Raises AuthenticationError if the answer is wrong, ChallengeOverError if it comes too late."""
        ...

    def sign_out(self) -> None:
        """Delete the session here and revoke it at Cognito."""
        ...

    def needs_password(self) -> bool:
        """Whether ``sign_in`` needs a name and a password."""
        ...

    def boto3_session(self) -> Any:
        """A boto3 session with the credentials of the user, renewed as they expire; the machine's own by default."""
        ...


def require(source: UserSource) -> User:
    """Who is signed in. Raises AuthenticationError, ``Authentication required``, if nobody is."""
    user = source.current()
    if user is None:
        raise AuthenticationError("Authentication required")
    return user
