"""The Media rows of records, however a server gives them: with the record, by ``$expand``, from the Media resource in
batches, or below the record (docs/reso-feeds.md, section 5). A part is never taken for all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from mls_tui.domain.errors import MLSError, RateLimitedError
from mls_tui.reso.base import MediaCutError, RawRecord
from mls_tui.reso.dialect import SMALLEST_PAGE, Feed, refused, too_large
from mls_tui.reso.lookup import Lookup
from mls_tui.reso.mapping.media import MAX_PHOTOS, map_media
from mls_tui.reso.odata import FeedPage, Request, key_of, read_page, with_query
from mls_tui.reso.pager import Pager, Paging, Read, SeenRows
from mls_tui.reso.presets import MediaMode

Found = dict[str, list[RawRecord] | None]
"""Media rows by record key; None for a record whose rows could be had in part only."""
Source = Callable[[str], Awaitable[list[RawRecord] | None]]
_PARENT_FIELDS = ("ResourceRecordKey", "ResourceRecordID", "ListingKey")
_KEY = "MediaKey"
_NEVER = 1_000_000
_LINK_NAMES = ("@odata.nextLink", "@nextLink")
_MOST_PAGES = 50
_STRIKES = 3
"""A source that gave nothing so often, and never anything, is not tried again; requests that fail so often in a row
mean that a server is down, or cannot go on in that way."""


class _Whole(list[RawRecord]):
    """All Media rows of a record: the server showed that there are no more."""


class MediaSource:
    """Finds Media. Sources that a server refuses, or that give nothing, are not tried again."""

    def __init__(self, feed: Feed, lookup: Lookup) -> None:
        self._feed = feed
        self._lookup = lookup
        self._fields = list(dict.fromkeys((feed.preset.media_parent_field, *_PARENT_FIELDS)))
        self._apart = feed.preset.media_mode is MediaMode.SEPARATE
        self._batch = True
        self._failing = 0
        sources: list[Source] = [self._by_lookup, self._by_resource, self._by_entity, self._below]
        self._sources = sources[1:] if self._apart else sources
        self._strikes = dict.fromkeys(sources, 0)
        self._links = False
        self._largest = 0
        self._skips = self._falls = True
        self._further_failed = 0
        self._in_vain = 0

    # a page of records at once ------------------------------------------------------------------------------------

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
        """A count of 0 proves nothing if Media is a resource of its own."""
        counted = self._apart or _photos_count(row) != 0
        return not isinstance(row.get("Media"), list) and counted and row.get("MlgCanView") is not False

    async def _many(self, rows: Sequence[RawRecord]) -> dict[str, list[RawRecord]] | None:
        """Media rows by record key; None if the Media resource cannot be asked so. A batch that failed is absent: its
        records are asked for one by one, so that a bad one among them stops no other."""
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
            if given is None or (not given and start == 0 and len(rows) > size and not self._apart):
                # Refused, or empty though photos are expected: this resource says nothing here.
                self._batch = False
                return found or None
            self._apart = self._apart or bool(given)
            keys = [key for row in batch if (key := self._key(row)) is not None]
            found |= {key: _Whole(media) for key in keys if (media := given.get(key, [])) is not None}
        return found

    async def _chunk(self, rows: Sequence[RawRecord]) -> Found | None:
        """Media rows of some records, by the first parent field that gives any; None if all are refused.

        Raises:
            MediaCutError: those of a single record came in part.
        """
        answered = False
        for field in self._fields:
            keys = {name: self._key(row) or "" for row in rows for name in self._names(row, field)}
            alone = len(rows) == 1
            try:
                media, whole = await self._all(self._request(field, tuple(keys)), rows, alone=alone)
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
        """Their Media by a request for each: together they were more than the server gives at once."""
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

    # all pages of a request ---------------------------------------------------------------------------------------

    async def _all(
        self, request: Request, records: Sequence[RawRecord], *, alone: bool
    ) -> tuple[list[RawRecord], bool]:
        """The rows of a request for these records, and whether they are known to be all. ``alone``: they are of one
        record, in which a MediaKey comes once.

        Raises:
            MLSError: a page could not be had.
        """
        rows, whole = await self._by_links_or_skip(request, records)
        if not whole and alone and (falling := await self._by_key(request, rows)) is not None:
            return falling, True
        return rows, whole

    async def _by_links_or_skip(self, request: Request, records: Sequence[RawRecord]) -> tuple[list[RawRecord], bool]:
        """Without links the last page is the one that is empty, or shorter than another that this server gave, as it
        may cut where it likes; or the one with which every record has the photos it counts."""
        stuck = False

        def is_last(page: FeedPage) -> bool:
            nonlocal stuck
            last = self._is_last(page, request, pager.read) or (
                len(page.rows) < self._feed.page_size(request) and self._enough([*rows, *page.rows], request, records)
            )
            stuck = not last and not self._skips
            return last or stuck

        pager = self._pager(request, is_last)
        rows: list[RawRecord] = []
        try:
            async for page in pager.pages():
                rows += page.rows if page.new_rows else []
                stuck = stuck or pager.read.pages >= _MOST_PAGES
                if stuck:
                    break
        except MLSError as error:
            if not rows or pager.read.paging is not Paging.SKIP or not self._gives_up(error):
                raise
            self._skips, stuck = False, True
        self._links = self._links or pager.linked
        if pager.read.cut_short:
            self._skips, stuck = False, True
        return rows, not stuck

    def _pager(self, request: Request, is_last: Callable[[FeedPage], bool]) -> Pager:
        seen = SeenRows(self._feed.preset, self._feed.dialect.timestamp_field)
        return Pager(self._feed, request, seen=seen, is_last=is_last, adapt=False, max_stale_pages=0)

    def _is_last(self, page: FeedPage, request: Request, read: Read) -> bool:
        """Rows of others mean that the filter is ignored: there is no end to look for. With links, ``$top`` may still
        be a limit beyond which there is no link."""
        size = self._feed.page_size(request)
        full = len(page.rows) >= min(self._largest, size)
        self._largest = max(self._largest, len(page.rows))
        if not page.rows or any(str(row.get(request.parent_field)) not in request.parents for row in page.rows):
            return True
        return read.rows_since_request != size if self._links or read.paging is Paging.CURSOR else not full

    def _enough(self, media: list[RawRecord], request: Request, records: Sequence[RawRecord]) -> bool:
        """Whether each record has one row for each photo that it counts. With several sizes of a photo no count tells
        whether the last of them came."""
        for record in records:
            names = self._names(record, request.parent_field)
            own = [row for row in media if str(row.get(request.parent_field)) in names]
            count = _photos_count(record)
            if count is None or len(own) != count or self._missing(own, record, count):
                return False
        return True

    def _gives_up(self, error: MLSError) -> bool:
        """Whether this failure shows that the server cannot go on in this way."""
        self._further_failed += error.status is not None and error.status >= 500
        return refused(error) or error.status == 403 or self._further_failed >= _STRIKES

    async def _by_key(self, request: Request, known: list[RawRecord]) -> list[RawRecord] | None:
        """All rows, ``known`` ones first, by going down their keys (``MediaKey lt K``, ``MediaKey desc``); None if the
        server does not prove to order them so. Down, because rows that nobody ordered often stand in the order they
        were made in, with rising keys."""
        rows: list[RawRecord] = []
        while self._falls and len(rows) < _MOST_PAGES * 1000:
            below = rows[-1][_KEY] if rows else None
            try:
                page = await self._feed.fetch(replace(request, descending_by=_KEY, key_below=below), adapt=False)
            except MLSError as error:
                if error.status not in (404, 410) and not self._gives_up(error):
                    raise
                self._falls = error.status in (404, 410)
                page = FeedPage("", ())
            if self._falls and not page.rows:
                return _joined(known, rows)
            self._falls = self._falls and _descend([*rows[-1:], *page.rows])
            rows += page.rows
        return None

    async def _linked(self, link: str | None, url: str | None = None) -> list[RawRecord]:
        """The rows that a link to more Media leads to: a record's own, or that of the answer at ``url``."""
        if link is None:
            return []
        first = await self._feed.next_page(FeedPage(url or f"{self._feed.preset.base_url}/", (), link))
        if first is None:
            return []
        pager = self._pager(self._request(_PARENT_FIELDS[0], ()), lambda page: True)
        rows: list[RawRecord] = []
        async for page in pager.pages(first):
            rows += page.rows if page.new_rows else []
            if pager.read.pages >= _MOST_PAGES:
                break
        return rows

    # one record ---------------------------------------------------------------------------------------------------

    async def of(self, record: RawRecord) -> list[RawRecord]:
        """All rows of a record: those that came with it if they are whole, else fetched.

        Raises:
            MediaCutError: they came in part.
        """
        held = record.get("Media")
        if isinstance(held, _Whole):
            return list(held)
        rows = _rows(held) + await self._linked(_link_of(record))
        count, key = _photos_count(record), self._key(record)
        missing = self._missing(rows, record, count)
        whole = isinstance(held, list) if count is None else not missing and (count > 0 or not self._apart)
        if whole or key is None or (len(rows) >= (count or 0) > 0 and self._in_vain >= _STRIKES):
            return rows
        try:
            fetched = await self.fresh(key)
        except MediaCutError as cut:
            most = max(rows, list(cut.rows), key=len)
            if _is_part(most, count, self._missing(most, record, count)):
                raise MediaCutError(most) from None
            return most
        if len(rows) >= (count or 0) > 0:
            # It has as many rows as photos are counted, some of them no photos: only asking tells whether that is all.
            self._in_vain = 0 if len(fetched) > len(rows) else self._in_vain + 1
        return max(rows, fetched, key=len)

    def _missing(self, rows: list[RawRecord], record: RawRecord, count: int | None) -> bool:
        """Whether there are fewer photos than are counted. Rows are not photos: sizes and documents are rows too."""
        if count is None or len(rows) < count:
            return count is not None and count > 0
        if len(rows) == len({row.get("Order") for row in rows}) == count:
            return False  # as nearly all feeds have it; to map the rows takes a hundred times as long
        return len(map_media(rows, record, base_url=self._feed.preset.base_url)) < min(count, MAX_PHOTOS)

    async def fresh(self, key: str) -> list[RawRecord]:
        """The rows of one record, read again; from the first source that gives any, and not a part only.

        Raises:
            MediaCutError: no source gives more than a part.
        """
        cut: MediaCutError | None = None
        for source in self._sources:
            try:
                rows = await source(key)
            except MediaCutError as error:
                cut = error
                continue
            except MLSError as error:
                if not _cannot(error):
                    raise
                self._close(source)
                continue
            if rows and (cut is None or len(rows) > len(cut.rows)):
                self._strikes[source] = -_NEVER
                self._sources = sorted(self._sources, key=lambda each: each != source)
                return rows
            self._strikes[source] += 1
            if self._strikes[source] >= _STRIKES:
                self._close(source)
        if cut is not None:
            raise cut
        return []

    def _close(self, source: Source) -> None:
        self._sources = [each for each in self._sources if each != source]  # another listing may have met it too

    async def _by_lookup(self, key: str) -> list[RawRecord] | None:
        async for rows in self._lookup.by_keys([key]):
            for row in rows:
                return _rows(row.get("Media")) + await self._linked(_link_of(row))
        return None

    async def _by_resource(self, key: str) -> list[RawRecord] | None:
        found = await self._chunk([{self._feed.preset.key_field: key}])
        return None if found is None else found.get(key, [])

    async def _by_entity(self, key: str) -> list[RawRecord] | None:
        option = with_query("", [("$expand", self._feed.preset.media_resource)])
        row = await self._feed.entity(key, option)
        return None if row is None else _rows(row.get("Media")) + await self._linked(_link_of(row))

    async def _below(self, key: str) -> list[RawRecord] | None:
        for name in dict.fromkeys(("Media", self._feed.preset.media_resource)):
            url = self._feed.entity_url(key, f"/{name}")
            body = await self._feed.document(url)
            if body is not None:
                page = read_page(url, body, {})
                return _rows(list(page.rows)) + await self._linked(page.next_link, url)
        return None


def _cannot(error: MLSError) -> bool:
    """True if this way of asking is not open here, while another may be."""
    return refused(error) or too_large(error) or error.status in (403, 404, 410)


def _is_part(rows: list[RawRecord], count: int | None, missing: bool) -> bool:
    """Whether something is left to be had. If nothing counts the photos, few rows are no sign of a cut, as no server is
    known to give fewer than ten; and more than are ever kept are enough."""
    return SMALLEST_PAGE <= len(rows) < MAX_PHOTOS if count is None else missing


def _descend(rows: list[RawRecord]) -> bool:
    """Whether each key is lower than the one before."""
    keys: list[Any] = [row.get(_KEY) for row in rows]
    alike = all(type(key) is str for key in keys) or all(type(key) is int for key in keys)
    return alike and all(one > other for one, other in pairwise(keys))


def _joined(known: list[RawRecord], falling: list[RawRecord]) -> list[RawRecord] | None:
    """The rows as they were given at first, then the others by rising keys; None if some of the first are missing."""
    keys = {row.get(_KEY) for row in known}
    if not keys <= {row.get(_KEY) for row in falling}:
        return None
    return known + [row for row in reversed(falling) if row.get(_KEY) not in keys]


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
