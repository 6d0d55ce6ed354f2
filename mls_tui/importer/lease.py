"""One import of a connection at a time: the lease a run holds, renews and gives back."""

from __future__ import annotations

import asyncio

from mls_tui.domain.clock import Clock, epoch_ms
from mls_tui.domain.connection import Connection, Lease
from mls_tui.domain.errors import ImportInProgressError, StorageError
from mls_tui.storage.base import ListingStore
from mls_tui.storage.leases import this_lease

LEASE_SECONDS = 90
RENEW_SECONDS = 20
RELEASE_SECONDS = 1.5


def in_progress(connection: Connection, holder: Lease) -> ImportInProgressError:
    """What is said to who comes second. A run that no single process does has no process id."""
    host, run = holder.host.partition("/")[0], holder.run_id
    where, end = f"on {host} (process {holder.pid})", "stop it"
    if not holder.pid:
        where, end = f"by {host} (run {run})", f"end it by `mls-tui cancel {run}`"
    return ImportInProgressError(
        f"An import of {connection.name} is already running {where}. "
        f"Wait for it to finish, or {end}, then import again."
    )


class RunLease:
    """``async with`` takes the lease or raises ImportInProgressError."""

    def __init__(self, store: ListingStore, connection: Connection, run_id: str, clock: Clock) -> None:
        self._store, self._connection, self._run_id, self._clock = store, connection, run_id, clock

    async def __aenter__(self) -> RunLease:
        await self.renew()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Give it back. Where the store does not answer the lease runs out by itself: no reason to fail a run."""
        release = self._store.release_lease(self._connection.user_id, self._connection.connection_id, self._run_id)
        try:
            await asyncio.wait_for(asyncio.shield(asyncio.ensure_future(release)), RELEASE_SECONDS)
        except (TimeoutError, StorageError):
            return

    async def renew(self) -> None:
        """Take the lease, or hold it for another 90 s. Raises ImportInProgressError where another run has it."""
        now = epoch_ms(self._clock.now())
        lease = await asyncio.to_thread(this_lease, self._run_id, now + LEASE_SECONDS * 1000)
        connection = self._connection
        holder = await self._store.acquire_lease(connection.user_id, connection.connection_id, lease, now_ms=now)
        if holder is not None:
            raise in_progress(connection, holder)

    async def keep(self) -> None:
        """Renew until cancelled; a store that does not answer is tried again while the lease still stands."""
        while True:
            await self._clock.sleep(RENEW_SECONDS)
            try:
                await self.renew()
            except StorageError:
                continue
