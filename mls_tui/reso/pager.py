"""Reads a collection page by page to its end, and checks that no record was missed (docs/reso-feeds.md, section 1).

``Pager`` reads one request with three strategies: ``FollowLinks``, ``KeyBounds`` and ``Skip``, which share a ``Read``.
``Sweep`` reads a whole query and, if ``judge`` is not sure that it is complete, reads the keys again and fetches what
was missed.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from mls_tui.domain.errors import MLSError, NothingServedError, PagingError, RateLimitedError
from mls_tui.domain.listing import parse_timestamp
from mls_tui.reso.base import FeedQuery, Page, RawRecord
from mls_tui.reso.dialect import Feed, refused, too_large
from mls_tui.reso.mapping.statuses import status_meaning
from mls_tui.reso.odata import Bound, BoundKind, FeedPage, Key, Request, StatusForm, key_of, next_url, timestamp_literal
from mls_tui.reso.presets import ProviderPreset

_EARLIEST = datetime.min.replace(tzinfo=UTC)


class Paging(Enum):
    """How a page was asked for. The bounds are explained at ``odata.Bound``."""

    FIRST = "the request itself"
    CURSOR = "a next link with the server's own cursor"
    OFFSET = "a next link that counts rows"
    AFTER = "rows after the last (timestamp, key)"
    FROM = "rows from the last timestamp on"
    TIED = "rows on the last timestamp, after the last key"
    LATER = "rows after the last timestamp"
    SKIP = "$skip"


BOUNDS: Final = {
    Paging.AFTER: BoundKind.AFTER,
    Paging.FROM: BoundKind.FROM,
    Paging.TIED: BoundKind.TIED,
    Paging.LATER: BoundKind.LATER,
}


class NoPage(Enum):
    """What a strategy returns instead of a page."""

    END = "there are no more rows"
    GIVE_UP = "this strategy cannot continue; another may"


# the state --------------------------------------------------------------------------------------------------------


class SeenRecords:
    """Which version of each record was seen, as two integers a record.

    A record is identified by its key and originating system (in a merged feed two records may share a key); without a
    key, by its whole content.
    """

    def __init__(self, preset: ProviderPreset, timestamp_field: str) -> None:
        self._fields = (preset.key_field, preset.number_field)
        self._system_field = preset.system_field
        self._timestamp_field = timestamp_field
        self._versions: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._versions)

    def key(self, record: RawRecord) -> Key | None:
        return key_of(record, *self._fields)

    def identity(self, record: RawRecord) -> int:
        key = self.key(record)
        if key is None:
            return hash(json.dumps(record, sort_keys=True, default=str))
        system = record.get(self._system_field) if self._system_field else None
        return hash(str(key)) if system is None else hash((str(key), str(system)))

    def timestamp(self, record: RawRecord) -> str | None:
        value = record.get(self._timestamp_field) or record.get("ModificationTimestamp")
        return value if isinstance(value, str) else None

    def time(self, record: RawRecord) -> datetime | None:
        return parse_timestamp(self.timestamp(record) or "")

    def is_new(self, record: RawRecord) -> bool:
        """Whether the record was not seen yet, or only in an older version."""
        return self._version(record) > self._versions.get(self.identity(record), -2)

    def add(self, record: RawRecord) -> bool:
        """Remember a record; returns whether it was new."""
        is_new = self.is_new(record)
        if is_new:
            self._versions[self.identity(record)] = self._version(record)
        return is_new

    def _version(self, record: RawRecord) -> int:
        at = self.time(record)
        return -1 if at is None else round((at - _EARLIEST).total_seconds() * 1_000_000)


class SeenRows(SeenRecords):
    """The same for other resources than Property. A row is identified by all its fields except URLs, which may change
    with every request."""

    def identity(self, record: RawRecord) -> int:
        has_key = record.get("MediaKey") is not None and record.get("Order") is not None
        stable = {name: value for name, value in record.items() if not (has_key and re.search("url|uri", name.lower()))}
        return hash(json.dumps(stable, sort_keys=True, default=str))

    def timestamp(self, record: RawRecord) -> str | None:
        return None


@dataclass(slots=True)
class Read:
    """The progress of one ``Pager``."""

    seen: SeenRecords
    total: int | None = None
    """The server's count of matching records: from the first page, or from an earlier count request."""
    paging: Paging = Paging.FIRST
    """How the current page was asked for."""
    pagings: set[Paging] = field(default_factory=set)
    pages: int = 0
    pages_with_new: int = 0
    """Pages that held at least one new record."""
    rows: int = 0
    rows_since_request: int = 0
    """Rows since the last request that was not a next link; a conformant server sends no link after ``$top`` rows."""
    repeated_rows: int = 0
    largest_page: int = 0
    stale_pages: int = 0
    """Consecutive pages with rows but without a new record."""
    empty_pages: int = 0
    same_pages: int = 0
    """Consecutive pages with the same rows as the page before, in any order."""
    ordered: bool = True
    """Timestamps never went down."""
    ties_ordered: bool = True
    """Among equal timestamps, keys always rose."""
    position: tuple[str, Key] | None = None
    """(timestamp, key) of the last row that has both."""
    newest: datetime | None = None
    """The latest readable timestamp of all rows."""
    cut_short: bool = False
    """The server stopped giving rows before what may be the end."""
    _last: tuple[datetime, Key | None] | None = None
    _page: frozenset[int] = frozenset()

    def take(self, page: FeedPage) -> list[RawRecord]:
        """Record a page; returns its new records."""
        new = [row for row in page.rows if self.seen.add(row)]
        for row in new:
            self._add_row(row)
        identities = frozenset(self.seen.identity(row) for row in page.rows)
        self.same_pages = self.same_pages + 1 if identities and identities == self._page else 0
        self.stale_pages = 0 if new or not page.rows else self.stale_pages + 1
        self.empty_pages = 0 if page.rows else self.empty_pages + 1
        self.largest_page = max(self.largest_page, len(page.rows))
        self._page = identities
        self.pagings.add(self.paging)
        self.pages += 1
        self.pages_with_new += bool(new)
        self.rows += len(page.rows)
        by_link = self.paging in (Paging.CURSOR, Paging.OFFSET)
        self.rows_since_request = len(page.rows) + (self.rows_since_request if by_link else 0)
        self.repeated_rows += len(page.rows) - len(new)
        return new

    def _add_row(self, row: RawRecord) -> None:
        text, key, read = self.seen.timestamp(row), self.seen.key(row), self.seen.time(row)
        if read is not None and (self.newest is None or read > self.newest):
            self.newest = read
        at = read or _EARLIEST
        if self._last is not None:
            before, key_before = self._last
            self.ordered = self.ordered and at >= before
            if at == before:
                self.ties_ordered = self.ties_ordered and _rises(key_before, key)
        self._last = (at, key)
        known = timestamp_literal(text) if text else None
        if known and key is not None:
            self.position = (known, key)

    @property
    def by_offset(self) -> bool:
        """Whether pages were requested by offset. Rows move between such pages when the feed changes."""
        return bool(self.pagings & {Paging.OFFSET, Paging.SKIP})

    @property
    def complete(self) -> bool:
        """Whether as many records were read as the server counts. A record that the server itself sends twice is also
        counted twice; repeats that our own bounds caused are not."""
        plain = self.pagings <= {Paging.FIRST, Paging.CURSOR}
        return self.total is not None and (
            self.total == len(self.seen) or (plain and self.total == len(self.seen) + self.repeated_rows)
        )

    @property
    def has_too_few(self) -> bool:
        return self.total is not None and not self.complete and len(self.seen) < self.total

    def has_earlier_row(self, rows: Sequence[RawRecord]) -> bool:
        """Whether a row is older than the position, so that the server ignored the bound of the request."""
        at = self._last[0] if self._last else _EARLIEST
        return any((self.seen.time(row) or _EARLIEST) < at for row in rows)


