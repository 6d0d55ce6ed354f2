"""The beginning of a feed text on one line. ``one_line`` cleans all of it first, 3 ms for 10,000 characters: too much
for a text that is drawn again and again, of which thirty cells are seen."""

from __future__ import annotations

from mls_tui.ui.widgets.plain import one_line

SPARE = 64
PER_CELL = 16
"""Characters looked at for each cell: combining marks and escape sequences take none."""


def brief(text: str, width: int) -> str:
    """As ``one_line``, looking only at the beginning of the text."""
    return one_line(text[: SPARE + PER_CELL * max(0, width)], width)
