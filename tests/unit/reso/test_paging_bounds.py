"""A sweep loses nothing on a server without next links, whatever part of OData it understands, and always ends."""

from __future__ import annotations

import random

import pytest

from mls_tui.reso.base import FeedQuery
from tests.providers.direct import connector, sweep
from tests.providers.feed_server import FeedServer
from tests.providers.homes import home, homes
from tests.providers.quirks import Quirks

ALL = [record["ListingKey"] for record in homes(300)]


@pytest.mark.feed(1, "more rows on one timestamp than a page")
@pytest.mark.parametrize("count", ["true", "none", "high", "low"])
@pytest.mark.parametrize("link", ["none", "skiptoken", "skip"])
async def test_more_rows_on_one_timestamp_than_a_page_holds(link: str, count: str) -> None:
    server = FeedServer(homes(300, one_timestamp=True), Quirks(link=link, count=count))
    assert sorted((await sweep(connector(server))).keys) == ALL


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize(
    "refuse",
    [{"or"}, {"or", "gt"}, {"$skip"}, {"or", "$skip"}, {"$orderby"}, {"$count"}, {"$select"}, {"$orderby", "$count"}],
    ids=lambda names: "+".join(sorted(names)),
)
async def test_a_refused_option_costs_no_row(refuse: set[str], ties: bool) -> None:
    server = FeedServer(homes(300, one_timestamp=ties), Quirks(link="none", refuse=frozenset(refuse)))
    assert sorted((await sweep(connector(server))).keys) == ALL


@pytest.mark.parametrize("refusal", [400, 500, 501])
async def test_a_bound_that_breaks_the_server_is_replaced_by_a_plainer_one(refusal: int) -> None:
    server = FeedServer(homes(300), Quirks(link="none", refuse=frozenset({"or"}), refusal=refusal))
    assert (await sweep(connector(server))).keys == ALL


@pytest.mark.feed(0, "$orderby accepted and ignored")
@pytest.mark.parametrize("ignore", [{"$filter"}, {"or"}, {"$orderby"}, {"$select"}, {"$filter", "$orderby"}])
async def test_an_option_that_is_silently_ignored_costs_no_row(ignore: set[str]) -> None:
    server = FeedServer(homes(300), Quirks(link="none", ignore=frozenset(ignore)))
    assert sorted((await sweep(connector(server))).keys) == ALL


async def test_a_server_that_ignores_everything_ends_and_is_not_called_complete() -> None:
    ignore = frozenset({"$filter", "$skip", "$orderby"})
    server = FeedServer(homes(300), Quirks(link="none", ignore=ignore))
    swept = await sweep(connector(server))
    assert len(swept.keys) == 100
    assert not swept.complete
    assert len(server.asked) < 40


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("option", ["$orderby", "$count", "$expand"])
async def test_one_refused_option_is_dropped_once_and_the_others_are_kept(option: str, named: bool) -> None:
    server = FeedServer(homes(300), Quirks(refuse=frozenset({option}), names_refused=named))
    assert sorted((await sweep(connector(server))).keys) == ALL
    assert option not in server.asked[-1] or "$select" in server.asked[-1]
    first_answered = next(url for url in server.asked if "%24" not in url and option not in url)
    assert all(other in first_answered for other in {"$orderby", "$count", "$expand"} - {option})


async def test_numeric_keys_and_text_timestamps_are_filtered_in_their_own_type() -> None:
    records = [{**home(number), "ListingKey": number + 1} for number in range(300)]
    server = FeedServer(records, Quirks(link="none"))
    assert (await sweep(connector(server))).keys == [str(number + 1) for number in range(300)]


async def test_records_without_timestamps_are_not_lost() -> None:
    records = homes(300)
    for record in random.Random(7).sample(records, 150):
        record["ModificationTimestamp"] = None
    server = FeedServer(records, Quirks(link="none"))
    assert sorted((await sweep(connector(server))).keys) == ALL


async def test_records_without_a_key_come_once_each() -> None:
    records = [*homes(5), {"ListPrice": 1}, {"ListPrice": 2}]
    server = FeedServer([], Quirks())
    server.records = records
    swept = await sweep(connector(server))
    assert len(swept.records) == 7


async def test_the_same_record_twice_in_a_feed_comes_once() -> None:
    server = FeedServer([*homes(250), *homes(3)], Quirks())
    swept = await sweep(connector(server))
    assert sorted(swept.keys) == ALL[:250]
    assert swept.complete


async def test_a_sweep_resumes_where_it_was_cut_even_inside_one_timestamp() -> None:
    for ties in (True, False):
        server = FeedServer(homes(300, one_timestamp=ties), Quirks(link="none"))
        first = (await sweep(connector(server), FeedQuery(limit=150))).records
        last = (first[-1]["ModificationTimestamp"], first[-1]["ListingKey"])
        rest = await sweep(connector(server), FeedQuery(resume_after=last))
        assert {record["ListingKey"] for record in first} | set(rest.keys) == set(ALL)


async def test_since_asks_from_the_watermark_inclusive() -> None:
    server = FeedServer(homes(300), Quirks())
    since = homes(300)[290]["ModificationTimestamp"]
    assert (await sweep(connector(server), FeedQuery(since=since))).keys == ALL[290:]


@pytest.mark.feed(0, "small pages, no link, a count of the page")
@pytest.mark.parametrize(
    "ignore", [set(), {"$filter"}, {"$orderby"}], ids=lambda names: "+".join(sorted(names)) or "none"
)
async def test_small_pages_with_no_link_and_a_count_of_the_page_do_not_look_like_the_end(ignore: set[str]) -> None:
    server = FeedServer(homes(30), Quirks(page_size=7, link="none", count="page", ignore=frozenset(ignore)))
    assert sorted((await sweep(connector(server))).keys) == ALL[:30]


async def test_the_end_of_a_short_feed_costs_one_question() -> None:
    server = FeedServer(homes(5), Quirks(link="none"))
    swept = await sweep(connector(server))
    assert swept.complete
    assert len(server.asked) == 2