def _rises(before: Key | None, key: Key | None) -> bool:
    if isinstance(key, int) and isinstance(before, int):
        return key > before
    return key is not None and before is not None and str(key) > str(before)


# the strategies ---------------------------------------------------------------------------------------------------


class FollowLinks:
    """``{"value": […], "@odata.nextLink": "…/Property?$skiptoken=c7"}``: the server names the next page."""

    _DEAD_LINK = frozenset({400, 404, 410})
    _MAX_EMPTY_PAGES = 200
    _MAX_SAME_PAGES = 3
    _MAX_STALE_PAGES = 10
    _MAX_RESTARTS = 2

    def __init__(self, feed: Feed, request: Request, read: Read) -> None:
        self._feed = feed
        self._request = request
        self._read = read
        self._visited: set[int] = set()
        self._restarted_at = -1
        self._restarts = 0
        self._same = 0
        self._stale = 0

    async def after(self, page: FeedPage, link: str) -> FeedPage | NoPage:
        """The page that ``link`` leads to.

        Raises:
            PagingError: the links form a loop.
            MLSError: the server fails, or the link fails again after restarting from the last record.
        """
        self.visit(page, link)
        return await self.follow(link)

    async def follow(self, link: str) -> FeedPage | NoPage:
        self._read.paging = Paging.OFFSET if is_offset(link) else Paging.CURSOR
        complete = self._read.complete
        try:
            return await self._feed.follow(link, attempts=1 if complete else 3)
        except RateLimitedError:
            raise
        except MLSError as error:
            if complete:
                return NoPage.END  # every record was read, so a link past the end may fail
            if too_large(error):
                self._feed.shrink(self._request, error)
            elif error.status not in self._DEAD_LINK:
                raise
            return await self._restart(error)

    async def _restart(self, error: MLSError) -> FeedPage:
        """Continue from the last record after a link failed; at most twice at one record (docs/reso-feeds.md, section
        3)."""
        self._restarts = self._restarts + 1 if self._restarted_at == len(self._read.seen) else 1
        if self._restarts > self._MAX_RESTARTS and not too_large(error):
            raise error
        self._restarted_at = len(self._read.seen)
        self._read.paging = Paging.FROM
        self.forget()
        request = replace(self._request, count=False)
        if self._read.ordered and self._read.position is not None:
            request = replace(request, bound=Bound(BoundKind.FROM, *self._read.position))
        return await self._feed.fetch(request)

    def visit(self, page: FeedPage, link: str, *, own: bool = False) -> None:
        """Remember that ``link`` is followed. ``own``: our own bound requested the page, so its link may repeat one.

        Raises:
            PagingError: the links form a loop.
        """
        self.check(page, link, own=own)
        self._visited.add(_fingerprint(link))
        read = self._read
        self._same = self._same + 1 if read.same_pages else 0
        self._stale = self._stale + 1 if read.stale_pages else 0
        looping = self._same >= self._MAX_SAME_PAGES or self._stale > self._MAX_STALE_PAGES + read.pages_with_new
        if looping or read.empty_pages >= self._MAX_EMPTY_PAGES:
            raise PagingError(
                "The MLS kept sending the same page with new next-page links, so paging stopped. What was read is "
                "kept. Try again later, and tell the provider if it stays so."
            )

    def check(self, page: FeedPage, link: str, *, own: bool = False) -> None:
        """Raise PagingError if the link leads to a page already read."""
        mark = _fingerprint(link)
        if mark == _fingerprint(page.url) or (mark in self._visited and not own):
            raise PagingError(
                "The MLS sent a next-page link that leads back to a page already read, so paging stopped. What was "
                "read is kept. Try again later, and tell the provider if it stays so."
            )

    def start(self, url: str) -> None:
        self._visited.add(_fingerprint(url))

    def forget(self) -> None:
        """Start again: the links of another request may lead to pages already read."""
        self._visited.clear()
        self._same = self._stale = 0


