"""Property and Media as queryable rows over the feed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from mls_tui.demo.feed import Feed
from mls_tui.demo.records import Record
from mls_tui.demo.rows import PlainRow, Row, Table
from mls_tui.demo.schema import MEDIA, MEMBER, OFFICE, PROPERTY
from mls_tui.demo.shots import Shot, media_records

UrlOf = Callable[[str, Shot], str]


class PropertyRow:
    """A listing that is built only when a query needs more of it than its key, time and status."""

    __slots__ = ("_record", "_source", "key")

    def __init__(self, source: Properties, key: str) -> None:
        self.key = key
        self._source = source
        self._record: Record | None = None

    def value(self, name: str) -> Any:
        if name == "Media":
            return self._source.media(self.key)
        if name in ("ListAgent", "ListOffice"):
            return self._source.linked(name, self)
        if self._record is None and name in ("ListingKey", "ModificationTimestamp", "StandardStatus"):
            return self._source.feed.value(self.key, name)
        return self._built().get(name)

    def record(self) -> Record:
        return dict(self._built())

    def _built(self) -> Record:
        if self._record is None:
            self._record = self._source.feed.record(self.key)
        return self._record


class Properties:
    """The Property resource, indexed by ListingKey and ModificationTimestamp."""

    entity = PROPERTY

    def __init__(self, feed: Feed, url_of: UrlOf, members: Table, offices: Table) -> None:
        self.feed = feed
        self._url_of = url_of
        self._tables = {"ListAgent": ("ListAgentKey", members), "ListOffice": ("ListOfficeKey", offices)}

    @property
    def version(self) -> int:
        return self.feed.version

    def media(self, key: str) -> list[Record]:
        """The Media records of one listing, with URLs that work now."""
        return media_records(self.feed.home(key), self.feed.shots(key), lambda shot: self._url_of(key, shot))

    def linked(self, name: str, row: PropertyRow) -> Record | None:
        """The Member or Office that a listing names."""
        field, table = self._tables[name]
        found = table.get(str(row.value(field)))
        return found.record() if found else None

    def get(self, key: str) -> Row | None:
        return PropertyRow(self, key) if key in self.feed else None

    def narrowed(self, wanted: dict[str, set[str]]) -> Iterator[Row] | None:
        keys = wanted.get("ListingKey")
        if keys is None:
            return None
        return (PropertyRow(self, key) for key in sorted(keys) if key in self.feed)

    def ordered(self, field: str, start: tuple[Any, str] | None, descending: bool) -> Iterator[Row] | None:
        if field == "ListingKey":
            keys = self.feed.by_key(start[1] if start else None, descending)
        elif field == "ModificationTimestamp":
            after = (round(datetime.fromisoformat(start[0]).timestamp() * 1000), start[1]) if start else None
            keys = self.feed.by_time(after, descending)
        else:
            return None
        return (PropertyRow(self, key) for key in keys)


class MediaRows:
    """The Media resource: every listing's photos, in order of (ResourceRecordKey, number)."""

    entity = MEDIA

    def __init__(self, properties: Properties) -> None:
        self._properties = properties

    @property
    def version(self) -> int:
        return self._properties.version

    def get(self, key: str) -> Row | None:
        return next((row for row in self._of(key.rpartition("-")[0]) if row.key == key), None)

    def narrowed(self, wanted: dict[str, set[str]]) -> Iterator[Row] | None:
        keys = wanted.get("ResourceRecordKey")
        if keys is None and (media := wanted.get("MediaKey")) is not None:
            keys = {key.rpartition("-")[0] for key in media}
        if keys is None and (numbers := wanted.get("ResourceRecordID")) is not None:
            keys = {number.removeprefix("LS") for number in numbers}
        return None if keys is None else (row for key in sorted(keys) for row in self._of(key))

    def ordered(self, field: str, start: tuple[Any, str] | None, descending: bool) -> Iterator[Row] | None:
        if field != "MediaKey":
            return None
        return self._walk(start[1] if start else None, descending)

    def _walk(self, start: str | None, descending: bool) -> Iterator[Row]:
        first = start.rpartition("-")[0] if start else None
        for key in self._properties.feed.by_key(first, descending):
            rows = self._of(key)
            yield from rows[::-1] if descending else rows

    def _of(self, key: str) -> list[PlainRow]:
        if key not in self._properties.feed:
            return []
        return sorted(
            (PlainRow(item["MediaKey"], item) for item in self._properties.media(key)), key=lambda row: row.key
        )


def people_tables(feed: Feed, offices: list[Record]) -> tuple[Table, Table]:
    """Member and Office, the members linked to their offices."""
    by_key = {office["OfficeKey"]: office for office in offices}
    members = [PlainRow(item["MemberKey"], item, {"Office": by_key[item["OfficeKey"]]}) for item in feed.people]
    return Table(MEMBER, members), Table(OFFICE, [PlainRow(item["OfficeKey"], item) for item in offices])
