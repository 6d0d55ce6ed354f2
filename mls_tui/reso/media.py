"""Reads the Media rows of records: from the record itself, by ``$expand``, from the Media resource in batches, or from
``Property('key')/Media`` (docs/reso-feeds.md, section 5). Rows that may be incomplete raise MediaCutError."""

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
"""Media rows by record key; None for a record whose rows are incomplete."""
Source = Callable[[str], Awaitable[list[RawRecord] | None]]
_PARENT_FIELDS = ("ResourceRecordKey", "ResourceRecordID", "ListingKey")
_KEY = "MediaKey"
_NEVER = 1_000_000
"""Strikes that are never reached: a source that has given rows is not dropped."""
_LINK_NAMES = ("@odata.nextLink", "@nextLink")
_MAX_PAGES = 50
_STRIKES = 3
"""A source without a row in so many attempts is not tried again. So many failed requests in a row mean that the server
is down or does not support the request."""


class _CompleteRows(list[RawRecord]):
    """All Media rows of a record: the server showed that there are no more."""


class MediaSource:
    """Reads Media from the first source that has it; drops sources that the server refuses or that give nothing."""

    def __init__(self, feed: Feed, lookup: Lookup) -> None:
        self._feed = feed
        self._lookup = lookup
        self._parent_fields = list(dict.fromkeys((feed.preset.media_parent_field, *_PARENT_FIELDS)))
        self._is_separate = feed.preset.media_mode is MediaMode.SEPARATE
        self._batch_works = True
        self._failed_batches = 0
        sources: list[Source] = [self._by_lookup, self._by_resource, self._by_entity, self._by_navigation]
        self._sources = sources[1:] if self._is_separate else sources
        self._strikes = dict.fromkeys(sources, 0)
        self._sends_links = False
        self._largest_page = 0
        self._skip_works = self._descending_works = True
        self._server_errors = 0
        self._useless_fetches = 0

    # for a page of records ------------------------------------------------------------------------------------

    async def attach(self, rows: Sequence[RawRecord]) -> list[RawRecord]:
        """The same records; those without Media get it from the Media resource, several in one request."""
        bare = [row for row in rows if self._lacks(row) and self._key(row) is not None]
        if not bare or not self._batch_works:
            return list(rows)
        found = await self._in_batches(bare)
        if found is None:
            return list(rows)
        return [{**row, "Media": found[key]} if (key := self._key(row)) in found else row for row in rows]

    def _key(self, row: RawRecord) -> str | None:
        key = key_of(row, self._feed.preset.key_field, self._feed.preset.number_field)
        return None if key is None else str(key)

    def _parent_values(self, row: RawRecord, field: str) -> tuple[str, ...]:
        """Possible values of the parent field of a record's Media rows: its key, and in ResourceRecordID (RESO DD 2.0)
        its MLS number."""
        number = row.get(self._feed.preset.number_field)
        by_number = field == "ResourceRecordID" and isinstance(number, str | int)
        return tuple(dict.fromkeys(name for name in (self._key(row), str(number) if by_number else None) if name))

    def _lacks(self, row: RawRecord) -> bool:
        """Whether the record came without its Media. PhotosCount 0 proves nothing if Media is a separate resource."""
        counted = self._is_separate or _photos_count(row) != 0
        return not isinstance(row.get("Media"), list) and counted and row.get("MlgCanView") is not False

    async def _in_batches(self, rows: Sequence[RawRecord]) -> dict[str, list[RawRecord]] | None:
        """Media rows by record key; None if the Media resource does not support it. The records of a failed batch are
        absent; their Media is requested one by one later, so that one bad record does not stop the others."""
        found: dict[str, list[RawRecord]] = {}
        size = max(1, self._feed.dialect.keys_per_filter)
        for start in range(0, len(rows), size):
            batch = rows[start : start + size]
            try:
                given = await self._batch_rows(batch)
            except MediaCutError:
                continue
            except MLSError as error:
                self._failed_batches += 1
                if isinstance(error, RateLimitedError) or self._failed_batches >= _STRIKES:
                    raise
                continue
            self._failed_batches = 0
            if given is None or (not given and start == 0 and len(rows) > size and not self._is_separate):
                # Refused, or empty although photos are expected: the resource is not usable.
                self._batch_works = False
                return found or None
            self._is_separate = self._is_separate or bool(given)
            keys = [key for row in batch if (key := self._key(row)) is not None]
            found |= {key: _CompleteRows(media) for key in keys if (media := given.get(key, [])) is not None}
        return found

    async def _batch_rows(self, rows: Sequence[RawRecord]) -> Found | None:
        """Media rows of some records, by the first parent field that finds any; None if all are refused.

        Raises:
            MediaCutError: the rows of a single record are incomplete.
        """
        answered = False
        for field in self._parent_fields:
            keys = {name: self._key(row) or "" for row in rows for name in self._parent_values(row, field)}
            alone = len(rows) == 1
            try:
                media, complete = await self._all(self._request(field, tuple(keys)), rows, alone=alone)
            except MLSError as error:
                if not _is_refused(error):
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
                self._parent_fields = sorted(self._parent_fields, key=lambda each: each != field)
                if complete:
                    return dict(found)
                if alone:
                    raise MediaCutError(media)
                return await self._one_by_one(rows)
        return {} if answered else None

    async def _one_by_one(self, rows: Sequence[RawRecord]) -> Found:
        """One request for each record, because together they have more rows than the server gives."""
        found: Found = {}
        for row in rows:
            try:
                found |= await self._batch_rows([row]) or {}
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
        """All rows of a request, and whether they are complete. ``alone``: for one record, so that each MediaKey occurs
        once.

        Raises:
            MLSError: a page could not be read.
        """
        rows, complete = await self._by_links_or_skip(request, records)
        if not complete and alone and (by_key := await self._by_key(request, rows)) is not None:
            return by_key, True
        return rows, complete

    async def _by_links_or_skip(self, request: Request, records: Sequence[RawRecord]) -> tuple[list[RawRecord], bool]:
        """Without links, the last page is empty, or shorter than an earlier page of this server, or the one after which
        every record has as many photos as its PhotosCount says."""
        incomplete = False

        def is_last(page: FeedPage) -> bool:
            nonlocal incomplete
            last = self._is_last(page, request, pager.read) or (
                len(page.rows) < self._feed.page_size(request)
                and self._matches_counts([*rows, *page.rows], request, records)
            )
            incomplete = not last and not self._skip_works
            return last or incomplete

        pager = self._pager(request, is_last)
        rows: list[RawRecord] = []
        try:
            async for page in pager.pages():
                rows += page.rows if page.new_rows else []
                incomplete = incomplete or pager.read.pages >= _MAX_PAGES
                if incomplete:
                    break
        except MLSError as error:
            if not rows or pager.read.paging is not Paging.SKIP or not self._is_unsupported(error):
                raise
            self._skip_works, incomplete = False, True
        self._sends_links = self._sends_links or pager.linked
        if pager.read.cut_short:
            self._skip_works, incomplete = False, True
        return rows, not incomplete

    def _pager(self, request: Request, is_last: Callable[[FeedPage], bool]) -> Pager:
        seen = SeenRows(self._feed.preset, self._feed.dialect.timestamp_field)
        return Pager(self._feed, request, seen=seen, is_last=is_last, adapt=False, max_stale_pages=0)

    def _is_last(self, page: FeedPage, request: Request, read: Read) -> bool:
        """Rows of other records mean that the filter is ignored, so the rest is not read. Servers with links may still
        send none after ``$top`` rows."""
        size = self._feed.page_size(request)
        full = len(page.rows) >= min(self._largest_page, size)
        self._largest_page = max(self._largest_page, len(page.rows))
        if not page.rows or any(str(row.get(request.parent_field)) not in request.parents for row in page.rows):
            return True
        return read.rows_since_request != size if self._sends_links or read.paging is Paging.CURSOR else not full

    def _matches_counts(self, media: list[RawRecord], request: Request, records: Sequence[RawRecord]) -> bool:
        """Whether each record has exactly as many rows as its PhotosCount. If photos have several sizes, a count cannot
        show that the last size was read."""
        for record in records:
            names = self._parent_values(record, request.parent_field)
            own = [row for row in media if str(row.get(request.parent_field)) in names]
            count = _photos_count(record)
            if count is None or len(own) != count or self._missing(own, record, count):
                return False
        return True

    def _is_unsupported(self, error: MLSError) -> bool:
        """Whether this error shows that the server does not support the request."""
        self._server_errors += error.status is not None and error.status >= 500
        return refused(error) or error.status == 403 or self._server_errors >= _STRIKES

    async def _by_key(self, request: Request, known: list[RawRecord]) -> list[RawRecord] | None:
        """All rows, ``known`` ones first, read by descending key (``MediaKey lt K``). None if the server does not order
        them so. Descending, because a server that ignores ``$orderby`` often sends ascending keys."""
        rows: list[RawRecord] = []
        while self._descending_works and len(rows) < _MAX_PAGES * 1000:
            below = rows[-1][_KEY] if rows else None
            try:
                page = await self._feed.fetch(replace(request, descending_by=_KEY, key_below=below), adapt=False)
            except MLSError as error:
                if error.status not in (404, 410) and not self._is_unsupported(error):
                    raise
                self._descending_works = error.status in (404, 410)
                page = FeedPage("", ())
            if self._descending_works and not page.rows:
                return _joined(known, rows)
            self._descending_works = self._descending_works and _descend([*rows[-1:], *page.rows])
            rows += page.rows
        return None

    async def _linked(self, link: str | None, url: str | None = None) -> list[RawRecord]:
        """The rows at a link to more Media, which was in a record or in the response at ``url``."""
        if link is None:
            return []
        first = await self._feed.next_page(FeedPage(url or f"{self._feed.preset.base_url}/", (), link))
        if first is None:
            return []
        pager = self._pager(self._request(_PARENT_FIELDS[0], ()), lambda page: True)
        rows: list[RawRecord] = []
        async for page in pager.pages(first):
            rows += page.rows if page.new_rows else []
            if pager.read.pages >= _MAX_PAGES:
                break
        return rows

    # for one record ---------------------------------------------------------------------------------------------------

    async def of(self, record: RawRecord) -> list[RawRecord]:
        """All rows of a record: those in the record if they are complete, else fetched.

        Raises:
            MediaCutError: they are incomplete.
        """
        included = record.get("Media")
        if isinstance(included, _CompleteRows):
            return list(included)
        rows = _rows(included) + await self._linked(_link_of(record))
        count, key = _photos_count(record), self._key(record)
        missing = self._missing(rows, record, count)
        complete = isinstance(included, list) if count is None else not missing and (count > 0 or not self._is_separate)
        if complete or key is None or (len(rows) >= (count or 0) > 0 and self._useless_fetches >= _STRIKES):
            return rows
        try:
            fetched = await self.fresh(key)
        except MediaCutError as cut:
            most = max(rows, list(cut.rows), key=len)
            if _is_part(most, count, self._missing(most, record, count)):
                raise MediaCutError(most) from None
            return most
        if len(rows) >= (count or 0) > 0:
            # There are as many rows as photos, but some are no photos: only a request shows whether there are more.
            self._useless_fetches = 0 if len(fetched) > len(rows) else self._useless_fetches + 1
        return max(rows, fetched, key=len)

    def _missing(self, rows: list[RawRecord], record: RawRecord, count: int | None) -> bool:
        """Whether there are fewer photos than PhotosCount. Sizes and documents are rows too, so rows are not photos."""
        if count is None or len(rows) < count:
            return count is not None and count > 0
        if len(rows) == len({row.get("Order") for row in rows}) == count:
            return False  # true for nearly all feeds, and a hundred times as fast as to map the rows
        return len(map_media(rows, record, base_url=self._feed.preset.base_url)) < min(count, MAX_PHOTOS)

    async def fresh(self, key: str) -> list[RawRecord]:
        """The rows of one record, read again from the first source that has all of them.

        Raises:
            MediaCutError: no source gives all rows.
        """
        cut: MediaCutError | None = None
        for source in self._sources:
            try:
                rows = await source(key)
            except MediaCutError as error:
                cut = error
                continue
            except MLSError as error:
                if not _is_refused(error):
                    raise
                self._drop(source)
                continue
            if rows and (cut is None or len(rows) > len(cut.rows)):
                self._strikes[source] = -_NEVER
                self._sources = sorted(self._sources, key=lambda each: each != source)
                return rows
            self._strikes[source] += 1
            if self._strikes[source] >= _STRIKES:
                self._drop(source)
        if cut is not None:
            raise cut
        return []

    def _drop(self, source: Source) -> None:
        self._sources = [each for each in self._sources if each != source]  # a concurrent call may have dropped it

    async def _by_lookup(self, key: str) -> list[RawRecord] | None:
        async for rows in self._lookup.by_keys([key]):
            for row in rows:
                return _rows(row.get("Media")) + await self._linked(_link_of(row))
        return None

    async def _by_resource(self, key: str) -> list[RawRecord] | None:
        found = await self._batch_rows([{self._feed.preset.key_field: key}])
        return None if found is None else found.get(key, [])

    async def _by_entity(self, key: str) -> list[RawRecord] | None:
        option = with_query("", [("$expand", self._feed.preset.media_resource)])
        row = await self._feed.entity(key, option)
        return None if row is None else _rows(row.get("Media")) + await self._linked(_link_of(row))

    async def _by_navigation(self, key: str) -> list[RawRecord] | None:
        for name in dict.fromkeys(("Media", self._feed.preset.media_resource)):
            url = self._feed.entity_url(key, f"/{name}")
            body = await self._feed.document(url)
            if body is not None:
                page = read_page(url, body, {})
                return _rows(list(page.rows)) + await self._linked(page.next_link, url)
        return None


