"""A worker that is told to stop: it finishes what it has in hand, and leaves what it cannot finish to others."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from mls_tui.domain.run import RunState
from tests.e2e.conftest import OpenHouse
from tests.e2e.house import House
from tests.e2e.runners import begun, depths, make_queues, quick, working


class Held:
    """The MLS answers nobody until it is let go."""

    def __init__(self, house: House) -> None:
        self.asked, self.let_go = asyncio.Event(), asyncio.Event()
        house.mls.hook = self._hook

    async def _hook(self, request: web.Request) -> web.StreamResponse | None:
        self.asked.set()
        await self.let_go.wait()
        return None


async def test_a_worker_told_to_stop_finishes_what_it_has_begun_and_takes_nothing_more(open_aws: OpenHouse) -> None:
    async with open_aws(listings=3) as house:
        await make_queues(house)
        with quick():
            run_id = await begun(house)
            held = Held(house)
            async with working(house, workers=1):
                await held.asked.wait()
                asyncio.get_running_loop().call_soon(held.let_go.set)
        run = await house.ws.store.get_run(house.ws.user_id, run_id)
        assert run is not None
        assert (run.pending, run.counts.total) == (3, 0)
        assert await depths(house) == {"pages": 1, "pages-dead": 0, "media": 3, "media-dead": 0}


async def test_what_a_worker_cannot_finish_in_its_patience_stays_in_its_queue(
    open_aws: OpenHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mls_tui.distributed.worker.DRAIN_SECONDS", 0.0)
    async with open_aws(listings=3) as house:
        await make_queues(house)
        with quick():
            run_id = await begun(house)
            held = Held(house)
            async with working(house, workers=1):
                await held.asked.wait()
        run = await house.ws.store.get_run(house.ws.user_id, run_id)
        assert run is not None
        assert (run.state, run.pending) == (RunState.RUNNING, 0)
        assert await depths(house) == {"pages": 1, "pages-dead": 0, "media": 0, "media-dead": 0}
        held.let_go.set()
