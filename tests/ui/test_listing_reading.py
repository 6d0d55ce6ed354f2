"""Reading many rows: what a removal leaves is what a fresh start would show, and Python is given back as it was."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest

from mls_tui.search import Query, parse
from mls_tui.ui.screens.listing_feed import smoothly
from mls_tui.ui.widgets.listing_rows import Arranger, ListingRows
from tests.ui.homes import a_home

HOMES = [a_home(number) for number in range(1, 60)]


def shown(arranger: Arranger, query: Query) -> list[str]:
    return [arranger.rows.ids[row] for row in arranger.arrange(query, None, "price", descending=True).view]


@pytest.mark.parametrize("text", ["", "lake", "beds:>=3"])
def test_removed_and_returned_homes_stand_where_a_fresh_table_puts_them(text: str) -> None:
    rows, query = ListingRows(), parse(text)
    arranger = Arranger(rows)
    rows.put_many(HOMES)
    before = shown(arranger, query)
    rows.remove(home.listing_id for home in HOMES[10:20])
    fresh = ListingRows()
    fresh.put_many([*HOMES[:10], *HOMES[20:]])
    assert shown(arranger, query) == shown(Arranger(fresh), query)
    rows.bring_back(HOMES[10:20])
    assert shown(arranger, query) == before


def test_a_reading_that_breaks_off_gives_the_collector_and_the_threads_back() -> None:
    usual = sys.getswitchinterval()
    with pytest.raises(ValueError, match="broken"), smoothly():
        raise ValueError("broken")
    assert gc.isenabled()
    assert sys.getswitchinterval() == usual


@pytest.fixture
def _python_as_it_starts() -> Iterator[None]:
    """An import that ran in this process before has quickened the threads already."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.005)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_python_as_it_starts")
@pytest.mark.parametrize("first_to_end", [0, 1])
def test_of_two_readings_at_once_the_later_end_gives_all_back(first_to_end: int) -> None:
    """A reload that begins while a reading is on its way: whichever ends first, the rest goes on smoothly."""
    usual = sys.getswitchinterval()
    readings = [smoothly(), smoothly()]
    for reading in readings:
        reading.__enter__()
    readings[first_to_end].__exit__(None, None, None)
    assert not gc.isenabled()
    assert sys.getswitchinterval() < usual
    readings[1 - first_to_end].__exit__(None, None, None)
    assert gc.isenabled()
    assert sys.getswitchinterval() == usual
