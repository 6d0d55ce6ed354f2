"""The record of a run as it is written."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from mls_tui.domain.clock import SystemClock
from mls_tui.domain.run import ImportRun, RunState
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
