"""What a walk over a feed has passed: which records in which version, and whether the rows kept the order asked for.
Memory per record is two integers, whatever the record's size."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime

from mls_tui.domain.listing import parse_timestamp
from mls_tui.reso.base import RawRecord
from mls_tui.reso.odata import Key, moment

_EARLIEST = datetime.min.replace(tzinfo=UTC)


def key_of(record: RawRecord, key_field: str, number_field: str) -> Key | None:
    """The record's key as served, else its MLS number; None for a record without either."""
    for name in (key_field, "ListingKey", "ListingKeyNumeric", number_field):
        value = record.get(name)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            continue
        if isinstance(value, int) or value.strip():
            return value
    return None


class Seen:
    """The newest version seen of each record. A record without a key is known by its whole content."""

    def __init__(self, key_field: str, number_field: str, timestamp_field: str) -> None:
        self._fields = (key_field, number_field)
        self._timestamp_field = timestamp_field
        self._versions: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._versions)

    def key(self, record: RawRecord) -> Key | None:
        return key_of(record, *self._fields)

    def identity(self, record: RawRecord) -> int:
        key = self.key(record)
        return hash(str(key)) if key is not None else hash(json.dumps(record, sort_keys=True, default=str))

    def timestamp(self, record: RawRecord) -> str | None:
        value = record.get(self._timestamp_field) or record.get("ModificationTimestamp")
        return value if isinstance(value, str) else None

    def lacks(self, record: RawRecord) -> bool:
        """True for a record not seen yet, or seen only in an older version."""
        return self._version(record) > self._held(self.identity(record))

    def add(self, record: RawRecord) -> bool:
        """Note a record; True where it was lacking."""
        identity, version = self.identity(record), self._version(record)
        lacking = version > self._held(identity)
        if lacking:
            self._versions[identity] = version
        return lacking

    def _held(self, identity: int) -> int:
        """The version seen, or less than any."""
        return self._versions.get(identity, -2)

    def _version(self, record: RawRecord) -> int:
        at = parse_timestamp(self.timestamp(record) or "")
        return -1 if at is None else round((at - _EARLIEST).total_seconds() * 1_000_000)


class Trail:
    """The end of a walk so far: where to go on from, and whether that place means anything."""

    def __init__(self, seen: Seen) -> None:
        self.seen = seen
        self.ordered = True
        """Timestamps never went down."""
        self.ties_ordered = True
        """Keys went up wherever timestamps were equal."""
        self.position: tuple[str, Key] | None = None
        """(timestamp, key) of the last row that has both."""
        self.repeats = 0
        self.newest: datetime | None = None
        """The latest timestamp of all rows; None while none has one that can be read."""
        self._last: tuple[datetime, Key | None] | None = None

    @property
    def keysetable(self) -> bool:
        return self.ordered and self.ties_ordered and self.position is not None

    def take(self, rows: Iterable[RawRecord]) -> list[RawRecord]:
        """Pass the rows of a page; those that were lacking."""
        fresh: list[RawRecord] = []
        for row in rows:
            if self.seen.add(row):
                fresh.append(row)
                self._step(row)
            else:
                self.repeats += 1
        return fresh

    def _step(self, row: RawRecord) -> None:
        text, key = self.seen.timestamp(row), self.seen.key(row)
        read = parse_timestamp(text or "")
        if read is not None and (self.newest is None or read > self.newest):
            self.newest = read
        at = read or _EARLIEST
        if self._last is not None:
            before, key_before = self._last
            self.ordered = self.ordered and at >= before
            if at == before:
                self.ties_ordered = self.ties_ordered and _after(key, key_before)
        self._last = (at, key)
        known = moment(text) if text else None
        if known and key is not None:
            self.position = (known, key)

    def below(self, rows: Iterable[RawRecord]) -> bool:
        """True where a row stands before the position: the server ignored the bound it was given."""
        at = self._last[0] if self._last else _EARLIEST
        return any((parse_timestamp(self.seen.timestamp(row) or "") or _EARLIEST) < at for row in rows)


def _after(key: Key | None, before: Key | None) -> bool:
    if isinstance(key, int) and isinstance(before, int):
        return key > before
    return key is not None and before is not None and str(key) > str(before)
