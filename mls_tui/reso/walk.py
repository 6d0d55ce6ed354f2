"""One walk over a collection, page by page to its end: by the server's links where they can be trusted, else by our
own bounds. It must never go round in a circle, to another origin, or stop because a link died."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from mls_tui.domain.errors import MLSError, PagingError
from mls_tui.reso.base import RawRecord
from mls_tui.reso.continuation import Continuation, Stage, not_understood
from mls_tui.reso.degrade import SMALLEST_PAGE, too_large
from mls_tui.reso.feed import Feed
from mls_tui.reso.links import FeedPage, fingerprint, is_offset, next_url
from mls_tui.reso.odata import Bound, How, Request
from mls_tui.reso.trail import Seen, Trail

_DEAD = frozenset({400, 404, 410})
_MOST_EMPTY_PAGES = 200
_MOST_SAME_PAGES = 3
_MOST_REBUILDS = 2


@dataclass(frozen=True, slots=True)
class Step:
    """One page of a walk: the rows that were lacking, and whether it is known to be the last."""

    rows: list[RawRecord]
    final: bool


class Walk:
    """A walk from a request to its end. ``least`` beyond AFTER goes on past the end with a plainer bound, for a
    second opinion."""

    def __init__(self, feed: Feed, request: Request, *, least: Stage = Stage.AFTER, total: int | None = None) -> None:
        preset = feed.preset
        self._feed = feed
        self._request = request
        self._least = least
        self.trail = Trail(Seen(preset.key_field, preset.number_field, feed.dialect.timestamp_field))
        self._on = Continuation(feed, request, self.trail, least)
        self.total = total
        """The feed's own count: as its first page gives it, else as it was asked beforehand."""
        self.pages = 0
        self.given = 0
        """How many pages gave rows that were lacking."""
        self._shifty = False
        self._linked = False
        self._led = False
        self._keyset = False
        self._own = False
        self._past_links = False
        self._visited: set[int] = set()
        self._rebuilt_at = -1
        self._rebuilds = 0
        self._empty = 0
        self._same = 0
        self._before: tuple[int, ...] = ()

    @property
    def linked(self) -> bool:
        """True where the server itself led on from page to page."""
        return self._linked

    @property
    def shifty(self) -> bool:
        """True where pages were counted by offset: rows shift when the feed changes, and some may be lost."""
        return self._shifty or self._on.skipped

    @property
    def led(self) -> bool:
        """True where the server's own cursors led from page to page: whether they count rows cannot be told."""
        return self._led

    def met(self, total: int | None) -> bool:
        """True where as many records were met as the feed counts. A record served twice by the feed itself is counted
        twice by it too; repeats that our own bounds asked for are not."""
        distinct = len(self.trail.seen)
        plain = not self.shifty and not self._own
        return total is not None and (total == distinct or (plain and total == distinct + self.trail.repeats))

    def short_of(self, total: int | None) -> bool:
        return total is not None and not self.met(total) and len(self.trail.seen) < total

    async def steps(self) -> AsyncIterator[Step]:
        """Every page, in the order served.

        Raises:
            PagingError: a link leads to itself, in a circle, or to another origin.
            MLSError: the server fails, or a link keeps dying at the same place.
        """
        first = await self._feed.ask(self._request)
        self.total = first.total if first.total is not None else self.total
        self._visited.add(fingerprint(first.url))
        page: FeedPage | None = first
        while page is not None:
            self.pages += 1
            fresh = self.trail.take(page.rows)
            self.given += bool(fresh)
            link = next_url(page, self._feed.preset.base_url)
            final = link is None and not self._may_go_on(page)
            yield Step(fresh, final)
            page = None if final else await self._next(page, link, progressed=bool(fresh))
        await self._probe_past_end()

    async def _probe_past_end(self) -> None:
        """Where our bounds led to the end and no count proves it: one look at what ``$skip`` shows past it. A record
        that was never met tells that this server does not order as asked, so that bounds lose rows."""
        counted = self.total is not None and self.total >= len(self.trail.seen)
        bounded = self._on.bounded or self._keyset
        if counted or not bounded or not self._feed.dialect.bounds:
            return
        past = replace(self._request, count=False, skip=len(self.trail.seen))
        try:
            page = await self._feed.ask(past, reword=False)
        except MLSError as error:
            if not not_understood(error):
                raise
            return
        if any(self.trail.seen.lacks(row) for row in page.rows):
            self._feed.distrust_bounds()
            self._shifty = True

    def _may_go_on(self, page: FeedPage) -> bool:
        """Whether more may follow a page without a link: nothing proves that it is the last."""
        if not page.rows and self.pages == 1:
            return False
        if self._least is not Stage.AFTER:
            return True
        if self._linked:
            short = self.short_of(self.total)
            return short and not self._feed.dialect.count_lies
        full = len(page.rows) >= self._feed.page_size(self._request)
        # A count that equals the rows of the first page may count that page only: one more question tells.
        unproven = self.given == 1 and bool(page.rows)
        return full or unproven or len(page.rows) >= SMALLEST_PAGE or not self.met(self.total)

    async def _next(self, page: FeedPage, link: str | None, *, progressed: bool) -> FeedPage | None:
        # Past the end of the links, a page from before it says that our bound was ignored: its link leads there too.
        if link is None or (self._past_links and not progressed and self.trail.below(page.rows)):
            self._own = self._past_links = True
            self._visited.clear()
            self._same, self._before = 0, ()
            return await self._on.after(page, progressed=progressed)
        self._keyset = self._keyset and progressed
        self._check(page, link)
        self._linked = True
        if not is_offset(link):
            self._led = True
            return await self._follow(link)
        boundable = self.trail.keysetable and self._feed.bounds_hold(self._request)
        if self._keyset and not boundable:
            self._feed.distrust_bounds()
        proven = self._feed.dialect.keyset_over_skip
        if boundable and progressed and proven is not False:
            return await (self._by_bound(link) if proven else self._compare(link))
        self._shifty = True
        return await self._follow(link)

    def _check(self, page: FeedPage, link: str) -> None:
        self._visited.add(self._new(page, link))
        rows = tuple(self.trail.seen.identity(row) for row in page.rows)
        self._same = self._same + 1 if rows and rows == self._before else 0
        self._empty = 0 if rows else self._empty + 1
        self._before = rows
        if self._same >= _MOST_SAME_PAGES or self._empty >= _MOST_EMPTY_PAGES:
            raise PagingError(
                "The MLS kept sending the same page with new next-page links, so paging stopped. What was read is "
                "kept. Try again later, and tell the provider if it stays so."
            )

    def _new(self, page: FeedPage, link: str) -> int:
        mark = fingerprint(link)
        if mark == fingerprint(page.url) or (mark in self._visited and not self._keyset):
            raise PagingError(
                "The MLS sent a next-page link that leads back to a page already read, so paging stopped. What was "
                "read is kept. Try again later, and tell the provider if it stays so."
            )
        return mark

    async def _follow(self, link: str) -> FeedPage:
        try:
            return await self._feed.follow(link)
        except MLSError as error:
            if too_large(error):
                self._feed.shrink(self._request, error)
            elif error.status not in _DEAD:
                raise
            return await self._rebuilt(error)

    async def _rebuilt(self, error: MLSError) -> FeedPage:
        """The link is dead (FIELD §3: a stale nextLink): go on from the last record, twice for each place."""
        self._rebuilds = self._rebuilds + 1 if self._rebuilt_at == len(self.trail.seen) else 1
        if self._rebuilds > _MOST_REBUILDS and not too_large(error):
            raise error
        self._rebuilt_at = len(self.trail.seen)
        self._own = True
        self._visited.clear()
        request = replace(self._request, count=False)
        if self.trail.ordered and self.trail.position is not None:
            timestamp, key = self.trail.position
            request = replace(request, bound=Bound(How.FROM, timestamp, key))
        return await self._feed.ask(request)

    async def _compare(self, link: str) -> FeedPage:
        """Find out once whether our own bound gives what the server's ``$skip`` link gives; if so, it is used from
        here on, because a feed that changes cannot shift it."""
        linked = await self._follow(link)
        onward = next_url(linked, self._feed.preset.base_url)
        if onward is not None:
            self._new(linked, onward)
        if not linked.rows:
            self._shifty = True
            return linked
        bounded = await self._bounded()
        same = bounded is not None and self._agree(linked, bounded)
        self._feed.dialect = replace(self._feed.dialect, keyset_over_skip=same)
        self._keyset = same
        if same and bounded is not None:
            return bounded
        self._shifty = True
        return linked

    def _agree(self, linked: FeedPage, bounded: FeedPage) -> bool:
        one, other = ([self.trail.seen.identity(row) for row in page.rows] for page in (linked, bounded))
        shorter = min(len(one), len(other))
        return shorter > 0 and one[:shorter] == other[:shorter]

    async def _bounded(self) -> FeedPage | None:
        if self.trail.position is None:
            return None
        timestamp, key = self.trail.position
        request = replace(self._request, count=False, bound=Bound(How.AFTER, timestamp, key))
        try:
            return await self._feed.ask(request, reword=False)
        except MLSError as error:
            if not_understood(error):
                return None
            raise

    async def _by_bound(self, link: str) -> FeedPage:
        page = await self._bounded()
        if page is not None:
            self._keyset = True
            return page
        self._feed.dialect = replace(self._feed.dialect, keyset_over_skip=False)
        self._keyset = False
        self._shifty = True
        return await self._follow(link)
