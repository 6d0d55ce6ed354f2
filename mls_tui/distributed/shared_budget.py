"""One rate budget for all workers that use a provider's host with the same credential. It must never let a request out
that another worker was given the time for, nor hold a task for longer than its patience."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Mapping, Sequence

from mls_tui.distributed.reservation import GRACE_SECONDS, DynamoSlotRow, SlotRow
from mls_tui.distributed.slots import FULL, HostSlots, Run
from mls_tui.domain.clock import Clock
from mls_tui.domain.connection import AuthKind, Connection, SecretField
from mls_tui.domain.errors import BudgetWaitError
from mls_tui.reso.base import Window
from mls_tui.reso.budget import HostKind, RateBudget, Slot
from mls_tui.reso.budget_host import OnWait
from mls_tui.reso.preset_fields import Limit
from mls_tui.reso.presets import counted_host, for_connection
from mls_tui.storage.dynamodb.table import Table
from mls_tui.storage.threads import DaemonPool

PATIENCE_SECONDS = 15.0


class SharedBudget:
    """A ``mls.budget.Budget`` that takes its slots from rows of the table; ``local`` keeps what is of one process: what
    headers told, what is under way, and the gauge.

    ``patience`` is how many seconds a caller is held at most, more or
    less; ``grace`` as in ``reservation``.
    """

    def __init__(
        self,
        local: RateBudget,
        rows: Mapping[HostKind, SlotRow],
        presets: Mapping[HostKind, Sequence[Limit]],
        run: Run,
        clock: Clock,
        *,
        patience: float = PATIENCE_SECONDS,
        grace: float = GRACE_SECONDS,
        rng: random.Random | None = None,
    ) -> None:
        self._local, self._clock, self._patience = local, clock, patience
        self._slots = {
            kind: HostSlots(
                row,
                local.host(kind),
                presets[kind],
                run,
                clock,
                patience=patience,
                grace=grace,
                rng=rng or random.Random(),
            )
            for kind, row in rows.items()
        }
        self._line: Counter[HostKind] = Counter()

    async def acquire(self, kind: HostKind, reserve: int = 0, on_wait: OnWait | None = None) -> Slot:
        """As ``RateBudget.acquire``.

        Raises:
            BudgetWaitError: leave is further away than the patience; come again after its ``seconds``.
            StorageError: the row cannot be reached.
        """
        slots = self._slots[kind]
        ahead = self._line[kind] * slots.spacing
        if ahead > self._patience:
            raise BudgetWaitError(ahead, FULL)
        self._line[kind] += 1
        try:
            slot = await self._local.host(kind).acquire(reserve, on_wait, patience=self._patience)
            try:
                await slots.take(lambda: self._line[kind], on_wait)
            except BaseException:
                slot.unused()
                raise
        finally:
            self._line[kind] -= 1
        slot.granted = self._clock.monotonic()
        return slot

    def pause(self, kind: HostKind, seconds: float, why: str) -> None:
        """Nobody sends anything to this kind of host for ``seconds``, on no machine."""
        self._local.pause(kind, seconds, why)
        self._slots[kind].pause(seconds, why)

    def paused_for(self, kind: HostKind) -> float:
        return self._local.paused_for(kind)

    def window_end(self, kind: HostKind) -> float:
        return self._local.window_end(kind)

    def observe(self, kind: HostKind, headers: Mapping[str, str]) -> None:
        """Learn limits from an answer's headers. A lower one binds the other workers at their next reservation, and
        "none left" pauses them."""
        self._local.observe(kind, headers)
        exhausted = self._local.host(kind).exhausted_for()
        if exhausted:
            self._slots[kind].pause(exhausted, "the provider says that no request is left")

    def windows(self) -> list[Window]:
        return self._local.windows()

    def dump(self) -> str:
        return self._local.dump()

    async def told(self) -> None:
        """Once other workers can know of every pause that was begun here: before a worker ends."""
        for slots in self._slots.values():
            await slots.told()


def shared_budget(
    connection: Connection,
    secrets: Mapping[SecretField, str],
    table: Table,
    pool: DaemonPool,
    clock: Clock,
    *,
    patience: float = PATIENCE_SECONDS,
    grace: float = GRACE_SECONDS,
) -> SharedBudget:
    """The budget of a connection's provider and credential, in the table of its user.

    Raises UsageError where the connection's settings do not fit its provider.
    """
    preset = for_connection(connection)
    limits = {HostKind.API: preset.api_limits, HostKind.MEDIA: preset.media_limits}
    rows = {
        kind: DynamoSlotRow(table, connection.user_id, row_name(kind, preset.base_url, connection, secrets), clock)
        for kind in HostKind
    }
    local = RateBudget(preset.api_limits, preset.media_limits, clock)
    return SharedBudget(local, rows, limits, pool.run, clock, patience=patience, grace=grace)


def row_name(kind: HostKind, base_url: str, connection: Connection, secrets: Mapping[SecretField, str]) -> str:
    """The same for all connections of a user that a provider counts together: those with the same credential at the
    same host. A hash, as a token may be a part of it."""
    whose = [connection.auth.value, connection.client_id or "", connection.username or ""]
    lasting = not secrets.get(SecretField.REFRESH_TOKEN)
    if connection.auth is AuthKind.BEARER and lasting:
        whose.append(secrets.get(SecretField.ACCESS_TOKEN, ""))
    elif not any(whose[1:]):
        whose.append(connection.connection_id)
    text = "\n".join([counted_host(base_url), *whose])
    return f"slots#{kind.value}#{hashlib.sha256(text.encode()).hexdigest()[:32]}"