class KeyBounds:
    """``$filter=(ts gt T or (ts eq T and key gt K))&$orderby=ts asc,key asc``: rows after the last one.

    Changes of the feed do not move rows between such pages. A server that refuses ``or`` is asked for ``ts ge T``, and
    repeats are dropped; if more rows than fit a page share one timestamp, for ``ts eq T and key gt K`` and then for
    ``ts gt T``. ``best`` is the strongest bound to try: AFTER, FROM, or none (SKIP).
    """

    def __init__(self, feed: Feed, request: Request, read: Read, best: Paging = Paging.AFTER) -> None:
        self._feed = feed
        self._request = request
        self._read = read
        self._best = best
        self._asked: Paging | None = None
        """The last bound requested; next links may have been followed since."""

    async def after(self, page: FeedPage) -> FeedPage | NoPage:
        way = self._next(page)
        while isinstance(way, Paging):
            try:
                return await self._ask(way)
            except MLSError as error:
                if too_large(error):
                    self._feed.shrink(self._request, error)
                elif not_understood(error):
                    way = self._refused(way)
                else:
                    raise
        return way

    def _next(self, page: FeedPage) -> Paging | NoPage:
        read = self._read
        if not read.stale_pages and page.rows:
            return Paging.TIED if self._asked is Paging.TIED else self._choose()
        match self._asked:
            case Paging.AFTER:
                return self._without_or(page) if page.rows else NoPage.END
            case Paging.FROM:
                return self._within_tie(page) if page.rows else NoPage.END
            case Paging.TIED:
                return NoPage.GIVE_UP if read.has_earlier_row(page.rows) else Paging.LATER
            case Paging.LATER:
                return NoPage.GIVE_UP if page.rows else NoPage.END
            case _:
                return self._choose() if len(read.seen) else NoPage.END

    def _choose(self) -> Paging | NoPage:
        read = self._read
        if read.paging in BOUNDS and not read.ordered:
            self._feed.distrust_bounds()
        trusted = read.ordered and self._feed.trusts_bounds(self._request)
        if self._best is Paging.SKIP or not trusted or read.position is None:
            return NoPage.GIVE_UP
        return Paging.AFTER if read.ties_ordered and self._best is Paging.AFTER else Paging.FROM

    def _without_or(self, page: FeedPage) -> Paging | NoPage:
        """Only repeats came, so ``or`` may have been ignored. A server that ignores filters ignores FROM too."""
        if self._read.has_earlier_row(page.rows):
            self._feed.distrust_bounds()
            return NoPage.GIVE_UP
        self._best = Paging.FROM
        return Paging.FROM

    def _within_tie(self, page: FeedPage) -> Paging | NoPage:
        """``ts ge T`` gave only repeats: this is the end, or more rows than fit a page have the timestamp T."""
        if self._read.has_earlier_row(page.rows):
            return NoPage.GIVE_UP
        if len(page.rows) < self._read.largest_page:
            return NoPage.END
        return Paging.TIED if self._read.ties_ordered else NoPage.GIVE_UP

    def _refused(self, way: Paging) -> Paging | NoPage:
        self._best = Paging.FROM if way is Paging.AFTER else Paging.SKIP
        return Paging.FROM if way is Paging.AFTER else NoPage.GIVE_UP

    async def _ask(self, way: Paging) -> FeedPage:
        self._read.paging = self._asked = way
        return await self.bounded(BOUNDS[way]) or FeedPage("", ())

    async def bounded(self, kind: BoundKind) -> FeedPage | None:
        if self._read.position is None:
            return None
        bound = Bound(kind, *self._read.position)
        return await self._feed.fetch(replace(self._request, count=False, bound=bound), adapt=False)


