"""All pages of a question to the Media resource: by its links or, where it gives none, by ``$skip``. It must never take
an answer that was cut for a whole one, nor ask on for ever."""

from __future__ import annotations

from dataclasses import replace

from mls_tui.domain.errors import MLSError
from mls_tui.mls.base import RawRecord
from mls_tui.mls.degrade import refused
from mls_tui.mls.feed import Feed
from mls_tui.mls.links import FeedPage, next_url
from mls_tui.mls.odata import Request

_MOST_PAGES = 50
_STRIKES = 3
"""Pages behind the first that failed so often in a row: this server cannot go on by ``$skip``."""


class MediaPages:
    """Reads answers to their end. Without links the last page is the one that is empty, or shorter than another that
    this server gave: it may cut where it likes, and the records need not say how many photos they have."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._links = False
        self._largest = 0
        self._skips = True
        self._strikes = 0

    async def all(self, request: Request, enough: int | None = None) -> tuple[list[RawRecord], bool]:
        """The rows of a request, and whether they are known to be all; ``enough`` of them are.

        Raises:
            MLSError: a page could not be had.
        """
        return await self._from(await self._feed.ask(request, reword=False), request, enough)

    async def linked(self, link: str) -> list[RawRecord]:
        """The rows that a record's own link to more Media leads to."""
        page = await self._linked(FeedPage(f"{self._feed.preset.base_url}/", (), link))
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
                self._skips = self._skips and request is None  # it began again
                break
            seen |= names
            rows += page.rows
            if page.next_link:
                self._links = self._links or request is not None
                page = await self._linked(page)
            elif request is None or self._is_last(page, request) or (enough is not None and len(rows) >= enough):
                return rows, True
            else:
                page = await self._skipped(replace(request, skip=len(rows)))
        return rows, False

    async def _linked(self, page: FeedPage) -> FeedPage | None:
        link = next_url(page, self._feed.preset.base_url)
        return await self._feed.follow(link) if link else None

    def _is_last(self, page: FeedPage, request: Request) -> bool:
        """Rows of others mean that the filter is ignored: there is no end to look for."""
        full = len(page.rows) >= min(self._largest, self._feed.page_size(request))
        self._largest = max(self._largest, len(page.rows))
        foreign = any(str(row.get(request.parent_field)) not in request.parents for row in page.rows)
        return self._links or not page.rows or not full or foreign

    async def _skipped(self, request: Request) -> FeedPage | None:
        """The page behind so many rows; None where this server cannot say."""
        if not self._skips:
            return None
        try:
            page = await self._feed.ask(request, reword=False)
        except MLSError as error:
            if error.status in (404, 410):
                return FeedPage("", ())
            self._strikes += error.status is not None and error.status >= 500
            if refused(error) or error.status == 403 or self._strikes >= _STRIKES:
                self._skips = False
                return None
            raise
        self._strikes = 0
        return page


def _name(row: RawRecord, request: Request | None) -> str:
    """Tells a row from others of the same answer. Not by its URL where it has more: that may change at each call."""
    parent = row.get(request.parent_field) if request is not None else None
    names = [row.get("MediaKey"), row.get("Order")]
    return repr([parent, *names] if None not in names else [parent, *names, row.get("MediaURL")])
