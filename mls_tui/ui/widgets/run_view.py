"""A run on the progress screen: its numbers, the listings in flight, the rate limits. They only draw."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.reactive import reactive
from textual.strip import Strip

from mls_tui.domain.run import ImportCounts, ImportResult, RunState
from mls_tui.importer.tally import ListingInFlight, Tally
from mls_tui.reso.base import Window
from mls_tui.ui.formats import bar, count, duration, left_words, rate, size
from mls_tui.ui.text import one_line
from mls_tui.ui.widgets.lines import ChangingLines, LongLines, set_length

_BLOCKS = "▁▂▃▄▅▆▇█"

Parts = list[Content | str | tuple[str, str]]


def spark(values: tuple[float, ...], width: int) -> str:
    """The last ``width`` values as blocks; the highest fills its cell, zero stays at the bottom."""
    shown = values[-width:]
    top = max(shown, default=0.0)
    if top <= 0:
        return ""
    return "".join(_BLOCKS[min(7, round(value / top * 7))] for value in shown)


class RunHead(ChangingLines, can_focus=False):
    """The connection, the bar, the speed and the outcomes of a run."""

    tally: reactive[Tally | None] = reactive(None, repaint=False)

    def watch_tally(self, tally: Tally | None) -> None:
        width = self.size.width
        if tally is not None:
            counts = tally.result.counts if tally.result else tally.counts
            self.show_lines([title(tally), overall(tally, width), speed(tally, width), outcomes(counts, width)])

    def on_resize(self) -> None:
        self.watch_tally(self.tally)


def title(tally: Tally) -> Content:
    """The connection, and what it is doing."""
    name = one_line(tally.connection, 60) or "Import"
    state: tuple[str, str]
    if tally.result is not None:
        state = ended_words(tally.result)
    elif tally.paused:
        state = ("⏸ paused: what is in flight is finished, nothing new begins", "$text-warning")
    elif tally.throttled_until is not None:
        state = ("◷ waiting for the MLS", "$text-warning")
    else:
        state = ("▶ importing", "$text-success")
    resumed = ("  · resumed", "$foreground 60%") if tally.resumed else ""
    return Content.assemble((name, "bold"), "   ", state, resumed)


def ended_words(result: ImportResult) -> tuple[str, str]:
    """The state a run ended in, by sign, words and colour."""
    if result.state in (RunState.CANCELLED, RunState.INTERRUPTED):
        return f"■ {result.state.value}: what is stored stays, the next import continues there", "$text-warning"
    if result.error is not None:
        return f"✖ {one_line(result.error, 200)}", "$text-error"
    if left := left_words(result.counts):
        return f"! done, {left}", "$text-warning"
    return "✔ done", "$text-success"


def overall(tally: Tally, width: int) -> Content:
    """The bar with its percentage; without a known end, a dotted line."""
    share = tally.done / tally.expected if tally.expected else None
    if tally.result is not None and tally.result.success and tally.result.state is RunState.DONE:
        share = 1.0
    label = "  ?  " if share is None else f" {min(1.0, share):4.0%}"
    return Content.assemble(*bar(share, max(10, width - len(label) - 1)), label)


def speed(tally: Tally, width: int) -> Content:
    """Listings, rate, time, bytes; and the sparkline if there is room."""
    counts = tally.result.counts if tally.result else tally.counts
    done = counts.total if tally.result else tally.done
    words = [f"{count(done, tally.expected)} listings", rate(tally.rate)]
    if tally.running:
        left = tally.eta_seconds
        words.append("time left unknown" if left is None else f"{duration(left)} left")
    words.append(f"{duration(tally.seconds)} so far" if tally.running else f"took {duration(tally.seconds)}")
    per_second = int(counts.bytes / tally.seconds) if tally.seconds >= 1 else 0
    words.append(size(counts.bytes))
    wide = "  ·  ".join(words) + (f" ({size(per_second)}/s)" if per_second else "")
    text = wide if len(wide) <= width else " · ".join(words)
    room = width - len(text) - 4
    graph = spark(tally.rates, min(60, room)) if room >= 8 else ""
    return Content.assemble(text, "  ", (graph, "$primary"))


def outcomes(counts: ImportCounts, width: int | None = None) -> Content:
    """Every outcome with its sign; failures stand out by sign, word and colour.

    What does not fit into ``width`` is said shorter: first without what is zero, then without words.
    """
    full, brief = _outcomes(counts), _outcomes(counts, zeros=False)
    if width is None or full.cell_length <= width:
        return full
    return brief if brief.cell_length <= width else _outcomes(counts, zeros=False, words=False)


def _outcomes(counts: ImportCounts, *, zeros: bool = True, words: bool = True) -> Content:
    shown = [
        ("✚", counts.created, "created", "$text-success"),
        ("↻", counts.updated, "updated", "$text-primary"),
        ("=", counts.unchanged, "unchanged", "$foreground 60%"),
        ("−", counts.removed, "removed", "$foreground 60%"),
        ("✖", counts.failed, "failed", "$text-error"),
        ("▣", counts.photos_stored, "photos", "$text-secondary"),
        ("✖", counts.photos_failed, "photos missing", "$text-warning"),
    ]
    always = {"created", "updated", "unchanged", "failed", "photos"} if zeros else {"created"}
    found: list[Content] = []
    for sign, number, word, style in shown:
        if number or word in always:
            look = style if number else "$foreground 60%"
            said = f" {word}" if words else ""
            found.append(Content.assemble((f"{sign} {number:,}", look), (said, "$foreground 60%")))
    return Content("   ").join(found)


NUMBER_WIDTH = 12
ADDRESS_WIDTH = 34
SHORTEST_ADDRESS = 8
DOTS = 8
ROOMY = 90
"""Below this width the photos are told by numbers alone."""


def retry_words(flight: ListingInFlight, now: datetime | None) -> str:
    """``503 Service Unavailable · attempt 2 of 3 in 2.4 s``, without the time once the attempt has started."""
    attempt = f"attempt {min(flight.attempt, flight.attempts_of)} of {flight.attempts_of}"
    wait = (flight.retry_at - now).total_seconds() if flight.retry_at is not None and now is not None else 0.0
    words = f"{attempt} in {wait:.1f} s" if wait > 0 else attempt
    return f"{flight.cause} · {words}" if flight.cause else words


def nothing_words(*, by_worker: bool) -> str:
    """The text shown if no listing is in flight in this process."""
    return "A worker does this import. Q leaves it; the worker goes on." if by_worker else "Nothing is in flight."


def photo_words(flight: ListingInFlight) -> tuple[str, str, str]:
    """Dots that are full, dots that are not, and ``3/8``; all empty for a listing without photos to fetch."""
    if not flight.photos_total:
        return "", "", ""
    done = min(flight.photos_done, flight.photos_total)
    dots = min(DOTS, flight.photos_total)
    full = done * dots // flight.photos_total
    return "■" * full, "□" * (dots - full), f"{done}/{flight.photos_total}"


def in_place(
    before: Sequence[ListingInFlight | None], now: Sequence[ListingInFlight]
) -> tuple[ListingInFlight | None, ...]:
    """The listings in flight, each on the line it had before; new ones take lines that became free (None)."""
    left = {flight.listing_key: flight for flight in now}
    lines = [None if old is None else left.pop(old.listing_key, None) for old in before]
    waiting = list(left.values())
    lines = [line if line is not None or not waiting else waiting.pop(0) for line in lines]
    lines.extend(waiting)
    while lines and lines[-1] is None:
        lines.pop()
    return tuple(lines)


class Flights(LongLines):
    """Shows a tally's ``in_flight``, each listing on its line until it is done."""

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
        self._flights: tuple[ListingInFlight | None, ...] = ()
        self._now: datetime | None = None
        self._by_worker = False

    def show(self, tally: Tally) -> None:
        """Draw another moment."""
        self._flights = in_place(self._flights, tally.in_flight)
        if len(self._flights) > self.size.height:  # then those that wait for another attempt come first
            first = [flight for flight in tally.in_flight if flight.attempt > 1]
            self._flights = (*first, *(flight for flight in tally.in_flight if flight.attempt == 1))
        self._now, self._by_worker = tally.now, tally.by_worker
        set_length(self, _whole_pages(len(self._flights), self.size.height))
        self.refresh_changed()

    def draw_row(self, row: int, width: int) -> Strip:
        base = self.look()
        if row >= len(self._flights):
            words = nothing_words(by_worker=self._by_worker) if row == 0 else ""
            return Strip([Segment(words, self.look("note"))]).adjust_cell_length(width, base)
        if (flight := self._flights[row]) is None:
            return Strip.blank(width, base)
        segments = self._segments(flight, width)
        return Strip(segments).adjust_cell_length(width, base).apply_style(Style(bgcolor=base.bgcolor))

    def _segments(self, flight: ListingInFlight, width: int) -> list[Segment]:
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


