"""A run (one import): its state, counts, problems and result, and the JSON that commands print. No I/O."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from mls_tui.domain.listing import Record


class RunState(StrEnum):
    """``queued`` waits for a worker; ``interrupted`` was stopped by a signal, or its process died."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


class ProblemKind(StrEnum):
    LISTING = "listing"
    PHOTO = "photo"
    QUARANTINED = "quarantined"


class Problem(Record):
    """One listing that failed, one photo that could not be fetched, or one quarantined record.

    ``raw`` is a quarantined record as JSON text, without secrets and PrivateRemarks.
    """

    kind: ProblemKind
    mls_number: str
    listing_key: str = ""
    error: str
    attempts: int = 1
    photo_index: int | None = None
    raw: str | None = None
    at: int = 0

    def to_error(self) -> dict[str, Any]:
        """The entry of ``errors`` in ``import --json``."""
        return {"mlsNumber": self.mls_number, "error": self.error, "attempts": self.attempts}


class ImportCounts(Record):
    """What an import did. ``total`` listings = ``successful`` + ``failed``, each counted once a run;
    ``successful`` = ``created`` + ``updated`` + ``unchanged`` + ``removed``. ``attempts_failed_*`` count every failed
    attempt, ``throttled`` the 429 answers, ``bytes`` the bytes of photos."""

    total: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    failed: int = 0
    quarantined: int = 0
    skipped: int = 0
    pages: int = 0
    photos_stored: int = 0
    photos_failed: int = 0
    photos_reused: int = 0
    bytes: int = 0
    attempts_failed_listing: int = 0
    attempts_failed_photo: int = 0
    attempts_failed_page: int = 0
    throttled: int = 0

    @property
    def successful(self) -> int:
        return self.created + self.updated + self.unchanged + self.removed


class Checkpoint(Record):
    """What a run had done when its cursor was saved, for the process that resumes the run. ``problems`` is
    how many of its problem items count. ``phase`` is ``retries`` (what failed before is asked for again), ``sweep`` or
    ``done``."""

    counts: ImportCounts = ImportCounts()
    warnings: dict[str, int] = Field(default_factory=dict)
    problems: int = 0
    phase: str = "retries"


class ImportResult(Record):
    """How a run ended. ``error`` is set if the run as a whole failed; single listings' failures are ``errors``.
    ``changes_only``: only what changed since the last import was asked for."""

    state: RunState
    counts: ImportCounts = ImportCounts()
    errors: tuple[Problem, ...] = ()
    warnings: dict[str, int] = Field(default_factory=dict)
    error: str | None = None
    exit_code: int = 0
    changes_only: bool = False
    started_at: int = 0
    finished_at: int = 0

    @property
    def success(self) -> bool:
        return self.error is None

    @property
    def message(self) -> str:
        counts = self.counts
        if counts.total == 0:
            if not self.changes_only:
                return "The MLS has no listings that match"
            return "Imported 0 of 0 listings: nothing new since the last import"
        return f"Imported {counts.successful} of {counts.total} listings"

    def to_contract(self) -> dict[str, Any]:
        """The shape of ``import --json`` (docs/contract.md, section Command line)."""
        if self.error is not None:
            return {"success": False, "error": self.error}
        return {
            "success": True,
            "message": self.message,
            "data": {
                "totalListings": self.counts.total,
                "successfulImports": self.counts.successful,
                "failedImports": self.counts.failed,
                "errors": [problem.to_error() for problem in self.errors],
                "counts": self.counts.to_data(),
                "warnings": dict(self.warnings),
                "seconds": round((self.finished_at - self.started_at) / 1000, 3),
            },
        }


class ImportRun(Record):
    """The stored row of a run. ``errors`` holds the first failed listings; every problem is an item of its own.

    A running run writes its row every few seconds: one whose ``updated_at`` is old was cut short. ``control`` is what a
    user asked for: ``pause`` or ``cancel``. ``counts`` are current; ``checkpoint`` belongs to the saved cursor.
    ``changes_only``: only what changed since the last import was asked for. ``distributed`` runs are done by a worker.
    ``expected`` is how many records the MLS counts.
    """

    run_id: str
    user_id: str
    connection_id: str
    connection_name: str
    provider: str
    state: RunState
    started_at: int
    finished_at: int | None = None
    updated_at: int = 0
    full: bool = False
    changes_only: bool = False
    statuses: tuple[str, ...] = ()
    counts: ImportCounts = ImportCounts()
    errors: tuple[Problem, ...] = ()
    problems: int = 0
    warnings: dict[str, int] = Field(default_factory=dict)
    error: str | None = None
    exit_code: int = 0
    checkpoint: Checkpoint | None = None
    photos: bool = True
    distributed: bool = False
    control: str | None = None
    expected: int | None = None
    message: int = 0
    """How many messages the workers' queue has got for this run, and ``counts.total`` when the last one was sent."""
    counted_when_sent: int = 0

    @property
    def paused(self) -> bool:
        return self.control == "pause"

    @property
    def ended(self) -> bool:
        return self.state not in (RunState.QUEUED, RunState.RUNNING)

    @property
    def unended(self) -> str:
        """The text shown instead of a duration: ``with a worker, 12 of 300`` or ``unfinished``."""
        if self.paused and not self.ended:
            where = "paused"
        elif self.state is RunState.QUEUED:
            where = "waiting for a worker"
        elif self.state is RunState.RUNNING and self.distributed:
            where = "with a worker"
        else:
            return "unfinished"
        return where if self.expected is None else f"{where}, {self.counts.total:,} of {self.expected:,}"
