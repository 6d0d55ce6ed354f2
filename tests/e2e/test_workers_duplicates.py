"""Every message delivered twice, in any order, to several workers at once: nothing is done or counted twice."""

from __future__ import annotations

import pytest

from mls_tui.domain.run import RunState
from tests.e2e.conftest import OpenHouse
from tests.e2e.house import House
from tests.e2e.quick_queues import QuickQueues
from tests.e2e.runners import by_workers, depths, quick, swept


@pytest.mark.parametrize("order", [1])
async def test_messages_that_come_twice_in_any_order_count_once(open_aws: OpenHouse, order: int) -> None:
    class Twice(QuickQueues):
        seed, twice = order, True

    async with open_aws(listings=9) as house:
        house.mls.feed.change(house.mls.feed.listing_keys("Active")[0], ListingId="A\x01")
        result = await by_workers(house, 2, Twice)
        counts = result.counts
        assert (result.state, counts.total, counts.created, counts.quarantined) == (RunState.DONE, 9, 8, 1)
        stored = await house.whole()
        assert set(stored) == set(house.mls.feed.listing_keys("Active")[1:])
        assert counts.photos_stored == sum(len(listing.photos) for listing in stored.values())
        assert [each.kind async for each in house.ws.store.problems(house.ws.user_id, _run(house))] == ["quarantined"]
        again = (await by_workers(house, 2, Twice)).counts
        assert (again.created, again.updated, again.photos_stored) == (0, 0, 0)
        with quick():
            await swept(house)
        assert set((await depths(house)).values()) == {0}


def _run(house: House) -> str:
    return next(str(row["Data"]["runId"]) for row in house.rows("IMPORTRUN#").values())
