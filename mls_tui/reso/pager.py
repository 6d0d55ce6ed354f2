"""Reads a collection page by page to its end, and judges whether every record was met (docs/reso-feeds.md, section 1).

``Pager`` reads; its strategies are ``FollowLinks``, ``KeyBounds`` and ``Skip``. ``Read`` is the one state that they go
by. ``Sweep`` reads a whole query, and reads again for keys alone when ``judge`` has doubts.
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
from mls_tui.reso.odata import Bound, FeedPage, How, Key, Request, StatusForm, key_of, moment, next_url
from mls_tui.reso.presets import ProviderPreset

_EARLIEST = datetime.min.replace(tzinfo=UTC)


class Way(Enum):
    """How a page was asked for. The bounds are explained at ``odata.Bound``."""

    FIRST = "the request itself"
    CURSOR = "a next link with the server's own cursor"
    OFFSET = "a next link that counts rows"
    AFTER = "rows after the last (timestamp, key)"
    FROM = "rows from the last timestamp on"
    TIED = "rows on the last timestamp, after the last key"
    LATER = "rows after the last timestamp"
    SKIP = "$skip"


BOUNDS: Final = {Way.AFTER: How.AFTER, Way.FROM: How.FROM, Way.TIED: How.TIED, Way.LATER: How.LATER}


class Turn(Enum):
    """What a strategy answers instead of a page."""

    END = "there are no more rows"
    GIVE_UP = "this way leads no further, another may"


# the state --------------------------------------------------------------------------------------------------------


class Seen:
    """The newest version seen of each record: two integers a record, whatever its size. A record without a key is
    known by its whole content; a key may stand for two records of two systems in a merged feed."""

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

    def at(self, record: RawRecord) -> datetime | None:
        return parse_timestamp(self.timestamp(record) or "")

    def lacks(self, record: RawRecord) -> bool:
        """True for a record not seen yet, or seen only in an older version."""
        return self._version(record) > self._versions.get(self.identity(record), -2)

    def add(self, record: RawRecord) -> bool:
        """Note a record; True if it was lacking."""
        lacking = self.lacks(record)
        if lacking:
            self._versions[self.identity(record)] = self._version(record)
        return lacking

    def _version(self, record: RawRecord) -> int:
        at = self.at(record)
        return -1 if at is None else round((at - _EARLIEST).total_seconds() * 1_000_000)


class RowSeen(Seen):
    """Tells rows of other resources than Property apart: by all they say but their URLs, which may change at each
    request."""

    def identity(self, record: RawRecord) -> int:
        known = record.get("MediaKey") is not None and record.get("Order") is not None
        said = {name: value for name, value in record.items() if not (known and re.search("url|uri", name.lower()))}
        return hash(json.dumps(said, sort_keys=True, default=str))

    def timestamp(self, record: RawRecord) -> str | None:
        return None


@dataclass(slots=True)
class Read:
    """What one reading has met so far."""

    seen: Seen
    total: int | None = None
    """The feed's own count: as its first page gives it, else as it was asked for beforehand."""
    way: Way = Way.FIRST
    """How the current page was asked for."""
    ways: set[Way] = field(default_factory=set)
    pages: int = 0
    gave: int = 0
    """How many pages gave records that were lacking."""
    rows: int = 0
    since_asked: int = 0
    """Rows since the last request that was not a link: a conformant server gives no link past ``$top`` of them."""
    repeats: int = 0
    fullest: int = 0
    stale: int = 0
    """How many pages in a row gave rows, and none that was lacking."""
    empty: int = 0
    same: int = 0
    """How many pages in a row held the rows of the page before, in any order."""
    ordered: bool = True
    """Timestamps never went down."""
    ties_ordered: bool = True
    """Keys went up wherever timestamps were equal."""
    position: tuple[str, Key] | None = None
    """(timestamp, key) of the last row that has both."""
    newest: datetime | None = None
    """The latest timestamp of all rows; None while none has one that can be read."""
    cut: bool = False
    """The server would not give rows past some place, which may not be the end."""
    _last: tuple[datetime, Key | None] | None = None
    _page: frozenset[int] = frozenset()

    def take(self, page: FeedPage) -> list[RawRecord]:
        """Note a page; its records that were lacking."""
        fresh = [row for row in page.rows if self.seen.add(row)]
        for row in fresh:
            self._step(row)
        identities = frozenset(self.seen.identity(row) for row in page.rows)
        self.same = self.same + 1 if identities and identities == self._page else 0
        self.stale = 0 if fresh or not page.rows else self.stale + 1
        self.empty = 0 if page.rows else self.empty + 1
        self.fullest = max(self.fullest, len(page.rows))
        self._page = identities
        self.ways.add(self.way)
        self.pages += 1
        self.gave += bool(fresh)
        self.rows += len(page.rows)
        by_link = self.way in (Way.CURSOR, Way.OFFSET)
        self.since_asked = len(page.rows) + (self.since_asked if by_link else 0)
        self.repeats += len(page.rows) - len(fresh)
        return fresh

    def _step(self, row: RawRecord) -> None:
        text, key, read = self.seen.timestamp(row), self.seen.key(row), self.seen.at(row)
        if read is not None and (self.newest is None or read > self.newest):
            self.newest = read
        at = read or _EARLIEST
        if self._last is not None:
            before, key_before = self._last
            self.ordered = self.ordered and at >= before
            if at == before:
                self.ties_ordered = self.ties_ordered and _rises(key_before, key)
        self._last = (at, key)
        known = moment(text) if text else None
        if known and key is not None:
            self.position = (known, key)

    @property
    def shifty(self) -> bool:
        """Pages were counted by offset: rows shift when the feed changes, and some may have been passed over."""
        return bool(self.ways & {Way.OFFSET, Way.SKIP})

    @property
    def met(self) -> bool:
        """As many records were met as the feed counts. A record that the feed itself serves twice is counted twice by
        it too; repeats that our own bounds asked for are not."""
        plain = self.ways <= {Way.FIRST, Way.CURSOR}
        return self.total is not None and (
            self.total == len(self.seen) or (plain and self.total == len(self.seen) + self.repeats)
        )

    @property
    def short(self) -> bool:
        return self.total is not None and not self.met and len(self.seen) < self.total

    def below(self, rows: Sequence[RawRecord]) -> bool:
        """True if a row stands before the position: the server ignored the bound it was given."""
        at = self._last[0] if self._last else _EARLIEST
        return any((self.seen.at(row) or _EARLIEST) < at for row in rows)


