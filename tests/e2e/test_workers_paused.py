"""A paused run rests wherever it is, and loses nothing by it."""

from __future__ import annotations

import asyncio

from aiohttp import web

from mls_tui.actions.distributed import steer_run
from mls_tui.distributed.queues import QueueName, Received
from mls_tui.domain.run import RunState
from tests.e2e.conftest import OpenHouse
from tests.e2e.house import OVERRIDES
from tests.e2e.quick_queues import QuickQueues
from tests.e2e.runners import begun, ended, make_queues, quick, working

LISTINGS, PAGE = 8, 2


class PutOff(QuickQueues):
    """Tells when a task of a page, or the end of a run, is put off."""

    told: asyncio.Event

    async def later(self, received: Received, seconds: float) -> None:
        if received.queue is QueueName.PAGES:
            self.told.set()
        await super().later(received, seconds)


async def test_a_pause_rests_a_feed_that_one_reader_reads_in_one_go_and_loses_nothing(open_aws: OpenHouse) -> None:
    PutOff.told = asyncio.Event()
    async with open_aws(listings=LISTINGS) as house:
        for key in house.mls.feed.listing_keys("Active"):
            house.mls.feed.change(key, ModificationTimestamp="2026-05-01T10:00:00.000Z")
        house.connection_id = await house.connect("Tied", overrides={**OVERRIDES, "page_size": PAGE})
        await make_queues(house)
        with quick(PutOff):
            run_id = await begun(house, photos=False)
            asked = 0

            async def pause_at_the_third(request: web.Request) -> web.StreamResponse | None:
                nonlocal asked
                asked += request.path.endswith("/Property")
                if asked == 3:
                    assert (await steer_run(run_id, "pause", house.ws)).success
                return None

            house.mls.hook = pause_at_the_third
            async with working(house, workers=1):
                await PutOff.told.wait()
                assert asked < LISTINGS / PAGE
                house.mls.hook = None
                assert (await steer_run(run_id, "resume", house.ws)).success
                result = await ended(house, run_id)
        assert (result.state, result.counts.created, result.counts.total) == (RunState.DONE, LISTINGS, LISTINGS)
