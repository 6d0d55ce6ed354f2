"""What is missing from a sweep may still be there: the count must agree, and each key is asked for again."""

from __future__ import annotations

import pytest
from aiohttp import ClientSession, web

from mls_tui.domain.events import ListingRemoved
from mls_tui.domain.listing import ListingStatus
from mls_tui.domain.run import RunState
from tests.e2e.conftest import OpenHouse
from tests.e2e.house import House


async def losing(house: House, lost: set[str], *, counted: bool, alone: bool) -> None:
    """The MLS leaves listings out of its pages. ``counted``: its $count knows them all the same; ``alone``: a question
    for one of them by its key finds it."""

    async def hook(request: web.Request) -> web.StreamResponse | None:
        if not request.path.endswith("/Property") or "x-plain" in request.headers:
            return None
        asked = [key for key in lost if f"'{key}'" in request.query.get("$filter", "")]
        if alone and len(asked) == 1:
            return None
        headers = {"Authorization": request.headers["Authorization"], "x-plain": "1"}
        async with ClientSession() as client, client.get(request.url, headers=headers) as answer:
            body = await answer.json()
        body["value"] = [record for record in body["value"] if record["ListingKey"] not in lost]
        if not counted and "@odata.count" in body:
            body["@odata.count"] -= len(lost)
        return web.json_response(body)

    house.mls.hook = hook


@pytest.mark.promise(12)
async def test_nothing_goes_after_a_sweep_that_the_count_contradicts(open_local: OpenHouse) -> None:
    async with open_local(listings=21) as house:
        await house.run(photos=False)
        await losing(house, set(house.mls.feed.listing_keys("Active")[3:5]), counted=True, alone=False)
        result = await house.run(full=True, photos=False)
        assert result.state is RunState.DONE
        assert {listing.status for listing in (await house.listings()).values()} == {ListingStatus.ACTIVE}
        assert any("not complete: nothing was removed" in warning for warning in result.warnings)


@pytest.mark.promise(12)
async def test_a_listing_that_only_its_own_key_still_finds_stays(open_local: OpenHouse) -> None:
    async with open_local(listings=21) as house:
        await house.run(photos=False)
        lost = set(house.mls.feed.listing_keys("Active")[3:5])
        await losing(house, lost, counted=False, alone=True)
        await house.run(full=True, photos=False)
        assert house.said(ListingRemoved) == []
        await losing(house, lost, counted=False, alone=False)
        await house.run(full=True, photos=False)
        assert {key for key, listing in (await house.listings()).items() if listing.off_market_at} == lost
