"""A sweep reads every record once and always ends: with next links, with our own bounds, by ``$skip``, while the feed
changes, and with a fault on any page (docs/reso-feeds.md, section 1)."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any
from zlib import crc32

import pytest

from mls_tui.domain.connection import AuthKind
from mls_tui.domain.errors import ConnectionExpiredError, NothingServedError, PagingError
from mls_tui.reso.base import FeedQuery, Paused, RawRecord, RequestFailed
from tests.providers.direct import connector, sweep
from tests.providers.feed_server import FeedServer, Reply
from tests.providers.homes import home, homes
from tests.providers.quirks import Fault, Quirks, Record
from tests.providers.serving import HandClock, connected

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
