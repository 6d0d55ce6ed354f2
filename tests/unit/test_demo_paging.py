"""Pages of the demo add up to the set, whatever the order, the size and what changes meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mls_tui.demo.feed import Feed
from mls_tui.demo.query import parse_query
from mls_tui.demo.schema import PROPERTY
from mls_tui.demo.server import DemoMLS
from mls_tui.demo.service import Service, read_address
from tests.unit.demo_client import client_of, everything, walk

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def service_over(feed: Feed, **options: Any) -> Service:
    made = Service(
        feed, lambda key, shot: f"http://x/{key}/{shot.number}", lambda: NOW, 100, bool(options.get("strict"))
    )
    made.root = "http://x"
    return made


ORDERS = st.sampled_from(
    [
        "",
        "ModificationTimestamp",
        "ModificationTimestamp desc",
        "ListPrice desc,City",
        "ClosePrice",
        "City desc",
        "ModificationTimestamp,ListingKey",
        "ListingKey desc",
        "StandardStatus,ModificationTimestamp desc",
    ]
)


@settings(max_examples=40, deadline=None)
@given(
    order=ORDERS,
    size=st.integers(1, 60),
    status=st.sampled_from(["", "StandardStatus eq 'Active'", "ListPrice gt 300000"]),
)
def test_union_of_pages_is_the_set_in_order(order: str, size: int, status: str) -> None:
    service = service_over(FEED)
    options = {name: text for name, text in (("$orderby", order), ("$filter", status)) if text}
    whole = service.answer(read_address("Property"), options | {"$top": "1000"}, None)
    assert isinstance(whole, dict)
    pages: list[str] = []
    following: dict[str, str] | None = options | {"$top": str(size)}
    while following:
        document = service.answer(read_address("Property"), following, None)
        assert isinstance(document, dict)
        assert len(document["value"]) <= size
        pages += [row["ListingKey"] for row in document["value"]]
        token = document.get("@odata.nextLink", "").partition("$skiptoken=")[2]
        following = options | {"$top": str(size), "$skiptoken": token} if token else None
    assert pages == [row["ListingKey"] for row in whole["value"]]
    assert len(pages) == len(set(pages)) == service.answer(read_address("Property/$count"), options, None)


FEED = Feed(100, seed=5)


@pytest.mark.parametrize("order", ["ListingKey", "ModificationTimestamp,ListingKey"])
async def test_changes_while_paging_lose_nothing(order: str) -> None:
    async with DemoMLS(listings=80) as mls, client_of(mls) as client:
        there = set(mls.feed.listing_keys())
        seen: set[str] = set()
        options = {"$orderby": order, "$top": "9", "$select": "ListingKey"}
        async for page in walk(client, f"{mls.base_url}/Property", **options):
            seen |= {row["ListingKey"] for row in page}
            unseen = sorted(there - seen)
            if len(unseen) > 20:
                mls.feed.change(unseen[3], ListPrice=1)
                mls.feed.remove(unseen[5])
                there.discard(unseen[5])
                mls.feed.change(page[-1]["ListingKey"], ListPrice=2)
                mls.feed.remove(page[0]["ListingKey"])
                mls.feed.add(City="Stillmere")
        assert there <= seen


async def test_many_photos_come_with_a_link_to_the_rest() -> None:
    async with DemoMLS(listings=150) as mls, client_of(mls) as client:
        rows = await everything(client, f"{mls.base_url}/Property", **{"$expand": "Media", "$top": "50"})
        linked = [row for row in rows if "Media@odata.nextLink" in row]
        assert linked
        for row in linked:
            rest = await everything(client, row["Media@odata.nextLink"])
            found = row["Media"] + rest
            assert sum(item["MediaCategory"] == "Photo" for item in found) == row["PhotosCount"]
            assert [item["Order"] for item in found] == list(range(1, len(found) + 1))


async def test_page_size_count_select_and_nested_options_are_honoured() -> None:
    async with DemoMLS(listings=60) as mls, client_of(mls) as client:
        url = f"{mls.base_url}/Property?$select=ListingKey,City&$count=true&$skip=4"
        url += "&$expand=Media($select=MediaKey,Order;$orderby=Order desc;$top=2),ListAgent($select=MemberKey)"
        answer = await client.get(url, headers={"Prefer": "odata.maxpagesize=7"})
        document = answer.json()
        assert answer.headers["Preference-Applied"] == "odata.maxpagesize=7"
        assert document["@odata.count"] == len(mls.feed) == 77
        assert [row["ListingKey"] for row in document["value"]] == mls.feed.listing_keys()[4:11]
        assert set(document["value"][0]) == {"ListingKey", "City", "Media", "ListAgent"}
        assert all(
            len(row["Media"]) <= 2 and set(row["Media"][0]) == {"MediaKey", "Order"} for row in document["value"]
        )


async def test_strict_top_limits_the_whole_result() -> None:
    async with DemoMLS(listings=60, strict_top=True, page_size=10) as mls, client_of(mls) as client:
        url = f"{mls.base_url}/Property?$top=25"
        pages = [page async for page in walk(client, url)]
        assert sum(map(len, pages)) == 25
        pages = [page async for page in walk(client, f"{mls.base_url}/Property")]
        assert [len(page) for page in pages] == [10] * 7 + [7]


def test_a_query_keeps_its_options_for_the_next_link() -> None:
    assert parse_query(PROPERTY, {"$top": "5", "access": "x"}, lambda: NOW).options == {"$top": "5", "access": "x"}
