"""The embedded listing store: one SQLite file, the same items as the DynamoDB table."""

from mls_tui.storage.sqlite.store import SqliteListingStore

__all__ = ["SqliteListingStore"]
