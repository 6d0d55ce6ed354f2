"""What every part of one run shares: who imports what, from where, into which stores, and how it is told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from mls_tui.domain.clock import Clock, epoch_ms
from mls_tui.domain.connection import Connection
from mls_tui.domain.events import Event
from mls_tui.importer.control import ImportControl
from mls_tui.importer.journal import Journal
from mls_tui.importer.options import ImportOptions
from mls_tui.mls.base import Connector
from mls_tui.mls.presets import ProviderPreset
from mls_tui.storage.base import ListingStore, PhotoStore

LISTINGS_IN_FLIGHT = 16
PHOTOS_IN_FLIGHT = 32


class PhotoSlots:
    """One shared limit on photos in flight; pausing the run lets no further one begin."""

    def __init__(self, most: int, control: ImportControl) -> None:
        self._slots = asyncio.Semaphore(most)
        self._control = control

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        await self._control.permission()
        async with self._slots:
            yield


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
    rng: random.Random = field(default_factory=random.Random)

    def emit(self, kind: type[Event], **fields: Any) -> None:
        """Emit an event of this run, now."""
        self.journal.emit(kind(at=self.clock.now(), run=self.journal.run.run_id, **fields))

    def now_ms(self) -> int:
        return epoch_ms(self.clock.now())
