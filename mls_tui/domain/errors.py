"""The errors that a user can cause or see. Each message is a sentence: what failed, where, why, what to do next.

Callers mask secrets before they put text into a message. ``exit_code`` is the command's exit code
(docs/contract.md, section Command line).
"""

from __future__ import annotations

from enum import StrEnum


class ErrorCategory(StrEnum):
    """The category under which the log records an error."""

    AUTHENTICATION = "authentication"
    NETWORK = "network"
    PHOTO = "photo"
    IMPORT = "import"
    STORAGE = "storage"
    USAGE = "usage"


class MlsTuiError(Exception):
    """Base of every expected error; ``str()`` is the sentence shown to the user."""

    exit_code = 1
    category = ErrorCategory.IMPORT


class UsageError(MlsTuiError):
    """Wrong option, name or configuration. Nothing was changed."""

    exit_code = 2
    category = ErrorCategory.USAGE


class NotFoundError(UsageError):
    """A connection, listing or run that does not exist for this user."""


class ImportInProgressError(UsageError):
    """Another run of the same connection holds the lease."""


class AuthenticationError(MlsTuiError):
    """Not signed in, or the MLS refused the credentials."""

    exit_code = 3
    category = ErrorCategory.AUTHENTICATION


class CredentialsRefusedError(AuthenticationError):
    """The MLS refused the credentials of a connection. Signing in to this program again does not help."""


class ConnectionExpiredError(CredentialsRefusedError):
    """The MLS no longer takes the token of a connection that worked before, and it could not be renewed."""

    def __init__(self, message: str = "MLS connection expired. Please re-authenticate.") -> None:
        super().__init__(message)


class MLSError(MlsTuiError):
    """The MLS answered with an error, or could not be reached.

    ``status`` is the HTTP status if there was an answer. ``retryable`` is True if trying again may help.
    """

    exit_code = 4
    category = ErrorCategory.NETWORK

    def __init__(self, message: str, *, status: int | None = None, retryable: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.retryable = retryable


class RateLimitedError(MLSError):
    """The provider kept answering 429 (or Spark 503 with code 1550); the run stops with its state saved."""


class NothingServedError(MLSError):
    """The MLS counts records that match, and gave none of them."""

    exit_code = 1

    def __init__(self, total: int) -> None:
        super().__init__(
            f"The MLS counts {total:,} listings that match and gave none of them. Ask the provider whether these "
            "credentials may read its listings, and whether every request needs a parameter of its own: that is the "
            "setting query_parameters of the connection."
        )


class PagingError(MLSError):
    """The feed's paging cannot be followed safely: a nextLink to itself or to another origin."""


class PhotoError(MlsTuiError):
    """One photo could not be fetched. ``expired``: its Media must be read again before the next attempt."""

    category = ErrorCategory.PHOTO

    def __init__(self, message: str, *, retryable: bool = True, expired: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.expired = expired


class UnusableRecordError(MlsTuiError):
    """A record that cannot become a listing; it is quarantined with this reason."""


class StorageError(MlsTuiError):
    """The store failed. ``retryable`` if the same call may succeed later (throttling, a lock, a time-out)."""

    exit_code = 4
    category = ErrorCategory.STORAGE

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable

    @property
    def fatal(self) -> bool:
        """True if no other listing can be stored either: a missing table, refused rights, a full disk."""
        return not self.retryable


class OneItemError(StorageError):
    """A single item is at fault. Others can be read and stored."""

    @property
    def fatal(self) -> bool:
        return False


class ItemTooLargeError(OneItemError):
    """A listing is over the store's limit of 400 KB."""


class DamagedItemError(OneItemError):
    """A stored item cannot be read."""


class SecretError(MlsTuiError):
    """A secret cannot be read: wrong key, moved or damaged ciphertext."""

    exit_code = 3
    category = ErrorCategory.AUTHENTICATION


def sentence(error: BaseException) -> str:
    """The message of an MlsTuiError or OSError; of any other error its type only. Never empty.

    A library's message may hold what it was given: a token, a URL, a record. The log, which masks secrets, has it.
    """
    if isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        return sentence(error.exceptions[0])
    text = str(error).strip()
    if isinstance(error, MlsTuiError) and text:
        return text
    first_line = text.splitlines()[0] if text and isinstance(error, OSError) else ""
    return f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__
