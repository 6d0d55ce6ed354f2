"""A connection that cannot be used ends with its own sentence, and the imports beside it go on to their ends."""

from __future__ import annotations

import asyncio

import pytest

from mls_tui import actions
from mls_tui.actions.distributed import start_distributed
from mls_tui.domain.run import RunState
from tests.e2e.conftest import OpenHouse
from tests.e2e.house import House
from tests.e2e.runners import ended, make_queues, quick, working

HOMES = 6
NOBODY = "http://127.0.0.1:9"
"""The discard port: nothing listens there."""


async def _bad_ones(house: House) -> dict[str, str]:
    """What is wrong with a connection, to the words that its import ends with, by its id."""
    return {
        await house.connect("Locked out", access_token="wrong"): "re-authenticate",
        await house.connect("Away", base_url=NOBODY): "127.0.0.1",
    }


@pytest.mark.promise(10)
async def test_imports_beside_bad_connections_bring_in_everything(open_house: OpenHouse) -> None:
    async with open_house(listings=HOMES) as house:
        bad = await _bad_ones(house)
        answers = await asyncio.gather(
            *(actions.import_mls_listings(each, workspace=house.ws) for each in (*bad, house.connection_id))
        )
        for said, answer in zip(bad.values(), answers, strict=False):
            assert not answer.success
            assert said in str(answer.error)
        assert answers[-1].success, answers[-1].error
        assert set(await house.whole()) == set(house.mls.feed.listing_keys("Active"))


@pytest.mark.promise(10)
async def test_workers_do_the_runs_beside_bad_connections(open_aws: OpenHouse) -> None:
    """An MLS that is away is asked again for minutes: the others do not wait for that."""
    async with open_aws(listings=HOMES) as house:
        locked_out, away = await _bad_ones(house)
        await make_queues(house)
        with quick():
            names = ["no such connection", locked_out, away, house.connection_id]
            answer = await start_distributed(names, None, house.ws)
            assert "no such connection" in str(answer.error)
            runs = {run.connection_id: run.run_id for run in answer.data or []}
            async with working(house):
                good, refused = [await ended(house, runs[each]) for each in (house.connection_id, locked_out)]
                assert (good.state, good.counts.created) == (RunState.DONE, HOMES)
                assert refused.state is RunState.FAILED
                assert "re-authenticate" in str(refused.error)
                waiting = await house.ws.store.get_run(house.ws.user_id, runs[away])
                assert waiting is not None
                assert waiting.state is RunState.RUNNING
        assert set(await house.whole()) == set(house.mls.feed.listing_keys("Active"))
