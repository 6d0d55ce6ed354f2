"""Encrypts stored secrets by AES-256-GCM, bound to their user, connection and field.

A stored secret is ``v1.<key id>.<base64 of nonce, ciphertext and tag>``.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from mls_tui.domain.errors import SecretError
from mls_tui.storage.base import Check
from mls_tui.vault.keys import DataKey, EnvironmentKeys, FileKeys, KeySource

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    from mls_tui.config import Settings
    from mls_tui.vault.os_keyring import Backend

VERSION = "v1"
NONCE_BYTES = 12

TextCallback = Callable[[str], object]


class Vault:
    """Encrypts and decrypts with the keys of one source. Thread-safe; may block on a file, a keyring or KMS.

    ``readers`` are further sources to decrypt with, such as the file that was used before MLS_TUI_KEY was set.
    ``on_secret`` is called with every clear secret, so that the log can mask it.
    """

    def __init__(
        self, source: KeySource, readers: tuple[KeySource, ...] = (), on_secret: TextCallback | None = None
    ) -> None:
        self._source = source
        self._readers = readers
        self._on_secret = on_secret
        self._lock = threading.Lock()

    @property
    def place(self) -> str:
        """Where the keys are, in words."""
        return self._source.place

    def encrypt(self, clear: str, *, user: str, connection: str, field: str) -> str:
        """Encrypt a secret for this user, connection and field only."""
        self._report(clear)
        with self._lock:
            key = self._source.current()
        nonce = os.urandom(NONCE_BYTES)
        sealed = nonce + _cipher(key).encrypt(nonce, clear.encode(), _associated_data(user, connection, field))
        return f"{VERSION}.{key.key_id}.{base64.b64encode(sealed).decode()}"

    def decrypt(self, sealed: str, *, user: str, connection: str, field: str) -> str:
        """Decrypt a secret.

        Raises:
            SecretError: it was made with another key, for another user, connection or field, or is damaged.
        """
        from cryptography.exceptions import InvalidTag

        key_id, body = _parse(sealed)
        key = self._find(key_id)
        try:
            clear = _cipher(key).decrypt(
                body[:NONCE_BYTES], body[NONCE_BYTES:], _associated_data(user, connection, field)
            )
        except (InvalidTag, ValueError):
            raise SecretError(
                f"The stored {field} was not made for this connection or is damaged: enter it again."
            ) from None
        text = clear.decode()
        self._report(text)
        return text

    def key_id(self) -> str:
        """The id of the key that new secrets are encrypted with; creates one if there is none."""
        with self._lock:
            return self._source.current().key_id

    def rotate(self) -> str:
        """Make a new key and return its id. Older keys can still decrypt."""
        with self._lock:
            return self._source.rotate().key_id

    def reencrypt(self, secrets: Mapping[str, str], *, user: str, connection: str) -> dict[str, str]:
        """A connection's secrets (field -> ciphertext), encrypted with the current key."""
        current = self.key_id()
        fresh = {}
        for field, sealed in secrets.items():
            if _parse(sealed)[0] != current:
                clear = self.decrypt(sealed, user=user, connection=connection, field=field)
                sealed = self.encrypt(clear, user=user, connection=connection, field=field)
            fresh[field] = sealed
        return fresh

    def check(self) -> Check:
        """One line of ``doctor``: where the key is, and a warning if that is not a safe place."""
        return self._source.check()

    def _find(self, key_id: str) -> DataKey:
        trouble: SecretError | None = None
        for source in (self._source, *self._readers):
            try:
                with self._lock:
                    key = source.find(key_id)
            except SecretError as error:
                trouble = trouble or error
                continue
            if key is not None:
                return key
        raise trouble or SecretError(
            f"A secret was encrypted with key {key_id[:12]}, which is not in {self.place}: "
            "bring that key back (MLS_TUI_KEY or MLS_TUI_KEY_PREVIOUS), or enter the secret again."
        )

    def _report(self, clear: str) -> None:
        if self._on_secret is not None:
            self._on_secret(clear)


def open_vault(
    settings: Settings,
    *,
    user: str | None = None,
    kms_client: object = None,
    backend: Backend | None = None,
    on_secret: TextCallback | None = None,
    on_warning: TextCallback | None = None,
) -> Vault:
    """The vault of these settings. Its keys are in the first of: KMS (on AWS, if a key is set), MLS_TUI_KEY, the OS
    keyring, a file. The others are only used to decrypt.

    ``user`` is who is signed in, by default the settings' user. Keys are made with the first secret; ``on_warning`` is
    called with a sentence if that creates the file of keys. ``kms_client`` and ``backend`` replace the real ones.
    """
    sources: list[KeySource] = []
    if settings.storage == "aws" and settings.kms_key_id:
        from mls_tui.storage.aws import new_client
        from mls_tui.vault.kms import KmsKeys, KmsService

        client = kms_client if kms_client is not None else new_client("kms")
        sources.append(KmsKeys(KmsService(client, settings.kms_key_id), user or settings.user))
    if settings.key:
        sources.append(EnvironmentKeys(settings.key, settings.key_previous))
    if (keyring := _keyring(settings, backend, needed=not sources)) is not None:
        sources.append(keyring)
    sources.append(FileKeys(settings.key_path, on_warning))
    return Vault(sources[0], tuple(sources[1:]), on_secret)


def _keyring(settings: Settings, backend: Backend | None, *, needed: bool) -> KeySource | None:
    """The OS keyring, if it is in use, or if it is ``needed`` and there is no file of keys.

    Raises:
        SecretError: the keys are in a keyring that cannot be used now.
    """
    from mls_tui.vault.os_keyring import OsKeyring, find_keyring

    marker = settings.key_path.with_name("in-keyring")
    used = marker.exists()
    if not used and (not needed or settings.key_path.exists()):
        return None
    found = backend if backend is not None else find_keyring()
    if found is not None:
        return OsKeyring(found, str(settings.home or "default"), marker)
    if used and needed:
        raise SecretError("The encryption keys are in this system's keyring, which cannot be used now: unlock it.")
    return None


def _cipher(key: DataKey) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key.material)


def _associated_data(user: str, connection: str, field: str) -> bytes:
    """The associated data of AES-GCM. JSON gives different bytes for different triples."""
    return json.dumps([VERSION, user, connection, field]).encode()


def _parse(sealed: str) -> tuple[str, bytes]:
    version, _, rest = sealed.partition(".")
    key_id, _, body = rest.partition(".")
    try:
        decoded = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if version != VERSION or not key_id or len(decoded) <= NONCE_BYTES:
        raise SecretError("A stored secret is not in a form this version can read: enter it again.")
    return key_id, decoded
