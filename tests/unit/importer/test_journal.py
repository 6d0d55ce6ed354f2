"""The record of a run as it is written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from mls_tui.domain.clock import SystemClock
from mls_tui.domain.connection import Cursor
from mls_tui.domain.errors import StorageError
from mls_tui.domain.events import ListingFailed, ListingStored, Outcome
from mls_tui.domain.listing import LastImport
from mls_tui.domain.run import Checkpoint, ImportRun, Problem, ProblemKind, RunState
from mls_tui.importer.journal import Journal
from mls_tui.storage.base import ListingStore


class SlowStore:
    """Takes the first row in a thread of its own, as AWS does: cancelling who waits for it does not stop it."""

    def __init__(self) -> None:
        self.written: list[RunState] = []
        self.begun, self.release = asyncio.Event(), asyncio.Event()

    async def put_run(self, user_id: str, run: ImportRun) -> None:
        first = not self.begun.is_set()
        self.begun.set()
        await asyncio.shield(asyncio.ensure_future(self._land(run, wait=first)))

    async def _land(self, run: ImportRun, *, wait: bool) -> None:
        if wait:
            await self.release.wait()
        self.written.append(run.state)


async def test_a_row_that_says_the_run_goes_on_never_lands_on_its_end() -> None:
    run = ImportRun(
        run_id="r",
        user_id="u",
        connection_id="c",
        connection_name="c",
        provider="reso",
        state=RunState.RUNNING,
        started_at=1,
    )
    store = SlowStore()
    journal = Journal(run, cast(ListingStore, cast(Any, store)), SystemClock())
    saving = asyncio.create_task(journal.save())
    await store.begun.wait()
    saving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await saving
    ending = asyncio.create_task(journal.save_end(journal.result(RunState.CANCELLED)))
    await asyncio.sleep(0)
    store.release.set()
    await ending
    for _ in range(3):
        await asyncio.sleep(0)
    assert store.written == [RunState.RUNNING, RunState.CANCELLED]


class KeptStore:
    """Keeps rows, cursors and problems; refuses the next cursor if told to."""

    def __init__(self) -> None:
        self.row: ImportRun | None = None
        self.problems_put: dict[int, Problem] = {}
        self.refuses = False

    async def put_run(self, user_id: str, run: ImportRun) -> None:
        self.row = run

    async def put_cursor(self, user_id: str, cursor: Cursor, *, run: ImportRun, holder: str) -> None:
        if self.refuses:
            self.refuses = False
            raise StorageError("busy", retryable=True)
        self.row = run

    async def put_problems(self, user_id: str, run_id: str, first: int, problems: list[Problem]) -> None:
        self.problems_put |= {first + number: problem for number, problem in enumerate(problems)}

    async def problems(self, user_id: str, run_id: str) -> AsyncIterator[Problem]:
        for number in sorted(self.problems_put):
            yield self.problems_put[number]

    @property
    def checkpoint(self) -> Checkpoint:
        assert self.row is not None
        assert self.row.checkpoint is not None
        return self.row.checkpoint


def journal_of(store: KeptStore, run: ImportRun | None = None) -> Journal:
    return Journal(run or RUN, cast(ListingStore, cast(Any, store)), SystemClock())


RUN = ImportRun(
    run_id="r",
    user_id="u",
    connection_id="c",
    connection_name="c",
    provider="reso",
    state=RunState.RUNNING,
    started_at=1,
)


def stored(journal: Journal, number: str, outcome: Outcome = "created") -> None:
    event = ListingStored(
        at=journal.clock.now(), run="r", mls_number=number, listing_key=number, listing_id=number, outcome=outcome
    )
    journal.emit(event)


def failed(journal: Journal, number: str) -> None:
    journal.problem(Problem(kind=ProblemKind.LISTING, mls_number=number, error="x"))
    journal.emit(
        ListingFailed(at=journal.clock.now(), run="r", mls_number=number, listing_key=number, error="x", attempts=3)
    )


@pytest.mark.promise(1)
async def test_a_checkpoint_counts_the_pages_that_the_cursor_has_passed_and_no_other() -> None:
    store = KeptStore()
    journal = journal_of(store)
    with journal.page(1):
        stored(journal, "a")
        failed(journal, "b")
    with journal.page(2):
        stored(journal, "c")
        failed(journal, "d")
    journal.close_pages([1])
    await journal.save_cursor(Cursor())
    assert (journal.counts.created, journal.counts.failed) == (2, 2)
    assert (store.checkpoint.counts.created, store.checkpoint.counts.failed, store.checkpoint.problems) == (1, 1, 1)
    await journal.save()
    assert store.checkpoint.counts.created == 1, "a save without the cursor moves nothing"

    assert store.row is not None
    resumed = journal_of(store, store.row)
    with resumed.page(1):
        stored(resumed, "c")
        failed(resumed, "d")
    result = resumed.result(RunState.DONE)
    await resumed.save_end(result)
    assert (result.counts.created, result.counts.failed, [each.mls_number for each in result.errors]) == (
        2, 2, ["b", "d"],
    )  # fmt: skip
    assert [problem.mls_number async for problem in store.problems("u", "r")] == ["b", "d"]
    assert (store.row.problems, store.row.checkpoint) == (2, None)


async def test_a_cursor_that_could_not_be_saved_is_saved_with_the_next_row() -> None:
    """Counts without their cursor would count twice after a crash."""
    store = KeptStore()
    journal = journal_of(store)
    with journal.page(1):
        stored(journal, "a")
    journal.close_pages([1])
    store.refuses = True
    with pytest.raises(StorageError):
        await journal.save_cursor(Cursor())
    assert store.row is None
    await journal.save()
    assert store.checkpoint.counts.created == 1


async def test_a_cursor_that_goes_back_takes_its_counts_and_problems_along() -> None:
    store = KeptStore()
    journal = journal_of(store)
    journal.begin_sweep()
    with journal.page(1):
        stored(journal, "a")
        failed(journal, "b")
    journal.close_pages([1])
    await journal.save_cursor(Cursor(watermark="x"))
    await journal.rewind()
    await journal.save_cursor(Cursor())
    assert (store.checkpoint.counts.created, store.checkpoint.problems) == (0, 0)
    assert (journal.counts.created, journal.counts.failed) == (1, 1)
    await journal.save_end(journal.result(RunState.DONE))
    assert store.row is not None
    assert (store.row.counts.created, store.row.problems, len(store.row.errors)) == (1, 1, 1)


async def test_what_a_resumed_run_had_done_counts_as_it_was() -> None:
    journal = journal_of(KeptStore())
    journal.stored_before["a"] = LastImport(run="r", outcome="created", photos_stored=3, bytes=30)
    assert journal.final_outcome("a", "unchanged") == "created"
    assert journal.final_outcome("a", "unchanged") == "unchanged", "once"
    assert (journal.counts.photos_stored, journal.counts.bytes) == (3, 30)
