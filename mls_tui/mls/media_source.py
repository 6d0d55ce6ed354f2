"""The Media rows of records, however a server gives them: with the record, by ``$expand``, from the Media resource in
batches, or below the record. It must never take an answer it could not get for "no photos"."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from mls_tui.domain.errors import MLSError, RateLimitedError
from mls_tui.mls.base import RawRecord
from mls_tui.mls.degrade import refused, too_large
from mls_tui.mls.feed import Feed
from mls_tui.mls.links import read_page
from mls_tui.mls.lookup import Lookup
from mls_tui.mls.media_pages import MediaPages
from mls_tui.mls.odata import Request, with_query
from mls_tui.mls.preset_fields import MediaMode
from mls_tui.mls.trail import key_of

Way = Callable[[str], Awaitable[list[RawRecord] | None]]
_PARENT_FIELDS = ("ResourceRecordKey", "ResourceRecordID", "ListingKey")
_NEVER = 1_000_000
_LINK_NAMES = ("@odata.nextLink", "@nextLink")
_STRIKES = 3
"""A way that gave nothing so often, and never anything, is not tried again; batches that fail so often in a row are a
server that is down."""


class MediaSource:
    """Finds Media. Ways that a server refuses, or that give nothing, are not tried again."""

    def __init__(self, feed: Feed, lookup: Lookup) -> None:
        self._feed = feed
        self._lookup = lookup
        self._pages = MediaPages(feed)
        self._fields = list(dict.fromkeys((feed.preset.media_parent_field, *_PARENT_FIELDS)))
        self._batch = True
        self._failing = 0
        ways: list[Way] = [self._by_lookup, self._by_resource, self._by_entity, self._below]
        if feed.preset.media_mode is MediaMode.SEPARATE:
            ways = [self._by_resource, self._by_entity, self._below]
        self._ways = ways
        self._strikes = dict.fromkeys(ways, 0)

    async def attach(self, rows: Sequence[RawRecord]) -> list[RawRecord]:
        """The same records, those that came without Media given it from the Media resource, several to a request."""
        bare = [row for row in rows if self._lacks(row) and self._key(row) is not None]
        if not bare or not self._batch:
            return list(rows)
        found = await self._many(bare)
        if found is None:
            return list(rows)
        return [{**row, "Media": found[key]} if (key := self._key(row)) in found else row for row in rows]

    def _key(self, row: RawRecord) -> str | None:
        key = key_of(row, self._feed.preset.key_field, self._feed.preset.number_field)
        return None if key is None else str(key)

    def _names(self, row: RawRecord, field: str) -> tuple[str, ...]:
        """What the parent field of a Media row may hold: the key, or, as DD 2.0 has ResourceRecordID, the number."""
        number = row.get(self._feed.preset.number_field)
        by_number = field == "ResourceRecordID" and isinstance(number, str | int)
        return tuple(dict.fromkeys(name for name in (self._key(row), str(number) if by_number else None) if name))

    def _lacks(self, row: RawRecord) -> bool:
        held = row.get("Media") or row.get("Photos")
        return not isinstance(held, list) and _photos_count(row) != 0 and row.get("MlgCanView") is not False

    async def _many(self, rows: Sequence[RawRecord]) -> dict[str, list[RawRecord]] | None:
        """Media rows by record key; None where the Media resource cannot be asked so. A batch that failed is absent:
        its records are asked for one by one, so that a bad one among them stops no other."""
        found: dict[str, list[RawRecord]] = {}
        size = max(1, self._feed.dialect.keys_per_filter)
        for start in range(0, len(rows), size):
            batch = rows[start : start + size]
            try:
                given = await self._chunk(batch)
            except MLSError as error:
                self._failing += 1
                if isinstance(error, RateLimitedError) or self._failing >= _STRIKES:
                    raise
                continue
            self._failing = 0
            if given is None or (not given and start == 0 and len(rows) > size):
                # Refused, or empty though photos are expected: this resource says nothing here.
                self._batch = False
                return found or None
            found |= {key: given.get(key, []) for row in batch if (key := self._key(row)) is not None}
        return found

    async def _chunk(self, rows: Sequence[RawRecord]) -> dict[str, list[RawRecord]] | None:
        """Media rows of some records by key, by the first parent field that gives any; None where all are refused."""
        counts = [_photos_count(row) for row in rows]
        enough = sum(count for count in counts if count is not None) if None not in counts else None
        answered = False
        for field in self._fields:
            keys = {name: self._key(row) or "" for row in rows for name in self._names(row, field)}
            try:
                media, whole = await self._pages.all(self._request(field, tuple(keys)), enough)
            except MLSError as error:
                if not _cannot(error):
                    raise
                if error.status in (403, 404, 410):
                    break
                continue
            answered = True
            found: defaultdict[str, list[RawRecord]] = defaultdict(list)
            for row in media:
                key = keys.get(str(row.get(field)))
                if key is not None:
                    found[key].append(row)
            if found:
                self._fields = sorted(self._fields, key=lambda each: each != field)
                return dict(found) if whole or len(rows) == 1 else await self._each(rows)
        return {} if answered else None

    async def _each(self, rows: Sequence[RawRecord]) -> dict[str, list[RawRecord]]:
        """Their Media by a question for each: together they were more than the server gives at once."""
        found: dict[str, list[RawRecord]] = {}
        for row in rows:
            found |= await self._chunk([row]) or {}
        return found

    def _request(self, field: str, names: Sequence[str]) -> Request:
        resource = self._feed.preset.media_resource
        return Request(
            resource, parents=tuple(names), parent_field=field, order=False, count=False, expand=False, top=1000
        )

    async def of(self, record: RawRecord) -> list[RawRecord]:
        """All rows of a record: those that came with it where they are whole, else fetched (FIELD §5)."""
        held = _rows(record.get("Media"))
        if not held and _rows(record.get("Photos")):
            return _rows(record.get("Photos"))
        link = next((record[name] for name in (f"Media{end}" for end in _LINK_NAMES) if record.get(name)), None)
        if isinstance(link, str):
            held = held + await self._pages.linked(link)
        count = _photos_count(record)
        whole = len(held) >= count if count is not None else isinstance(record.get("Media"), list)
        key = self._key(record)
        if whole or key is None:
            return held
        fetched = await self.fresh(key)
        return fetched if len(fetched) > len(held) else held

    async def fresh(self, key: str) -> list[RawRecord]:
        """The rows of one record, read anew; the first way that gives any."""
        for way in self._ways:
            try:
                rows = await way(key)
            except MLSError as error:
                if not _cannot(error):
                    raise
                self._close(way)
                continue
            if rows:
                self._strikes[way] = -_NEVER
                self._ways = sorted(self._ways, key=lambda each: each != way)
                return rows
            self._strikes[way] += 1
            if self._strikes[way] >= _STRIKES:
                self._close(way)
        return []

    def _close(self, way: Way) -> None:
        self._ways = [each for each in self._ways if each != way]  # another listing may have met it too

    async def _by_lookup(self, key: str) -> list[RawRecord] | None:
        async for rows in self._lookup.by_keys([key]):
            for row in rows:
                return await self._whole(row)
        return None

    async def _by_resource(self, key: str) -> list[RawRecord] | None:
        preset = self._feed.preset
        found = await self._chunk([{preset.key_field: key}])
        return None if found is None else found.get(key, [])

    async def _by_entity(self, key: str) -> list[RawRecord] | None:
        option = with_query("", [("$expand", self._feed.preset.media_resource)])
        row = await self._feed.entity(key, option)
        return None if row is None else await self._whole(row)

    async def _below(self, key: str) -> list[RawRecord] | None:
        body = await self._feed.document(self._feed.entity_url(key, "/Media"))
        return None if body is None else _rows(list(read_page("", body, {}).rows))

    async def _whole(self, row: RawRecord) -> list[RawRecord]:
        rows = _rows(row.get("Media")) or _rows(row.get("Photos"))
        link = next((row[name] for name in (f"Media{end}" for end in _LINK_NAMES) if row.get(name)), None)
        return rows + await self._pages.linked(link) if isinstance(link, str) else rows


def _cannot(error: MLSError) -> bool:
    """True where this way of asking is not open here, while another may be."""
    return refused(error) or too_large(error) or error.status in (403, 404, 410)


def _rows(value: Any) -> list[RawRecord]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _photos_count(record: RawRecord) -> int | None:
    try:
        return int(float(record["PhotosCount"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
