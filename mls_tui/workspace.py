"""Everything one user works with, opened once: settings, who is asking, the key vault, the two stores.

Building one does no I/O; ``open`` does, off the event loop, so that a first frame never waits for a store.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from mls_tui.config import Settings
from mls_tui.domain.clock import Clock, SystemClock
from mls_tui.domain.errors import AuthenticationError, UsageError

if TYPE_CHECKING:
    from mls_tui.storage.base import ListingStore, PhotoStore
    from mls_tui.users.port import UserSource
    from mls_tui.users.secrets import Vault

T = TypeVar("T")


class Workspace:
    """``async with Workspace(settings):`` or ``await open()`` … ``await close()``; both may be called again."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self._users: UserSource | None = None
        self._user_id: str | None = None
        self._vault: Vault | None = None
        self._store: ListingStore | None = None
        self._photos: PhotoStore | None = None
        self._opening = asyncio.Lock()

    @property
    def read_only(self) -> bool:
        return self.settings.read_only

    @property
    def is_open(self) -> bool:
        return self._store is not None

    @property
    def user_id(self) -> str:
        """Who is signed in. Raises AuthenticationError, ``Authentication required``, where nobody is."""
        if self._user_id is None:
            raise AuthenticationError("Authentication required")
        return self._user_id

    @property
    def users(self) -> UserSource:
        return _opened(self._users)

    @property
    def vault(self) -> Vault:
        return _opened(self._vault)

    @property
    def store(self) -> ListingStore:
        return _opened(self._store)

    @property
    def photos(self) -> PhotoStore:
        return _opened(self._photos)

    async def open(self) -> None:
        """Find the user and open the stores.

        Raises:
            AuthenticationError: nobody is signed in.
            StorageError: a store cannot be opened.
        """
        async with self._opening:
            if not self.is_open:
                await asyncio.to_thread(self._open)

    def _open(self) -> None:
        from mls_tui.storage.open import open_stores
        from mls_tui.users.port import open_users, require
        from mls_tui.users.secrets import open_vault

        self._users = open_users(self.settings)
        self._user_id = require(self._users).user_id
        self._vault = open_vault(self.settings)
        self._store, self._photos = open_stores(self.settings)

    async def close(self) -> None:
        """Release the stores; nothing that was acknowledged is lost."""
        store, photos = self._store, self._photos
        self._store = self._photos = None
        if store is not None:
            await store.close()
        if photos is not None:
            await photos.close()

    def writable(self) -> None:
        """Raises UsageError in read-only mode."""
        if self.read_only:
            raise UsageError("This session is read-only: start mls-tui without --read-only to change anything.")

    async def __aenter__(self) -> Workspace:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _opened(part: T | None) -> T:
    if part is None:
        raise RuntimeError("the workspace is not open")
    return part