def _rises(before: Key | None, key: Key | None) -> bool:
    if isinstance(key, int) and isinstance(before, int):
        return key > before
    return key is not None and before is not None and str(key) > str(before)


# the strategies ---------------------------------------------------------------------------------------------------


class FollowLinks:
    """``{"value": […], "@odata.nextLink": "…/Property?$skiptoken=c7"}``: the server says where to go on."""

    _DEAD = frozenset({400, 404, 410})
    _MOST_EMPTY_PAGES = 200
    _MOST_SAME_PAGES = 3
    _MOST_STALE_PAGES = 10
    _MOST_REBUILDS = 2

    def __init__(self, feed: Feed, request: Request, read: Read) -> None:
        self._feed = feed
        self._request = request
        self._read = read
        self._visited: set[int] = set()
        self._rebuilt_at = -1
        self._rebuilds = 0
        self._same = 0
        self._stale = 0

    async def after(self, page: FeedPage, link: str) -> FeedPage | Turn:
        """The page that ``link`` leads to.

        Raises:
            PagingError: the link leads round in a circle.
            MLSError: the server fails, or links keep dying at the same place.
        """
        self.visit(page, link)
        return await self.follow(link)

    async def follow(self, link: str) -> FeedPage | Turn:
        self._read.way = Way.OFFSET if is_offset(link) else Way.CURSOR
        met = self._read.met
        try:
            return await self._feed.follow(link, attempts=1 if met else 3)
        except RateLimitedError:
            raise
        except MLSError as error:
            if met:
                return Turn.END  # every record that the MLS counts was met: what a link past them does is no failure
            if too_large(error):
                self._feed.shrink(self._request, error)
            elif error.status not in self._DEAD:
                raise
            return await self._rebuilt(error)

    async def _rebuilt(self, error: MLSError) -> FeedPage:
        """The link is dead: go on from the last record, twice for each place (docs/reso-feeds.md, section 3)."""
        self._rebuilds = self._rebuilds + 1 if self._rebuilt_at == len(self._read.seen) else 1
        if self._rebuilds > self._MOST_REBUILDS and not too_large(error):
            raise error
        self._rebuilt_at = len(self._read.seen)
        self._read.way = Way.FROM
        self.forget()
        request = replace(self._request, count=False)
        if self._read.ordered and self._read.position is not None:
            request = replace(request, bound=Bound(How.FROM, *self._read.position))
        return await self._feed.ask(request)

    def visit(self, page: FeedPage, link: str, *, own: bool = False) -> None:
        """Note that ``link`` is followed. ``own``: the page came by our own bound, so that its link may be an earlier
        one's. Raises PagingError if it leads round in a circle."""
        self.check(page, link, own=own)
        self._visited.add(_fingerprint(link))
        read = self._read
        self._same = self._same + 1 if read.same else 0
        self._stale = self._stale + 1 if read.stale else 0
        looping = self._same >= self._MOST_SAME_PAGES or self._stale > self._MOST_STALE_PAGES + read.gave
        if looping or read.empty >= self._MOST_EMPTY_PAGES:
            raise PagingError(
                "The MLS kept sending the same page with new next-page links, so paging stopped. What was read is "
                "kept. Try again later, and tell the provider if it stays so."
            )

    def check(self, page: FeedPage, link: str, *, own: bool = False) -> None:
        """Raise PagingError if a link leads to a page already read."""
        mark = _fingerprint(link)
        if mark == _fingerprint(page.url) or (mark in self._visited and not own):
            raise PagingError(
                "The MLS sent a next-page link that leads back to a page already read, so paging stopped. What was "
                "read is kept. Try again later, and tell the provider if it stays so."
            )

    def start(self, url: str) -> None:
        self._visited.add(_fingerprint(url))

    def forget(self) -> None:
        """Links of another request may lead to pages already read."""
        self._visited.clear()
        self._same = self._stale = 0


