"""A sweep follows every kind of next link to the end, and none that it must not."""

from __future__ import annotations

import random
from typing import Any

import pytest

from mls_tui.domain.errors import NothingServedError, PagingError
from mls_tui.reso.base import FeedQuery, RawRecord
from tests.providers.direct import connector, sweep
from tests.providers.feed_server import FeedServer, Reply
from tests.providers.homes import homes
from tests.providers.quirks import Fault, Quirks, Record

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
async def test_a_link_to_another_origin_is_refused_and_never_asked_and_its_page_is_kept() -> None:
    server = FeedServer(homes(300), Quirks(faults={1: Fault(link="elsewhere")}))
    given: list[RawRecord] = []

    async def read() -> None:
        async for page in connector(server).pages(FeedQuery()):
            given.extend(page.records)

    with pytest.raises(PagingError, match=r"elsewhere\.example"):
        await read()
    assert len(given) == 100
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


class Scripted(FeedServer):
    """Serves its records in pages of 20 under links of its own; ``kind`` is the one habit that it is asked for."""

    kind = ""
    count: int | None = None
    unanswered = 0

    def _collection(self, url: str, path: str, query: dict[str, str], fault: Fault | None) -> Reply:
        start = int(query.get("$skiptoken") or 0)
        rows = self.records[start : start + 20]
        onward = f"{self.base}/{path}?$skiptoken="
        more = start + 20 < len(self.records)
        link = f"{onward}{start + 20}" if more else None
        match self.kind:
            case "empty end" if not rows or not more:
                link = f"{onward}9000"
            case "shuffled":
                rows = random.Random(self.requests).sample(self.records, 20)
                link = f"{onward}{self.requests}"
            case "random":
                rows = random.Random(self.requests).sample(self.records, 7)
                link = f"{onward}{self.requests}"
        if start == 9000:
            self.unanswered += 1
            return Reply(504, {"error": {"message": "no answer"}})
        body: Record = {"value": rows, **({} if link is None else {"@odata.nextLink": link})}
        if self.count is not None and "$count" in query:
            body["@odata.count"] = self.count
        return Reply(200, body)


def scripted(kind: str, records: list[Record], count: int | None = None) -> Scripted:
    server = Scripted(records)
    server.kind, server.count = kind, count
    return server


@pytest.mark.feed(1, "a link past the end never answers")
@pytest.mark.parametrize("rows", [0, 40])
async def test_a_link_past_the_end_that_never_answers_costs_nothing(rows: int) -> None:
    server = scripted("empty end", homes(rows), rows)
    swept = await sweep(connector(server))
    assert (swept.keys, swept.complete) == (ALL[:rows], True)
    assert server.unanswered == (1 if rows else 0), "not followed if nothing came, asked once if the count was met"


async def test_the_link_of_an_empty_page_is_not_followed_once_the_count_is_met() -> None:
    server = FeedServer(homes(300), Quirks(faults={4: Fault(empty=True), 5: Fault(504)}, full_last_link=True))
    swept = await sweep(connector(server))
    assert swept.keys == ALL
    assert swept.complete


async def test_an_empty_first_page_without_a_count_is_the_end_though_it_has_a_link() -> None:
    server = scripted("empty end", [])
    assert (await sweep(connector(server))).keys == []
    assert server.unanswered == 0


@pytest.mark.feed(1, "the same rows in another order under new links")
@pytest.mark.parametrize("kind", ["shuffled", "random"])
@pytest.mark.parametrize("count", [None, 20, 500])
async def test_the_same_rows_in_any_order_under_new_links_are_a_loop(kind: str, count: int | None) -> None:
    server = scripted(kind, homes(20), count)
    with pytest.raises(PagingError, match="same page"):
        await sweep(connector(server))
    assert server.requests < 60


@pytest.mark.feed(1, "links end at $top")
@pytest.mark.parametrize("count", [None, 290])
async def test_links_that_end_at_top_are_not_the_end_of_the_feed(count: int | None) -> None:
    """A client's ``$top`` is a limit (OData 4.01, 11.2.6.3): a conformant server gives no link past it."""

    class Limited(FeedServer):
        def _link(self, path: str, query: dict[str, str], offset: int, last: Any, size: int) -> str | None:
            given = int(query.get("given") or 0) + size
            if given >= int(query.get("$top") or 10):
                return None
            return super()._link(path, {**query, "given": str(given)}, offset, last, size)

    server = Limited(homes(290), Quirks(page_size=20, count="true" if count else "none"))
    assert (await sweep(connector(server))).keys == ALL[:290]


@pytest.mark.feed(1, "a count without rows")
async def test_a_count_without_rows_is_a_failure_unless_only_changes_were_asked_for() -> None:
    server = scripted("", [], 5120)
    with pytest.raises(NothingServedError, match=r"counts 5,120 listings .* query_parameters"):
        await sweep(connector(server))
    assert (await sweep(connector(server), FeedQuery(since="2026-06-01T00:00:00Z"))).keys == []
