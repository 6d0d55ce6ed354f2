"""Records what a run does: queues its events for the reader, adds up its counts and problems, and saves its row.

Counts are kept per page. Those of the pages that the cursor has passed are the run's checkpoint, which is written in
one transaction with the cursor: a run that is resumed under its own id counts every listing once.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from mls_tui.domain.clock import Clock, epoch_ms
from mls_tui.domain.connection import Cursor
from mls_tui.domain.events import Event, RunFinished
from mls_tui.domain.listing import LastImport
from mls_tui.domain.run import Checkpoint, ImportCounts, ImportResult, ImportRun, Problem, ProblemKind, RunState
from mls_tui.importer.tally import TallyFold, deltas
from mls_tui.storage.base import ListingStore

INLINE_ERRORS = 100
"""Most failed listings in the run's row. Every problem is also an item of its own."""

MAX_ERRORS = 10_000
"""Most failed listings in a result. Its count of failures is exact."""

PROBLEMS_AT_ONCE = 200

BACKLOG = 2_000
"""If this many events wait for a slow reader, no further listing is started."""

_PAGE: ContextVar[int | None] = ContextVar("page", default=None)


@dataclass(slots=True)
class _Totals:
    """Counts, warnings and problems of some pages."""

    counts: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)

    def take(self, other: _Totals) -> None:
        self.counts.update(other.counts)
        self.warnings.update(other.warnings)
        self.problems += other.problems


@dataclass(slots=True)
class _Saved:
    """What is stored with the cursor. ``problems`` is the number of problem items; ``errors`` are those in a result."""

    counts: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    problems: int = 0
    errors: tuple[Problem, ...] = ()

    def plus(self, part: _Totals) -> _Saved:
        errors = (*self.errors, *_listed(part.problems))[:MAX_ERRORS]
        counts, warnings = Counter(self.counts), Counter(self.warnings)
        counts.update(part.counts)
        warnings.update(part.warnings)
        return _Saved(counts, warnings, self.problems + len(part.problems), errors)


def _listed(problems: Iterable[Problem]) -> list[Problem]:
    return [each.model_copy(update={"raw": None}) for each in problems if each.kind is not ProblemKind.PHOTO]


