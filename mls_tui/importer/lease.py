"""One import of a connection at a time: the lease a run holds, renews and gives back."""

from __future__ import annotations

import asyncio
import os
import socket

from mls_tui.domain.clock import Clock, epoch_ms
from mls_tui.domain.connection import Connection, Lease
from mls_tui.domain.errors import ImportInProgressError, StorageError
from mls_tui.storage.base import ListingStore

LEASE_SECONDS = 90
RENEW_SECONDS = 20


class RunLease:
    """``async with`` takes the lease or raises ImportInProgressError; ``lost`` is set when another run took it."""

    def __init__(self, store: ListingStore, connection: Connection, run_id: str, clock: Clock) -> None:
        self._store, self._connection, self._run_id, self._clock = store, connection, run_id, clock

    async def __aenter__(self) -> RunLease:
        await self.renew()
        return self

    async def __aexit__(self, *_: object) -> None:
        release = self._store.release_lease(self._connection.user_id, self._connection.connection_id, self._run_id)
        await asyncio.shield(release)

    async def renew(self) -> None:
        """Take the lease, or hold it for another 90 s. Raises ImportInProgressError where another run has it."""
        now = epoch_ms(self._clock.now())
        lease = Lease(
            run_id=self._run_id,
            host=socket.gethostname(),
            pid=os.getpid(),
            process_started=process_started(os.getpid()),
            expires_at=now + LEASE_SECONDS * 1000,
        )
        connection = self._connection
        holder = await self._store.acquire_lease(connection.user_id, connection.connection_id, lease, now_ms=now)
        if holder is not None:
            raise ImportInProgressError(
                f"An import of {connection.name} is already running on {holder.host} (process {holder.pid}). "
                "Wait for it to finish, or stop it, then import again."
            )

    async def keep(self) -> None:
        """Renew until cancelled; a store that does not answer is tried again while the lease still stands."""
        while True:
            await self._clock.sleep(RENEW_SECONDS)
            try:
                await self.renew()
            except StorageError:
                continue


def process_started(pid: int) -> str:
    """When a process began, in the system's own words, so that a reused pid is not mistaken for it; "" if unknown."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:  # noqa: PTH123
            return stat.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