class KeyBounds:
    """``$filter=(ts gt T or (ts eq T and key gt K))&$orderby=ts asc,key asc``: rows after the last one.

    A feed that changes cannot shift such pages. Servers that do not take ``or`` are asked for ``ts ge T`` and repeats
    are dropped; if more rows than a page share one timestamp, for ``ts eq T and key gt K`` and then ``ts gt T``.
    """

    def __init__(self, feed: Feed, request: Request, read: Read, plainest: Way = Way.AFTER) -> None:
        self._feed = feed
        self._request = request
        self._read = read
        self._plainest = plainest
        self._asked: Way | None = None
        """The bound asked for last; links may have led on from there."""

    async def after(self, page: FeedPage) -> FeedPage | Turn:
        way = self._next(page)
        while isinstance(way, Way):
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

    def _next(self, page: FeedPage) -> Way | Turn:
        read = self._read
        if not read.stale and page.rows:
            return Way.TIED if self._asked is Way.TIED else self._best()
        match self._asked:
            case Way.AFTER:
                return self._without_or(page) if page.rows else Turn.END
            case Way.FROM:
                return self._within_tie(page) if page.rows else Turn.END
            case Way.TIED:
                return Turn.GIVE_UP if read.below(page.rows) else Way.LATER
            case Way.LATER:
                return Turn.GIVE_UP if page.rows else Turn.END
            case _:
                return self._best() if len(read.seen) else Turn.END

    def _best(self) -> Way | Turn:
        read = self._read
        if read.way in BOUNDS and not read.ordered:
            self._feed.distrust_bounds()
        trusted = read.ordered and self._feed.bounds_hold(self._request)
        if self._plainest is Way.SKIP or not trusted or read.position is None:
            return Turn.GIVE_UP
        return Way.AFTER if read.ties_ordered and self._plainest is Way.AFTER else Way.FROM

    def _without_or(self, page: FeedPage) -> Way | Turn:
        """Only repeats came. A server that ignores filters ignores the plainer bound too."""
        if self._read.below(page.rows):
            self._feed.distrust_bounds()
            return Turn.GIVE_UP
        self._plainest = Way.FROM
        return Way.FROM

    def _within_tie(self, page: FeedPage) -> Way | Turn:
        """Only repeats came from ``ts ge T`` on: the end, or more rows on T than a page holds."""
        if self._read.below(page.rows):
            return Turn.GIVE_UP
        if len(page.rows) < self._read.fullest:
            return Turn.END
        return Way.TIED if self._read.ties_ordered else Turn.GIVE_UP

    def _refused(self, way: Way) -> Way | Turn:
        self._plainest = Way.FROM if way is Way.AFTER else Way.SKIP
        return Way.FROM if way is Way.AFTER else Turn.GIVE_UP

    async def _ask(self, way: Way) -> FeedPage:
        self._read.way = self._asked = way
        return await self.bounded(BOUNDS[way]) or FeedPage("", ())

    async def bounded(self, how: How) -> FeedPage | None:
        if self._read.position is None:
            return None
        bound = Bound(how, *self._read.position)
        return await self._feed.ask(replace(self._request, count=False, bound=bound), reword=False)


