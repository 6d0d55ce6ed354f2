"""For any feed, page size, link style, dialect and faults, a sweep yields exactly the records served."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mls_tui.reso.base import FeedQuery
from tests.providers.direct import connector, sweep
from tests.providers.feed_server import FeedServer
from tests.providers.homes import home, stamp
from tests.providers.quirks import Fault, Quirks, Record
from tests.providers.serving import HandClock

FAULTS = st.sampled_from(
    [Fault(500), Fault(503), Fault(429), Fault(400), Fault(404), Fault(410), Fault(413), Fault(empty=True)]
)
LINKS = ["skiptoken", "relative", "skip", "header", "none", "opaque"]


@st.composite
def feeds(draw: st.DrawFn) -> list[Record]:
    """Up to 60 records on few timestamps, so that ties longer than a page are common."""
    minutes = draw(st.lists(st.integers(0, draw(st.integers(0, 30))), max_size=60))
    keys = draw(st.permutations(range(len(minutes))))
    return [home(key, minutes=at) for key, at in zip(keys, minutes, strict=True)]


@pytest.mark.feed(1, "fewer rows than $top")
@settings(max_examples=100, deadline=None)
@given(
    records=feeds(),
    page=st.integers(1, 25),
    link=st.sampled_from(LINKS),
    count=st.sampled_from(["true", "string", "none", "high", "low", "page"]),
    refuse=st.sets(st.sampled_from(["$orderby", "$count", "$expand", "$select", "or", "gt"]), max_size=2),
    ignore=st.sets(st.sampled_from(["$orderby", "$top", "$select", "or", "$filter"]), max_size=1),
    named=st.booleans(),
    envelope=st.sampled_from(["value", "value", "D"]),
)
async def test_any_feed_page_size_link_and_dialect(
    records: list[Record],
    page: int,
    link: str,
    count: str,
    refuse: set[str],
    ignore: set[str],
    named: bool,
    envelope: str,
) -> None:
    quirks = Quirks(
        page_size=page,
        link=link,
        count=count if records else "true",  # a count without rows is a failure of its own
        refuse=frozenset(refuse),
        ignore=frozenset(ignore),
        names_refused=named,
        envelope=envelope,
    )
    server = FeedServer(records, quirks)
    swept = await sweep(connector(server))
    assert sorted(swept.keys) == sorted(record["ListingKey"] for record in records)
    assert len(server.asked) < 60 + 12 * len(records)


@settings(max_examples=100, deadline=None)
@given(
    records=feeds(),
    page=st.integers(1, 25),
    link=st.sampled_from(LINKS[:4]),
    faults=st.dictionaries(st.integers(2, 12), FAULTS, max_size=2),
)
async def test_any_fault_script(records: list[Record], page: int, link: str, faults: dict[int, Fault]) -> None:
    spread = {number: fault for number, fault in faults.items() if number - 1 not in faults}
    server = FeedServer(records, Quirks(page_size=page, link=link, faults=spread))
    swept = await sweep(connector(server))
    assert sorted(swept.keys) == sorted(record["ListingKey"] for record in records)


def _change(kind: str, place: int) -> Callable[[list[Record]], None]:
    def change(records: list[Record]) -> None:
        if kind == "add" or not records:
            records.append(home(1000 + place, minutes=500 + place))
        elif kind == "touch":
            row = records[place % len(records)]
            row["ModificationTimestamp"] = stamp(600 + place)
        elif len(records) > 1:
            records.pop(place % len(records))

    return change


@pytest.mark.feed(1, "records that change while paging")
@settings(max_examples=100, deadline=None)
@given(
    records=feeds(),
    page=st.integers(1, 25),
    link=st.sampled_from(LINKS),
    count=st.sampled_from(["true", "none"]),
    changes=st.dictionaries(
        st.integers(2, 6), st.tuples(st.sampled_from(["add", "touch", "remove"]), st.integers(0, 60)), max_size=3
    ),
)
async def test_records_that_change_while_paging_are_neither_lost_nor_stale(
    records: list[Record], page: int, link: str, count: str, changes: dict[int, tuple[str, int]]
) -> None:
    script = {number: _change(kind, place) for number, (kind, place) in changes.items()}
    server = FeedServer(records, Quirks(page_size=page, link=link, count=count, changes=script))
    before = {record["ListingKey"] for record in server.records}
    clock = HandClock()
    clock.seconds = -8 * 86_400.0  # the day after the records were made: this feed is not at rest
    swept = await sweep(connector(server, clock=clock), FeedQuery())
    still = {record["ListingKey"] for record in server.records if record["ListingKey"] in before}
    assert still <= set(swept.keys)
