"""The listings that are being imported right now, a line each, drawn by ``render_line``: measured at a fifth of the
cost of a DataTable whose cells change."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from mls_tui.importer.tally import InFlight, Tally
from mls_tui.ui.widgets.long_lines import LongLines, set_length
from mls_tui.ui.widgets.plain import one_line

NUMBER_WIDTH = 12
ADDRESS_WIDTH = 34
SHORTEST_ADDRESS = 8
DOTS = 8
ROOMY = 90
"""Below this width the photos are told by numbers alone."""


def retry_words(flight: InFlight, now: datetime | None) -> str:
    """``2 of 3, again in 2.4 s: 503 Service Unavailable``; ``2 of 3`` alone once the attempt is under way."""
    attempt = f"{min(flight.attempt, flight.attempts_of)} of {flight.attempts_of}"
    wait = (flight.retry_at - now).total_seconds() if flight.retry_at is not None and now is not None else 0.0
    words = f"{attempt}, again in {wait:.1f} s" if wait > 0 else f"attempt {attempt}"
    return f"{words}: {flight.cause}" if flight.cause else words


def nothing_words(*, by_worker: bool) -> str:
    """The text shown if no listing is in flight in this process."""
    return "A worker does this import. Q leaves it; the worker goes on." if by_worker else "Nothing is in flight."


def photo_words(flight: InFlight) -> tuple[str, str, str]:
    """Dots that are full, dots that are not, and ``3/8``; all empty for a listing without photos to fetch."""
    if not flight.photos_total:
        return "", "", ""
    done = min(flight.photos_done, flight.photos_total)
    dots = min(DOTS, flight.photos_total)
    full = done * dots // flight.photos_total
    return "■" * full, "□" * (dots - full), f"{done}/{flight.photos_total}"


class Flights(LongLines):
    """Shows a tally's ``in_flight``; those that wait for another attempt come first."""

    LOOKS = "flights"
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "flights--number",
        "flights--address",
        "flights--full",
        "flights--empty",
        "flights--note",
        "flights--retry",
    }
    can_focus = False

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._flights: tuple[InFlight, ...] = ()
        self._now: datetime | None = None
        self._by_worker = False

    def show(self, tally: Tally) -> None:
        """Draw another moment."""
        self._flights = tuple(sorted(tally.in_flight, key=lambda flight: flight.attempt == 1))
        self._now, self._by_worker = tally.now, tally.by_worker
        set_length(self, _whole_pages(len(self._flights), self.size.height))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        row = y + self.scroll_offset.y
        base = self.look()
        if row >= len(self._flights):
            words = nothing_words(by_worker=self._by_worker) if row == 0 else ""
            return Strip([Segment(words, self.look("note"))]).adjust_cell_length(width, base)
        segments = self._segments(self._flights[row], width)
        return Strip(segments).adjust_cell_length(width, base).apply_style(Style(bgcolor=base.bgcolor))

    def _segments(self, flight: InFlight, width: int) -> list[Segment]:
        retrying = flight.attempt > 1
        full, empty, numbers = photo_words(flight)
        note = retry_words(flight, self._now) if retrying else flight.cause
        dots = DOTS if width >= ROOMY else 0
        left = max(0, width - NUMBER_WIDTH - dots - 11)
        wanted = min(ADDRESS_WIDTH, left) if note else left
        address = max(0, min(wanted, left - cell_len(note))) if retrying else wanted
        address = address if address >= SHORTEST_ADDRESS else 0
        sign, look = ("↻ ", "retry") if retrying else ("▸ ", "full")
        return [
            Segment(sign, self.look(look)),
            Segment(_fit(flight.mls_number, NUMBER_WIDTH), self.look("number")),
            Segment(full[:dots], self.look("full")),
            Segment((empty + " " * (dots - len(full) - len(empty)))[:dots], self.look("empty")),
            Segment(" " + set_cell_size(numbers, 8), self.look("note")),
            Segment(_fit(flight.address, address), self.look("address")),
            Segment(one_line(note, left - address), self.look("retry" if retrying else "note")),
        ]


def _whole_pages(lines: int, page: int) -> int:
    """So that the scrollbar stays as it is while listings come and go."""
    return -(-lines // page) * page if page else lines


def _fit(text: str, width: int) -> str:
    """Cut and padded to exactly ``width`` cells, the last one empty."""
    if width <= 1:
        return " " * max(0, width)
    shown = one_line(text, width - 1)
    return shown + " " * (width - cell_len(shown))
