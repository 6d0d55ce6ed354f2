"""A connection that cannot be used ends with its own sentence, and the imports beside it go on to their ends."""

from __future__ import annotations

import asyncio

import pytest

from mls_tui import actions
from tests.e2e.conftest import OpenHouse
from tests.e2e.house import House

HOMES = 6
NOBODY = "http://127.0.0.1:9"
"""The discard port: nothing listens there."""


async def _bad_ones(house: House) -> dict[str, str]:
    """What is wrong with a connection, to the words that its import ends with, by its id."""
    return {
        await house.connect("Locked out", access_token="wrong"): "refused this token",
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
