"""What every part of one run shares: who imports what, from where, into which stores, and how it is told."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from mls_tui.domain.clock import Clock, epoch_ms
from mls_tui.domain.connection import Connection
from mls_tui.domain.errors import PhotoError
from mls_tui.domain.events import Event, PhotoFailed
from mls_tui.domain.listing import Listing
from mls_tui.domain.run import Problem, ProblemKind
from mls_tui.importer.control import ImportControl
from mls_tui.importer.journal import Journal
from mls_tui.importer.options import ImportOptions
from mls_tui.reso.base import Connector, PhotoBytes
from mls_tui.reso.limits import InFlightLimit
from mls_tui.reso.presets import ProviderPreset
from mls_tui.storage.base import ListingStore, PhotoStore

PHOTO_BYTES_IN_MEMORY = 128 * 1024 * 1024
"""No further photo begins while those fetched and not yet stored are more than this."""

VARIANTS_AT_ONCE = 2
"""Pictures being decoded at a time: each may take 200 MB and a whole core."""


class PhotoSlots:
    """One shared limit on photos in flight and on their bytes in memory; a paused run begins no further one."""

    def __init__(self, limit: InFlightLimit, control: ImportControl) -> None:
        self._limit = limit
        self._control = control
        self._held = 0
        self._room = asyncio.Event()
        self._room.set()

    async def photo(self, connector: Connector, url: str) -> PhotoBytes:
        """The photo, asked for when its turn has come; raises as ``Connector.photo``."""
        await self._control.permission()
        while not self._room.is_set():
            await self._room.wait()
        async with self._limit:
            started = time.monotonic()
            try:
                photo = await connector.photo(url)
            except PhotoError as error:
                if not error.expired:
                    self._limit.failed()
                raise
            self._limit.ok(time.monotonic() - started)
            return photo

    @contextmanager
    def holding(self, size: int) -> Iterator[None]:
        """Around the storing of a photo of ``size`` bytes."""
        self._held += size
        if self._held >= PHOTO_BYTES_IN_MEMORY:
            self._room.clear()
        try:
            yield
        finally:
            self._held -= size
            if self._held < PHOTO_BYTES_IN_MEMORY:
                self._room.set()


@dataclass(slots=True)
class ImportContext:
    """One per run. ``epoch`` ends the ids of listings that this import creates."""

    user_id: str
    connection: Connection
    preset: ProviderPreset
    options: ImportOptions
    connector: Connector
    store: ListingStore
    photos: PhotoStore
    journal: Journal
    control: ImportControl
    clock: Clock
    photo_slots: PhotoSlots
    epoch: int
    variants: tuple[int, ...] = ()
    """Widths in pixels of the WebP copies to make of each photo."""
    tidy: bool = False
    """An import before this one was cut short: listings seen are rid of objects that no row points at."""
    rng: random.Random = field(default_factory=random.Random)
    variant_slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(VARIANTS_AT_ONCE))
    on_save: Callable[[], Awaitable[None]] | None = None
    """Called whenever the run's row is saved, for what else must survive a restart (the rate budget)."""

    def emit(self, kind: type[Event], **fields: Any) -> None:
        """Emit an event of this run, now."""
        self.journal.emit(kind(at=self.clock.now(), run=self.journal.run.run_id, **fields))

    def photo_failed(self, listing: Listing, index: int, cause: str, attempts: int) -> None:
        """Tell of a photo that could not be had, and note it among the run's problems."""
        number, key = listing.mls_number, listing.mls_id
        self.emit(PhotoFailed, mls_number=number, photo_index=index, cause=cause, attempts=attempts)
        self.journal.problem(
            Problem(
                kind=ProblemKind.PHOTO,
                mls_number=number,
                listing_key=key,
                error=cause,
                attempts=attempts,
                photo_index=index,
                at=self.now_ms(),
            )
        )

    def now_ms(self) -> int:
        return epoch_ms(self.clock.now())
