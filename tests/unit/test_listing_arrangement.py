"""The table's rows: the same order and the same rows as plain Python would give, whatever came, went and came back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mls_tui.search import parse
from mls_tui.ui.widgets.listing_columns import COLUMNS, age, lay_out, number
from mls_tui.ui.widgets.listing_cursor import Cursor
from mls_tui.ui.widgets.listing_rows import Arranger, ListingRows
from mls_tui.ui.widgets.listing_sort import in_order
from tests.ui.homes import a_home

values = st.one_of(st.none(), st.integers(-50, 50), st.floats(allow_nan=False, allow_infinity=False))


@given(st.lists(values, max_size=60), st.integers(1, 7))
def test_in_order_equals_sorted_with_absent_values_last(column: list[float | None], bucket: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mls_tui.ui.widgets.listing_sort.BUCKET", bucket)
        ordered, absent = in_order(range(len(column)), column)
    present = [row for row, value in enumerate(column) if value is not None]
    assert ordered == sorted(present, key=lambda row: column[row] or 0)
    assert absent == [row for row, value in enumerate(column) if value is None]


def test_a_renewed_listing_keeps_its_row_and_a_deleted_one_stays_away() -> None:
    rows = ListingRows()
    homes = [a_home(number) for number in range(1, 6)]
    rows.put_many(homes)
    rows.put_many([homes[2].model_copy(update={"price": 1})])
    assert rows.columns.price[2] == 1
    rows.remove([homes[1].listing_id])
    rows.put_many(homes)  # a batch that was read before the deletion
    assert rows.row_of(homes[1].listing_id) is None
    assert rows.living == 4
    rows.bring_back([homes[1]])
    assert rows.row_of(homes[1].listing_id) == 1
    assert rows.living == 5


def test_arrangement_filters_sorts_and_counts_by_status() -> None:
    rows = ListingRows()
    homes = [a_home(number) for number in range(1, 60)]
    rows.put_many(homes)
    arranger = Arranger(rows)
    for _ in range(2):  # the second time from what it remembers
        found = arranger.arrange(parse("city:austin"), "active", "price", descending=True)
        austin = [home for home in homes if home.address.city == "Austin"]
        wanted = sorted((home for home in austin if home.status == "active"), key=lambda home: -(home.price or 0))
        assert [rows.columns.price[row] for row in found.view] == [home.price for home in wanted]
        assert found.counts.get("active") == len(wanted)
        assert sum(found.counts.values()) == len(austin)
        assert found.total == len(homes)


@pytest.mark.parametrize("key", [column.key for column in COLUMNS])
def test_every_column_sorts_both_ways(key: str) -> None:
    rows = ListingRows()
    rows.put_many([a_home(number) for number in range(1, 30)] + [a_home(99, price=None, list_date=None)])
    arranger = Arranger(rows)
    up = arranger.arrange(parse(""), None, key, descending=False).view
    down = arranger.arrange(parse(""), None, key, descending=True).view
    assert sorted(up) == sorted(down) == list(range(30))


@given(st.integers(20, 260))
def test_columns_never_overlap_nor_leave_the_width(width: int) -> None:
    end = 0
    for laid in lay_out(width):
        assert laid.x >= end
        assert laid.width >= laid.column.least
        assert cell_len(laid.title) <= laid.width
        end = laid.x + laid.width
    assert end <= width


def test_the_most_telling_columns_stay_on_a_small_screen() -> None:
    keys = {laid.column.key for laid in lay_out(78)}
    assert {"status", "price", "beds", "baths", "sqft", "address", "city", "photos"} <= keys
    assert {laid.column.key for laid in lay_out(198)} == {column.key for column in COLUMNS}


def test_cursor_stays_on_its_row_when_rows_come_and_go() -> None:
    cursor = Cursor()
    cursor.show([10, 11, 12])
    cursor.move(1)
    cursor.show([9, 10, 11, 12])
    assert cursor.row == 11
    cursor.show([9, 10, 12])  # it is gone: the next one takes its place
    assert cursor.row == 12


def test_an_untouched_cursor_stays_at_the_top() -> None:
    cursor = Cursor()
    cursor.show([5])
    cursor.show([1, 5])
    assert cursor.row == 1


def test_a_range_that_shrinks_gives_marks_back_but_not_earlier_ones() -> None:
    cursor = Cursor()
    cursor.show(list(range(10)))
    cursor.toggle()
    cursor.move(2)
    cursor.extend(5)
    assert cursor.marks == {0, 2, 3, 4, 5}
    cursor.extend(3)
    assert cursor.marks == {0, 2, 3}
    cursor.toggle_all()
    assert cursor.marks == set(range(10))
    cursor.toggle_all()
    assert cursor.marks == set()


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
