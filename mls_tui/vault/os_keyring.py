"""Encryption keys in the operating system's keyring, by the optional ``keyring`` package, with a time-out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from mls_tui.domain.errors import SecretError
from mls_tui.storage.base import Check
from mls_tui.storage.files import PRIVATE_FILE, private_folder, write_whole
from mls_tui.vault.keys import DataKey, KeyRing, new_key

SERVICE = "mls-tui"
TIMEOUT_SECONDS = 5.0
"""How long the keyring may take. A desktop may be asking for a password in a window that the user does not see."""

T = TypeVar("T")


class Backend(Protocol):
    """The part of ``keyring.backend.KeyringBackend`` that is used."""

    @property
    def priority(self) -> float: ...

    def get_password(self, service: str, username: str) -> str | None: ...

    def set_password(self, service: str, username: str, password: str) -> None: ...


def find_keyring(timeout: float = TIMEOUT_SECONDS) -> Backend | None:
    """This machine's keyring; None if ``keyring`` is not installed or has no real backend (priority 1 or more)."""

    def look() -> Backend | None:
        import keyring

        backend: Backend = keyring.get_keyring()
        return backend if backend.priority >= 1 else None

    try:
        return call_with_timeout(look, timeout)
    except Exception:  # the keys are kept in a file instead
        return None


def call_with_timeout(call: Callable[[], T], seconds: float) -> T:
    """Run a call that may hang in a thread of its own. Raises TimeoutError after ``seconds``; the thread stays."""
    answers: list[T] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            answers.append(call())
        except Exception as error:  # handed to the caller
            errors.append(error)

    thread = threading.Thread(target=run, name="keyring", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not answers:
        raise TimeoutError(f"no answer within {seconds:g} s")
    return answers[0]


class OsKeyring:
    """Keys in one entry of the OS keyring. ``marker`` is a file that exists once they are there.

    Without it a locked keyring would look empty, and new keys would be made that cannot decrypt the stored secrets.
    """

    def __init__(self, backend: Backend, account: str, marker: Path, timeout: float = TIMEOUT_SECONDS) -> None:
        self.place = f"the keyring of this system, entry {SERVICE}/{account}"
        self._backend = backend
        self._account = account
        self._marker = marker
        self._patience = timeout
        self._ring: KeyRing | None = None

    def current(self) -> DataKey:
        ring = self._read()
        if ring is None:
            self._write(KeyRing(new_key()))
            self._mark()
            self._ring = None
            ring = self._read()
        if ring is None:
            raise SecretError(f"Keys were written to {self.place}, but are not there: set MLS_TUI_KEY instead.")
        return ring.current

    def find(self, key_id: str) -> DataKey | None:
        ring = self._read()
        return None if ring is None else ring.find(key_id)

    def rotate(self) -> DataKey:
        self.current()
        self._ring = None
        ring = self._read()
        if ring is None:
            raise SecretError(f"There are no keys in {self.place}.")
        self._write(ring.rotated())
        self._ring = None
        return self.current()

    def check(self) -> Check:
        try:
            self._read()
        except SecretError as error:
            return Check("secret key", "failure", str(error), "Unlock the keyring, or set MLS_TUI_KEY.")
        return Check("secret key", "ok", f"in {self.place}")

    def _read(self) -> KeyRing | None:
        if self._ring is None:
            text = self._ask(lambda: self._backend.get_password(SERVICE, self._account))
            if text is None and self._marker.exists():
                raise SecretError(
                    f"The encryption keys are gone from {self.place}: restore them, or enter the secrets of each "
                    "connection again."
                )
            self._ring = None if text is None else KeyRing.from_text(text, self.place)
        return self._ring

    def _mark(self) -> None:
        try:
            private_folder(self._marker.parent)
            write_whole(self._marker, f"{SERVICE}/{self._account}\n".encode(), mode=PRIVATE_FILE)
        except OSError as error:
            raise SecretError(
                f"The file {self._marker}, which says that keys are in the keyring, cannot be written "
                f"({error.strerror}): make its folder writable or set MLS_TUI_KEY."
            ) from None

    def _write(self, ring: KeyRing) -> None:
        self._ask(lambda: self._backend.set_password(SERVICE, self._account, ring.to_text()))

    def _ask(self, call: Callable[[], T]) -> T:
        try:
            return call_with_timeout(call, self._patience)
        except Exception as error:  # of any type; its text may contain the secret
            cause = "it did not answer" if isinstance(error, TimeoutError) else type(error).__name__
            raise SecretError(f"{self.place} cannot be used ({cause}): unlock it or set MLS_TUI_KEY.") from None
