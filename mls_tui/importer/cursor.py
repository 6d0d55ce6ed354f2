"""Keeps a connection's cursor behind the data: it moves to the end of a page only when that page and all before it are
stored, and within a sweep only while the feed comes in (timestamp, key) order."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from mls_tui.domain.connection import Cursor
from mls_tui.domain.listing import parse_timestamp
from mls_tui.mls.base import Page, RawRecord
from mls_tui.mls.preset_fields import ProviderPreset

MAX_FAILED_KEYS = 1_000
"""More failures than this, and the watermark stays where it was: the next import sweeps the same stretch again."""


@dataclass(slots=True)
class _OpenPage:
    outstanding: int
    last: tuple[str, str] | None


@dataclass(slots=True)
class CursorKeeper:
    """Tracks the pages of one sweep. ``position`` is where the cursor may stand now."""

    preset: ProviderPreset
    cursor: Cursor
    _pages: dict[int, _OpenPage] = field(default_factory=dict)
    _seen: tuple[float, str] = (float("-inf"), "")
    _newest: tuple[float, str, str] | None = None
    _ordered: bool = True
    _failed: set[str] = field(default_factory=set)
    _origin: Cursor = field(default_factory=Cursor)

    def __post_init__(self) -> None:
        self._origin = self.cursor
        self._failed = set(self.cursor.failed_keys)

    def opened(self, page: Page) -> None:
        """A page has come; its records are about to be dealt with."""
        last: tuple[str, str] | None = None
        for record in page.records:
            last = self._take(record) or last
        self._pages[page.number] = _OpenPage(outstanding=len(page.records), last=last)

    def settled(self, page_number: int) -> None:
        """One record of the page has been stored, has failed or needs nothing."""
        self._pages[page_number].outstanding -= 1

    def failed(self, listing_key: str) -> None:
        self._failed.add(listing_key)

    def succeeded(self, listing_key: str) -> None:
        self._failed.discard(listing_key)

    def advance(self) -> bool:
        """Close every page that is done from the front; True where the cursor moved."""
        before = self.cursor
        for number in sorted(self._pages):
            page = self._pages[number]
            if page.outstanding:
                break
            del self._pages[number]
            if page.last is not None and self._ordered:
                self.cursor = self.cursor.model_copy(update={"watermark": page.last[0], "last_key": page.last[1]})
        if self.cursor is before:
            return False
        self.cursor = self.cursor.model_copy(update={"failed_keys": self.owed()})
        return True

    def finish(self, *, started: float, statuses: tuple[str, ...]) -> Cursor:
        """The cursor of a sweep that reached its end. ``started``: epoch seconds at which the sweep began.

        An unordered sweep ends at its newest record, but not after its own start: what changed behind its back is
        asked for again by the next import.
        """
        if len(self._failed) > MAX_FAILED_KEYS:
            return self.cursor
        watermark, key = self.cursor.watermark, self.cursor.last_key
        if not self._ordered and self._newest is not None:
            newest, raw, newest_key = self._newest
            if newest <= started:
                watermark, key = raw, newest_key
            else:
                watermark, key = _text(started), None
        return self.cursor.model_copy(
            update={
                "watermark": watermark,
                "last_key": key,
                "swept": True,
                "statuses": statuses,
                "failed_keys": self.owed(),
                "epoch": 0,
            }
        )

    def owed(self) -> tuple[str, ...]:
        return tuple(sorted(self._failed))[:MAX_FAILED_KEYS]

    def _take(self, record: RawRecord) -> tuple[str, str] | None:
        raw, key = record.get(self.preset.timestamp_field), record.get(self.preset.key_field)
        moment = parse_timestamp(raw) if isinstance(raw, str) else None
        if moment is None or not isinstance(raw, str) or not isinstance(key, str | int):
            return None
        place = (moment.timestamp(), str(key))
        if self._ordered and place[0] < self._seen[0]:
            self._ordered = False
            self.cursor = self._origin
        self._seen = place
        if self._newest is None or place > (self._newest[0], self._newest[2]):
            self._newest = (place[0], raw, place[1])
        return raw, place[1]


def _text(epoch_seconds: float) -> str:
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
