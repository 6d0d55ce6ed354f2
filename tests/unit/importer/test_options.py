"""The reins of an import from any thread, and the lock that keeps one listing from two workers."""

from __future__ import annotations

import asyncio
import threading

import pytest

from mls_tui.importer.options import ImportControl
from mls_tui.importer.plan import KeyLocks


async def work(control: ImportControl, done: list[int]) -> None:
    for number in range(1000):
        await control.wait_while_paused()
        done.append(number)
        await asyncio.sleep(0)


def from_a_thread(call: object) -> None:
    assert callable(call)
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_pause_from_another_thread_holds_the_work_until_it_is_resumed() -> None:
    control, done = ImportControl(), list[int]()
    task = asyncio.create_task(work(control, done))
    control.attach(task)
    await turns()
    from_a_thread(control.pause)
    await turns()
    held = len(done)
    await turns()
    assert 0 < len(done) == held < 1000
    from_a_thread(control.resume)
    await task
    assert len(done) == 1000


async def test_a_cancel_from_another_thread_stops_the_work_even_while_it_is_paused() -> None:
    control, done = ImportControl(), list[int]()
    control.pause()
    task = asyncio.create_task(work(control, done))
    control.attach(task)
    await turns()
    assert done == []
    from_a_thread(control.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (control.cancelled, control.interrupted) == (True, False)


async def test_a_cancel_before_the_run_counts_when_it_begins_and_one_after_it_changes_nothing() -> None:
    control, done = ImportControl(), list[int]()
    control.cancel(interrupted=True)
    task = asyncio.create_task(work(control, done))
    control.attach(task)
    with pytest.raises(asyncio.CancelledError):
        await task
    control.detach()
    control.cancel()
    assert control.interrupted
    assert done == []


async def test_one_holder_a_key_first_come_first_served_and_nothing_is_kept() -> None:
    locks, order, inside = KeyLocks(), list[int](), list[str]()

    async def hold(number: int, key: str) -> None:
        async with locks.holding(key):
            assert key not in inside
            inside.append(key)
            await turns(3)
            order.append(number)
            inside.remove(key)

    async with asyncio.TaskGroup() as group:
        for number in range(6):
            group.create_task(hold(number, "ab"[number % 2]))
        await asyncio.sleep(0)
        assert "a" in locks
    assert [n for n in order if n % 2 == 0] == [0, 2, 4]
    assert "a" not in locks
    assert "b" not in locks
