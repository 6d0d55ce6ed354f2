"""Moves a connection's cursor during a sweep: past a page once that page and all before it are stored, if timestamps
come in order, and never beyond the time at which the sweep started."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from mls_tui.domain.clock import iso_z
from mls_tui.domain.connection import Cursor
from mls_tui.domain.listing import parse_timestamp
from mls_tui.reso.base import Page, RawRecord
from mls_tui.reso.presets import ProviderPreset

MAX_FAILED_KEYS = 1_000
"""After more failures than this the watermark stays where it was: the next import reads the whole range again."""


@dataclass(slots=True)
class _PendingPage:
    outstanding: int
    last: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class CursorMove:
    """A cursor to save, and the pages that it passed since the last move. ``back``: the records are not in order of
    time, so the cursor returns to where the sweep began."""

    cursor: Cursor
    passed: tuple[int, ...] = ()
    back: bool = False


@dataclass(slots=True)
class CursorTracker:
    """Tracks the pages of one sweep. ``cursor`` is the furthest that may be saved now; ``started`` is when the sweep
    started, in epoch seconds."""

    preset: ProviderPreset
    cursor: Cursor
    started: float
    _pages: dict[int, _PendingPage] = field(default_factory=dict)
    _seen: tuple[float, str] = (float("-inf"), "")
    _newest: tuple[float, str, str] | None = None
    _ordered: bool = True
    _moved: bool = False
    _done: list[int] = field(default_factory=list)
    """Finished pages that the saved cursor has not passed."""
    _failed: set[str] = field(default_factory=set)
    _origin: Cursor = field(default_factory=Cursor)

    def __post_init__(self) -> None:
        self._origin = self.cursor
        self._failed = set(self.cursor.failed_keys)

    def page_fetched(self, page: Page) -> None:
        """Add a page whose records are about to be imported."""
        last: tuple[str, str] | None = None
        for record in page.records:
            last = self._observe(record) or last
        self._pages[page.number] = _PendingPage(outstanding=len(page.records), last=last)

    def record_done(self, page_number: int) -> None:
        """One record of the page was stored, failed or needed nothing."""
        self._pages[page_number].outstanding -= 1

    def failed(self, listing_key: str) -> None:
        self._failed.add(listing_key)

    def succeeded(self, listing_key: str) -> None:
        self._failed.discard(listing_key)

    def advance(self) -> CursorMove | None:
        """Move past the finished pages, up to the first unfinished one. None if the cursor did not move.

        In a sweep for changes it moves at the end only: such a sweep begins some minutes before the watermark, so a
        resumed one would count the records of those minutes twice.
        """
        for number in sorted(self._pages):
            page = self._pages[number]
            if page.outstanding:
                break
            del self._pages[number]
            self._done.append(number)
            if page.last is not None and self._ordered and not self._too_many_failed and not self.cursor.swept:
                self._move(*page.last)
        if not self._moved:
            return None
        self._moved = False
        if self.cursor is self._origin:
            return CursorMove(self.cursor, back=True)
        passed, self._done = tuple(self._done), []
        return CursorMove(self.cursor, passed)

    def finish(self, *, statuses: tuple[str, ...]) -> Cursor:
        """The cursor of a sweep that reached its end.

        If the records were not in order, it is that of the newest one, but at most the start of the sweep, so that the
        next import asks for what changed meanwhile.
        """
        if self._too_many_failed:
            return self.cursor
        if self._newest is not None and (self.cursor.swept or not self._ordered):
            self._move(self._newest[1], self._newest[2])
        watermark, key = self._at_most_started(self.cursor.watermark, self.cursor.last_key)
        return self.cursor.model_copy(
            update={
                "watermark": watermark,
                "last_key": key,
                "swept": True,
                "statuses": statuses,
                "failed_keys": self.failed_keys(),
                "epoch": 0,
            }
        )

    def failed_keys(self) -> tuple[str, ...]:
        return tuple(sorted(self._failed))[:MAX_FAILED_KEYS]

    @property
    def _too_many_failed(self) -> bool:
        return len(self._failed) > MAX_FAILED_KEYS

    def _move(self, watermark: str, key: str | None) -> None:
        update = {"watermark": watermark, "last_key": key, "failed_keys": self.failed_keys()}
        self.cursor = self.cursor.model_copy(update=update)
        self._moved = True

    def _at_most_started(self, watermark: str | None, key: str | None) -> tuple[str | None, str | None]:
        """At most the start of the sweep: a watermark in the future would hide every change until then."""
        moment = parse_timestamp(watermark) if watermark else None
        if moment is None or moment.timestamp() <= self.started:
            return watermark, key
        return iso_z(datetime.fromtimestamp(self.started, UTC)), None

    def _observe(self, record: RawRecord) -> tuple[str, str] | None:
        raw, position = record.get(self.preset.timestamp_field), position_of(record, self.preset)
        if position is None or not isinstance(raw, str):
            return None
        if self._ordered and position[0] < self._seen[0]:
            self._ordered = False
            if self.cursor is not self._origin:
                self.cursor, self._moved = self._origin, True
        self._seen = position
        if self._newest is None or position > (self._newest[0], self._newest[2]):
            self._newest = (position[0], raw, position[1])
        return raw, position[1]


def position_of(record: RawRecord, preset: ProviderPreset) -> tuple[float, str] | None:
    """The sort key of a record in a sweep: its timestamp in epoch seconds, and its key. None if it lacks either."""
    raw, key = record.get(preset.timestamp_field), record.get(preset.key_field)
    moment = parse_timestamp(raw) if isinstance(raw, str) else None
    if moment is None or not isinstance(key, str | int):
        return None
    return moment.timestamp(), str(key)
