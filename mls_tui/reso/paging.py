"""The sweep: every record that a query matches, each version once, and the proof that none is missing (FIELD §1, §7).
It must never call a sweep complete on a count that does not agree."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

from mls_tui.domain.errors import MLSError, PagingError, RateLimitedError
from mls_tui.reso.base import FeedQuery, Page, RawRecord
from mls_tui.reso.continuation import Stage
from mls_tui.reso.degrade import refused
from mls_tui.reso.feed import Feed
from mls_tui.reso.lookup import Lookup
from mls_tui.reso.odata import Bound, How, Request, moment
from mls_tui.reso.trail import Trail
from mls_tui.reso.walk import Walk

_BY_LINKS = (Stage.AFTER, Stage.FROM, Stage.SKIP)
_BY_SKIP = (Stage.SKIP, Stage.AFTER, Stage.FROM)
_AT_REST = timedelta(days=1)
"""A feed whose newest record is older than this is taken to stand still while it is read. A day, because timestamps may
lag, and may be local time said to be UTC."""


class Sweep:
    """One sweep of a query. Pages come as they are read; the last one says whether the sweep is proven complete."""

    def __init__(
        self, feed: Feed, query: FeedQuery, request: Request, whole: Request | None = None, *, began: datetime
    ) -> None:
        """``whole`` is the same question to another collection, for a whole copy (FIELD §1: the replication link);
        ``began`` is now, aware."""
        self._feed = feed
        self._query = query
        self._request = request
        self._whole = whole
        self._began = began
        self._first_total: int | None = None
        self._walk: Walk | None = None
        self._number = 0
        self._given = 0

    async def pages(self) -> AsyncIterator[Page]:
        """Pages of new records. Raises MLSError, PagingError."""
        walk = self._walk = await self._first_walk()
        ended = False
        async for step in walk.steps():
            if walk.pages == 1:
                self._first_total = walk.total
            if self._full(step.rows):
                yield self._page(step.rows, last=True)
                return
            if step.final and await self._proven(walk):
                yield self._page(step.rows, last=True, complete=True)
                return
            ended = step.final and not self._doubtful(walk)
            yield self._page(step.rows, last=ended)
        if not ended:
            async for page in self._verified(walk):
                yield page

    async def _first_walk(self) -> Walk:
        if self._whole is None:
            return Walk(self._feed, self._request)
        return Walk(self._feed, self._whole, total=await self._fresh_count(None))

    def _full(self, rows: list[RawRecord]) -> bool:
        return self._query.limit is not None and self._given + len(rows) >= self._query.limit

    def _page(self, rows: list[RawRecord], *, last: bool = False, complete: bool = False) -> Page:
        if self._query.limit is not None:
            rows = rows[: max(0, self._query.limit - self._given)]
        self._number += 1
        self._given += len(rows)
        walk = self._walk
        total = walk.total if walk else None
        usable = total if total is None or total >= self._given else None
        return Page(self._number, rows, usable, last, complete)

    def _doubtful(self, walk: Walk) -> bool:
        """Whether something speaks for records that were missed: a count that is higher, or rows that may shift."""
        return self._may_have_shifted(walk) or (walk.short_of(walk.total) and not self._feed.dialect.count_lies)

    def _may_have_shifted(self, walk: Walk) -> bool:
        """Whether a record may have slipped from one page to the one before while it was passed: each that goes takes
        another along, so that the counts agree. By offset always; by a server's own cursor, which may hide an offset,
        where the feed changed meanwhile. A replication link is the provider's own promise."""
        if walk.given < 2:
            return False
        return walk.shifty or (walk.led and self._whole is None and self._changed(walk))

    def _changed(self, walk: Walk) -> bool:
        newest = walk.trail.newest
        return newest is None or newest > self._began - _AT_REST or walk.total != self._first_total

    async def _proven(self, walk: Walk) -> bool:
        """True where every record counted at the end was met. A feed of one page was counted as it was read."""
        if walk.total is None or self._may_have_shifted(walk):
            return False
        if walk.given > 1:
            walk.total = await self._fresh_count(walk.total)
        return walk.met(walk.total) and not self._may_have_shifted(walk)

    async def _fresh_count(self, known: int | None) -> int | None:
        try:
            return await count_of(self._feed, self._request)
        except RateLimitedError:
            raise
        except MLSError:
            # A count that cannot be had must not cost the page that is in hand.
            return known

    async def _verified(self, walk: Walk) -> AsyncIterator[Page]:
        """Look again, for keys only, and fetch what was missed; at most three times. The last page ends the sweep."""
        if walk.total is not None:
            walk.total = await self._fresh_count(walk.total)
        settled, exact = not self._doubtful(walk), False
        for least in _BY_LINKS if walk.linked else _BY_SKIP:
            if settled:
                break
            look = await self._again(walk.trail, least)
            if look is None:
                break
            again, missing = look
            async for rows in self._fetched(walk.trail, missing):
                if self._full(rows):
                    yield self._page(rows, last=True)
                    return
                yield self._page(rows)
            walk.total = await self._fresh_count(walk.total) if walk.total is not None else None
            short = walk.short_of(walk.total)
            settled = not short and not (missing and self._may_have_shifted(walk))
            if not missing:
                # What went while the feed was read was met and is counted no more: the second look has the last word.
                exact = again.met(walk.total)
                break
        exact = exact or walk.met(walk.total)
        if walk.total is not None and not settled:
            self._feed.dialect = replace(self._feed.dialect, count_lies=True)
        yield self._page([], last=True, complete=exact and settled)

    async def _again(self, trail: Trail, least: Stage) -> tuple[Walk, list[str]] | None:
        """A second look, and the keys of records that it shows and the first did not; None where it failed."""
        preset, dialect = self._feed.preset, self._feed.dialect
        select = (preset.key_field, preset.number_field, dialect.timestamp_field, preset.status_field)
        again = Walk(self._feed, replace(self._request, select=select, expand=False, top=None), least=least)
        missing: list[str] = []
        try:
            async for step in again.steps():
                keys = [trail.seen.key(row) for row in step.rows if trail.seen.lacks(row)]
                missing += [str(key) for key in keys if key is not None]
        except PagingError:
            return None
        except MLSError as error:
            if not (refused(error) or error.status in (404, 410)):
                raise
            return None
        return again, missing

    async def _fetched(self, trail: Trail, keys: list[str]) -> AsyncIterator[list[RawRecord]]:
        async for rows in Lookup(self._feed, self._request.system).by_keys(keys):
            yield [row for row in rows if trail.seen.add(row)]


async def count_of(feed: Feed, request: Request) -> int | None:
    """How many records match, asked anew; None where the server does not count."""
    preset = feed.preset
    if not feed.dialect.count:
        return None
    plain = replace(request, top=1, select=(preset.key_field,), expand=False, order=False, count=True)
    return (await feed.ask(plain)).total


def request_of(feed: Feed, query: FeedQuery, *, system: str | None, agent: str | None) -> Request:
    """A query as a request. A sweep that resumes starts at the last record's timestamp, inclusive: repeats are
    harmless, and a tie that the order of keys does not settle is not lost."""
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
    if timestamp is None:
        return request
    return replace(request, bound=Bound(How.FROM, timestamp, query.resume_after[1]))
