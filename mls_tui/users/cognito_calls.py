"""One call of Cognito, and its refusals as sentences. No token or password ever stands in an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mls_tui.domain.errors import AuthenticationError, StorageError

_WRONG = "the name or the password is wrong, or the account is disabled"
_OFTEN = "too many attempts, wait a moment"
POOL_REFUSALS = {
    "NotAuthorizedException": _WRONG,
    "UserNotFoundException": _WRONG,
    "CodeMismatchException": "the code is wrong",
    "ExpiredCodeException": "the code has expired",
    "InvalidPasswordException": "the new password does not satisfy the pool's rules",
    "PasswordHistoryPolicyViolationException": "the new password was used before",
    "UserNotConfirmedException": "the account is not confirmed yet",
    "PasswordResetRequiredException": "the password has to be reset first",
    "TooManyRequestsException": _OFTEN,
    "LimitExceededException": _OFTEN,
    "ResourceNotFoundException": "there is no such app client: check MLS_TUI_USER_POOL_CLIENT_ID",
}
IDENTITY_REFUSALS = {
    "NotAuthorizedException": "the identity pool does not accept sign-ins of this user pool: check "
    "MLS_TUI_IDENTITY_POOL_ID and its identity providers",
    "ResourceNotFoundException": "there is no such identity pool: check MLS_TUI_IDENTITY_POOL_ID",
    "InvalidIdentityPoolConfigurationException": "the identity pool has no role for signed-in users",
    "TooManyRequestsException": _OFTEN,
}
_TOO_LONG = "it took too long, or was answered already: begin the sign-in again"
NO_PUBLIC_CLIENT = (
    "the app client has a client secret, which no program on a user's own machine can keep. Make an app client without "
    "one and put its id in MLS_TUI_USER_POOL_CLIENT_ID"
)


class CognitoError(AuthenticationError):
    """Cognito refused; ``code`` is AWS's error code."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(f"Cognito refused the sign-in: {why}.")
        self.code = code


def called(refusals: Mapping[str, str], operation: Callable[..., Any], **arguments: Any) -> Any:
    """One call of AWS; its errors without what was sent.

    Raises:
        CognitoError: refused; the sentence is of ``refusals`` (by code) or the code itself.
        StorageError: retryable, it could not be reached.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return operation(**arguments)
    except ClientError as error:
        said = error.response.get("Error", {})
        code = said.get("Code", "unknown error")
        raise CognitoError(
            code, _told_by_words(code, str(said.get("Message", ""))) or refusals.get(code, code)
        ) from None
    except BotoCoreError as error:
        raise StorageError(
            f"Cognito could not be reached ({type(error).__name__}): check the network and the pool's region.",
            retryable=True,
        ) from None


def _told_by_words(code: str, message: str) -> str | None:
    """What AWS tells from a wrong password by its words alone: "Unable to verify secret hash for client …", "Invalid
    session for the user, session is expired."."""
    if code != "NotAuthorizedException":
        return None
    if "secret" in message.lower():
        return NO_PUBLIC_CLIENT
    return _TOO_LONG if "session" in message.lower() else None
