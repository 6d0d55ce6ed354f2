"""What both listing stores promise about connections, leases, runs and state."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from mls_tui.domain.connection import Cursor
from mls_tui.domain.errors import StorageError
from mls_tui.domain.run import ImportRun, Problem, ProblemKind, RunState
from mls_tui.storage.leases import host_name, this_lease
from tests.contract.samples import FIRST_MS, OTHER, USER, Pair, a_connection, a_lease, a_run

NOW = FIRST_MS
LATER = NOW + 60_000


def ended_pid() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


async def test_connection_comes_back_and_goes(pair: Pair) -> None:
    connection = a_connection(cursor=Cursor(watermark="2026-01-01T00:00:00Z", statuses=("active",)))
    await pair.rows.put_connection(USER, connection)

    assert await pair.rows.get_connection(USER, "c1") == connection
    assert await pair.rows.connections(USER) == [connection]
    assert await pair.rows.connections(OTHER) == []
    assert not await pair.rows.delete_connection(OTHER, "c1")
    assert await pair.rows.delete_connection(USER, "c1")
    assert not await pair.rows.delete_connection(USER, "c1")
    assert await pair.rows.get_connection(USER, "c1") is None


async def test_replaced_connection_keeps_cursor_and_lease(pair: Pair) -> None:
    await pair.rows.put_connection(USER, a_connection())
    assert await pair.rows.acquire_lease(USER, "c1", a_lease("r1", LATER), now_ms=NOW) is None
    cursor = Cursor(watermark="2026-01-01T00:00:00.123456Z", last_key="k", failed_keys=("a",))
    await pair.rows.put_cursor(USER, cursor, run=a_run("r1"), holder="r1")

    await pair.rows.put_connection(USER, a_connection(name="Renamed", cursor=Cursor(watermark="old")))

    stored = await pair.rows.get_connection(USER, "c1")
    assert stored is not None
    assert (stored.name, stored.cursor) == ("Renamed", cursor)
    assert await pair.rows.acquire_lease(USER, "c1", a_lease("r2", LATER), now_ms=NOW) == a_lease("r1", LATER)


@pytest.mark.promise(2)
async def test_cursor_moves_only_for_the_holder_of_the_lease(pair: Pair) -> None:
    await pair.rows.put_connection(USER, a_connection())
    with pytest.raises(StorageError, match="no longer holds"):
        await pair.rows.put_cursor(USER, Cursor(watermark="x"), run=a_run("r1"), holder="r1")
    await pair.rows.acquire_lease(USER, "c1", a_lease("r1", NOW), now_ms=NOW - 1)
    await pair.rows.acquire_lease(USER, "c1", a_lease("r2", LATER), now_ms=NOW)

    with pytest.raises(StorageError, match="no longer holds"):
        await pair.rows.put_cursor(USER, Cursor(watermark="late"), run=a_run("r1"), holder="r1")
    await pair.rows.put_cursor(USER, Cursor(watermark="fresh"), run=a_run("r2"), holder="r2")

    stored = await pair.rows.get_connection(USER, "c1")
    assert stored is not None
    assert stored.cursor.watermark == "fresh"


async def test_lease_is_free_when_expired_renewed_or_released(pair: Pair) -> None:
    await pair.rows.put_connection(USER, a_connection())
    first, second = a_lease("r1", LATER), a_lease("r2", LATER + 1)

    assert await pair.rows.acquire_lease(USER, "c1", first, now_ms=NOW) is None
    assert await pair.rows.acquire_lease(USER, "c1", first, now_ms=NOW) is None
    assert await pair.rows.acquire_lease(USER, "c1", second, now_ms=LATER - 1) == first
    await pair.rows.release_lease(USER, "c1", "r2")
    assert await pair.rows.acquire_lease(USER, "c1", second, now_ms=LATER - 1) == first
    assert await pair.rows.acquire_lease(USER, "c1", second, now_ms=LATER) is None
    await pair.rows.release_lease(USER, "c1", "r2")
    assert await pair.rows.acquire_lease(USER, "c1", first, now_ms=NOW) is None


async def test_lease_of_a_dead_process_on_this_host_is_taken_over(pair: Pair) -> None:
    await pair.rows.put_connection(USER, a_connection())
    dead = a_lease("r1", LATER, host=host_name(), pid=ended_pid())
    await pair.rows.acquire_lease(USER, "c1", dead, now_ms=NOW)

    assert await pair.rows.acquire_lease(USER, "c1", this_lease("r2", LATER), now_ms=NOW) is None
    living = await pair.rows.acquire_lease(USER, "c1", a_lease("r3", LATER), now_ms=NOW)
    assert living is not None
    assert (living.run_id, living.pid) == ("r2", os.getpid())


async def test_one_of_many_claimants_gets_the_lease(pair: Pair) -> None:
    await pair.rows.put_connection(USER, a_connection())
    leases = [a_lease(f"r{number}", LATER) for number in range(16)]

    answers = await asyncio.gather(*(pair.rows.acquire_lease(USER, "c1", lease, now_ms=NOW) for lease in leases))

    assert answers.count(None) == 1
    winner = leases[answers.index(None)]
    assert all(answer == winner for answer in answers if answer is not None)


async def test_lease_of_a_connection_that_is_gone_is_a_sentence(pair: Pair) -> None:
    with pytest.raises(StorageError, match="There is no connection c9"):
        await pair.rows.acquire_lease(USER, "c9", a_lease("r1", LATER), now_ms=NOW)
    await pair.rows.release_lease(USER, "c9", "r1")
    assert await pair.rows.get_connection(USER, "c9") is None


async def test_runs_are_listed_newest_first(pair: Pair) -> None:
    runs = [a_run(f"r{number}", NOW + number) for number in range(5)]
    for run in [runs[2], runs[0], runs[4], runs[1], runs[3]]:
        await pair.rows.put_run(USER, run)

    assert await pair.rows.runs(USER) == runs[::-1]
    assert await pair.rows.runs(USER, limit=2) == [runs[4], runs[3]]
    assert await pair.rows.runs(USER, limit=0) == []
    assert await pair.rows.runs(OTHER) == []
    assert await pair.rows.get_run(USER, "r1") == runs[1]
    assert await pair.rows.get_run(USER, "1") is None
    assert await pair.rows.get_run(OTHER, "r1") is None


async def test_the_cursor_and_the_row_of_its_run_are_written_together_or_not_at_all(pair: Pair) -> None:
    await pair.rows.put_connection(USER, a_connection())
    run = a_run("r1")
    with pytest.raises(StorageError, match="no longer holds"):
        await pair.rows.put_cursor(USER, Cursor(watermark="x"), run=run, holder="r1")
    assert await pair.rows.get_run(USER, "r1") is None
    await pair.rows.acquire_lease(USER, "c1", a_lease("r1", LATER), now_ms=NOW)
    await pair.rows.put_cursor(USER, Cursor(watermark="y"), run=run, holder="r1")
    assert await pair.rows.get_run(USER, "r1", started_at=run.started_at) == run


async def test_the_control_word_of_a_run_survives_its_row_and_ends_with_it(pair: Pair) -> None:
    running = a_run("r1").model_copy(update={"state": RunState.RUNNING})
    assert await pair.rows.put_run(USER, running) is None
    assert await pair.rows.control_run(USER, running, "pause")
    assert not await pair.rows.control_run(OTHER, running, "cancel")
    assert await pair.rows.put_run(USER, running) == "pause"
    stored = await pair.rows.get_run(USER, "r1")
    assert (stored is not None and stored.paused) is True
    assert await pair.rows.control_run(USER, running, None)
    assert await pair.rows.put_run(USER, a_run("r1")) is None
    assert not await pair.rows.control_run(USER, running, "cancel")


def queued(run_id: str, started_at: int = NOW) -> ImportRun:
    return a_run(run_id, started_at).model_copy(update={"state": RunState.QUEUED, "distributed": True})


async def test_a_connection_with_a_run_that_has_not_ended_gets_no_second_one(pair: Pair) -> None:
    await pair.rows.put_connection(USER, a_connection())
    first = queued("r1")
    assert await pair.rows.reserve(USER, first, now_ms=NOW) is None
    refused = await pair.rows.reserve(USER, queued("r2"), now_ms=NOW)
    assert refused is not None
    assert (refused.run_id, refused.pid) == ("r1", 0)
    assert await pair.rows.get_run(USER, "r2") is None
    here = await pair.rows.acquire_lease(USER, "c1", a_lease("r3", LATER), now_ms=NOW)
    assert here == refused, "an import of this machine waits as well"
    assert await pair.rows.acquire_lease(USER, "c1", a_lease("r1", LATER), now_ms=NOW) is None

    await pair.rows.put_connection(USER, a_connection(name="Edited"))
    await pair.rows.put_run(USER, first.model_copy(update={"state": RunState.DONE}))
    held = await pair.rows.reserve(USER, queued("r4", NOW + 1), now_ms=NOW)
    assert held == a_lease("r1", LATER), "its worker still has the lease"
    assert await pair.rows.reserve(USER, queued("r4", NOW + 1), now_ms=LATER) is None


async def test_one_of_many_starts_of_a_connection_wins(pair: Pair) -> None:
    await pair.rows.put_connection(USER, a_connection())
    runs = [queued(f"r{number}", NOW + number) for number in range(8)]
    answers = await asyncio.gather(*(pair.rows.reserve(USER, run, now_ms=NOW) for run in runs))
    winner = runs[answers.index(None)]
    assert answers.count(None) == 1
    assert {answer.run_id for answer in answers if answer} == {winner.run_id}
    assert await pair.rows.runs(USER) == [winner]
    with pytest.raises(StorageError, match="There is no connection"):
        await pair.rows.reserve(OTHER, queued("r9"), now_ms=NOW)


async def test_the_same_run_delivered_twice_is_imported_by_one_holder(pair: Pair) -> None:
    await pair.rows.put_connection(USER, a_connection())
    await pair.rows.reserve(USER, queued("r1"), now_ms=NOW)
    one, two = (a_lease("r1", LATER).model_copy(update={"holder": holder}) for holder in ("a", "b"))
    assert await pair.rows.acquire_lease(USER, "c1", one, now_ms=NOW) is None
    assert await pair.rows.acquire_lease(USER, "c1", two, now_ms=NOW) == one


async def test_problems_put_twice_are_there_once_in_order(pair: Pair) -> None:
    problems = [Problem(kind=ProblemKind.LISTING, mls_number=f"{number}", error="x") for number in range(60)]
    await pair.rows.put_problems(USER, "r1", 0, problems)
    await pair.rows.put_problems(USER, "r1", 30, problems[30:])
    await pair.rows.put_problems(USER, "r11", 0, problems[:1])
    await pair.rows.put_problems(USER, "r1", 60, [])

    assert [problem async for problem in pair.rows.problems(USER, "r1")] == problems
    assert [problem async for problem in pair.rows.problems(OTHER, "r1")] == []


async def test_record_too_large_to_quarantine_keeps_its_reason(pair: Pair) -> None:
    huge = Problem(kind=ProblemKind.QUARANTINED, mls_number="1", error="no key", raw="x" * 500_000)
    await pair.rows.put_problems(USER, "r1", 0, [huge])

    (stored,) = [problem async for problem in pair.rows.problems(USER, "r1")]
    assert stored.raw is None
    assert stored.error == "no key (the record itself was too large to keep)"


async def test_run_with_too_many_errors_keeps_the_first(pair: Pair) -> None:
    errors = tuple(Problem(kind=ProblemKind.PHOTO, mls_number=f"{n}", error="e" * 4000) for n in range(200))
    await pair.rows.put_run(USER, a_run("r1").model_copy(update={"errors": errors, "problems": 200}))

    stored = await pair.rows.get_run(USER, "r1")
    assert stored is not None
    assert 0 < len(stored.errors) < 200
    assert stored.errors == errors[: len(stored.errors)]


async def test_state_is_kept_under_any_name(pair: Pair) -> None:
    assert await pair.rows.get_state(USER, "budget/https://x#y") is None
    await pair.rows.put_state(USER, "budget/https://x#y", "1")
    await pair.rows.put_state(USER, "budget/https://x#y", '{"a": 2}')
    assert await pair.rows.get_state(USER, "budget/https://x#y") == '{"a": 2}'
    assert await pair.rows.get_state(OTHER, "budget/https://x#y") is None
