"""The Media rows of records, however a server gives them: with the record, by ``$expand``, from the Media resource in
batches, or below the record. It must never take an answer it could not get for "no photos", nor a part for all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from mls_tui.domain.errors import MLSError, RateLimitedError
from mls_tui.reso.base import MediaCutError, RawRecord
from mls_tui.reso.degrade import SMALLEST_PAGE, refused, too_large
from mls_tui.reso.feed import Feed
from mls_tui.reso.links import read_page
from mls_tui.reso.lookup import Lookup
from mls_tui.reso.mapping.media import MAX_PHOTOS
from mls_tui.reso.media_pages import MediaPages
from mls_tui.reso.odata import Request, with_query
from mls_tui.reso.presets import MediaMode
from mls_tui.reso.trail import key_of

Found = dict[str, list[RawRecord] | None]
"""Media rows by record key; None for a record whose rows could be had in part only."""
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
            except MediaCutError:
                continue
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
            keys = [key for row in batch if (key := self._key(row)) is not None]
            found |= {key: media for key in keys if (media := given.get(key, [])) is not None}
        return found

    async def _chunk(self, rows: Sequence[RawRecord]) -> Found | None:
        """Media rows of some records, by the first parent field that gives any; None where all are refused.

        Raises:
            MediaCutError: those of a single record came in part.
        """
        counts = [_photos_count(row) for row in rows]
        enough = sum(count for count in counts if count is not None) if None not in counts else None
        answered = False
        for field in self._fields:
            keys = {name: self._key(row) or "" for row in rows for name in self._names(row, field)}
            alone = len(rows) == 1
            try:
                media, whole = await self._pages.all(self._request(field, tuple(keys)), enough, alone=alone)
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
                if whole:
                    return dict(found)
                if alone:
                    raise MediaCutError(media)
                return await self._each(rows)
        return {} if answered else None

    async def _each(self, rows: Sequence[RawRecord]) -> Found:
        """Their Media by a question for each: together they were more than the server gives at once."""
        found: Found = {}
        for row in rows:
            try:
                found |= await self._chunk([row]) or {}
            except MediaCutError:
                found[self._key(row) or ""] = None
        return found

    def _request(self, field: str, names: Sequence[str]) -> Request:
        resource = self._feed.preset.media_resource
        return Request(
            resource, parents=tuple(names), parent_field=field, order=False, count=False, expand=False, top=1000
        )

    async def of(self, record: RawRecord) -> list[RawRecord]:
        """All rows of a record: those that came with it where they are whole, else fetched (FIELD §5).

        Raises:
            MediaCutError: they came in part.
        """
        held = _rows(record.get("Media"))
        if not held and _rows(record.get("Photos")):
            return _rows(record.get("Photos"))
        held = await self._with_linked(held, _link_of(record))
        count = _photos_count(record)
        whole = len(held) >= count if count is not None else isinstance(record.get("Media"), list)
        key = self._key(record)
        if whole or key is None:
            return held
        try:
            return max(held, await self.fresh(key), key=len)
        except MediaCutError as cut:
            most = max(held, cut.rows, key=len)
            if _is_part(len(most), count):
                raise MediaCutError(most) from None
            return list(most)

    async def fresh(self, key: str) -> list[RawRecord]:
        """The rows of one record, read anew; the first way that gives any, and not a part only.

        Raises:
            MediaCutError: no way gives more than a part.
        """
        cut: MediaCutError | None = None
        for way in self._ways:
            try:
                rows = await way(key)
            except MediaCutError as error:
                cut = error
                continue
            except MLSError as error:
                if not _cannot(error):
                    raise
                self._close(way)
                continue
            if rows and (cut is None or len(rows) > len(cut.rows)):
                self._strikes[way] = -_NEVER
                self._ways = sorted(self._ways, key=lambda each: each != way)
                return rows
            self._strikes[way] += 1
            if self._strikes[way] >= _STRIKES:
                self._close(way)
        if cut is not None:
            raise cut
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
        url = self._feed.entity_url(key, "/Media")
        body = await self._feed.document(url)
        if body is None:
            return None
        page = read_page(url, body, {})
        return await self._with_linked(_rows(list(page.rows)), page.next_link, url)

    async def _whole(self, row: RawRecord) -> list[RawRecord]:
        return await self._with_linked(_rows(row.get("Media")) or _rows(row.get("Photos")), _link_of(row))

    async def _with_linked(self, rows: list[RawRecord], link: str | None, url: str | None = None) -> list[RawRecord]:
        return rows + await self._pages.linked(link, url) if link else rows


def _cannot(error: MLSError) -> bool:
    """True where this way of asking is not open here, while another may be."""
    return refused(error) or too_large(error) or error.status in (403, 404, 410)


def _is_part(rows: int, count: int | None) -> bool:
    """Whether so many of ``count`` photos leave something to be had. Where nothing counts them, few rows are no sign of
    a cut, as no server is known to give fewer than ten; and more than are ever kept are enough."""
    return SMALLEST_PAGE <= rows < MAX_PHOTOS if count is None else rows < min(count, MAX_PHOTOS)


def _link_of(record: RawRecord) -> str | None:
    """Where the rest of the Media is, of which a part came with the record."""
    found = next((link for end in _LINK_NAMES if (link := record.get(f"Media{end}"))), None)
    return found if isinstance(found, str) else None


def _rows(value: Any) -> list[RawRecord]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _photos_count(record: RawRecord) -> int | None:
    try:
        return int(float(record["PhotosCount"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