class Skip:
    """``$skip=200``: the last resort. Rows shift when the feed changes, so the end needs a second look."""

    def __init__(self, feed: Feed, request: Request, read: Read, patience: int) -> None:
        self._feed = feed
        self._request = request
        self._read = read
        self._patience = patience
        self._offset = -1

    async def after(self, page: FeedPage) -> FeedPage | Turn:
        read = self._read
        if read.way is Way.SKIP:
            self._offset += len(page.rows)
            # A feed may hold records twice, a page of them too; a server that ignores $skip repeats for ever.
            if not page.rows:
                return Turn.END
            if read.stale and (read.same or read.stale > self._patience):
                read.cut = True
                return Turn.END
        if self._offset < 0:
            self._offset = read.rows if read.ways <= {Way.FIRST, Way.CURSOR, Way.OFFSET} else len(read.seen)
        read.way = Way.SKIP
        return await self._ask()

    async def _ask(self) -> FeedPage | Turn:
        while True:
            try:
                return await self._feed.ask(replace(self._request, count=False, skip=self._offset), reword=False)
            except MLSError as error:
                if too_large(error):
                    self._feed.shrink(self._request, error)
                elif refused(error) or error.status in (404, 410, 416):
                    self._read.cut = refused(error)
                    return Turn.END
                else:
                    raise


def not_understood(error: MLSError) -> bool:
    """True if a bound was refused, or broke the server: a plainer one may work."""
    return refused(error) or error.status in (404, 410, 416) or (error.status or 0) >= 500


def is_offset(url: str) -> bool:
    """True if the link counts rows or pages, so that rows shift when the feed changes."""
    names = {name.lower() for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)}
    return bool(names & {"$skip", "skip", "offset", "page", "_page"}) and not names & {
        "$skiptoken", "skiptoken", "cursor", "next",
    }  # fmt: skip


def _fingerprint(url: str) -> int:
    """Equal for two spellings of one address: order and encoding of the query do not matter."""
    parts = urlsplit(url)
    return hash((parts.path, tuple(sorted(parse_qsl(parts.query, keep_blank_values=True)))))


# the pager --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """One page: the records that were lacking, the whole page, and whether it is known to be the last."""

    rows: list[RawRecord]
    page: FeedPage
    final: bool


