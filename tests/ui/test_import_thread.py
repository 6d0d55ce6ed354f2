"""The import thread hands over everything in order, never makes the interface wait, and ends whatever happens."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator

from mls_tui.domain.events import Event, ListingStored, RunFinished
from mls_tui.domain.run import RunState
from mls_tui.importer.collector import COLLECT_AFTER
from mls_tui.importer.options import ImportControl
from mls_tui.ui.import_thread import MAX_WAITING, Handover, ImportThread
from mls_tui.ui.messages import ImportProgress
from tests.ui.fakes import FrozenClock
from tests.ui.shell import begun, finished, stored


def thread_of(*steps: Event, wait: threading.Event | None = None, error: Exception | None = None) -> ImportThread:
    async def events(control: ImportControl) -> AsyncIterator[Event]:
        for step in steps:
            yield step
        if error is not None:
            raise error
        if wait is not None:
            await asyncio.to_thread(wait.wait)

    return ImportThread(events, ImportControl(), clock=FrozenClock())


async def all_of(thread: ImportThread) -> list[Handover]:
    return [handover async for handover in thread.batches()]


async def test_every_event_arrives_once_and_in_order() -> None:
    steps = [stored(str(number)) for number in range(3 * MAX_WAITING)]
    handovers = await all_of(thread_of(*steps, finished(created=3)))
    events = [event for handover in handovers for event in handover.events]
    assert [event.mls_number for event in events if isinstance(event, ListingStored)] == [s.mls_number for s in steps]  # type: ignore[attr-defined]
    assert isinstance(events[-1], RunFinished)


async def test_no_delivery_is_larger_than_what_may_wait() -> None:
    steps = [stored(str(number)) for number in range(3 * MAX_WAITING)]
    handovers = await all_of(thread_of(*steps, finished()))
    assert max(len(handover.events) for handover in handovers) <= MAX_WAITING


async def test_the_last_delivery_says_so_and_holds_the_result() -> None:
    handovers = await all_of(thread_of(*begun(), finished(created=1)))  # type: ignore[arg-type]
    assert [handover.ended for handover in handovers][-1]
    assert handovers[-1].tally.result is not None
    assert handovers[-1].tally.connection == "Demo MLS"


async def test_an_iterator_that_breaks_ends_as_a_failed_run() -> None:
    last = (await all_of(thread_of(*begun(), error=ValueError("broken"))))[-1]  # type: ignore[arg-type]
    assert isinstance(last.crash, ValueError)
    assert last.tally.result is not None
    assert last.tally.result.state is RunState.FAILED
    assert last.tally.result.error == "ValueError"


async def test_the_importer_runs_in_another_thread() -> None:
    threads: list[int] = []

    async def events(control: ImportControl) -> AsyncIterator[Event]:
        threads.append(threading.get_ident())
        yield finished()

    await all_of(ImportThread(events, ImportControl(), clock=FrozenClock()))
    assert threads != [threading.get_ident()]


async def test_closing_cancels_the_importer_and_runs_its_clean_up() -> None:
    cleaned = threading.Event()

    async def events(control: ImportControl) -> AsyncIterator[Event]:
        try:
            for step in begun():
                yield step  # type: ignore[misc]
            await asyncio.Event().wait()
        finally:
            cleaned.set()

    thread = ImportThread(events, ImportControl(), clock=FrozenClock())
    deliveries = thread.batches()
    await anext(deliveries)
    await deliveries.aclose()  # type: ignore[attr-defined]
    assert thread.join(5.0)
    assert cleaned.is_set()
    assert thread.control.cancelled


def test_a_newer_snapshot_replaces_one_that_waits() -> None:
    from mls_tui.importer.tally import Tally

    assert ImportProgress(Tally()).can_replace(ImportProgress(Tally()))


async def test_the_garbage_collector_is_restored_after_an_import() -> None:
    usual = gc.get_threshold()
    batches = thread_of(*begun(), finished()).batches()  # type: ignore[arg-type]
    during = [gc.get_threshold() async for _ in batches]
    assert {youngest for youngest, *_ in during} == {COLLECT_AFTER}
    assert gc.get_threshold() == usual
