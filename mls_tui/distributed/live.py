"""One run as a worker sees it: its row, its connection, a signed-in connector, and the context that the importer's
handlers work in. Built from rows and secrets alone, so that any machine can."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from mls_tui.distributed.ledger import Ledger
from mls_tui.distributed.outcome import MOST_PROBLEMS, Outcome, RunKey
from mls_tui.distributed.stored import StoredEntries
from mls_tui.domain.clock import Clock, epoch_ms
from mls_tui.domain.connection import Connection, Lease
from mls_tui.domain.events import Event
from mls_tui.domain.listing import ListingStatus
from mls_tui.domain.run import ImportRun, RunState
from mls_tui.importer.context import ImportContext, PhotoSlots
from mls_tui.importer.control import ImportControl
from mls_tui.importer.journal import Journal
from mls_tui.importer.options import ImportOptions
from mls_tui.importer.reading import Reader
from mls_tui.mls.base import Connector
from mls_tui.mls.feed_identity import at_its_feed
from mls_tui.mls.mapping import provider_of
from mls_tui.mls.preset_fields import ProviderPreset
from mls_tui.mls.presets import for_connection
from mls_tui.storage.base import ListingStore, PhotoStore

LOOK_SECONDS = 2.0
"""How old a worker's knowledge of the run's row may be: a pause or a cancel is heeded within this time."""
RENEW_SECONDS = 60.0
LEASE_SECONDS = 1_200
"""Longer than a message can be held back (15 minutes): while a run has work, some worker renews its lease in time."""
WORKERS_HOST = "the workers"

JOURNAL: ContextVar[Journal | None] = ContextVar("JOURNAL", default=None)
"""Whose request a shared connector is making."""


class TaskJournal(Journal):
    """The journal of one task: it folds and tells, and nobody reads its events later."""

    def __init__(self, run: ImportRun, store: ListingStore, clock: Clock, tell: Callable[[Event], None]) -> None:
        super().__init__(run, store, clock)
        self._tell = tell

    def emit(self, event: Event) -> None:
        super().emit(event)
        self._queue.clear()
        self._room.set()
        self._tell(event)

    def outcome(self, task: str, *, pending: int = -1, more: Mapping[str, int] | None = None) -> Outcome:
        """What the task adds to its run, with ``more`` counts."""
        return Outcome(
            task,
            counts=Counter(counts_of(self)) + Counter(more or {}),
            warnings=dict(self.warnings),
            problems=tuple(self.unsaved[:MOST_PROBLEMS]),
            pending=pending,
        )


def counts_of(journal: Journal) -> dict[str, int]:
    """What the journal counted, by ImportCounts' names; what is none is left out."""
    return {name: count for name, count in journal.counts.model_dump().items() if count}


@dataclass(slots=True)
class House:
    """What a worker holds for one user: stores, books, and how connectors are opened."""

    user: str
    store: ListingStore
    photos: PhotoStore
    ledger: Ledger
    entries: StoredEntries
    clock: Clock
    photo_slots: PhotoSlots
    open_connector: Callable[[Connection], Awaitable[Connector]]
    tell: Callable[[Event], None]
    variants: tuple[int, ...] = ()


@dataclass(slots=True)
class LiveRun:
    """``look`` reads the row again when it is due; ``journal`` and ``context`` are made for each task."""

    house: House
    run: ImportRun
    connection: Connection
    connector: Connector
    preset: ProviderPreset = field(init=False)
    _looked: float = 0.0
    _renewed: float = float("-inf")
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.preset = for_connection(self.connection)
        self._looked = self.house.clock.monotonic()

    @classmethod
    async def open(cls, house: House, run_id: str) -> LiveRun | None:
        """None where the run or its connection is no longer stored."""
        run = await house.store.get_run(house.user, run_id)
        if run is None:
            return None
        connection = await house.store.get_connection(house.user, run.connection_id)
        if connection is None:
            return None
        connection = at_its_feed(connection)
        return cls(house, run, connection, await house.open_connector(connection))

    @property
    def key(self) -> RunKey:
        return RunKey.of(self.run)

    @property
    def running(self) -> bool:
        return self.run.state is RunState.RUNNING

    @property
    def options(self) -> ImportOptions:
        statuses = frozenset(ListingStatus(status) for status in self.run.statuses)
        return ImportOptions(full=self.run.full, statuses=statuses, photos=self.run.photos)

    @property
    def provider(self) -> str:
        """What the ids of this connection's listings begin with."""
        if self.preset.serves_many and (self.connection.mls_system or self.preset.system) is None:
            return self.preset.name
        return provider_of({}, self.preset, self.connection.mls_system) + "-"

    async def look(self, *, now: bool = False) -> None:
        """Read the row again where what is known of it is old, and hold the connection's lease for the run."""
        clock = self.house.clock
        async with self._looking:
            if not now and clock.monotonic() - self._looked < LOOK_SECONDS:
                return
            run = await self.house.store.get_run(self.house.user, self.run.run_id)
            self._looked = clock.monotonic()
            self.run = run or self.run.model_copy(update={"state": RunState.CANCELLED})
            if self.running and clock.monotonic() - self._renewed >= RENEW_SECONDS:
                await hold(self.house.store, self.connection, self.run.run_id, clock)
                self._renewed = clock.monotonic()

    @contextmanager
    def journal(self) -> Iterator[TaskJournal]:
        """A task's journal; while it is open, what the connector meets is told there."""
        journal = TaskJournal(self.run, self.house.store, self.house.clock, self.house.tell)
        before = JOURNAL.set(journal)
        try:
            yield journal
        finally:
            JOURNAL.reset(before)

    def context(self, journal: Journal, *, again: bool = False) -> ImportContext:
        """``again``: an earlier delivery may have left objects that no row points at."""
        house = self.house
        return ImportContext(
            user_id=house.user,
            connection=self.connection,
            preset=self.preset,
            options=self.options,
            connector=self.connector,
            store=house.store,
            photos=house.photos,
            journal=journal,
            control=ImportControl(),
            clock=house.clock,
            photo_slots=house.photo_slots,
            epoch=self.connection.cursor.epoch or self.run.started_at,
            variants=house.variants,
            tidy=again,
        )

    def reader(self, journal: Journal) -> Reader:
        return Reader(self.connection, self.preset, self.options, journal.warn)


async def hold(store: ListingStore, connection: Connection, run_id: str, clock: Clock) -> Lease | None:
    """Take or renew the connection's lease for a run that no single process owns; who has it, where it is not free."""
    now = epoch_ms(clock.now())
    lease = Lease(run_id=run_id, host=WORKERS_HOST, pid=0, expires_at=now + LEASE_SECONDS * 1000)
    return await store.acquire_lease(connection.user_id, connection.connection_id, lease, now_ms=now)
