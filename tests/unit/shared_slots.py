"""Workers that share one rate budget: a row with compare-and-set in memory, on virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from mls_tui.distributed.reservation import SlotState
from mls_tui.distributed.shared_budget import SharedBudget
from mls_tui.domain.errors import StorageError
from mls_tui.reso.budget import HostKind, RateBudget
from mls_tui.reso.preset_fields import Limit
from tests.virtual_time import VirtualClock

API, MEDIA = HostKind.API, HostKind.MEDIA


class MemoryRow:
    """``broken`` makes every call fail."""

    def __init__(self) -> None:
        self.state = SlotState()
        self.reads = self.writes = 0
        self.broken = False

    def read(self) -> SlotState:
        self._reach()
        self.reads += 1
        return self.state

    def swap(self, seen: SlotState, wanted: SlotState) -> SlotState | None:
        self._reach()
        self.writes += 1
        if seen.revision != self.state.revision:
            return self.state
        self.state = replace(wanted, revision=seen.revision + 1)
        return None

    def _reach(self) -> None:
        if self.broken:
            raise StorageError("The row is away.", retryable=True)


@dataclass
class Fleet:
    """What the workers of one provider share, and when each of their requests reached it (true time, bytes).

    ``table_takes`` is how long the table takes to answer, from and to, in seconds.
    """

    api: Sequence[Limit] = (Limit(2, 1.0),)
    media: Sequence[Limit] = ()
    seed: int = 0
    table_takes: tuple[float, float] = (0.002, 0.02)
    arrivals: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.rows = {kind: MemoryRow() for kind in HostKind}

    def worker(self, *, patience: float = 1e9, skew: float = 0.0, lag: float = 0.0) -> SharedBudget:
        clock = VirtualClock(skew, lag, self.rng)
        presets = {API: self.api, MEDIA: self.media}
        local = RateBudget(self.api, self.media, clock)
        return SharedBudget(local, self.rows, presets, self._run, clock, patience=patience, rng=self.rng)

    async def _run(self, job: Callable[[], SlotState | None]) -> SlotState | None:
        """The row is read or written half-way through the time that the table takes."""
        half = self.rng.uniform(*self.table_takes) / 2
        await asyncio.sleep(half)
        found = job()
        await asyncio.sleep(half)
        return found

    async def request(
        self, budget: SharedBudget, kind: HostKind = API, *, flight: float = 0.0, took: float = 0.0, size: int = 0
    ) -> None:
        async with await budget.acquire(kind) as slot:
            await asyncio.sleep(flight)
            self.arrivals.append((asyncio.get_running_loop().time(), size))
            await asyncio.sleep(took)
            slot.answered()
            slot.received(size)

    def most_in(self, seconds: float, *, of_bytes: bool = False) -> int:
        """The most that reached the provider in any window of ``seconds``."""
        seconds -= 1e-6
        arrived = sorted(self.arrivals)
        return max(
            sum((size if of_bytes else 1) for at, size in arrived if start <= at < start + seconds)
            for start, _ in arrived
        )
