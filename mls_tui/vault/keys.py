"""Encryption keys and where they come from: MLS_TUI_KEY and a file. ``os_keyring`` and ``kms`` are the other
sources."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import re
import secrets
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mls_tui.domain.errors import SecretError, UsageError
from mls_tui.storage.base import Check
from mls_tui.storage.files import PRIVATE_FILE, PRIVATE_FOLDER, private_folder, shared, write_whole

KEY_BYTES = 32
_SCRYPT_SALT = b"mls-tui key v1"
_SCRYPT_COST = 2**15


@dataclass(frozen=True, slots=True)
class DataKey:
    """An AES-256 key. ``key_id`` is a part of every ciphertext made with it; the key cannot be derived from it."""

    key_id: str
    material: bytes = field(repr=False)


class KeySource(Protocol):
    """A place that stores keys. Methods may block and raise SecretError."""

    place: str
    """The place in words: ``the variable MLS_TUI_KEY``, ``the file …``."""

    def current(self) -> DataKey:
        """The key to encrypt with; created if there is none yet."""
        ...

    def find(self, key_id: str) -> DataKey | None:
        """The key with this id, None if this place does not have it."""
        ...

    def rotate(self) -> DataKey:
        """Make a new current key; older ones can still decrypt."""
        ...

    def check(self) -> Check:
        """One line of ``doctor``, which creates nothing."""
        ...


def key_from_bytes(material: bytes) -> DataKey:
    """A key with its id: the first 8 hex digits of a hash of it."""
    return DataKey(hashlib.sha256(b"mls-tui key id" + material).hexdigest()[:8], material)


def new_key() -> DataKey:
    return key_from_bytes(secrets.token_bytes(KEY_BYTES))


def key_from_text(text: str) -> DataKey:
    """32 bytes in hex or base64, else a passphrase through scrypt (n 2^15, r 8, p 1; 32 MB).

    The salt is fixed, so that every machine that shares a table gets the same key. 32 random bytes are safer.
    """
    if re.fullmatch(r"[0-9A-Fa-f]{64}", text):
        return key_from_bytes(bytes.fromhex(text))
    if re.fullmatch(r"[A-Za-z0-9+/_-]{43}=?", text):
        try:
            return key_from_bytes(
                base64.b64decode(text.rstrip("=") + "=", altchars=b"-_" if {*text} & {*"-_"} else None)
            )
        except binascii.Error:
            pass
    material = hashlib.scrypt(
        text.encode(), salt=_SCRYPT_SALT, n=_SCRYPT_COST, r=8, p=1, maxmem=64 * 1024 * 1024, dklen=KEY_BYTES
    )
    return key_from_bytes(material)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """A current key and older ones."""

    current: DataKey
    older: tuple[DataKey, ...] = ()

    def find(self, key_id: str) -> DataKey | None:
        return next((key for key in (self.current, *self.older) if key.key_id == key_id), None)

    def rotated(self) -> KeyRing:
        return KeyRing(new_key(), (self.current, *self.older))

    def to_text(self) -> str:
        keys = {key.key_id: base64.b64encode(key.material).decode() for key in (self.current, *self.older)}
        return json.dumps({"version": 1, "current": self.current.key_id, "keys": keys})

    @classmethod
    def from_text(cls, text: str, where: str) -> KeyRing:
        """The reverse of ``to_text``. Raises SecretError that names ``where`` for any other text."""
        try:
            stored = json.loads(text)
            keys = {
                name: key_from_bytes(base64.b64decode(body, validate=True)) for name, body in stored["keys"].items()
            }
            current = keys.pop(stored["current"])
        except (ValueError, KeyError, TypeError, AttributeError):
            raise SecretError(
                f"{where} does not hold encryption keys in a form this version knows: restore it from a backup, or "
                "upgrade mls-tui."
            ) from None
        return cls(current, tuple(keys.values()))


class EnvironmentKeys:
    """The user's own key, MLS_TUI_KEY, and MLS_TUI_KEY_PREVIOUS to decrypt what the key before it encrypted."""

    place = "the variable MLS_TUI_KEY"

    def __init__(self, key: str, previous: str | None = None) -> None:
        self._text = key
        self._previous_text = previous
        self._ring: KeyRing | None = None

    def current(self) -> DataKey:
        return self._keys().current

    def find(self, key_id: str) -> DataKey | None:
        return self._keys().find(key_id)

    def rotate(self) -> DataKey:
        """The current key. Raises UsageError if there is no MLS_TUI_KEY_PREVIOUS: only the user can make a new key."""
        if self._previous_text is None:
            raise UsageError(
                "The key is yours, from MLS_TUI_KEY: put a new one there, the old one in MLS_TUI_KEY_PREVIOUS, "
                "and rotate again to re-encrypt what is stored."
            )
        return self.current()

    def check(self) -> Check:
        return Check("secret key", "ok", f"from {self.place}")

    def _keys(self) -> KeyRing:
        if self._ring is None:
            older = () if self._previous_text is None else (key_from_text(self._previous_text),)
            self._ring = KeyRing(key_from_text(self._text), older)
        return self._ring