class Pager:
    """One reading of a request to its end: by the server's links if it gives any, else by our own bounds, else by
    ``$skip``. ``plainest`` beyond AFTER goes on past the end by plainer means, for a second look.

    ``ends`` judges a page without a link: True if it is the last. ``reword`` allows another wording of the request if
    the server refuses it. ``patience`` is how many pages of repeats ``$skip`` may bring before it counts as ignored.
    """

    def __init__(
        self,
        feed: Feed,
        request: Request,
        *,
        total: int | None = None,
        plainest: Way = Way.AFTER,
        seen: Seen | None = None,
        ends: Callable[[FeedPage], bool] | None = None,
        reword: bool = True,
        patience: int = 3,
    ) -> None:
        self._feed = feed
        self._request = request
        self._plainest = plainest
        self._ends = ends or self._ends_here
        self._reword = reword
        self._past_links = False
        self.linked = False
        """Whether the server itself led on from page to page."""
        self.read = Read(Seen(feed.preset, feed.dialect.timestamp_field) if seen is None else seen, total)
        self._links = FollowLinks(feed, request, self.read)
        self._bounds = KeyBounds(feed, request, self.read, plainest)
        self._skip = Skip(feed, request, self.read, patience)

    async def steps(self, first: FeedPage | None = None) -> AsyncIterator[Step]:
        """Every page, in the order served; ``first`` takes the place of the first request.

        Raises:
            PagingError: a link leads to itself, in a circle, or to another origin. The pages before are kept.
            MLSError: the server fails, or a link keeps dying at the same place.
        """
        read = self.read
        start = first or await self._feed.ask(self._request, reword=self._reword)
        read.total = start.total if start.total is not None else read.total
        self._links.start(start.url)
        page: FeedPage | Turn = start
        while isinstance(page, FeedPage):
            fresh = read.take(page)
            link, problem = self._link(page)
            final = problem is None and link is None and self._ends(page) and not await self._more_past_end()
            yield Step(fresh, page, final)
            if problem is not None:
                raise problem
            page = Turn.END if final else await self._next(page, link)
        if not isinstance(page, FeedPage) and not final and await self._more_past_end():
            read.ways.add(Way.SKIP)

    def _link(self, page: FeedPage) -> tuple[str | None, PagingError | None]:
        """Where to go on. The link of an empty page is not followed if nothing is missing: it may never answer."""
        try:
            link = next_url(page, self._feed.preset.base_url)
        except PagingError as error:
            return None, error
        nothing_came = not len(self.read.seen) and not self.read.total
        return (None if not page.rows and (self.read.met or nothing_came) else link), None

    async def _next(self, page: FeedPage, link: str | None) -> FeedPage | Turn:
        # Past the end of the links, a page from before it says that our bound was ignored: its link leads there too.
        ignored = self._past_links and self.read.stale > 0 and self.read.below(page.rows)
        if link is None or ignored:
            return await self._without_link(page)
        self.linked = True
        if not is_offset(link):
            return await self._links.after(page, link)
        return await self._by_offset(page, link)

    async def _without_link(self, page: FeedPage) -> FeedPage | Turn:
        self._past_links = True
        self._links.forget()
        if self.read.way is not Way.SKIP:
            answer = await self._bounds.after(page)
            if answer is not Turn.GIVE_UP:
                return answer
        return await self._skip.after(page)

    async def _by_offset(self, page: FeedPage, link: str) -> FeedPage | Turn:
        """A link by offset is replaced by our own bound, which a feed that changes cannot shift, once a comparison has
        shown that both give the same rows."""
        read, feed = self.read, self._feed
        own = read.way is Way.AFTER and not read.stale
        self._links.visit(page, link, own=own)
        usable = read.ordered and read.ties_ordered and read.position is not None and feed.bounds_hold(self._request)
        if own and not usable:
            feed.distrust_bounds()
        proven = feed.dialect.keyset_over_skip
        if not usable or read.stale or not page.rows or proven is False:
            return await self._links.follow(link)
        if proven:
            bounded = await self._bounded()
            if bounded is not None:
                return bounded
            feed.dialect = replace(feed.dialect, keyset_over_skip=False)
            return await self._links.follow(link)
        return await self._compared(link)

    async def _compared(self, link: str) -> FeedPage | Turn:
        linked = await self._links.follow(link)
        if not isinstance(linked, FeedPage) or not linked.rows:
            return linked
        onward = next_url(linked, self._feed.preset.base_url)
        if onward is not None:
            self._links.check(linked, onward)
        way = self.read.way
        bounded = await self._bounded()
        same = bounded is not None and self._agree(linked, bounded)
        self._feed.dialect = replace(self._feed.dialect, keyset_over_skip=same)
        if same and bounded is not None:
            return bounded
        self.read.way = way
        return linked

    def _agree(self, linked: FeedPage, bounded: FeedPage) -> bool:
        one, other = ([self.read.seen.identity(row) for row in page.rows] for page in (linked, bounded))
        shorter = min(len(one), len(other))
        return shorter > 0 and one[:shorter] == other[:shorter]

    async def _bounded(self) -> FeedPage | None:
        try:
            page = await self._bounds.bounded(How.AFTER)
        except MLSError as error:
            if not_understood(error):
                return None
            raise
        self.read.way = Way.AFTER
        return page

    def _ends_here(self, page: FeedPage) -> bool:
        """Whether a page without a link is the last: nothing says that more may follow."""
        read = self.read
        if not page.rows and read.pages == 1:
            return True
        if self._plainest is not Way.AFTER:
            return False
        if self.linked and not read.met:
            at_limit = read.since_asked == self._feed.page_size(self._request)
            return not (at_limit or (read.short and not self._feed.dialect.count_lies))
        if self.linked:
            return True
        full = len(page.rows) >= min(read.fullest, self._feed.page_size(self._request))
        # A count that equals the rows of the first page may count that page only: one more request tells.
        unproven = read.gave == 1 and bool(page.rows)
        return not (full or unproven or not read.met)

    async def _more_past_end(self) -> bool:
        """If our bounds led to the end and no count proves it: one look at what ``$skip`` shows past it. A record that
        was never met tells that this server does not order as asked, so that bounds lose rows."""
        read = self.read
        counted = read.total is not None and read.total >= len(read.seen)
        if counted or read.way not in BOUNDS or not self._feed.dialect.bounds:
            return False
        try:
            page = await self._feed.ask(replace(self._request, count=False, skip=len(read.seen)), reword=False)
        except MLSError as error:
            if not not_understood(error):
                raise
            return False
        more = any(read.seen.lacks(row) for row in page.rows)
        if more:
            self._feed.distrust_bounds()
        return more


