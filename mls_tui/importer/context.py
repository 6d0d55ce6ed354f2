"""The objects that all parts of one run share: connection, options, stores, journal, control."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any

from mls_tui.domain.clock import Clock, epoch_ms
from mls_tui.domain.connection import Connection
from mls_tui.domain.events import Event, PhotoFailed
from mls_tui.domain.listing import Listing
from mls_tui.domain.run import Problem, ProblemKind
from mls_tui.importer.journal import Journal
from mls_tui.importer.options import ImportControl, ImportOptions
from mls_tui.reso.base import Connector
from mls_tui.reso.presets import ProviderPreset
from mls_tui.reso.rate_limit import InFlight
from mls_tui.storage.base import ListingStore, PhotoStore

VARIANTS_AT_ONCE = 2
"""Photos decoded at a time: each may take 200 MB and one core."""


@dataclass(slots=True)
class ImportContext:
    """One per run. The ids of listings that the run creates end with ``epoch``, in epoch ms."""

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
    in_flight: InFlight
    epoch: int
    variants: tuple[int, ...] = ()
    """Widths in pixels of the WebP variants to make of each photo."""
    resumable: bool = False
    """True if another process continues the run under its id when this one hands it over, fails or is killed."""
    remove_orphans: bool = False
    """True if an earlier import was interrupted, so that it may have left objects that no row points at."""
    undeleted: list[str] = field(default_factory=list)
    """Keys of orphans that could not be deleted."""
    rng: random.Random = field(default_factory=random.Random)
    variant_slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(VARIANTS_AT_ONCE))

    def emit(self, kind: type[Event], **fields: Any) -> None:
        self.journal.emit(kind(at=self.clock.now(), run=self.journal.run.run_id, **fields))

    def photo_failed(self, listing: Listing, index: int, cause: str, attempts: int) -> None:
        """Emit the failure of a photo and add it to the run's problems."""
        number, key = listing.mls_number, listing.mls_id
        self.emit(PhotoFailed, mls_number=number, listing_key=key, photo_index=index, cause=cause, attempts=attempts)
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