class Journal:
    """One per run. ``emit`` is synchronous, so that the connector's observer can call it.

    ``run`` is the row as last written; a run with a checkpoint is resumed. ``holder`` is the holder of the lease, which
    saving the cursor requires. ``stored_before`` is what the run stored before it was resumed, by listing id.
    """

    def __init__(self, run: ImportRun, store: ListingStore, clock: Clock) -> None:
        self.run = run
        self.clock = clock
        self.holder = ""
        self.finished = False
        self.stored_before: dict[str, LastImport] = {}
        checkpoint = run.checkpoint or Checkpoint()
        self.phase = checkpoint.phase
        self.changes_only = run.changes_only
        self._store = store
        counts, warnings = Counter(checkpoint.counts.model_dump()), Counter(checkpoint.warnings)
        self._saved = self._before = _Saved(counts, warnings, checkpoint.problems, run.errors)
        self._cursor: Cursor | None = None
        """A cursor that a failed save did not write: the next save does."""
        self._closed = _Totals()
        self._open: dict[int | None, _Totals] = {}
        self._fold = TallyFold(dict(counts))
        self._queue: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._caught_up = asyncio.Event()
        self._caught_up.set()
        self._saving = asyncio.Lock()

    @property
    def resumed(self) -> bool:
        return self.run.checkpoint is not None

    @property
    def counts(self) -> ImportCounts:
        return self._fold.snapshot().counts

    @property
    def warnings(self) -> dict[str, int]:
        found = Counter(self._saved.warnings)
        for part in self._unsaved:
            found.update(part.warnings)
        return dict(found)

    @property
    def backlog(self) -> int:
        """How many events wait to be read."""
        return len(self._queue)

    @property
    def unsaved(self) -> list[Problem]:
        """Problems that are not in the stored row."""
        return [problem for part in self._unsaved for problem in part.problems]

    @property
    def _unsaved(self) -> tuple[_Totals, ...]:
        return (self._closed, *self._open.values())

    @contextmanager
    def page(self, number: int) -> Iterator[None]:
        """Count what happens in the block, and in tasks started in it, as part of this page."""
        before = _PAGE.set(number)
        try:
            yield
        finally:
            _PAGE.reset(before)

    def _current_page(self) -> _Totals:
        page = _PAGE.get()
        part = self._open.get(page)
        if part is None:
            part = self._open[page] = _Totals()
        return part

    def emit(self, event: Event) -> None:
        """Count and queue an event. Events after RunFinished are ignored."""
        if self.finished:
            return
        self.finished = isinstance(event, RunFinished)
        self._fold.add(event)
        counts = self._current_page().counts
        for name, by in deltas(event):
            counts[name] += by
        self._queue.append(event)
        self._arrived.set()
        if len(self._queue) >= BACKLOG:
            self._caught_up.clear()

    async def reader_caught_up(self) -> None:
        """Wait while too many events are unread."""
        await self._caught_up.wait()

    def count(self, **counts: int) -> None:
        """Add to the counts without an event."""
        self._current_page().counts.update(counts)
        self._fold.count(**counts)

    def final_outcome(self, listing_id: str, outcome: str) -> str:
        """The outcome that the listing counts as: what this run did with it before it was resumed, else ``outcome``."""
        done = self.stored_before.pop(listing_id, None)
        if done is None:
            return outcome
        self.count(photos_stored=done.photos_stored, photos_reused=done.photos_reused, bytes=done.bytes)
        return done.outcome

    def warn(self, kind: str) -> None:
        self._current_page().warnings[kind] += 1

    def problem(self, problem: Problem) -> None:
        """Add a failure. It is stored when the cursor passes its page."""
        self._current_page().problems.append(problem)

    def begin_sweep(self) -> None:
        """Remember the saved counts, for ``rewind``."""
        self._before = self._saved

    async def rewind(self) -> None:
        """Take back what was saved since ``begin_sweep``: the cursor returns to where the sweep began."""
        since, warnings = Counter(self._saved.counts), Counter(self._saved.warnings)
        since.subtract(self._before.counts)
        warnings.subtract(self._before.warnings)
        stored = [problem async for problem in self._store.problems(self.run.user_id, self.run.run_id)]
        problems = stored[self._before.problems : self._saved.problems]
        self._open.setdefault(None, _Totals()).take(_Totals(since, warnings, problems))
        self._saved = self._before

    def close_pages(self, pages: Collection[int] | None = None) -> None:
        """Add these pages to what the next save stores; None: all pages."""
        for number in tuple(self._open) if pages is None else (None, *pages):
            if (part := self._open.pop(number, None)) is not None:
                self._closed.take(part)

    async def events(self) -> AsyncGenerator[Event, None]:
        """Yield the events in order, up to RunFinished."""
        while True:
            while self._queue:
                event = self._queue.popleft()
                if len(self._queue) < BACKLOG // 2:
                    self._caught_up.set()
                yield event
                if isinstance(event, RunFinished):
                    return
            self._arrived.clear()
            if not self._queue:
                await self._arrived.wait()

    async def save(self) -> str | None:
        """Write the run's row with the current counts; the row's control word. Raises StorageError and forgets nothing.

        A write that has begun is finished even if its caller is cancelled, and the next one waits for it: a row of a
        running run never overwrites one that says how it ended.
        """
        return await asyncio.shield(asyncio.ensure_future(self._write(RunState.RUNNING, None, 0, None)))

    async def save_cursor(self, cursor: Cursor) -> None:
        """Save the cursor with the run's row and checkpoint. Raises what ``save`` raises."""
        await asyncio.shield(asyncio.ensure_future(self._write(RunState.RUNNING, None, 0, cursor)))

    async def save_end(self, result: ImportResult) -> None:
        """Save how the run ended, or that it waits for a worker. Raises what ``save`` raises."""
        if result.state is not RunState.QUEUED:
            self.close_pages()
        await asyncio.shield(asyncio.ensure_future(self._write(result.state, result.error, result.exit_code, None)))

    async def _write(self, state: RunState, error: str | None, exit_code: int, cursor: Cursor | None) -> str | None:
        async with self._saving:
            ended = state not in (RunState.RUNNING, RunState.QUEUED)
            self._cursor = cursor or self._cursor
            if ended or self._cursor is not None:
                await self._save_problems()
            now = epoch_ms(self.clock.now())
            run = self.run.model_copy(
                update={
                    "state": state,
                    "counts": self.counts,
                    "expected": self._fold.expected,
                    "errors": self._saved.errors[:INLINE_ERRORS],
                    "problems": self._saved.problems,
                    "warnings": self.warnings,
                    "error": error,
                    "exit_code": exit_code,
                    "changes_only": self.changes_only,
                    "checkpoint": None if ended else self._checkpoint(),
                    "updated_at": now,
                    "finished_at": now if ended else None,
                }
            )
            control = None
            if self._cursor is None or ended:
                control = await self._store.put_run(run.user_id, run)
            else:
                await self._store.put_cursor(run.user_id, self._cursor, run=run, holder=self.holder)
                self._cursor = None
            self.run = run
            return control

    def _checkpoint(self) -> Checkpoint:
        saved = self._saved
        counts = ImportCounts.model_validate(dict(saved.counts))
        return Checkpoint(counts=counts, warnings=dict(saved.warnings), problems=saved.problems, phase=self.phase)

    async def _save_problems(self) -> None:
        """Store the problems of closed pages as items. They count once the row is written, with their number."""
        settled, self._closed = self._closed, _Totals()
        while some := settled.problems[:PROBLEMS_AT_ONCE]:
            try:
                await self._store.put_problems(self.run.user_id, self.run.run_id, self._saved.problems, some)
            except BaseException:
                settled.take(self._closed)
                self._closed = settled
                raise
            del settled.problems[: len(some)]
            self._saved = self._saved.plus(_Totals(problems=some))
        self._saved = self._saved.plus(settled)

    def result(self, state: RunState, *, error: str | None = None, exit_code: int | None = None) -> ImportResult:
        """How the run ended; the exit code is 1 if listings failed."""
        counts = self.counts
        return ImportResult(
            state=state,
            counts=counts,
            errors=(*self._saved.errors, *_listed(self.unsaved))[:MAX_ERRORS],
            warnings=self.warnings,
            error=error,
            exit_code=exit_code if exit_code is not None else (1 if counts.failed else 0),
            changes_only=self.changes_only,
            started_at=self.run.started_at,
            finished_at=epoch_ms(self.clock.now()),
        )
