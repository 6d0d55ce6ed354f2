"""Whole imports over HTTP into both pairs of stores: everything comes, once, and what went wrong is told once."""

from __future__ import annotations

from mls_tui.demo.faults import Faults
from mls_tui.domain.run import RunState
from tests.e2e.conftest import OpenHouse


async def test_every_listing_and_photo_arrives_through_faults_each_told_once(open_house: OpenHouse) -> None:
    faults = Faults(7, api_rate=0.5, photo_rate=0.2, slowest=0.01)
    async with open_house(listings=60, faults=faults) as house:
        result = await house.run()
        assert (result.state, result.counts.created, result.counts.failed) == (RunState.DONE, 60, 0)
        stored = await house.whole()
        assert set(stored) == set(house.mls.feed.listing_keys("Active"))
        counts = result.counts
        told = counts.attempts_failed_listing + counts.attempts_failed_photo + counts.attempts_failed_page
        assert told == faults.failures > 0
        assert counts.throttled == faults.throttles > 0


async def test_a_second_run_adds_nothing_rewrites_nothing_and_asks_for_no_photo(open_house: OpenHouse) -> None:
    async with open_house() as house:
        await house.run()
        before = house.rows("LISTING#", "LISTINGKEY#")
        assert len(before) == 24
        house.mls.requests.clear()
        result = await house.run()
        assert house.rows("LISTING#", "LISTINGKEY#") == before
        assert house.mls.requests["photo"] == 0
        assert (result.counts.created, result.counts.updated) == (0, 0)
