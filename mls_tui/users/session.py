"""A stored Cognito session: its tokens in an encrypted file of the state folder, with mode 0600."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mls_tui.domain.errors import SecretError, StorageError
from mls_tui.storage.files import PRIVATE_FILE, private_folder, shared, write_whole
from mls_tui.vault.secrets import Vault


@dataclass(frozen=True, slots=True)
class Session:
    """The tokens of a sign-in. ``expires_at`` (epoch seconds) is for the id and the access token."""

    user_id: str
    name: str
    id_token: str = field(repr=False)
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: float


class SessionFile:
    """Stores at most one session. Its ciphertext can be read only with the same ``client_id``."""

    def __init__(self, path: Path, vault: Vault, client_id: str) -> None:
        self._path = path
        self._vault = vault
        self._place = {"user": client_id, "connection": "session", "field": "session"}

    def load(self) -> Session | None:
        """The session; None if there is none, or if it was encrypted with another key or for another client."""
        if (problem := shared(self._path)) is not None:
            raise StorageError(f"The session file is not safe. {problem}, or sign in again after removing it.")
        try:
            sealed = self._path.read_text(encoding="ascii")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise StorageError(f"The session file {self._path} cannot be read ({error}): sign in again.") from None
        try:
            return Session(**json.loads(self._vault.decrypt(sealed, **self._place)))
        except (SecretError, ValueError, TypeError):
            return None

    def save(self, session: Session) -> None:
        sealed = self._vault.encrypt(json.dumps(asdict(session)), **self._place)
        try:
            private_folder(self._path.parent)
            write_whole(self._path, sealed.encode(), mode=PRIVATE_FILE)
        except OSError as error:
            raise StorageError(
                f"The session file {self._path} cannot be written ({error.strerror}): make its folder writable, then "
                "sign in again."
            ) from None

    def clear(self) -> None:
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(
                f"The session file {self._path} cannot be removed ({error.strerror}): remove it to sign out."
            ) from None


def claims(token: str) -> dict[str, Any]:
    """The claims of a JWT. Its signature is not checked, as it came from Cognito over TLS."""
    part = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        decoded = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError):
        return {}
    return decoded if isinstance(decoded, dict) else {}
