"""The run's events as a log, a line each. Its cost does not depend on its length; it follows the end until one scrolls
up."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from mls_tui.domain.events import (
    AttemptFailed,
    Event,
    ListingFailed,
    ListingStored,
    PageFetched,
    PhotoFailed,
    RunFinished,
    RunStarted,
    Throttled,
)
from mls_tui.domain.wording import photo_name, plural
from mls_tui.ui.formats import clock_time
from mls_tui.ui.text import clean, one_line
from mls_tui.ui.widgets.lines import LongLines, jump, set_length
from mls_tui.ui.widgets.tables import row_keys

MAX_LINES = 5_000
MOVE = Binding.Group("Move")
_OUTCOMES = {"created": "✚", "updated": "↻", "unchanged": "=", "removed": "−", "skipped": "·"}


@dataclass(frozen=True, slots=True)
class EventLine:
    """``look``: plain, good, warn or bad. ``bad`` lines are what the error filter keeps."""

    time: str
    sign: str
    look: str
    text: str


def log_line(event: Event) -> EventLine | None:
    """The line of an event; None for the events that only move counters."""
    told = _told(event)
    return None if told is None else EventLine(clock_time(event.at), *told)


def _told(event: Event) -> tuple[str, str, str] | None:
    match event:
        case RunStarted():
            resumed = ", continuing where an earlier run stopped" if event.resumed else ""
            return "▶", "plain", f"Import of {event.connection} began{resumed}"
        case PageFetched():
            of = "" if event.total is None else f" of {event.total:,} listings"
            return "⇣", "plain", f"Page {event.number}: {plural(event.records, 'record')}{of}"
        case ListingStored():
            photos = f", {plural(event.photos, 'photo')}" if event.photos else ""
            missing = f", {event.photos_missing} missing" if event.photos_missing else ""
            look = "warn" if event.photos_missing else "good" if event.outcome == "created" else "plain"
            return _OUTCOMES[event.outcome], look, f"{event.mls_number} {event.outcome}{photos}{missing}"
        case ListingFailed():
            why = "quarantined" if event.quarantined else f"failed after {plural(event.attempts, 'attempt')}"
            return "✖", "bad", f"{event.mls_number} {why}: {event.error}"
        case RunFinished():
            result = event.result
            look = "bad" if result.error else "good"
            return "■", look, result.error or f"{result.state.value.capitalize()}. {result.message}"
        case _:
            return _trouble(event)


def _trouble(event: Event) -> tuple[str, str, str] | None:
    match event:
        case AttemptFailed():
            what = "" if event.what == "listing" else f" {event.what}"
            what = what if event.photo_index is None else f" {photo_name(event.photo_index)}"
            who = f"{event.mls_number}{what}" if event.mls_number else what.strip().capitalize()
            again = "" if event.wait is None else f", again in {event.wait:.1f} s"
            return "↻", "warn", f"{who}: {event.cause} · attempt {event.attempt} of {event.of} failed{again}"
        case PhotoFailed():
            return "✖", "bad", f"{event.mls_number} {photo_name(event.photo_index)} could not be fetched: {event.cause}"
        case Throttled():
            return "◷", "warn", f"The MLS asked us to wait until {clock_time(event.until)}: {event.why}"
        case _:
            return None


ELSEWHERE = "Workers log on their own machines; what failed is in this run's history (4)."


class LogView(LongLines, inherit_bindings=False):
    """``add`` what happened; ``only_errors`` filters. With the focus it has a cursor: enter opens its line."""

    LOOKS = "log"
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log--time", "log--plain", "log--good", "log--warn", "log--bad", "log--cursor",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        *row_keys("move(-1)", "move(1)", "edge(0)", "edge(1)", "page(-1)", "page(1)"),
        Binding("enter", "open", "Read in full", show=False, id="log.open", tooltip="The whole line", group=MOVE),
        Binding("y", "copy", "Copy", show=False, id="log.copy", tooltip="Copy the line", group=MOVE),
    ]

    @dataclass
    class Opened(Message):
        """The user wants to read a line in full."""

        line: EventLine

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: deque[EventLine] = deque(maxlen=MAX_LINES)
        self._shown: list[EventLine] = []
        self._cursor = 0
        self.only_errors = False
        self._here = True
        self._following = True
        self._resting = self._more = False
        self.seconds_between = 0.5

    def tell_where(self, *, here: bool) -> None:
        """Whether the import runs in this process; workers send nothing but numbers."""
        if here != self._here:
            self._here = here
            self.refresh()

    @property
    def _nothing(self) -> str:
        if not self._here:
            return ELSEWHERE
        return "No errors so far." if self.only_errors else "Nothing has happened yet."

    def clear(self) -> None:
        self._lines.clear()
        self._refill()

    def add(self, events: Iterable[Event]) -> None:
        """Append the lines of some events."""
        new = [line for event in events if (line := log_line(event)) is not None]
        self._lines.extend(new)
        if new and self._resting:
            self._more = True
        elif new:
            self._refill()
            self._rest()

    def _rest(self) -> None:
        """Each new line moves all others: they are painted twice a second at most."""
        self._resting, self._more = self.seconds_between > 0, False
        if self._resting:
            self.set_timer(self.seconds_between, self._rested)

    def _rested(self) -> None:
        self._resting = False
        if self._more:
            self._refill()
            self._rest()

    def toggle_errors(self) -> bool:
        """Show errors only, or all; answers which."""
        self.only_errors = not self.only_errors
        self._refill()
        return self.only_errors

    def _refill(self) -> None:
        follow = self._following
        self._shown = [line for line in self._lines if line.look == "bad" or not self.only_errors]
        self._cursor = len(self._shown) - 1 if follow else min(self._cursor, len(self._shown) - 1)
        self._cursor = max(0, self._cursor)
        set_length(self, len(self._shown))
        if follow and not self.show_vertical_scrollbar:
            self.follow_end()
        elif follow:
            jump(self, self.max_scroll_y)
        self.refresh_changed()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._following = new_value >= self.max_scroll_y - 1

    def on_resize(self) -> None:
        """The first lines may come before there is any room to scroll in."""
        if self._following:
            self.scroll_to(y=self.max_scroll_y, animate=False, force=True)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def follow_end(self) -> None:
        """Show the latest line, as when the log comes back on the screen."""
        self.call_after_refresh(self.scroll_end, animate=False, immediate=True, x_axis=False)

    def action_move(self, rows: int) -> None:
        self._go_to(self._cursor + rows)

    def action_edge(self, last: int) -> None:
        self._go_to(len(self._shown) - 1 if last else 0)

    def action_page(self, pages: int) -> None:
        self._go_to(self._cursor + pages * max(1, self.size.height - 1))

    def _go_to(self, row: int) -> None:
        self._cursor = max(0, min(row, len(self._shown) - 1))
        top, height = self.scroll_offset.y, self.size.height
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False, force=True)
        elif self._cursor >= top + height:
            self.scroll_to(y=self._cursor - height + 1, animate=False, force=True)
        self._following = self._cursor == len(self._shown) - 1
        self.refresh_changed()

    @property
    def _line(self) -> EventLine | None:
        return self._shown[self._cursor] if self._cursor < len(self._shown) else None

    def action_open(self) -> None:
        if (line := self._line) is not None:
            self.post_message(self.Opened(line))

    def action_copy(self) -> None:
        if (line := self._line) is not None:
            self.app.copy_to_clipboard(clean(f"{line.time} {line.text}"))
            self.notify("Copied.")

    def draw_row(self, row: int, width: int) -> Strip:
        base = self.look()
        if row >= len(self._shown):
            return Strip([Segment("" if row else self._nothing, self.look("time"))]).adjust_cell_length(width, base)
        line = self._shown[row]
        text = one_line(line.text, width - 12)
        if row == self._cursor and self.has_focus:
            cursor = self.look("cursor")
            return Strip([Segment(f"{line.time}  {line.sign} {text}", cursor)]).adjust_cell_length(width, cursor)
        segments = [
            Segment(line.time + "  ", self.look("time")),
            Segment(line.sign + " ", self.look(line.look)),
            Segment(text, self.look("bad" if line.look == "bad" else "plain")),
        ]
        return Strip(segments).adjust_cell_length(width, base)
