"""Sentences that both listing stores say alike."""

from __future__ import annotations

from mls_tui.domain.errors import StorageError


def lease_lost(connection_id: str, run_id: str) -> StorageError:
    return StorageError(
        f"Run {run_id} no longer holds connection {connection_id}: another import took it over, or the connection was "
        "removed. Nothing was lost; start the import again."
    )


def no_connection(connection_id: str) -> StorageError:
    return StorageError(
        f"There is no connection {connection_id}; it was removed. See `mls-tui connections list` for those there are."
    )
