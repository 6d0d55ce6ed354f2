"""The local user, who has no password; a file in the state folder says who is signed out. ``open_users`` chooses
between it and Cognito."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mls_tui.domain.errors import AuthenticationError, StorageError
from mls_tui.storage.files import PRIVATE_FILE, private_folder, write_whole
from mls_tui.users.base import Challenge, User, UserSource

if TYPE_CHECKING:
    from mls_tui.config import Settings


class LocalUsers:
    """Signed in until ``sign_out``."""

    def __init__(self, user_id: str, state: Path) -> None:
        self._user = User(user_id, user_id)
        self._mark = state / "signed-out"

    def current(self) -> User | None:
        return None if self._user.user_id in self._signed_out() else self._user

    def needs_password(self) -> bool:
        return False

    def sign_in(self, username: str = "", password: str = "") -> User:
        """Raises AuthenticationError for another name than MLS_TUI_USER."""
        if username not in ("", self._user.user_id):
            raise AuthenticationError(
                f"The local user is {self._user.user_id}: set MLS_TUI_USER to be another, or MLS_TUI_USER_POOL_ID "
                "to sign in with Cognito."
            )
        self._write(self._signed_out() - {self._user.user_id})
        return self._user

    def answer(self, challenge: Challenge, text: str) -> User:
        raise AuthenticationError("The local user has no challenge to answer.")

    def sign_out(self) -> None:
        self._write(self._signed_out() | {self._user.user_id})

    def boto3_session(self) -> Any:
        from mls_tui.storage.aws import default_session

        return default_session()

    def _signed_out(self) -> frozenset[str]:
        try:
            return frozenset(self._mark.read_text(encoding="utf-8").split())
        except (FileNotFoundError, NotADirectoryError):
            return frozenset()
        except (OSError, UnicodeDecodeError) as error:
            raise StorageError(f"{self._mark} cannot be read ({error}): correct or remove it.") from None

    def _write(self, users: frozenset[str]) -> None:
        try:
            if users:
                private_folder(self._mark.parent)
                write_whole(self._mark, "\n".join(sorted(users)).encode(), mode=PRIVATE_FILE)
            else:
                self._mark.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(
                f"{self._mark} cannot be written ({error.strerror}): make its folder writable."
            ) from None


def open_users(settings: Settings, on_warning: Callable[[str], object] | None = None) -> UserSource:
    """Cognito if a user pool is configured, else the local user. ``on_warning`` is called with a sentence if saving a
    session creates the file of keys."""
    if settings.user_pool_id:
        from mls_tui.users.cognito import open_cognito

        return open_cognito(settings, on_warning)
    return LocalUsers(settings.user, settings.state_path)
