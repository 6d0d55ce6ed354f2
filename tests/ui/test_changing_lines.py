"""Only the cells that changed are painted, and a listing in flight keeps its line."""

from __future__ import annotations

import pytest
from rich.segment import Segment
from textual.strip import Strip

from mls_tui.importer.tally import ListingInFlight
from mls_tui.ui.widgets.lines import changed_cells
from mls_tui.ui.widgets.run_view import in_place


def strip(text: str) -> Strip:
    return Strip([Segment(text)])


@pytest.mark.parametrize(
    ("before", "after", "cells"),
    [
        ("12 of 300", "12 of 300", None),
        ("12 of 300", "13 of 300", (1, 2)),
        ("12 of 300", "13 of 301", (1, 9)),
        ("湖畔の家 1", "湖畔の家 2", (9, 10)),
        ("湖x", "畔x", (0, 2)),
        ("short", "longer", (0, 6)),
    ],
)
def test_what_differs_is_found_cell_by_cell(before: str, after: str, cells: tuple[int, int] | None) -> None:
    assert changed_cells(strip(before), strip(after)) == cells


def numbers(lines: tuple[ListingInFlight | None, ...]) -> list[str]:
    return ["" if line is None else line.mls_number for line in lines]


def test_a_listing_in_flight_keeps_its_line_and_a_new_one_takes_a_free_one() -> None:
    a, b, c, d = (ListingInFlight(name, name) for name in "abcd")
    lines = in_place((), (a, b, c))
    assert numbers(lines) == ["a", "b", "c"]
    lines = in_place(lines, (a, c))
    assert numbers(lines) == ["a", "", "c"]
    lines = in_place(lines, (c, d))
    assert numbers(lines) == ["d", "", "c"]
    assert numbers(in_place(lines, (d,))) == ["d"]
