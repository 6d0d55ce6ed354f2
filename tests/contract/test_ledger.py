"""The books of a distributed run: what is delivered twice, or side by side, counts once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mls_tui.distributed.ledger import Ledger
from mls_tui.distributed.outcome import Outcome, RunKey
from mls_tui.distributed.plan import Plan, unpacked
from mls_tui.domain.clock import SystemClock
from mls_tui.domain.errors import StorageError
from mls_tui.domain.run import ImportRun, Problem, ProblemKind, RunState
from mls_tui.storage.aws import Aws
from tests.contract.samples import Pair

USER = "ana"
RUN = ImportRun(
    run_id="r1",
    user_id=USER,
    connection_id="c1",
    connection_name="Lakeside",
    provider="reso",
    state=RunState.RUNNING,
    started_at=1_780_000_000_000,
    distributed=True,
)
KEY = RunKey.of(RUN)
PROBLEM = Problem(kind=ProblemKind.LISTING, mls_number="A-1", listing_key="1", error="no", attempts=3)


@pytest.fixture
async def ledger(aws: Aws, aws_pair: Pair) -> AsyncIterator[Ledger]:
    books = Ledger(aws, aws_pair.rows.describe().split()[2], SystemClock())
    await books.create(RUN)
    yield books
    await books.close()


async def _row(pair: Pair) -> ImportRun:
    run = await pair.rows.get_run(USER, "r1")
    assert run is not None
    return run


async def test_a_task_finished_twice_counts_once(ledger: Ledger, aws_pair: Pair) -> None:
    outcome = Outcome("t1", {"created": 1, "total": 1, "photos_stored": 7}, {"odd date": 2}, (PROBLEM,))
    assert [await ledger.finish(KEY, outcome), await ledger.finish(KEY, outcome)] == [True, False]
    run = await _row(aws_pair)
    assert (run.counts.created, run.counts.total, run.counts.photos_stored, run.pending) == (1, 1, 7, -1)
    assert (run.warnings, run.problems) == ({"odd date": 2}, 1)
    assert [each.error async for each in aws_pair.rows.problems(USER, "r1")] == ["no"]
    assert await ledger.done(KEY, ["t1", "t2"]) == {"t1": True}


async def test_tasks_finished_side_by_side_and_repeated_are_each_counted_once(
    ledger: Ledger, aws: Aws, aws_pair: Pair
) -> None:
    other = Ledger(aws, aws_pair.rows.describe().split()[2], SystemClock())
    outcomes = [Outcome(f"t{number % 40}", {"created": 1}) for number in range(120)]
    books = [ledger, other]
    told = await asyncio.gather(*(books[n % 2].finish(KEY, outcome) for n, outcome in enumerate(outcomes)))
    await other.close()
    assert sum(told) == 40
    run = await _row(aws_pair)
    assert (run.counts.created, run.pending) == (40, -40)


async def test_the_first_plan_of_a_page_stands(ledger: Ledger) -> None:
    first = Plan(3, works=(("k1", "2026"), ("k2", "2026")), seen=(("k1", "2026"), ("k2", "2026")), next=("2026", "k2"))
    assert await ledger.keep(KEY, first) == first
    assert await ledger.keep(KEY, replace(first, works=())) == first
    await ledger.keep(KEY, Plan(4, ended=True, total=2))
    assert [plan.step for plan in await ledger.plans(KEY)] == [3, 4]
    assert (await ledger.plans(KEY, 4))[0].total == 2


async def test_a_page_of_five_thousand_records_fits_an_item(ledger: Ledger) -> None:
    seen = tuple(
        (sha256(str(number).encode()).hexdigest(), f"2026-06-01T12:00:{number % 60:02}.{number % 1000:03}Z")
        for number in range(5_000)
    )
    assert await ledger.keep(KEY, Plan(1, seen=seen, works=seen)) == Plan(1, seen=seen, works=seen)
    assert (await ledger.plans(KEY))[0].works == seen


async def test_a_run_ends_once_and_heeds_no_one_afterwards(ledger: Ledger, aws_pair: Pair) -> None:
    assert await ledger.control(KEY, "pause")
    assert (await _row(aws_pair)).paused
    assert await ledger.control(KEY, None)
    assert await ledger.end(KEY, RunState.CANCELLED, error="enough")
    assert not await ledger.end(KEY, RunState.DONE)
    assert not await ledger.control(KEY, "pause")
    run = await _row(aws_pair)
    assert (run.state, run.error, run.paused) == (RunState.CANCELLED, "enough", False)
    assert run.finished_at is not None


async def test_counting_into_a_run_that_is_gone_is_an_error_and_leaves_no_mark(ledger: Ledger) -> None:
    gone = RunKey(USER, "r2", 1)
    with pytest.raises(StorageError, match="no longer stored"):
        await ledger.finish(gone, Outcome("t1"))
    assert await ledger.done(gone, ["t1"]) == {}


_TEXT = st.text(max_size=20)
_ROWS = st.lists(st.tuples(_TEXT, _TEXT), max_size=5).map(tuple)


@given(seen=_ROWS, works=_ROWS, place=st.none() | st.tuples(_TEXT, _TEXT), ended=st.booleans(), whole=st.booleans())
def test_a_plan_comes_back_as_it_was_kept(
    seen: tuple[tuple[str, str], ...],
    works: tuple[tuple[str, str], ...],
    place: tuple[str, str] | None,
    ended: bool,
    whole: bool,
) -> None:
    plan = Plan(7, seen, works, {"unchanged": 3}, place, ended, 12, whole)
    assert unpacked(plan.packed()) == plan
