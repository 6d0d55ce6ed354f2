"""All pages of a question to the Media resource: by its links or, where it gives none, by ``$skip``, or by MediaKey. It
must never take an answer that was cut for a whole one, nor ask on for ever."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from mls_tui.domain.errors import MLSError
from mls_tui.reso.base import RawRecord
from mls_tui.reso.degrade import refused
from mls_tui.reso.feed import Feed
from mls_tui.reso.links import FeedPage
from mls_tui.reso.odata import Request

_MOST_PAGES = 50
_STRIKES = 3
"""Questions that failed so often in a row: this server cannot go on in that way."""
_KEY = "MediaKey"


@dataclass(slots=True)
class _Way:
    """A way to go on without a link; no longer ``open`` once this server has shown that it does not know it."""

    open: bool = True
    strikes: int = 0


class MediaPages:
    """Reads answers to their end. Without links the last page is the one that is empty, or shorter than another that
    this server gave: it may cut where it likes, and the records need not say how many photos they have."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._links = False
        self._largest = 0
        self._by_skip, self._by_key = _Way(), _Way()

    async def all(
        self, request: Request, enough: int | None = None, *, alone: bool = False
    ) -> tuple[list[RawRecord], bool]:
        """The rows of a request, and whether they are known to be all; ``enough`` of them are. ``alone``: they are of
        one record, in which a MediaKey comes once.

        Raises:
            MLSError: a page could not be had.
        """
        rows, whole = await self._from(await self._feed.ask(request, reword=False), request, enough)
        if not whole and alone and (falling := await self._falling(request, rows)) is not None:
            return falling, True
        return rows, whole

    async def _falling(self, request: Request, known: list[RawRecord]) -> list[RawRecord] | None:
        """All rows, ``known`` ones first, by going down their keys; None where the server does not prove to order them
        so. Down, because rows that nobody ordered often stand in the order they were made in, with rising keys."""
        rows: list[RawRecord] = []
        for _ in range(_MOST_PAGES):
            below = rows[-1][_KEY] if rows else None
            page = await self._further(replace(request, falling=_KEY, below=below), self._by_key)
            if page is None:
                return None
            if not page.rows:
                return _joined(known, rows, request)
            if not _falls([*rows[-1:], *page.rows]):
                self._by_key.open = False
                return None
            rows += page.rows
        return None

    async def linked(self, link: str, url: str | None = None) -> list[RawRecord]:
        """The rows that a link to more Media leads to: a record's own, or that of the answer at ``url``."""
        page = await self._feed.onward(FeedPage(url or f"{self._feed.preset.base_url}/", (), link))
        return (await self._from(page, None, None))[0]

    async def _from(
        self, first: FeedPage | None, request: Request | None, enough: int | None
    ) -> tuple[list[RawRecord], bool]:
        page, rows, seen = first, list[RawRecord](), set[str]()
        for _ in range(_MOST_PAGES):
            if page is None:
                break
            names = {_name(row, request) for row in page.rows}
            if page.rows and names <= seen:
                self._by_skip.open = self._by_skip.open and request is None  # it began again
                break
            seen |= names
            rows += page.rows
            if page.next_link:
                self._links = self._links or request is not None
                page = await self._feed.onward(page)
            elif request is None or self._is_last(page, request) or (enough is not None and len(rows) >= enough):
                return rows, True
            else:
                page = await self._further(replace(request, skip=len(rows)), self._by_skip)
        return rows, False

    def _is_last(self, page: FeedPage, request: Request) -> bool:
        """Rows of others mean that the filter is ignored: there is no end to look for."""
        full = len(page.rows) >= min(self._largest, self._feed.page_size(request))
        self._largest = max(self._largest, len(page.rows))
        foreign = any(str(row.get(request.parent_field)) not in request.parents for row in page.rows)
        return self._links or not page.rows or not full or foreign

    async def _further(self, request: Request, way: _Way) -> FeedPage | None:
        """The page that is further on in this way; None where this server cannot say."""
        if not way.open:
            return None
        try:
            page = await self._feed.ask(request, reword=False)
        except MLSError as error:
            if error.status in (404, 410):
                return FeedPage("", ())
            way.strikes += error.status is not None and error.status >= 500
            if refused(error) or error.status == 403 or way.strikes >= _STRIKES:
                way.open = False
                return None
            raise
        way.strikes = 0
        return page


def _falls(rows: list[RawRecord]) -> bool:
    """Whether each key is lower than the one before."""
    keys: list[Any] = [row.get(_KEY) for row in rows]
    alike = all(type(key) is str for key in keys) or all(type(key) is int for key in keys)
    return alike and all(one > other for one, other in pairwise(keys))


def _joined(known: list[RawRecord], falling: list[RawRecord], request: Request) -> list[RawRecord] | None:
    """The rows as they were given at first, then the others by rising keys; None where some of the first are not among
    them."""
    names = {_name(row, request) for row in known}
    if not names <= {_name(row, request) for row in falling}:
        return None
    return known + [row for row in reversed(falling) if _name(row, request) not in names]


def _name(row: RawRecord, request: Request | None) -> str:
    """Tells a row from others of the same answer. Not by its URL where it has more: that may change at each call."""
    parent = row.get(request.parent_field) if request is not None else None
    names = [row.get("MediaKey"), row.get("Order")]
    return repr([parent, *names] if None not in names else [parent, *names, row.get("MediaURL")])
