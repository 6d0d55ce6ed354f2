"""What a run has done so far: its events on their way out, its counts, its problems, its row in the store.

The row and the problems are written as the run goes, so that a run cut short still tells what it did.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator

from mls_tui.domain.clock import Clock, epoch_ms
from mls_tui.domain.events import Event, RunFinished
from mls_tui.domain.run import ImportCounts, ImportResult, ImportRun, Problem, ProblemKind, RunState
from mls_tui.importer.tally import TallyFold
from mls_tui.storage.base import ListingStore

INLINE_ERRORS = 100
"""How many failed listings the run's own row holds; every problem is an item of its own as well."""

MAX_ERRORS = 10_000
"""How many failed listings a result lists; the count is exact whatever their number."""

PROBLEMS_AT_ONCE = 200

BACKLOG = 2_000
"""How many events may wait for a slow reader before listings stop being started."""


class Journal:
    """One per run. ``emit`` is synchronous so that observers deep in the connector can use it."""

    def __init__(self, run: ImportRun, store: ListingStore, clock: Clock) -> None:
        self.run = run
        self.clock = clock
        self.errors: list[Problem] = []
        self._unsaved: list[Problem] = []
        self.warnings: Counter[str] = Counter()
        self._store = store
        self._fold = TallyFold()
        self.finished = False
        self._queue: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._saving = asyncio.Lock()
        self._problem_count = 0
        self._photos_reused = 0

    @property
    def counts(self) -> ImportCounts:
        counts = self._fold.snapshot().counts
        return counts.model_copy(update={"photos_reused": self._photos_reused})

    @property
    def backlog(self) -> int:
        """How many events wait for the reader."""
        return len(self._queue)

    def emit(self, event: Event) -> None:
        """Nothing follows a RunFinished."""
        if self.finished:
            return
        self.finished = isinstance(event, RunFinished)
        self._fold.add(event)
        self._queue.append(event)
        self._arrived.set()
        if len(self._queue) >= BACKLOG:
            self._room.clear()

    async def room(self) -> None:
        """Wait until the reader of the events has kept up."""
        await self._room.wait()

    def reused(self, photos: int) -> None:
        """Photos that were stored already and not asked for again."""
        self._photos_reused += photos

    def warn(self, kind: str) -> None:
        self.warnings[kind] += 1

    @property
    def unsaved(self) -> list[Problem]:
        """Problems noted since the last ``save``."""
        return list(self._unsaved)

    def problem(self, problem: Problem) -> None:
        """Note a failure; it is stored with the next ``save``."""
        self._problem_count += 1
        self._unsaved.append(problem)
        if problem.kind is not ProblemKind.PHOTO and len(self.errors) < MAX_ERRORS:
            self.errors.append(problem.model_copy(update={"raw": None}))

    async def events(self) -> AsyncGenerator[Event, None]:
        """Every event in order; ends after RunFinished."""
        while True:
            while self._queue:
                event = self._queue.popleft()
                if len(self._queue) < BACKLOG // 2:
                    self._room.set()
                yield event
                if isinstance(event, RunFinished):
                    return
            self._arrived.clear()
            if not self._queue:
                await self._arrived.wait()

    async def save(self, *, state: RunState = RunState.RUNNING, error: str | None = None) -> None:
        """Write the run's row and the problems that are not stored yet. Raises StorageError, and forgets nothing.

        A write that has begun is finished even where its caller is cancelled, and the next one waits for it: a row
        that says the run goes on never lands on one that says how it ended.
        """
        await asyncio.shield(asyncio.ensure_future(self._write(state, error)))

    async def save_problems(self) -> None:
        """Write the problems that are not stored yet: a record that the cursor passes is not met again."""
        async with self._saving:
            await self._write_problems()

    async def _write_problems(self) -> None:
        while pending := self._unsaved[:PROBLEMS_AT_ONCE]:
            first = self._problem_count - len(self._unsaved)
            await self._store.put_problems(self.run.user_id, self.run.run_id, first, pending)
            del self._unsaved[: len(pending)]

    async def _write(self, state: RunState, error: str | None) -> None:
        async with self._saving:
            await self._write_problems()
            self.run = self.run.model_copy(
                update={
                    "state": state,
                    "counts": self.counts,
                    "errors": tuple(self.errors[:INLINE_ERRORS]),
                    "problems": self._problem_count,
                    "warnings": dict(self.warnings),
                    "error": error,
                    "updated_at": epoch_ms(self.clock.now()),
                    "finished_at": None if state is RunState.RUNNING else epoch_ms(self.clock.now()),
                }
            )
            await self._store.put_run(self.run.user_id, self.run)

    def result(self, state: RunState, *, error: str | None = None, exit_code: int | None = None) -> ImportResult:
        """How the run ended; its exit code is 1 where listings failed."""
        counts = self.counts
        return ImportResult(
            state=state,
            counts=counts,
            errors=tuple(self.errors),
            warnings=dict(self.warnings),
            error=error,
            exit_code=exit_code if exit_code is not None else (1 if counts.failed else 0),
            started_at=self.run.started_at,
            finished_at=epoch_ms(self.clock.now()),
        )
