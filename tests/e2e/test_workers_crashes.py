"""A worker killed just before or after any write, send or acknowledgement: redelivery ends in the same state, and every
count is what one undisturbed import would have counted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mls_tui.actions.distributed import steer_run
from mls_tui.domain.run import ImportResult, RunState
from tests.e2e.conftest import OpenHouse
from tests.e2e.house import House
from tests.e2e.runners import begun, by_workers, damage, depths, ended, make_queues, quick, swept, working
from tests.e2e.worker_crashes import Kills, Watched, killing, points, survived


@pytest.fixture(autouse=True)
def _patient_queues(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many kills in so few listings would otherwise use up their deliveries."""
    for module in ("queue_setup", "verdict"):
        monkeypatch.setattr(f"mls_tui.distributed.{module}.MAX_RECEIVES", 1_000)


async def test_a_first_import_killed_at_every_point_counts_and_stores_everything_once(open_aws: OpenHouse) -> None:
    async with open_aws(listings=7) as house:
        poison = damage(house, house.mls.feed.listing_keys("Active")[3])
        what = ("run", "plan", "intent", "count", "end", "send", "ack", "put off", "bury", "row", "cursor", "photo")
        result, left = await _killed_run(house, points(*what, "lease", "release"))
        assert left == set()
        counts = result.counts
        assert (result.state, counts.total, counts.created, counts.failed) == (RunState.DONE, 7, 6, 1)
        stored = await house.whole()
        assert set(stored) == set(house.mls.feed.listing_keys("Active")) - {poison}
        assert counts.photos_stored == sum(len(listing.photos) for listing in stored.values())
        assert await depths(house) == {"pages": 0, "pages-dead": 0, "media": 0, "media-dead": 1}
        assert (await by_workers(house)).counts.created == 0  # the lease is free


async def test_what_changed_and_left_is_counted_once_by_workers_killed_at_every_point(open_aws: OpenHouse) -> None:
    async with open_aws(listings=14) as house:
        await house.run()
        feed = house.mls.feed
        dearer, hidden, gone = feed.listing_keys("Active")[:3]
        feed.change(dearer, ListPrice=123_456)
        feed.change(hidden, InternetEntireListingDisplayYN=False)
        feed.remove(gone)
        what = ("plan", "intent", "count", "end", "row", "erase", "cursor", "release")
        result, left = await _killed_run(house, points(*what), full=True)
        assert left == set()
        counts = result.counts
        assert (result.state, counts.updated, counts.removed, counts.unchanged) == (RunState.DONE, 1, 2, 11)
        assert (counts.total, counts.created, counts.skipped, counts.photos_stored) == (14, 0, 0, 0)


async def _killed_run(house: House, armed: set[str], **options: Any) -> tuple[ImportResult, set[str]]:
    """The result of a run that was killed at these points, and which of them it never came to."""
    await make_queues(house)
    with quick(Watched), killing(armed) as kills:
        run_id = await survived(kills, lambda: _begun_anew(house, **options))
        following = asyncio.ensure_future(ended(house, run_id))
        while not following.done():
            async with working(house, workers=1, concurrency=2):
                await _until_killed(kills, following)
            await kills.revive()
        await swept(house)
        return following.result(), kills.armed


async def _begun_anew(house: House, **options: Any) -> str:
    """Begin a run; one whose beginning was cut short after its row was written is cancelled first."""
    for run in await house.ws.store.runs(house.ws.user_id, limit=10):
        if run.distributed and run.state is RunState.RUNNING:
            assert (await steer_run(run.run_id, "cancel", house.ws)).success
    return await begun(house, **options)


async def _until_killed(kills: Kills, following: asyncio.Future[ImportResult]) -> None:
    killed = asyncio.ensure_future(kills.dead.wait())
    either: set[asyncio.Future[Any]] = {killed, following}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    killed.cancel()
