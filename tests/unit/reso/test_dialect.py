"""Filters by status on a server whose StandardStatus is an enumeration lose no record."""

from __future__ import annotations

import pytest

from mls_tui.domain.listing import ListingStatus
from mls_tui.reso.base import FeedQuery
from tests.providers.direct import sweep
from tests.providers.feed_server import FeedServer
from tests.providers.homes import home
from tests.providers.quirks import Quirks
from tests.providers.serving import connected

PENDING = FeedQuery(statuses=frozenset({ListingStatus.PENDING}))
RECORDS = [
    *(home(number) for number in range(40)),
    home(50, status="Pending"),
    {**home(51), "StandardStatus": "ActiveUnderContract"},
]
TYPES = [
    "org.reso.metadata.enums.StandardStatus",
    "RESO.OData.StandardStatus",
    "CoreLogic.DataStandard.RESO.DD.Enums.StandardStatus",
]


@pytest.mark.feed(0, "statuses of an enumeration type")
@pytest.mark.parametrize("named", TYPES)
async def test_a_status_is_asked_in_the_type_that_the_servers_refusal_names(named: str) -> None:
    server = FeedServer(RECORDS, Quirks(status_type=named))
    async with connected(server) as (made, _):
        swept = await sweep(made, PENDING)
        assert await made.count(PENDING) == 2
    assert sorted(swept.keys) == ["K000050", "K000051"]
    assert f"{named}'ActiveUnderContract'" in server.asked[-1].replace("%27", "'")


@pytest.mark.feed(0, "statuses of an enumeration type")
async def test_a_type_that_is_never_named_costs_the_filter_and_no_record() -> None:
    server = FeedServer(RECORDS, Quirks(status_type="Who.Knows.StandardStatus", names_refused=False))
    async with connected(server) as (made, _):
        swept = await sweep(made, PENDING)
    assert {"K000050", "K000051"} <= set(swept.keys)