class FileKeys:
    """A file with mode 0600 in a folder with mode 0700, created with the first secret."""

    def __init__(self, path: Path, on_warning: Callable[[str], object] | None = None) -> None:
        self.place = f"the file {path}"
        self._path = path
        self._on_warning = on_warning

    def current(self) -> DataKey:
        ring = self._read()
        return (ring or self._create()).current

    def find(self, key_id: str) -> DataKey | None:
        ring = self._read()
        return None if ring is None else ring.find(key_id)

    def rotate(self) -> DataKey:
        ring = (self._read() or self._create()).rotated()
        try:
            write_whole(self._path, ring.to_text().encode(), mode=PRIVATE_FILE)
        except OSError as error:
            raise self._unwritable(error) from None
        return ring.current

    def check(self) -> Check:
        detail = f"{self.place}, readable by your user alone"
        if os.name == "posix" and self._path.exists():
            if (problem := shared(self._path.parent) or shared(self._path)) is not None:
                detail, _, advice = problem.partition(". ")
                return Check("secret key", "failure", detail, advice)
            mode = stat.S_IMODE(self._path.stat().st_mode)
            if mode & 0o077:
                return Check("secret key", "failure", f"{self.place} has mode {mode:04o}", f"chmod 600 {self._path}")
        advice = "Install the keyring extra, or set MLS_TUI_KEY, to keep the key apart from this machine's files."
        return Check("secret key", "warning", detail, advice)

    def _read(self) -> KeyRing | None:
        problem = shared(self._path.parent) or shared(self._path)
        if problem is not None:
            raise SecretError(f"The encryption keys are not safe. {problem}, or set MLS_TUI_KEY.")
        try:
            text = self._path.read_text(encoding="ascii")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise SecretError(
                f"The file of encryption keys, {self._path}, cannot be read ({error}): make it readable by your user, "
                "or set MLS_TUI_KEY."
            ) from None
        return KeyRing.from_text(text, str(self._path))

    def _create(self) -> KeyRing:
        """Create the file, unless another process just did; return the keys in it."""
        draft = self._path.with_name(f".{self._path.name}.{secrets.token_hex(8)}")
        try:
            private_folder(self._path.parent).chmod(PRIVATE_FOLDER)
            write_whole(draft, KeyRing(new_key()).to_text().encode(), mode=PRIVATE_FILE)
            try:
                os.link(draft, self._path)
                self._warn()
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        except OSError as error:
            raise self._unwritable(error) from None
        ring = self._read()
        if ring is None:
            raise SecretError(f"The file of encryption keys, {self._path}, has vanished: try again.")
        return ring

    def _warn(self) -> None:
        if self._on_warning is not None:
            self._on_warning(
                f"Secrets are encrypted with a key in {self.place}: whoever can read both that and your data can read "
                "them. To keep the key elsewhere, install the keyring extra or set MLS_TUI_KEY."
            )

    def _unwritable(self, error: OSError) -> SecretError:
        return SecretError(
            f"The file of encryption keys, {self._path}, cannot be written ({error.strerror}): "
            "make its folder writable or set MLS_TUI_KEY."
        )
