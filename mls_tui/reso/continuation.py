"""Goes on where a server gives no next link: by (timestamp, key), by timestamp with repeats dropped, and last by
``$skip`` (FIELD §1). It must end on a server that ignores all of them."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import Final

from mls_tui.domain.errors import MLSError
from mls_tui.reso.degrade import refused, too_large
from mls_tui.reso.feed import Feed
from mls_tui.reso.links import FeedPage
from mls_tui.reso.odata import Bound, How, Request
from mls_tui.reso.trail import Trail

_MOST_STALE: Final = 3


class Stage(Enum):
    """How the page at hand was asked for."""

    START = 0
    AFTER = 1
    FROM = 2
    TIED = 3
    SAME = 4
    LATER = 5
    SKIP = 6


_HOW: Final = {
    Stage.AFTER: How.AFTER,
    Stage.FROM: How.FROM,
    Stage.TIED: How.TIED,
    Stage.SAME: How.SAME,
    Stage.LATER: How.LATER,
}


def not_understood(error: MLSError) -> bool:
    """True where a bound was refused, or broke the server: a plainer one may work."""
    return refused(error) or error.status in (404, 410, 416) or (error.status or 0) >= 500


class Continuation:
    """The ladder from the best way on to the plainest; ``least`` starts lower down, for a second opinion."""

    def __init__(self, feed: Feed, request: Request, trail: Trail, least: Stage = Stage.AFTER) -> None:
        self._feed = feed
        self._request = request
        self._trail = trail
        self._least = least
        self._stage = Stage.START
        self._same_rows = 0
        self._fullest = 0
        self._offset = 0
        self._stale = 0
        self._before: tuple[int, ...] = ()
        self._repeated = False
        self.skipped = False
        """True once rows were had by ``$skip``: a feed that changes shifts them."""
        self.bounded = False
        """True while rows are had by a bound: a server that does not order as asked loses some."""

    async def after(self, page: FeedPage, *, progressed: bool) -> FeedPage | None:
        """The page after this one; None at the end."""
        self._fullest = max(self._fullest, len(page.rows))
        self._stale = 0 if progressed else self._stale + 1
        rows = tuple(self._trail.seen.identity(row) for row in page.rows)
        self._repeated, self._before = rows == self._before, rows
        if self._stage is Stage.SKIP:
            self._offset += len(page.rows)
        stage = self._on_from(page) if progressed else self._lower(page)
        while stage is not None:
            self._stage = stage
            try:
                return await self._ask(stage)
            except MLSError as error:
                if too_large(error):
                    self._feed.shrink(self._request, error)
                elif stage is Stage.SKIP and (error.status or 0) >= 500:
                    raise
                elif not_understood(error):
                    stage = self._refused(stage)
                else:
                    raise
        return None

    def _on_from(self, page: FeedPage) -> Stage:
        self.skipped = self.skipped or self._stage in (Stage.SAME, Stage.SKIP)
        if self._stage is Stage.SAME:
            self._same_rows += len(page.rows)
            return Stage.SAME
        if self._stage in (Stage.TIED, Stage.SKIP):
            return self._stage
        return self._best()

    def _best(self) -> Stage:
        trail = self._trail
        if self.bounded and not trail.ordered:
            self._feed.distrust_bounds()
        bounds_hold = trail.ordered and self._feed.bounds_hold(self._request)
        if self._least is Stage.SKIP or not bounds_hold or trail.position is None:
            return Stage.SKIP
        return Stage.AFTER if trail.ties_ordered and self._least is Stage.AFTER else Stage.FROM

    def _lower(self, page: FeedPage) -> Stage | None:
        """Nothing new came: the end, or a bound that the server does not honour."""
        match self._stage:
            case Stage.START:
                return self._best() if len(self._trail.seen) else None
            case Stage.AFTER:
                return self._without_after(page) if page.rows else None
            case Stage.FROM:
                return self._within(page)
            case Stage.TIED | Stage.SAME:
                ignored = page.rows and self._trail.below(page.rows)
                return Stage.SKIP if ignored else Stage.LATER
            case Stage.LATER:
                return Stage.SKIP if page.rows else None
            case Stage.SKIP:
                # A feed may hold records twice, a page of them too; a server that ignores $skip repeats for ever.
                return Stage.SKIP if page.rows and not self._repeated and self._stale <= _MOST_STALE else None

    def _within(self, page: FeedPage) -> Stage | None:
        """A page of repeats from ``ts ge T`` on: the end, or more rows on T than a page holds."""
        if not page.rows:
            return None
        if len(page.rows) < self._fullest and not self._trail.below(page.rows):
            return None
        if self._trail.below(page.rows):
            return Stage.SKIP
        if self._trail.ties_ordered:
            return Stage.TIED
        self._same_rows = len(page.rows)
        return Stage.SAME

    def _without_after(self, page: FeedPage) -> Stage:
        """After repeats from beyond the bound: a server that ignores filters heeds no plainer one either."""
        if not self._trail.below(page.rows):
            return self._give_up_or()
        self._feed.distrust_bounds()
        return Stage.SKIP

    def _give_up_or(self) -> Stage:
        self._least = Stage.FROM
        return Stage.FROM

    def _refused(self, stage: Stage) -> Stage | None:
        match stage:
            case Stage.AFTER:
                return self._give_up_or()
            case Stage.TIED:
                self._same_rows = 0
                return Stage.SAME
            case Stage.SKIP | Stage.LATER:
                return None
            case _:
                self._least = Stage.SKIP
                return Stage.SKIP

    async def _ask(self, stage: Stage) -> FeedPage:
        request = replace(self._request, count=False)
        self.bounded = stage is not Stage.SKIP
        if stage is Stage.SKIP:
            self._offset = self._offset or len(self._trail.seen)
            return await self._feed.ask(replace(request, skip=self._offset), reword=False)
        if self._trail.position is None:
            return FeedPage("", ())
        timestamp, key = self._trail.position
        if stage is Stage.SAME:
            request = replace(request, skip=self._same_rows)
        return await self._feed.ask(replace(request, bound=Bound(_HOW[stage], timestamp, key)), reword=False)
