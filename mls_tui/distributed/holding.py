"""Who holds a run's connection, whether it is still the connection that the run began with, and how a run is ended
before its time: by its row."""

from __future__ import annotations

from mls_tui.distributed.ledger import Ledger
from mls_tui.distributed.outcome import RunKey
from mls_tui.domain.clock import Clock, epoch_ms
from mls_tui.domain.connection import Connection, Lease
from mls_tui.domain.errors import UsageError, sentence
from mls_tui.domain.run import ImportRun, RunState
from mls_tui.reso.feed_identity import feed_identity
from mls_tui.storage.base import ListingStore

LEASE_SECONDS = 1_200
"""Longer than a message can be held back (15 minutes): while a run has work, some worker renews its lease in time."""
WORKERS_HOST = "the workers"
DELETED = "The connection was deleted while its import ran. What is stored stays."


async def hold(store: ListingStore, connection: Connection, run_id: str, clock: Clock) -> Lease | None:
    """Take or renew the connection's lease for a run that no single process owns; who has it, where it is not free.

    Raises UsageError where there is no such connection any more.
    """
    now = epoch_ms(clock.now())
    lease = Lease(run_id=run_id, host=WORKERS_HOST, pid=0, expires_at=now + LEASE_SECONDS * 1000)
    return await store.acquire_lease(connection.user_id, connection.connection_id, lease, now_ms=now)


def lost(stored: Connection | None) -> str | None:
    """Why a run cannot go on with the connection as it is stored now; None where it can. A run keeps the identity of
    its feed in the connection's cursor when it begins."""
    if stored is None:
        return DELETED
    try:
        identity = feed_identity(stored)
    except UsageError as error:
        return f"The connection was edited while its import ran: {sentence(error)}"
    if stored.cursor.feed in (None, identity):
        return None
    return f"Connection {stored.name} was pointed to another feed while its import ran. Import again to read that one."


def taken(name: str, holder: Lease) -> str:
    """What is said of a run whose lease another import has."""
    return f"For a while no worker was there for this import of {name}, and run {holder.run_id} took its place."


async def end_run(
    store: ListingStore, ledger: Ledger, run: ImportRun, state: RunState, error: str, *, refused: bool = False
) -> bool:
    """End a run before its time: workers drop its messages as they come. False where it had ended."""
    ended = await ledger.end(RunKey.of(run), state, error=error, refused=refused)
    await store.release_lease(run.user_id, run.connection_id, run.run_id)
    return ended
