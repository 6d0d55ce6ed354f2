"""A sweep follows every kind of next link to the end, and none that it must not."""

from __future__ import annotations

import pytest

from mls_tui.domain.errors import PagingError
from mls_tui.reso.base import FeedQuery, RawRecord
from tests.providers.direct import connector, sweep
from tests.providers.feed_server import FeedServer
from tests.providers.homes import homes
from tests.providers.quirks import Fault, Quirks

ALL = [record["ListingKey"] for record in homes(300)]


@pytest.mark.feed(1, "a short page with a link is not the end")
@pytest.mark.parametrize("link", ["skiptoken", "relative", "skip", "header", "none"])
@pytest.mark.parametrize("count", ["true", "string", "none", "high", "low", "page"])
async def test_every_link_style_with_every_count_gives_each_record_once(link: str, count: str) -> None:
    server = FeedServer(homes(300), Quirks(link=link, count=count))
    swept = await sweep(connector(server))
    assert swept.keys == ALL
    assert swept.complete == (count in ("true", "string"))
    assert [page.last for page in swept.pages].count(True) == 1
    assert swept.pages[-1].last


@pytest.mark.feed(1, "a link on a full last page")
@pytest.mark.parametrize("link", ["skiptoken", "skip", "none"])
async def test_a_full_last_page_with_a_link_ends_the_sweep(link: str) -> None:
    server = FeedServer(homes(300), Quirks(link=link, full_last_link=True))
    assert (await sweep(connector(server))).keys == ALL


@pytest.mark.feed(1, "an empty page in the middle")
@pytest.mark.parametrize("link", ["skiptoken", "relative", "skip", "header"])
async def test_an_empty_middle_page_is_not_the_end(link: str) -> None:
    server = FeedServer(homes(300), Quirks(link=link, faults={2: Fault(empty=True)}))
    swept = await sweep(connector(server))
    assert sorted(swept.keys) == ALL


async def test_a_page_that_lost_its_link_does_not_end_the_sweep() -> None:
    server = FeedServer(homes(300), Quirks(faults={2: Fault(link="none")}))
    assert (await sweep(connector(server))).keys == ALL


@pytest.mark.parametrize("link", ["skiptoken", "skip", "relative", "header"])
@pytest.mark.parametrize("at", [1, 2, 3])
async def test_a_link_to_itself_stops_with_a_clear_error_after_giving_what_was_read(link: str, at: int) -> None:
    server = FeedServer(homes(500), Quirks(link=link, faults={at: Fault(link="self")}))
    given: list[RawRecord] = []

    async def read() -> None:
        async for page in connector(server).pages(FeedQuery()):
            given.extend(page.records)

    with pytest.raises(PagingError, match="leads back to a page already read"):
        await read()
    assert len(given) >= 100


async def test_links_in_a_circle_stop_with_a_clear_error() -> None:
    server = FeedServer(homes(500), Quirks(faults={3: Fault(link="first")}))
    with pytest.raises(PagingError, match="leads back"):
        await sweep(connector(server))


async def test_the_same_page_for_ever_under_new_links_stops() -> None:
    faults = {number: Fault(link="changing") for number in range(1, 50)}
    server = FeedServer(homes(300), Quirks(ignore=frozenset({"$filter"}), link="skip", faults=faults))
    with pytest.raises(PagingError, match="same page"):
        await sweep(connector(server))
    assert server.requests < 20


@pytest.mark.feed(1, "a link to another origin")
async def test_a_link_to_another_origin_is_refused_and_never_asked() -> None:
    server = FeedServer(homes(300), Quirks(faults={1: Fault(link="elsewhere")}))
    with pytest.raises(PagingError, match=r"elsewhere\.example"):
        await sweep(connector(server))
    assert all(url.startswith(server.base) for url in server.asked)


@pytest.mark.feed(3, "400: a stale link is rebuilt")
@pytest.mark.parametrize("status", [400, 404, 410])
async def test_a_link_that_died_is_rebuilt_from_the_last_record(status: int) -> None:
    server = FeedServer(homes(300), Quirks(faults={2: Fault(status)}))
    swept = await sweep(connector(server))
    assert swept.keys == ALL
    assert swept.complete


@pytest.mark.feed(3, "413: half the page, then without Media")
async def test_a_page_too_large_is_asked_for_in_halves() -> None:
    server = FeedServer(homes(300), Quirks(page_size=1000, faults={1: Fault(413), 2: Fault(413)}))
    made = connector(server)
    assert (await sweep(made)).keys == ALL
    assert made.feed.dialect.page_size == 50


async def test_a_limit_stops_early() -> None:
    server = FeedServer(homes(300), Quirks())
    swept = await sweep(connector(server), FeedQuery(limit=120))
    assert swept.keys == ALL[:120]
    assert swept.pages[-1].last
    assert not swept.complete


async def test_an_empty_feed_gives_one_last_page() -> None:
    swept = await sweep(connector(FeedServer([])))
    assert [(page.records, page.last, page.complete) for page in swept.pages] == [([], True, True)]