def _is_refused(error: MLSError) -> bool:
    """Whether the server does not support this request; another source may work."""
    return refused(error) or too_large(error) or error.status in (403, 404, 410)


def _is_part(rows: list[RawRecord], count: int | None, missing: bool) -> bool:
    """Whether rows are missing. Without a PhotosCount: fewer than ten rows are complete, because no known server has so
    small a limit, and more than ``MAX_PHOTOS`` are not needed."""
    return SMALLEST_PAGE <= len(rows) < MAX_PHOTOS if count is None else missing


def _descend(rows: list[RawRecord]) -> bool:
    """Whether each key is lower than the one before."""
    keys: list[Any] = [row.get(_KEY) for row in rows]
    alike = all(type(key) is str for key in keys) or all(type(key) is int for key in keys)
    return alike and all(one > other for one, other in pairwise(keys))


def _joined(known: list[RawRecord], descending: list[RawRecord]) -> list[RawRecord] | None:
    """The known rows, then the others by ascending key; None if a known row is missing."""
    keys = {row.get(_KEY) for row in known}
    if not keys <= {row.get(_KEY) for row in descending}:
        return None
    return known + [row for row in reversed(descending) if row.get(_KEY) not in keys]


def _link_of(record: RawRecord) -> str | None:
    """The link to the rest of the Media, if the record holds only a part."""
    found = next((link for end in _LINK_NAMES if (link := record.get(f"Media{end}"))), None)
    return found if isinstance(found, str) else None


def _rows(value: Any) -> list[RawRecord]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _photos_count(record: RawRecord) -> int | None:
    try:
        return int(float(record["PhotosCount"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
