"""One run as a worker sees it: its row, its connection, a signed-in connector, and the context that the importer's
handlers work in. Built from rows and secrets alone, so that any machine can."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from mls_tui.distributed.holding import end_run, hold, lost, taken
from mls_tui.distributed.intents import announced, with_earlier
from mls_tui.distributed.ledger import Ledger
from mls_tui.distributed.outcome import MOST_PROBLEMS, Intent, Outcome, RunKey
from mls_tui.distributed.stored import StoredEntries
from mls_tui.domain.clock import Clock
from mls_tui.domain.connection import Connection
from mls_tui.domain.events import Event, ListingStored
from mls_tui.domain.listing import ListingStatus
from mls_tui.domain.run import ImportRun, RunState
from mls_tui.importer.context import ImportContext, PhotoSlots
from mls_tui.importer.control import ImportControl
from mls_tui.importer.journal import Journal
from mls_tui.importer.options import ImportOptions
from mls_tui.importer.reading import Reader
from mls_tui.importer.scope import is_incremental
from mls_tui.reso.base import Connector, FeedQuery
from mls_tui.reso.feed_identity import at_its_feed
from mls_tui.reso.mapping.record import provider_of
from mls_tui.reso.preset_fields import ProviderPreset
from mls_tui.reso.presets import for_connection
from mls_tui.storage.base import ListingStore, PhotoStore

CLOSE = "close"
"""The id of a run's close task."""
LOOK_SECONDS = 2.0
"""How old a worker's knowledge of the run's row may be: a pause or a cancel is heeded within this time."""
RENEW_SECONDS = 60.0

JOURNAL: ContextVar[Journal | None] = ContextVar("JOURNAL", default=None)
"""Whose request a shared connector is making."""


class TaskJournal(Journal):
    """The journal of one task: it folds and tells, and nobody reads its events later."""

    def __init__(self, run: ImportRun, store: ListingStore, clock: Clock, tell: Callable[[Event], None]) -> None:
        super().__init__(run, store, clock)
        self._tell = tell
        self.unchanged: set[str] = set()
        """The ids of listings that were found as they are."""
        self.announced: set[tuple[str, int]] = set()

    def emit(self, event: Event) -> None:
        super().emit(event)
        self._queue.clear()
        self._room.set()
        if isinstance(event, ListingStored) and event.outcome == "unchanged":
            self.unchanged.add(event.listing_id)
        self._tell(event)

    def outcome(
        self, task: str, counts: Mapping[str, int], *, pending: int = -1, more: Mapping[str, int] | None = None
    ) -> Outcome:
        """What the task adds to its run: its ``counts`` with ``more``, its warnings and problems."""
        return Outcome(
            task,
            counts=Counter(counts) + Counter(more or {}),
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
    looked: float = 0.0
    """When the row was last read, by the monotonic clock."""
    _renewed: float = float("-inf")
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.preset = for_connection(self.connection)
        self.looked = self.house.clock.monotonic()

    @classmethod
    async def open(cls, house: House, run_id: str) -> LiveRun | None:
        """None where the run is no longer stored or has ended, or where its connection is not what it began with: then
        it ends here. Raises what keeps the connection from being opened."""
        run = await house.store.get_run(house.user, run_id)
        if run is None or run.state is not RunState.RUNNING:
            return None
        connection = await house.store.get_connection(house.user, run.connection_id)
        why = lost(connection)
        if connection is None or why is not None:
            await end_run(house.store, house.ledger, run, RunState.FAILED, why or "")
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
    def incremental(self) -> bool:
        """Whether only what changed is asked for."""
        cursor = self.connection.cursor
        return is_incremental(self.options, cursor, self.connector.since(cursor))

    @property
    def query(self) -> FeedQuery:
        """What the run asks for, from the start."""
        if self.incremental:
            return FeedQuery(since=self.connector.since(self.connection.cursor))
        return FeedQuery(statuses=self.options.scope)

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
            if not now and clock.monotonic() - self.looked < LOOK_SECONDS:
                return
            run = await self.house.store.get_run(self.house.user, self.run.run_id)
            self.looked = clock.monotonic()
            self.run = run or self.run.model_copy(update={"state": RunState.CANCELLED})
            if self.running and clock.monotonic() - self._renewed >= RENEW_SECONDS:
                await self._hold()
                self._renewed = clock.monotonic()

    async def _hold(self) -> None:
        """Renew the lease; a run whose connection is another's now, or another one, ends."""
        store, user = self.house.store, self.house.user
        why = lost(await store.get_connection(user, self.run.connection_id))
        if why is None:
            holder = await hold(store, self.connection, self.run.run_id, self.house.clock)
            why = None if holder is None else taken(self.connection.name, holder)
        if why is not None:
            await end_run(store, self.house.ledger, self.run, RunState.FAILED, why)
            self.run = self.run.model_copy(update={"state": RunState.FAILED})

    @contextmanager
    def journal(self) -> Iterator[TaskJournal]:
        """A task's journal; while it is open, what the connector meets is told there."""
        journal = TaskJournal(self.run, self.house.store, self.house.clock, self.house.tell)
        before = JOURNAL.set(journal)
        try:
            yield journal
        finally:
            JOURNAL.reset(before)

    def context(self, journal: TaskJournal, task: str = "", *, again: bool = False) -> ImportContext:
        """For a ``task`` that stores, or one that only looks. ``again``: an earlier delivery may have left objects that
        no row points at."""
        house = self.house
        store = self._announced(journal, task) if task else house.store
        return ImportContext(
            user_id=house.user,
            connection=self.connection,
            preset=self.preset,
            options=self.options,
            connector=self.connector,
            store=store,
            photos=house.photos,
            journal=journal,
            control=ImportControl(),
            clock=house.clock,
            photo_slots=house.photo_slots,
            epoch=self.connection.cursor.epoch or self.run.started_at,
            variants=house.variants,
            tidy=again,
        )

    def _announced(self, journal: TaskJournal, task: str) -> ListingStore:
        async def announce(intent: Intent) -> None:
            journal.announced.add(intent.name)
            await self.house.ledger.intend(self.key, task, intent)

        # A close task has many listings in hand: what it counted so far is not of one of them.
        photos = (lambda: counts_of(journal)) if task != CLOSE else dict[str, int]
        return announced(self.house.store, announce, photos)

    async def counted(self, journal: TaskJournal, task: str) -> Mapping[str, int]:
        """What the task's journal counted, with what earlier deliveries did and had no time to count."""
        counts = counts_of(journal)
        if task != CLOSE and not (journal.unchanged or counts.get("skipped")):
            return counts
        house = self.house
        return await with_earlier(
            house.ledger, house.store, self.key, task, counts, journal.unchanged, journal.announced
        )

    def reader(self, journal: Journal) -> Reader:
        return Reader(self.connection, self.preset, self.options, journal.warn)