_SPANS = {1: "this second", 60: "this minute", 3_600: "this hour", 86_400: "today"}


def window_words(window: Window) -> str:
    """``1,204 of 7,200 this hour``; bytes as ``1.2 GB of 4.0 GB this hour``."""
    span = _SPANS.get(int(window.seconds), f"in {window.seconds:g} s")
    if window.unit == "bytes":
        return f"{size(window.used)} of {size(window.limit)} {span}"
    return f"{window.used:,} of {window.limit:,} {span}"


def fullest(windows: Sequence[Window], most: int) -> list[Window]:
    """The longest window first: it is the one that stops an import for long; short ones only if there is room."""
    return sorted(windows, key=lambda window: (-window.seconds, window.host, window.unit))[:most]


class Gauge(ChangingLines, can_focus=False):
    """How much of the rate limits is used. Empty while they are not known."""

    windows: reactive[tuple[Window, ...]] = reactive((), repaint=False)

    def watch_windows(self) -> None:
        roomy = self.size.width >= 100
        width = 24 if roomy else 16
        lines = []
        for window in fullest(self.windows, 2):
            share = window.used / window.limit if window.limit else None
            full = share is not None and share >= 0.9
            style = "$warning" if full else "$secondary"
            what = "Photos  " if window.unit == "bytes" else "Requests"
            lines.append(
                Content.assemble(
                    (f"{what} ", "$foreground 60%"),
                    *bar(share, width, style=style),
                    f" {window_words(window)}",
                    (f"  {one_line(window.host, 24)}" if roomy else "", "$foreground 60%"),
                    ("  ! nearly used up", "$text-warning") if full else "",
                )
            )
        self.show_lines(lines)

    def on_resize(self) -> None:
        self.watch_windows()
