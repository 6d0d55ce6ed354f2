"""The listing store and the photo store that the settings name. A new kind of store is added here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mls_tui.domain.clock import Clock
from mls_tui.domain.errors import UsageError

if TYPE_CHECKING:
    from mls_tui.config import Settings
    from mls_tui.storage.aws import Aws
    from mls_tui.storage.base import ListingStore, PhotoStore


def open_stores(
    settings: Settings, *, aws: Aws | None = None, clock: Clock | None = None
) -> tuple[ListingStore, PhotoStore]:
    """Makes the two stores; each connects when it is first used. ``aws`` are clients with credentials of their own.

    Raises:
        UsageError: the settings do not name a store, or no bucket.
    """
    if settings.storage == "local":
        from mls_tui.storage.folder import FolderPhotoStore
        from mls_tui.storage.sqlite import SqliteListingStore

        return SqliteListingStore(settings.database_path, clock=clock), FolderPhotoStore(settings.photos_path)
    if settings.storage != "aws":
        raise UsageError(f"MLS_TUI_STORAGE is {settings.storage!r}; it must be local or aws.")
    if not settings.bucket:
        raise UsageError(
            "MLS_TUI_STORAGE is aws, but no bucket is named. Set MLS_TUI_BUCKET to the name of your S3 bucket."
        )
    from mls_tui.storage.aws import Aws
    from mls_tui.storage.dynamodb import DynamoDBListingStore
    from mls_tui.storage.s3 import S3PhotoStore

    shared = aws or Aws()
    return DynamoDBListingStore(shared, settings.table, clock=clock, cache=settings.cache_path / "lists"), S3PhotoStore(
        shared, settings.bucket
    )