# the proof --------------------------------------------------------------------------------------------------------

ByKeys = Callable[[Sequence[str]], AsyncIterator[list[RawRecord]]]
_AT_REST = timedelta(days=1)
"""A feed whose newest record is older than this is taken to stand still while it is read. A day, because timestamps may
lag, and may be local time said to be UTC."""


class Verdict(Enum):
    """How sure the end of a reading is."""

    COMPLETE = "every record that the MLS counts was met"
    OPEN = "nothing says that a record is missing, and nothing proves that none is"
    DOUBTFUL = "records may be missing: look again"


def judge(read: Read, *, moving: bool, promised: bool, count_lies: bool) -> Verdict:
    """Whether a reading that has ended met every record. ``count_lies``: the count was wrong before."""
    if shifted(read, moving=moving, promised=promised):
        return Verdict.DOUBTFUL
    if read.met:
        return Verdict.COMPLETE
    return Verdict.DOUBTFUL if read.short and not count_lies else Verdict.OPEN


def shifted(read: Read, *, moving: bool, promised: bool) -> bool:
    """Whether a record may have slipped from one page to the one before while it was read; each record that goes takes
    another along, so that the counts agree. By offset always; by a server's own cursor, which may hide an offset, if
    the feed was ``moving``, unless the provider ``promised`` otherwise (a replication collection)."""
    by_cursor = Way.CURSOR in read.ways and moving and not promised
    return (read.gave > 1 and read.shifty) or (read.pages > 1 and (by_cursor or Way.OFFSET in read.ways))


