"""The columns of the listings table and their order: they fit at every width, and sort as plain Python would."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mls_tui.domain.listing import Listing, ListingStatus
from mls_tui.search import parse
from mls_tui.storage.summaries import Selection, short_type
from mls_tui.ui.formats import age, number
from mls_tui.ui.widgets.listing_table import COLUMNS, place_columns
from tests.ui.fakes import FakeActions
from tests.ui.homes import a_home

HOMES = [a_home(number) for number in range(1, 60)] + [a_home(99, price=None, list_date=None, property_sub_type=None)]


async def selected(homes: list[Listing], wanted: Selection) -> list[Listing]:
    summaries = FakeActions(listings=homes).summaries
    chosen = await summaries.select(wanted)
    assert len(chosen.rows) <= chosen.total == len(homes)
    by_id = {home.listing_id: home for home in homes}
    return [by_id[each] for each in await summaries.ids(chosen.rows)]


VALUES: dict[str, Callable[[Listing], Any]] = {
    "price": lambda home: home.price,
    "beds": lambda home: home.bedrooms,
    "city": lambda home: (home.address.city or "").lower() or None,
    "type": lambda home: (short_type(home.property_type, home.property_sub_type) or "").lower() or None,
    "listed": lambda home: home.list_date,
    "photos": lambda home: home.photos_stored,
    "status": lambda home: [*ListingStatus].index(home.status),
}


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("key", [column.key for column in COLUMNS])
async def test_every_column_sorts_both_ways_with_absent_values_last(key: str, descending: bool) -> None:
    homes = random.Random(key).sample(HOMES, len(HOMES))
    found = await selected(homes, Selection(sort=key, descending=descending))
    assert {home.listing_id for home in found} == {home.listing_id for home in homes}
    if key in VALUES:
        values = [VALUES[key](home) for home in found]
        known = [value for value in values if value is not None]
        assert known == sorted(known, reverse=descending)
        assert values[: len(known)] == known


async def test_a_query_filters_sorts_and_counts_by_status() -> None:
    summaries = FakeActions(listings=HOMES).summaries
    chosen = await summaries.select(Selection(parse("city:austin"), ("active",), "price"))
    austin = [home for home in HOMES if home.address.city == "Austin"]
    wanted = sorted((home for home in austin if home.status == "active"), key=lambda home: -(home.price or 0))
    assert [home.price for home in await summaries.read(chosen.rows)] == [home.price for home in wanted]
    assert chosen.counts["active"] == len(wanted)
    assert sum(chosen.counts.values()) == len(austin)
    assert chosen.total == len(HOMES)


@pytest.mark.parametrize(
    ("kind", "sub_type", "short"),
    [
        ("Residential", "Single Family Residence", "Single"),
        ("Residential", "SingleFamilyResidence", "Single"),
        ("Residential", "Condominium", "Condo"),
        ("Residential", "TOWNHOUSE", "Town"),
        ("Land", None, "Land"),
        ("Residential", "Earth Lodge", "Home"),
        ("Yurt", None, "Yurt"),
        (None, None, None),
    ],
)
def test_types_are_short(kind: str | None, sub_type: str | None, short: str | None) -> None:
    assert short_type(kind, sub_type) == short


@given(st.integers(1, 260), st.sampled_from([column.key for column in COLUMNS]))
def test_columns_never_overlap_nor_leave_the_width(width: int, sort: str) -> None:
    end = 0
    for placed in place_columns(width, sort):
        assert placed.x >= end
        assert placed.width >= placed.column.least
        assert cell_len(placed.title) <= placed.width
        end = placed.x + placed.width
    assert end <= max(0, width)
    if width >= 30:
        assert sort in {placed.column.key for placed in place_columns(width, sort)}


def test_the_most_telling_columns_stay_on_a_small_screen() -> None:
    keys = {placed.column.key for placed in place_columns(78)}
    assert {"status", "price", "beds", "baths", "sqft", "address", "city", "photos"} <= keys
    assert {placed.column.key for placed in place_columns(198)} == {column.key for column in COLUMNS}


def test_numbers_and_ages_read_as_people_write_them() -> None:
    assert [number(value) for value in (None, 3, 3.0, 2.5, 1850)] == ["–", "3", "3", "2.5", "1,850"]
    minute = 60_000
    assert [age(0, minute * each) for each in (0, 5, 180, 60 * 49, 60 * 24 * 21)] == [
        "now",
        "5 min",
        "3 h",
        "2 d",
        "3 wk",
    ]
