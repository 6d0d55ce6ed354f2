"""The demo MLS answers what RESO Web API Core 2.0, section 2.4, asks of a server.

Each row of the tables is a request with its right answer, named as in RESO's own tests (``web-api-server.core``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from mls_tui.demo.process import RunningDemo
from mls_tui.demo.server import DemoMLS
from tests.unit.demo.client import client_of

Row = dict[str, Any]
NOW = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
BEDS = ("BedroomsTotal", 3)
PRICE = ("ListPrice", 350_000)
DAY = "2026-01-15"
MOMENT = "2026-01-15T08:00:00.000Z"


@pytest.fixture(scope="module")
def mls() -> Iterator[DemoMLS]:
    with RunningDemo(DemoMLS(listings=120, seed=3, epoch=NOW, now=lambda: NOW)).start() as running:
        yield running.mls


@pytest.fixture
async def client(mls: DemoMLS) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(mls) as found:
        yield found


def compared(field: str, word: str, bound: Any) -> Callable[[Row], bool]:
    tests: dict[str, Callable[[Any], bool]] = {
        "eq": lambda value: value == bound,
        "ne": lambda value: value != bound,
        "gt": lambda value: value is not None and value > bound,
        "ge": lambda value: value is not None and value >= bound,
        "lt": lambda value: value is not None and value < bound,
        "le": lambda value: value is not None and value <= bound,
    }
    return lambda row: tests[word](row[field])


FILTERS: dict[str, tuple[str, Callable[[Row], bool]]] = {
    "filter-int-and": ("BedroomsTotal gt 2 and BedroomsTotal lt 5", lambda r: 2 < r["BedroomsTotal"] < 5),
    "filter-int-or": ("BedroomsTotal lt 2 or BedroomsTotal gt 4", lambda r: not 2 <= r["BedroomsTotal"] <= 4),
    "filter-int-not": ("not (BedroomsTotal eq 3)", lambda r: r["BedroomsTotal"] != 3),
    "filter-enum-single-eq": ("StandardStatus eq 'Active'", lambda r: r["StandardStatus"] == "Active"),
    "filter-enum-single-ne": ("StandardStatus ne 'Active'", lambda r: r["StandardStatus"] != "Active"),
    "filter-enum-member": (
        "StandardStatus eq org.reso.metadata.enums.StandardStatus'Pending'",
        lambda r: r["StandardStatus"] == "Pending",
    ),
    "filter-coll-enum-any": ("Appliances/any(enum:enum eq 'Dryer')", lambda r: "Dryer" in r["Appliances"]),
    "filter-coll-enum-all": ("Appliances/all(enum:enum eq 'Dryer')", lambda r: set(r["Appliances"]) <= {"Dryer"}),
    "filter-datetime-lt-now": ("ModificationTimestamp lt now()", lambda r: True),
    "filter-datetime-gt-now": ("ModificationTimestamp gt now()", lambda r: False),
    "filter-datetime-ne-now": ("ModificationTimestamp ne now()", lambda r: True),
    "filter-string-contains": ("contains(City,'o')", lambda r: "o" in r["City"]),
    "filter-string-startswith": ("startswith(City,'P')", lambda r: r["City"].startswith("P")),
    "filter-string-endswith": ("endswith(City,'e')", lambda r: r["City"].endswith("e")),
    "filter-string-tolower": ("tolower(City) eq 'stillmere'", lambda r: r["City"] == "Stillmere"),
    "filter-null": ("CloseDate eq null", lambda r: r["CloseDate"] is None),
    "filter-grouped": (
        "(City eq 'Stillmere' or City eq 'Eastbrook') and BedroomsTotal ge 3",
        lambda r: r["City"] in ("Stillmere", "Eastbrook") and r["BedroomsTotal"] >= 3,
    ),
    "filter-in": ("City in ('Stillmere','Eastbrook')", lambda r: r["City"] in ("Stillmere", "Eastbrook")),
} | {
    f"filter-{kind}-{word}": (f"{field} {word} {literal}", compared(field, word, bound))
    for kind, field, literal, bound in (
        ("int", *BEDS, BEDS[1]),
        ("decimal", *PRICE, PRICE[1]),
        ("date", "ListingContractDate", DAY, DAY),
        ("datetime", "ModificationTimestamp", MOMENT, MOMENT),
    )
    for word in ("eq", "ne", "gt", "ge", "lt", "le")
}


@pytest.mark.parametrize("name", FILTERS)
async def test_a_filter_gives_exactly_the_rows_that_match(name: str, mls: DemoMLS, client: httpx.AsyncClient) -> None:
    text, check = FILTERS[name]
    answer = await client.get(f"{mls.base_url}/Property", params={"$filter": text, "$top": "1000", "$count": "true"})
    assert answer.status_code == 200, answer.text
    right = [key for key in mls.feed.listing_keys() if check(mls.feed.record(key))]
    assert [row["ListingKey"] for row in answer.json()["value"]] == right
    assert answer.json()["@odata.count"] == len(right)


def keys_of(document: Any) -> list[str]:
    return [row["ListingKey"] for row in document["value"]]


def first_keys(mls: DemoMLS) -> list[str]:
    return mls.feed.listing_keys()


def by_time(mls: DemoMLS, *, descending: bool = False) -> list[str]:
    moments = {key: mls.feed.record(key)["ModificationTimestamp"] for key in mls.feed.listing_keys()}
    return sorted(moments, key=lambda key: (moments[key], key), reverse=descending)


SHAPES: dict[str, tuple[str, Callable[[DemoMLS, Any], bool]]] = {
    "service-document": ("", lambda m, d: {"Property", "Media", "Member", "Office"} <= {s["name"] for s in d["value"]}),
    "fetch-by-key": (
        "Property('{key}')",
        lambda m, d: d.items() >= m.feed.record(first_keys(m)[0]).items(),
    ),
    "select": (
        "Property?$top=5&$select=ListingKey,City,ListPrice",
        lambda m, d: [set(row) for row in d["value"]] == [{"ListingKey", "City", "ListPrice"}] * 5,
    ),
    "top": ("Property?$top=5", lambda m, d: keys_of(d) == first_keys(m)[:5] and "@odata.nextLink" not in d),
    "top-zero": ("Property?$top=0&$count=true", lambda m, d: d["value"] == [] and d["@odata.count"] == len(m.feed)),
    "skip": ("Property?$top=5&$skip=5", lambda m, d: keys_of(d) == first_keys(m)[5:10] and "@odata.nextLink" not in d),
    "count": ("Property?$count=true&$top=1", lambda m, d: d["@odata.count"] == len(m.feed)),
    "count-path": ("Property/$count", lambda m, d: d == len(m.feed)),
    "pages": ("Property", lambda m, d: keys_of(d) == first_keys(m)[:100] and "$skiptoken" in d["@odata.nextLink"]),
    "orderby-timestamp-asc": (
        "Property?$orderby=ModificationTimestamp asc&$top=1000",
        lambda m, d: keys_of(d) == by_time(m),
    ),
    "orderby-timestamp-desc": (
        "Property?$orderby=ModificationTimestamp desc&$top=1000",
        lambda m, d: keys_of(d) == by_time(m, descending=True),
    ),
    "orderby-timestamp-asc-filter-int-gt": (
        "Property?$orderby=ModificationTimestamp asc&$filter=BedroomsTotal gt 3&$top=1000",
        lambda m, d: keys_of(d) == [key for key in by_time(m) if m.feed.record(key)["BedroomsTotal"] > 3],
    ),
    "expand-media": (
        "Property?$top=3&$expand=Media&$select=ListingKey",
        lambda m, d: all(
            [item["MediaKey"] for item in row["Media"]]
            == [item["MediaKey"] for item in m.feed.media(row["ListingKey"])][:12]
            for row in d["value"]
        ),
    ),
    "open-houses-of-listings": (
        "OpenHouse?$filter=ListingKey in ('{key}','nothing') or OpenHouseStatus eq 'Active'&$top=1000",
        lambda m, d: (
            len(d["value"])
            == sum(h["OpenHouseStatus"] == "Active" for key in m.feed.listing_keys() for h in m.feed.open_houses(key))
        ),
    ),
}


@pytest.mark.parametrize("name", SHAPES)
async def test_a_request_gives_the_document_that_it_asks_for(
    name: str, mls: DemoMLS, client: httpx.AsyncClient
) -> None:
    path, check = SHAPES[name]
    answer = await client.get(f"{mls.base_url}/{path.format(key=first_keys(mls)[0])}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["OData-Version"] == "4.0"
    assert check(mls, answer.json())


REFUSED: dict[str, tuple[str, dict[str, str], int]] = {
    "response-code-400": ("Property?$filter=BedroomsTotal eq eq 3", {}, 400),
    "response-code-404": ("ResourceNotFound", {}, 404),
    "unknown-key": ("Property('nothing')", {}, 404),
    "unknown-field": ("Property?$select=Nothing", {}, 400),
    "unauthorized": ("Property?$top=1", {"Authorization": "Bearer wrong"}, 401),
    "max-version-3": ("Property?$top=1", {"OData-MaxVersion": "3.0"}, 400),
    "max-version-words": ("Property?$top=1", {"OData-MaxVersion": "four"}, 400),
    "version-5": ("Property?$top=1", {"OData-Version": "5.0"}, 400),
    "not-json": ("Property?$top=1", {"Accept": "text/csv"}, 406),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_request_that_cannot_be_answered_is_refused_as_odata_says(
    name: str, mls: DemoMLS, client: httpx.AsyncClient
) -> None:
    path, headers, status = REFUSED[name]
    answer = await client.get(f"{mls.base_url}/{path}", headers=headers)
    assert answer.status_code == status
    assert answer.headers["OData-Version"] == "4.0"
    assert set(answer.json()["error"]) == {"code", "message"}


@pytest.mark.parametrize("header", [{"OData-MaxVersion": "4.01"}, {"OData-MaxVersion": "4.0", "OData-Version": "4.0"}])
async def test_a_client_of_odata_4_is_served(header: dict[str, str], mls: DemoMLS, client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{mls.base_url}/Property?$top=1", headers=header)
    assert (answer.status_code, answer.headers["OData-Version"]) == (200, "4.0")


async def test_has_is_refused_because_enumerations_are_strings(mls: DemoMLS, client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{mls.base_url}/Property?$filter=StandardStatus has 'Active'")
    assert answer.status_code == 400
    assert "near 'has 'Active''" in answer.json()["error"]["message"]
