"""300 rows in pages of 100 over real HTTP, with one fault each: none is lost, or the stop is clear."""

from __future__ import annotations

import pytest

from mls_tui.domain.connection import AuthKind
from mls_tui.domain.errors import ConnectionExpiredError, PagingError
from mls_tui.reso.base import Paused, RequestFailed
from tests.providers.direct import sweep
from tests.providers.feed_server import FeedServer
from tests.providers.homes import homes
from tests.providers.quirks import Fault, Quirks, Record
from tests.providers.serving import HandClock, connected

ALL = [record["ListingKey"] for record in homes(300)]
LINKS = ["skiptoken", "relative", "skip", "header", "none"]


@pytest.mark.feed(1, "a relative link")
@pytest.mark.parametrize("link", LINKS)
async def test_no_fault_gives_300(link: str) -> None:
    async with connected(FeedServer(homes(300), Quirks(link=link))) as (made, notices):
        swept = await sweep(made)
    assert swept.keys == ALL
    assert swept.complete
    assert [notice for notice in notices if isinstance(notice, RequestFailed)] == []


@pytest.mark.parametrize("link", LINKS)
async def test_a_500_in_the_middle_gives_300_and_one_retry(link: str) -> None:
    async with connected(FeedServer(homes(300), Quirks(link=link, faults={2: Fault(500)}))) as (made, notices):
        assert (await sweep(made)).keys == ALL
    assert len([notice for notice in notices if isinstance(notice, RequestFailed)]) == 1


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("headers", [{}, {"Retry-After": "7"}])
async def test_a_429_gives_300_after_the_pause_it_asked_for(link: str, headers: dict[str, str]) -> None:
    clock = HandClock()
    server = FeedServer(homes(300), Quirks(link=link, faults={2: Fault(429, headers)}))
    async with connected(server, clock=clock) as (made, notices):
        assert (await sweep(made)).keys == ALL
    pauses = [notice for notice in notices if isinstance(notice, Paused) and notice.answered]
    assert len(pauses) == 1
    assert clock.seconds >= (7 if headers else 0)
    assert not any(isinstance(notice, RequestFailed) for notice in notices)


@pytest.mark.parametrize("link", LINKS)
async def test_all_rows_on_one_timestamp_gives_300(link: str) -> None:
    async with connected(FeedServer(homes(300, one_timestamp=True), Quirks(link=link))) as (made, _):
        assert sorted((await sweep(made)).keys) == ALL


@pytest.mark.feed(1, "an empty page in the middle")
@pytest.mark.parametrize("link", ["skiptoken", "relative", "skip", "header"])
async def test_an_empty_middle_page_gives_300(link: str) -> None:
    async with connected(FeedServer(homes(300), Quirks(link=link, faults={2: Fault(empty=True)}))) as (made, _):
        assert sorted((await sweep(made)).keys) == ALL


@pytest.mark.parametrize("link", LINKS)
async def test_a_401_in_the_middle_gives_300_after_the_token_was_renewed(link: str) -> None:
    records = homes(300)
    server = FeedServer(records)

    def revoke(_: list[Record]) -> None:
        server.tokens_accepted = set()

    server.quirks = Quirks(link=link, changes={1: revoke})
    async with connected(server, auth=AuthKind.CLIENT_CREDENTIALS, client_id="me") as (made, _):
        assert (await sweep(made)).keys == ALL


@pytest.mark.feed(2, "bearer")
async def test_a_401_that_cannot_be_renewed_stops_with_the_contracts_sentence() -> None:
    server = FeedServer(homes(300))

    def revoke(_: list[Record]) -> None:
        server.tokens_accepted = set()

    server.quirks = Quirks(changes={1: revoke})
    async with connected(server) as (made, _):
        with pytest.raises(ConnectionExpiredError, match=r"MLS connection expired\. Please re-authenticate\."):
            await sweep(made)


@pytest.mark.feed(1, "a link to itself")
@pytest.mark.parametrize("link", ["skiptoken", "relative", "skip", "header"])
async def test_a_link_to_itself_is_a_clear_stop(link: str) -> None:
    server = FeedServer(homes(300), Quirks(link=link, faults={2: Fault(link="self")}))
    async with connected(server) as (made, _):
        with pytest.raises(PagingError, match="leads back to a page already read"):
            await sweep(made)


@pytest.mark.feed(1, "a quote in a filter, and %20")
async def test_spaces_in_filters_travel_as_percent_20() -> None:
    server = FeedServer(homes(3))
    async with connected(server) as (made, _):
        await made.listing("O'Hare + 1")
    assert any("%27%27" in url or "''" in url for url in server.asked)
    assert all("+" not in url for url in server.asked)