class Skip:
    """``$skip=200``: the last resort. Rows move between pages when the feed changes, so the sweep is checked again."""

    def __init__(self, feed: Feed, request: Request, read: Read, max_stale_pages: int) -> None:
        self._feed = feed
        self._request = request
        self._read = read
        self._max_stale_pages = max_stale_pages
        self._offset = -1

    async def after(self, page: FeedPage) -> FeedPage | NoPage:
        read = self._read
        if read.paging is Paging.SKIP:
            self._offset += len(page.rows)
            # A feed may send records, or a whole page, twice; a server that ignores $skip repeats forever.
            if not page.rows:
                return NoPage.END
            if read.stale_pages and (read.same_pages or read.stale_pages > self._max_stale_pages):
                read.cut_short = True
                return NoPage.END
        if self._offset < 0:
            self._offset = read.rows if read.pagings <= {Paging.FIRST, Paging.CURSOR, Paging.OFFSET} else len(read.seen)
        read.paging = Paging.SKIP
        return await self._ask()

    async def _ask(self) -> FeedPage | NoPage:
        while True:
            try:
                return await self._feed.fetch(replace(self._request, count=False, skip=self._offset), adapt=False)
            except MLSError as error:
                if too_large(error):
                    self._feed.shrink(self._request, error)
                elif refused(error) or error.status in (404, 410, 416):
                    self._read.cut_short = refused(error)
                    return NoPage.END
                else:
                    raise


def not_understood(error: MLSError) -> bool:
    """Whether the server refused a bound or failed because of it, so that a simpler one may work."""
    return refused(error) or error.status in (404, 410, 416) or (error.status or 0) >= 500


