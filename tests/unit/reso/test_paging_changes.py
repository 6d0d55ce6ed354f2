"""A feed that changes while it is read loses no record that is still there, though every count agrees."""

from __future__ import annotations

from collections.abc import Callable
from zlib import crc32

import pytest

from tests.providers.direct import connector, sweep
from tests.providers.feed_server import FeedServer
from tests.providers.homes import home, homes
from tests.providers.quirks import Quirks, Record
from tests.providers.serving import HandClock

MINUTES_OF_TODAY = 8 * 24 * 60
"""From the first record's timestamp to the day of the test's clock."""
FIRST = min(range(90), key=lambda number: crc32(f"K{number:06d}".encode()))
"""A record of the first page, whether the server orders by timestamp or as it pleases."""


def one_goes(records: list[Record]) -> None:
    del records[FIRST]


def one_goes_and_one_comes(records: list[Record]) -> None:
    one_goes(records)
    records.append(home(900, minutes=MINUTES_OF_TODAY + 700))


def one_is_touched(records: list[Record]) -> None:
    records[FIRST] = {
        **records[FIRST],
        "ModificationTimestamp": home(0, minutes=MINUTES_OF_TODAY + 700)["ModificationTimestamp"],
    }


@pytest.mark.feed(1, "records that change while paging")
@pytest.mark.feed(0, "a cursor that hides an offset")
@pytest.mark.parametrize("change", [one_goes, one_goes_and_one_comes, one_is_touched])
@pytest.mark.parametrize(
    "refuse", [set(), {"or"}, {"or", "gt", "$orderby"}], ids=lambda names: "+".join(sorted(names)) or "none"
)
@pytest.mark.parametrize("link", ["skiptoken", "opaque", "skip", "none"])
async def test_no_record_is_lost_to_a_change_between_two_pages(
    link: str, refuse: set[str], change: Callable[[list[Record]], None]
) -> None:
    server = FeedServer(homes(300), Quirks(link=link, refuse=frozenset(refuse), changes={2: change}))
    swept = await sweep(connector(server, clock=HandClock()))
    assert {record["ListingKey"] for record in server.records} <= set(swept.keys)


async def test_a_feed_that_did_not_change_is_not_read_twice() -> None:
    server = FeedServer(homes(300), Quirks(link="opaque"))
    swept = await sweep(connector(server, clock=HandClock()))
    assert swept.complete
    assert len(server.asked) == 4, "three pages and a count"