class Sweep:
    """One sweep of a query: each record once in each version. The last page says whether the sweep is complete."""

    _BY_LINKS = (Way.AFTER, Way.FROM, Way.SKIP)
    _BY_SKIP = (Way.SKIP, Way.AFTER, Way.FROM)

    def __init__(
        self,
        feed: Feed,
        query: FeedQuery,
        request: Request,
        whole: Request | None = None,
        *,
        by_keys: ByKeys,
        began: datetime,
    ) -> None:
        """``whole`` is the same query to the provider's replication collection; ``by_keys`` fetches named records;
        ``began`` is now, aware."""
        self._feed = feed
        self._query = query
        self._request = request
        self._whole = whole
        self._by_keys = by_keys
        self._began = began
        self._first_total: int | None = None
        self._number = 0
        self.given = 0

    async def pages(self) -> AsyncIterator[Page]:
        """Pages of new records. Raises MLSError, PagingError."""
        total = None if self._whole is None else await self._fresh_count(None)
        pager = self._pager = Pager(self._feed, self._whole or self._request, total=total)
        async for step in pager.steps():
            if pager.read.pages == 1:
                self._first_total = pager.read.total
            if self._full(step.rows):
                yield self._page(step.rows, last=True)
                return
            verdict = await self._verdict() if step.final else Verdict.DOUBTFUL
            ended = verdict is not Verdict.DOUBTFUL
            yield self._page(step.rows, last=ended, complete=verdict is Verdict.COMPLETE)
            if ended:
                return
        async for page in self._second_look():
            yield page

    async def _verdict(self) -> Verdict:
        """Judged with a count that is as new as the last page, unless the count decides nothing."""
        read = self._pager.read
        if read.gave > 1 and read.total is not None and not self._shifted():
            read.total = await self._fresh_count(read.total)
        return self._judged()

    @property
    def _doubts(self) -> dict[str, bool]:
        read = self._pager.read
        moving = read.newest is None or read.newest > self._began - _AT_REST or read.total != self._first_total
        return {"moving": moving, "promised": self._whole is not None}

    def _judged(self) -> Verdict:
        return judge(self._pager.read, count_lies=self._feed.dialect.count_lies, **self._doubts)

    def _shifted(self) -> bool:
        return shifted(self._pager.read, **self._doubts)

    def _full(self, rows: list[RawRecord]) -> bool:
        return self._query.limit is not None and self.given + len(rows) >= self._query.limit

    def _page(self, rows: list[RawRecord], *, last: bool = False, complete: bool = False) -> Page:
        if self._query.limit is not None:
            rows = rows[: max(0, self._query.limit - self.given)]
        self._number += 1
        self.given += len(rows)
        total = self._pager.read.total
        return Page(self._number, rows, None if total is None or total < self.given else total, last, complete)

    async def _fresh_count(self, known: int | None) -> int | None:
        try:
            return await count_of(self._feed, self._request)
        except RateLimitedError:
            raise
        except MLSError:
            return known  # a count that fails must not cost the page that was read

    async def _second_look(self) -> AsyncIterator[Page]:
        """Read again, keys only, and fetch what was missed; at most three times. The last page ends the sweep."""
        read = self._pager.read
        if read.total is not None:
            read.total = await self._fresh_count(read.total)
        settled, exact = self._judged() is not Verdict.DOUBTFUL, False
        for plainest in self._BY_LINKS if self._pager.linked else self._BY_SKIP:
            if settled or (look := await self._again(plainest)) is None:
                break
            again, missing = look
            async for rows in self._by_keys(missing):
                fresh = [row for row in rows if read.seen.add(row)]
                if self._full(fresh):
                    yield self._page(fresh, last=True)
                    return
                yield self._page(fresh)
            if read.total is not None:
                read.total = await self._fresh_count(read.total)
            again.total = read.total
            settled = not read.short and not (missing and self._shifted())
            if not missing:
                # What was removed meanwhile was met, and is counted no more: the second look has the last word.
                exact = again.met
                break
        exact = exact or read.met
        if read.total is not None and not settled:
            self._feed.dialect = replace(self._feed.dialect, count_lies=True)
        yield self._page([], last=True, complete=exact and settled)

    async def _again(self, plainest: Way) -> tuple[Read, list[str]] | None:
        """A second reading, and the keys of records that it shows and the first did not; None if it failed."""
        preset, dialect, seen = self._feed.preset, self._feed.dialect, self._pager.read.seen
        system = (preset.system_field,) if preset.system_field else ()
        select = (preset.key_field, preset.number_field, dialect.timestamp_field, preset.status_field, *system)
        request = replace(self._request, select=select, expand=False, top=None)
        pager = Pager(self._feed, request, plainest=plainest)
        missing: list[str] = []
        try:
            async for step in pager.steps():
                keys = [seen.key(row) for row in step.rows if seen.lacks(row)]
                missing += [str(key) for key in keys if key is not None]
        except PagingError:
            return None
        except MLSError as error:
            if not (refused(error) or error.status in (404, 410)):
                raise
            return None
        return pager.read, missing