def is_offset(url: str) -> bool:
    """Whether the link counts rows or pages, so that rows move between pages when the feed changes."""
    names = {name.lower() for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    return bool(names & {"$skip", "skip", "offset", "page", "_page"}) and not names & {
        "$skiptoken", "skiptoken", "cursor", "next",
    }  # fmt: skip


def _fingerprint(url: str) -> int:
    """A hash that ignores the order and encoding of the query."""
    parts = urlsplit(url)
    return hash((parts.path, tuple(sorted(parse_qsl(parts.query, keep_blank_values=True)))))


# the pager --------------------------------------------------------------------------------------------------------


class Pager:
    """Reads one request to its end: by next links if the server sends any, else by our own bounds, else by ``$skip``.

    ``best`` is the strongest bound to try; FROM and SKIP also continue past the apparent end, to check a sweep.
    ``is_last`` decides whether a page without a link is the last. ``adapt`` allows to change the dialect if the server
    refuses the request. ``max_stale_pages`` is the number of pages of repeats after which ``$skip`` counts as ignored.
    """

    def __init__(
        self,
        feed: Feed,
        request: Request,
        *,
        total: int | None = None,
        best: Paging = Paging.AFTER,
        seen: SeenRecords | None = None,
        is_last: Callable[[FeedPage], bool] | None = None,
        adapt: bool = True,
        max_stale_pages: int = 3,
    ) -> None:
        self._feed = feed
        self._request = request
        self._best = best
        self._is_last = is_last or self._seems_last
        self._adapt = adapt
        self._past_links = False
        self.linked = False
        """Whether the server sent a next link."""
        self.read = Read(SeenRecords(feed.preset, feed.dialect.timestamp_field) if seen is None else seen, total)
        self._links = FollowLinks(feed, request, self.read)
        self._bounds = KeyBounds(feed, request, self.read, best)
        self._skip = Skip(feed, request, self.read, max_stale_pages)

    async def pages(self, first: FeedPage | None = None) -> AsyncIterator[FeedPage]:
        """Every page in the order served, with ``new_rows`` and ``final`` set; ``first`` replaces the first request.

        Raises:
            PagingError: the links form a loop or lead to another origin. The pages before were yielded.
            MLSError: the server fails.
        """
        read = self.read
        start = first or await self._feed.fetch(self._request, adapt=self._adapt)
        read.total = start.total if start.total is not None else read.total
        self._links.start(start.url)
        page: FeedPage | NoPage = start
        while isinstance(page, FeedPage):
            page.new_rows = read.take(page)
            link, problem = self._link(page)
            final = problem is None and link is None and self._is_last(page) and not await self._more_past_end()
            page.final = final
            yield page
            if problem is not None:
                raise problem
            page = NoPage.END if final else await self._next(page, link)
        if not final and await self._more_past_end():
            read.pagings.add(Paging.SKIP)

    def _link(self, page: FeedPage) -> tuple[str | None, PagingError | None]:
        """The next link. That of an empty page is not followed if no record is missing: links may go on forever."""
        try:
            link = next_url(page, self._feed.preset.base_url)
        except PagingError as error:
            return None, error
        nothing_came = not len(self.read.seen) and not self.read.total
        return (None if not page.rows and (self.read.complete or nothing_came) else link), None

    async def _next(self, page: FeedPage, link: str | None) -> FeedPage | NoPage:
        # A page from before the end of the links shows that the bound was ignored; its link leads back as well.
        ignored = self._past_links and self.read.stale_pages > 0 and self.read.has_earlier_row(page.rows)
        if link is None or ignored:
            return await self._without_link(page)
        self.linked = True
        if not is_offset(link):
            return await self._links.after(page, link)
        return await self._by_offset(page, link)

    async def _without_link(self, page: FeedPage) -> FeedPage | NoPage:
        self._past_links = True
        self._links.forget()
        if self.read.paging is not Paging.SKIP:
            answer = await self._bounds.after(page)
            if answer is not NoPage.GIVE_UP:
                return answer
        return await self._skip.after(page)

    async def _by_offset(self, page: FeedPage, link: str) -> FeedPage | NoPage:
        """Replace a link by offset by our own bound, which is safe when the feed changes, after a comparison has shown
        that both give the same rows."""
        read, feed = self.read, self._feed
        own = read.paging is Paging.AFTER and not read.stale_pages
        self._links.visit(page, link, own=own)
        usable = read.ordered and read.ties_ordered and read.position is not None and feed.trusts_bounds(self._request)
        if own and not usable:
            feed.distrust_bounds()
        proven = feed.dialect.bounds_match_links
        if not usable or read.stale_pages or not page.rows or proven is False:
            return await self._links.follow(link)
        if proven:
            bounded = await self._bounded()
            if bounded is not None:
                return bounded
            feed.dialect = replace(feed.dialect, bounds_match_links=False)
            return await self._links.follow(link)
        return await self._compared(link)

    async def _compared(self, link: str) -> FeedPage | NoPage:
        linked = await self._links.follow(link)
        if not isinstance(linked, FeedPage) or not linked.rows:
            return linked
        onward = next_url(linked, self._feed.preset.base_url)
        if onward is not None:
            self._links.check(linked, onward)
        way = self.read.paging
        bounded = await self._bounded()
        same = bounded is not None and self._same_rows(linked, bounded)
        self._feed.dialect = replace(self._feed.dialect, bounds_match_links=same)
        if same and bounded is not None:
            return bounded
        self.read.paging = way
        return linked

    def _same_rows(self, linked: FeedPage, bounded: FeedPage) -> bool:
        one, other = ([self.read.seen.identity(row) for row in page.rows] for page in (linked, bounded))
        shorter = min(len(one), len(other))
        return shorter > 0 and one[:shorter] == other[:shorter]

    async def _bounded(self) -> FeedPage | None:
        try:
            page = await self._bounds.bounded(BoundKind.AFTER)
        except MLSError as error:
            if not_understood(error):
                return None
            raise
        self.read.paging = Paging.AFTER
        return page

    def _seems_last(self, page: FeedPage) -> bool:
        """Whether a page without a link is the last, as far as sizes and counts show."""
        read = self.read
        if not page.rows and read.pages == 1:
            return True
        if self._best is not Paging.AFTER:
            return False
        if self.linked and not read.complete:
            at_limit = read.rows_since_request == self._feed.page_size(self._request)
            return not (at_limit or (read.has_too_few and not self._feed.dialect.count_wrong))
        if self.linked:
            return True
        full = len(page.rows) >= min(read.largest_page, self._feed.page_size(self._request))
        # A count equal to the rows of the first page may be a count of that page: one more request decides.
        unproven = read.pages_with_new == 1 and bool(page.rows)
        return not (full or unproven or not read.complete)

    async def _more_past_end(self) -> bool:
        """Whether ``$skip`` shows a new record after the end that our bounds reached and no count confirms. The server
        does not order as requested then, so bounds lose rows."""
        read = self.read
        counted = read.total is not None and read.total >= len(read.seen)
        if counted or read.paging not in BOUNDS or not self._feed.dialect.bounds_reliable:
            return False
        try:
            page = await self._feed.fetch(replace(self._request, count=False, skip=len(read.seen)), adapt=False)
        except MLSError as error:
            if not not_understood(error):
                raise
            return False
        more = any(read.seen.is_new(row) for row in page.rows)
        if more:
            self._feed.distrust_bounds()
        return more


# completeness --------------------------------------------------------------------------------------------------------

FetchByKeys = Callable[[Sequence[str]], AsyncIterator[list[RawRecord]]]
_QUIET_AFTER = timedelta(days=1)
"""A feed whose newest record is older than this is assumed not to change while it is read. A day, because timestamps
may lag, and may be local time labelled as UTC."""


class Completeness(Enum):
    """Whether a sweep read every record."""

    PROVEN = "as many records were read as the MLS counts"
    UNPROVEN = "no sign of a missing record, and no proof that none is missing"
    DOUBTFUL = "records may be missing: read again"


def judge(read: Read, *, feed_changes: bool, stable_cursor: bool, count_wrong: bool) -> Completeness:
    """Whether a read that has ended is complete. ``count_wrong``: the server's count was wrong before."""
    if shifted(read, feed_changes=feed_changes, stable_cursor=stable_cursor):
        return Completeness.DOUBTFUL
    if read.complete:
        return Completeness.PROVEN
    return Completeness.DOUBTFUL if read.has_too_few and not count_wrong else Completeness.UNPROVEN


def shifted(read: Read, *, feed_changes: bool, stable_cursor: bool) -> bool:
    """Whether a record may have moved to a page already read, so that it was missed. Each such record accompanies one
    that was removed, so that the counts agree.

    Always possible by offset. Possible with a server's cursor, which may be an offset inside, if ``feed_changes``,
    except for a ``stable_cursor``: that of a replication collection.
    """
    by_cursor = Paging.CURSOR in read.pagings and feed_changes and not stable_cursor
    return (read.pages_with_new > 1 and read.by_offset) or (
        read.pages > 1 and (by_cursor or Paging.OFFSET in read.pagings)
    )


class Sweep:
    """Reads a query: each version of each record once. The last page says whether the sweep is complete."""

    _BY_LINKS = (Paging.AFTER, Paging.FROM, Paging.SKIP)
    _BY_SKIP = (Paging.SKIP, Paging.AFTER, Paging.FROM)

    def __init__(
        self,
        feed: Feed,
        query: FeedQuery,
        request: Request,
        replication: Request | None = None,
        *,
        fetch_by_keys: FetchByKeys,
        started_at: datetime,
    ) -> None:
        """``replication`` is the same query to the provider's replication collection; ``fetch_by_keys`` fetches records
        by key; ``started_at`` is now, with a time zone."""
        self._feed = feed
        self._query = query
        self._request = request
        self._replication = replication
        self._fetch_by_keys = fetch_by_keys
        self._started_at = started_at
        self._first_total: int | None = None
        self._number = 0
        self.yielded = 0

    async def pages(self) -> AsyncIterator[Page]:
        """Pages of new records. Raises MLSError, PagingError."""
        total = None if self._replication is None else await self._fresh_count(None)
        pager = self._pager = Pager(self._feed, self._replication or self._request, total=total)
        async for page in pager.pages():
            if pager.read.pages == 1:
                self._first_total = pager.read.total
            if self._full(page.new_rows):
                yield self._page(page.new_rows, last=True)
                return
            verdict = await self._verdict() if page.final else Completeness.DOUBTFUL
            ended = verdict is not Completeness.DOUBTFUL
            yield self._page(page.new_rows, last=ended, complete=verdict is Completeness.PROVEN)
            if ended:
                return
        async for missed in self._second_pass():
            yield missed

    async def _verdict(self) -> Completeness:
        """Judge with a new count, unless the count does not matter."""
        read = self._pager.read
        if read.pages_with_new > 1 and read.total is not None and not self._shifted():
            read.total = await self._fresh_count(read.total)
        return self._judged()

    @property
    def _circumstances(self) -> dict[str, bool]:
        read = self._pager.read
        feed_changes = (
            read.newest is None or read.newest > self._started_at - _QUIET_AFTER or read.total != self._first_total
        )
        return {"feed_changes": feed_changes, "stable_cursor": self._replication is not None}

    def _judged(self) -> Completeness:
        return judge(self._pager.read, count_wrong=self._feed.dialect.count_wrong, **self._circumstances)

    def _shifted(self) -> bool:
        return shifted(self._pager.read, **self._circumstances)

    def _full(self, rows: list[RawRecord]) -> bool:
        return self._query.limit is not None and self.yielded + len(rows) >= self._query.limit

    def _page(self, rows: list[RawRecord], *, last: bool = False, complete: bool = False) -> Page:
        if self._query.limit is not None:
            rows = rows[: max(0, self._query.limit - self.yielded)]
        self._number += 1
        self.yielded += len(rows)
        total = self._pager.read.total
        return Page(self._number, rows, None if total is None or total < self.yielded else total, last, complete)

    async def _fresh_count(self, known: int | None) -> int | None:
        try:
            return await count_of(self._feed, self._request)
        except RateLimitedError:
            raise
        except MLSError:
            return known  # a count that fails is no reason to lose the page

    async def _second_pass(self) -> AsyncIterator[Page]:
        """Read the keys again and fetch the records that were missed, at most three times. Ends with the last page."""
        read = self._pager.read
        if read.total is not None:
            read.total = await self._fresh_count(read.total)
        settled, exact = self._judged() is not Completeness.DOUBTFUL, False
        for best in self._BY_LINKS if self._pager.linked else self._BY_SKIP:
            if settled or (found := await self._missed(best)) is None:
                break
            again, missing = found
            async for rows in self._fetch_by_keys(missing):
                new = [row for row in rows if read.seen.add(row)]
                if self._full(new):
                    yield self._page(new, last=True)
                    return
                yield self._page(new)
            if read.total is not None:
                read.total = await self._fresh_count(read.total)
            again.total = read.total
            settled = not read.has_too_few and not (missing and self._shifted())
            if not missing:
                # Records removed since the first pass are no longer counted, so the second pass decides.
                exact = again.complete
                break
        exact = exact or read.complete
        if read.total is not None and not settled:
            self._feed.dialect = replace(self._feed.dialect, count_wrong=True)
        yield self._page([], last=True, complete=exact and settled)

    async def _missed(self, best: Paging) -> tuple[Read, list[str]] | None:
        """A second read, and the keys of the records that the first one missed; None if the server refused."""
        preset, dialect, seen = self._feed.preset, self._feed.dialect, self._pager.read.seen
        select = bare_fields(preset, dialect.timestamp_field)
        request = replace(self._request, select=select, expand=False, top=None)
        pager = Pager(self._feed, request, best=best)
        missing: list[str] = []
        try:
            async for page in pager.pages():
                keys = [seen.key(row) for row in page.new_rows if seen.is_new(row)]
                missing += [str(key) for key in keys if key is not None]
        except PagingError:
            return None
        except MLSError as error:
            if not (refused(error) or error.status in (404, 410)):
                raise
            return None
        return pager.read, missing


async def sweep_pages(
    feed: Feed, query: FeedQuery, request: Request, *, fetch_by_keys: FetchByKeys, started_at: datetime
) -> AsyncIterator[Page]:
    """The pages of a query: from the provider's replication collection if it has one and the query is for everything,
    else from the resource itself. If a filter by status finds nothing although such records exist, it is left out.

    Raises:
        NothingServedError: the MLS counts records but sent none, and the query was not for changes only.
    """
    sweep = _replicated(feed, query, request, fetch_by_keys, started_at)
    if sweep is not None:
        begun = False
        try:
            async for page in sweep.pages():
                begun = True
                _check_served(query, page, sweep.yielded)
                yield page
            return
        except MLSError as error:
            if begun or error.status not in (400, 403, 404, 405, 501):
                raise
            feed.dialect = replace(feed.dialect, replication=False)
    plain = Sweep(feed, query, request, fetch_by_keys=fetch_by_keys, started_at=started_at)
    async for page in plain.pages():
        if page.last and not plain.yielded and await _status_filter_misses(feed, request):
            feed.dialect = replace(feed.dialect, status_form=StatusForm.NONE)
            async for other in Sweep(feed, query, request, fetch_by_keys=fetch_by_keys, started_at=started_at).pages():
                yield other
            return
        _check_served(query, page, plain.yielded)
        yield page


def _check_served(query: FeedQuery, page: Page, yielded: int) -> None:
    if page.last and page.total and not yielded and not (query.since or query.resume_after):
        raise NothingServedError(page.total)


def _replicated(
    feed: Feed, query: FeedQuery, request: Request, fetch_by_keys: FetchByKeys, started_at: datetime
) -> Sweep | None:
    path, size = feed.preset.replication, feed.preset.replication_page_size
    narrow = query.since or query.resume_after or query.limit is not None
    if path is None or narrow or not feed.dialect.replication:
        return None
    replication = replace(request, resource=path, order=False, count=False, expand=False, top=size)
    return Sweep(feed, query, request, replication, fetch_by_keys=fetch_by_keys, started_at=started_at)


async def _status_filter_misses(feed: Feed, request: Request) -> bool:
    """Whether records of the requested statuses exist although the filter found none."""
    if not request.statuses or request.bound or feed.dialect.status_form is StatusForm.NONE:
        return False
    field = feed.preset.status_field
    sample = replace(request, statuses=frozenset(), select=(feed.preset.key_field, field), count=False, expand=False)
    try:
        page = await feed.fetch(replace(sample, order=False, top=200), adapt=False)
    except MLSError:
        return False
    return any(status_meaning(row.get(field)) in request.statuses for row in page.rows)


def bare_fields(preset: ProviderPreset, timestamp_field: str) -> tuple[str, ...]:
    """The fields that show which records there are: key, number, status, timestamp and originating system."""
    system = (preset.system_field,) if preset.system_field else ()
    return (preset.key_field, preset.number_field, preset.status_field, timestamp_field, *system)


async def count_of(feed: Feed, request: Request) -> int | None:
    """How many records match; None if the server does not count."""
    if not feed.dialect.count:
        return None
    select = (feed.preset.key_field,)
    return (await feed.fetch(replace(request, top=1, select=select, expand=False, order=False, count=True))).total


def request_for(feed: Feed, query: FeedQuery, *, system: str | None, agent: str | None) -> Request:
    """The request for a query. A resumed sweep starts at the timestamp of the last stored record, inclusive, because
    other records may share it; repeats do no harm."""
    request = Request(
        feed.preset.property_resource,
        statuses=query.statuses,
        since=query.since,
        system=system,
        agent=agent,
        top=query.limit,
    )
    if query.resume_after is None:
        return request
    timestamp = timestamp_literal(query.resume_after[0])
    return replace(request, bound=Bound(BoundKind.FROM, timestamp, query.resume_after[1])) if timestamp else request
