"""Pages of the demo add up to the set, whatever the order, the size and what changes meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mls_tui.demo.feed import DemoFeed
from mls_tui.demo.query import ODataService, read_path
from mls_tui.demo.server import DemoMLS
from tests.unit.demo.client import client_of, everything, walk

NOW = datetime(2026, 1, 1, tzinfo=UTC)


FEED = DemoFeed(100, seed=5)
SERVICE = ODataService(FEED, lambda: NOW)
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
    options = {name: text for name, text in (("$orderby", order), ("$filter", status)) if text}
    whole = SERVICE.answer(read_path("Property"), options | {"$top": "1000"})
    assert isinstance(whole, dict)
    pages: list[str] = []
    following: dict[str, str] | None = options
    while following is not None:
        document = SERVICE.answer(read_path("Property"), following, size)
        assert isinstance(document, dict)
        assert len(document["value"]) <= size
        pages += [row["ListingKey"] for row in document["value"]]
        token = document.get("@odata.nextLink", "").partition("$skiptoken=")[2]
        following = options | {"$skiptoken": token} if token else None
    assert pages == [row["ListingKey"] for row in whole["value"]]
    assert len(pages) == len(set(pages)) == SERVICE.answer(read_path("Property/$count"), options)


@pytest.mark.parametrize("order", ["ListingKey", "ModificationTimestamp,ListingKey"])
async def test_changes_while_paging_lose_nothing(order: str) -> None:
    async with DemoMLS(listings=80, page_size=9) as mls, client_of(mls) as client:
        there = set(mls.feed.listing_keys())
        seen: set[str] = set()
        options = {"$orderby": order, "$select": "ListingKey"}
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
        rows = await everything(client, f"{mls.base_url}/Property", **{"$expand": "Media"})
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


async def test_top_limits_the_whole_result_and_not_a_page() -> None:
    async with DemoMLS(listings=60, page_size=10) as mls, client_of(mls) as client:
        document = (await client.get(f"{mls.base_url}/Property?$top=5&access=x")).json()
        assert len(document["value"]) == 5
        assert "@odata.nextLink" not in document
        client.headers["Prefer"] = "odata.maxpagesize=10"
        pages = [page async for page in walk(client, f"{mls.base_url}/Property?$top=25&access=x")]
        assert [len(page) for page in pages] == [10, 10, 5]
        del client.headers["Prefer"]
        pages = [page async for page in walk(client, f"{mls.base_url}/Property")]
        assert [len(page) for page in pages] == [10] * 7 + [7]