async def swept(
    feed: Feed, query: FeedQuery, request: Request, *, by_keys: ByKeys, began: datetime
) -> AsyncIterator[Page]:
    """A whole query: from the provider's replication collection if it offers one for such a query, else from the plain
    collection. A filter by status that gives nothing is left out if the feed spells statuses in its own way.

    Raises:
        NothingServedError: the MLS counts records and gave none, though not only changes were asked for.
    """
    sweep = _replicated(feed, query, request, by_keys, began)
    if sweep is not None:
        begun = False
        try:
            async for page in sweep.pages():
                begun = True
                _check_served(query, page, sweep.given)
                yield page
            return
        except MLSError as error:
            if begun or error.status not in (400, 403, 404, 405, 501):
                raise
            feed.dialect = replace(feed.dialect, replication=False)
    plain = Sweep(feed, query, request, by_keys=by_keys, began=began)
    async for page in plain.pages():
        if page.last and not plain.given and await _spelled_apart(feed, request):
            feed.dialect = replace(feed.dialect, status_form=StatusForm.NONE)
            async for other in Sweep(feed, query, request, by_keys=by_keys, began=began).pages():
                yield other
            return
        _check_served(query, page, plain.given)
        yield page


def _check_served(query: FeedQuery, page: Page, given: int) -> None:
    if page.last and page.total and not given and not (query.since or query.resume_after):
        raise NothingServedError(page.total)


def _replicated(feed: Feed, query: FeedQuery, request: Request, by_keys: ByKeys, began: datetime) -> Sweep | None:
    path, size = feed.preset.replication, feed.preset.replication_page_size
    narrow = query.since or query.resume_after or query.limit is not None
    if path is None or narrow or not feed.dialect.replication:
        return None
    whole = replace(request, resource=path, order=False, count=False, expand=False, top=size)
    return Sweep(feed, query, request, whole, by_keys=by_keys, began=began)


async def _spelled_apart(feed: Feed, request: Request) -> bool:
    """Whether records of the wanted statuses are there, though a filter by those statuses finds none."""
    if not request.statuses or request.bound or feed.dialect.status_form is StatusForm.NONE:
        return False
    field = feed.preset.status_field
    sample = replace(request, statuses=frozenset(), select=(feed.preset.key_field, field), count=False, expand=False)
    try:
        page = await feed.ask(replace(sample, order=False, top=200), reword=False)
    except MLSError:
        return False
    return any(status_meaning(row.get(field)) in request.statuses for row in page.rows)


async def count_of(feed: Feed, request: Request) -> int | None:
    """How many records match now; None if the server does not count."""
    if not feed.dialect.count:
        return None
    select = (feed.preset.key_field,)
    return (await feed.ask(replace(request, top=1, select=select, expand=False, order=False, count=True))).total


def request_of(feed: Feed, query: FeedQuery, *, system: str | None, agent: str | None) -> Request:
    """A query as a request. A sweep that resumes starts at the last record's timestamp, inclusive: repeats do no harm,
    and a tie that the order of keys does not settle is not lost."""
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
    timestamp = moment(query.resume_after[0])
    return replace(request, bound=Bound(How.FROM, timestamp, query.resume_after[1])) if timestamp else request
