"""Everything that actions need for one user: settings, users, vault and the two stores.

``Workspace(…)`` does no I/O; ``open`` does, in a thread, so that the interface can show its first screen before.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakValueDictionary

from mls_tui.config import Settings
from mls_tui.domain.clock import Clock, SystemClock
from mls_tui.domain.errors import AuthenticationError, UsageError

if TYPE_CHECKING:
    from mls_tui.reso.rate_limit import RateLimits
    from mls_tui.storage.aws import Aws
    from mls_tui.storage.base import ListingStore, PhotoStore
    from mls_tui.users.base import UserSource
    from mls_tui.vault.secrets import Vault

T = TypeVar("T")

TextCallback = Callable[[str], object]


class Workspace:
    """Use it as ``async with Workspace(settings):``, or ``await open()`` and ``await close()``, which may be repeated.

    ``on_secret`` is called with every clear secret, so that the log can mask it; ``on_warning`` with a sentence, when
    keys are first stored in a file. Both may be called from any thread. ``users`` replaces the configured ones.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        on_secret: TextCallback | None = None,
        on_warning: TextCallback | None = None,
        users: UserSource | None = None,
    ) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self._on_secret, self._on_warning = on_secret, on_warning
        self._users: UserSource | None = users
        self._user_id: str | None = None
        self._vault: Vault | None = None
        self._store: ListingStore | None = None
        self._photos: PhotoStore | None = None
        self._aws_clients: Aws | None = None
        self._shared_clients: Aws | None = None
        self._opening = asyncio.Lock()
        # By event loop, user and name of the limit. Open connectors share them.
        self.rate_limits: WeakValueDictionary[tuple[int, str, str], RateLimits] = WeakValueDictionary()

    @property
    def read_only(self) -> bool:
        return self.settings.read_only

    @property
    def is_open(self) -> bool:
        return self._store is not None

    @property
    def user_id(self) -> str:
        """Who is signed in. Raises AuthenticationError, ``Authentication required``, if nobody is."""
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

    @property
    def aws(self) -> Aws:
        """The clients that the stores use. Raises UsageError if the storage is local."""
        if self._aws_clients is None:
            raise UsageError(
                "Many machines share one import through DynamoDB, S3 and SQS, but the storage here is local. "
                "Set MLS_TUI_STORAGE=aws and MLS_TUI_BUCKET."
            )
        return self._aws_clients

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
        from mls_tui.storage.aws import new_client
        from mls_tui.storage.open import open_stores
        from mls_tui.users.base import require
        from mls_tui.users.local import open_users
        from mls_tui.vault.secrets import open_vault

        users = self._users = self._users or open_users(self.settings, self._on_warning)
        self._user_id = require(users).user_id
        session = users.boto3_session if self._as_user else None
        self._vault = open_vault(
            self.settings,
            user=self._user_id,
            kms_client=new_client("kms", session()) if session and self.settings.kms_key_id else None,
            on_secret=self._on_secret,
            on_warning=self._on_warning,
        )
        clients = self._aws_clients = (
            (self._shared_clients or _aws(session)) if self.settings.storage == "aws" else None
        )
        self._store, self._photos = open_stores(self.settings, aws=clients, clock=self.clock)

    @property
    def _as_user(self) -> bool:
        """Whether AWS is called with the signed-in user's credentials instead of the machine's."""
        return self.settings.storage == "aws" and self.settings.identity_pool_id is not None

    async def close(self) -> None:
        """Close the stores, after the writes that they have accepted."""
        store, photos = self._store, self._photos
        self._store = self._photos = None
        if store is not None:
            await store.close()
        if photos is not None:
            await photos.close()

    def for_user(self, user: str) -> Workspace:
        """A workspace for another user, with the machine's own credentials. It shares the AWS clients of this one,
        which must be open, unless those have this user's credentials."""
        settings = dataclasses.replace(self.settings, user=user, user_pool_id=None, identity_pool_id=None)
        other = Workspace(settings, clock=self.clock, on_secret=self._on_secret, on_warning=self._on_warning)
        other._shared_clients = None if self._as_user else self._aws_clients
        return other

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


def _aws(session: Callable[[], Any] | None) -> Aws:
    from mls_tui.storage.aws import Aws

    return Aws() if session is None else Aws(session=session)


def _opened(part: T | None) -> T:
    if part is None:
        raise RuntimeError("the workspace is not open")
    return part
