"""Feeds that do not do as they are asked, read by workers: nothing served is lost, nothing is removed on a doubt."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from mls_tui.domain.listing import ListingStatus
from mls_tui.domain.run import ImportResult, RunState
from tests.e2e.conftest import OpenHouse
from tests.e2e.house import House
from tests.e2e.runners import by_workers
from tests.providers.feed_server import FeedServer
from tests.providers.homes import home, homes
from tests.providers.quirks import Quirks
from tests.providers.serving import serving

PAGE = 3
OWN_ORDER = Quirks(page_size=PAGE, link="opaque", ignore=frozenset({"$orderby"}), in_stored_order=True)
"""Ignores the order that is asked for and has its own."""


@asynccontextmanager
async def importing_from(open_aws: OpenHouse, server: FeedServer) -> AsyncIterator[House]:
    """A house whose connection is to this server."""
    async with open_aws(listings=1) as house, serving(server) as base:
        house.connection_id = await house.connect(
            "Odd", base_url=base, access_token=server.quirks.token, overrides={"api_limits": "5000/1"}
        )
        yield house


async def imported(house: House, **options: Any) -> ImportResult:
    result = await by_workers(house, 1, photos=False, **options)
    assert (result.state, result.error, result.counts.failed) == (RunState.DONE, None, 0)
    return result


async def test_a_bound_that_is_silently_ignored_costs_no_listing(open_aws: OpenHouse) -> None:
    server = FeedServer(homes(5), Quirks(page_size=PAGE, link="opaque", ignore=frozenset({"$filter"})))
    async with importing_from(open_aws, server) as house:
        counts = (await imported(house)).counts
        assert (counts.created, counts.total) == (5, 5)


@pytest.mark.parametrize("count", ["none", "page"])
async def test_a_feed_whose_order_breaks_after_a_page_loses_none_though_it_has_no_count(
    open_aws: OpenHouse, count: str
) -> None:
    server = FeedServer(
        [home(number, minutes=number if number < 4 else -number) for number in range(7)],
        replace(OWN_ORDER, count=count),
    )
    async with importing_from(open_aws, server) as house:
        counts = (await imported(house)).counts
        assert (counts.created, counts.total) == (7, 7)


async def test_changes_whose_order_breaks_after_a_page_are_all_had(open_aws: OpenHouse) -> None:
    server = FeedServer([home(0)], OWN_ORDER)
    async with importing_from(open_aws, server) as house:
        await house.run(photos=False)
        server.records[1:] = [home(number, minutes=number if number < 5 else number / 100) for number in range(1, 7)]
        assert (await imported(house)).counts.created == 6


@pytest.mark.promise(12)
async def test_nothing_is_removed_where_no_count_proves_that_the_feed_was_read_whole(open_aws: OpenHouse) -> None:
    server = FeedServer(homes(12))
    async with importing_from(open_aws, server) as house:
        await house.run(photos=False)
        gone = server.records.pop(4)["ListingKey"]
        server.quirks = Quirks(count="low")
        result = await imported(house, full=True)
        assert (await house.listings())[gone].status is ListingStatus.ACTIVE
        assert any("not complete: nothing was removed" in warning for warning in result.warnings)
