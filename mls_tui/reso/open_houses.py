"""Upcoming open houses (RESO DD 2.0, OpenHouse) of the listings of a sweep. A server without them costs one request,
and one that fails over them costs no listing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from mls_tui.domain.clock import Clock
from mls_tui.domain.errors import MLSError, RateLimitedError
from mls_tui.domain.listing import parse_timestamp
from mls_tui.reso.base import RawRecord
from mls_tui.reso.dialect import Feed, refused
from mls_tui.reso.odata import Request
from mls_tui.reso.pager import Pager, SeenRows

_MOST_PAGES = 200
_MISSING = frozenset({403, 404, 405, 410, 501})
NAME = "OpenHouse"
"""Where a record holds its open houses; None there means that they are not known at the moment."""


class OpenHouses:
    """Reads all open houses from yesterday on, once for a sweep, and gives each record its own."""

    def __init__(self, feed: Feed, clock: Clock) -> None:
        self._feed = feed
        self._clock = clock
        self._offered = True
        self._of: dict[str, list[RawRecord]] | None = None
        self._read = False

    def forget(self) -> None:
        """A new sweep begins: read them again."""
        self._read = False

    async def attach(self, rows: Sequence[RawRecord]) -> list[RawRecord]:
        """The same records, those that have open houses with them."""
        if not rows or not self._offered:
            return list(rows)
        await self._all()
        if not self._offered:
            return list(rows)
        known, key = self._of, self._feed.preset.key_field
        if known is None:
            return [{**row, NAME: None} for row in rows]
        return [{**row, NAME: own} if (own := known.get(str(row.get(key)))) else row for row in rows]

    async def changed_since(self, since: str) -> list[str]:
        """ListingKeys whose open houses changed since a moment; those without a timestamp count as changed."""
        moment = parse_timestamp(since)
        if moment is None or not self._offered:
            return []
        await self._all()
        stamps = {
            key: [parse_timestamp(str(row.get("ModificationTimestamp") or "")) for row in rows]
            for key, rows in (self._of or {}).items()
        }
        return [key for key, found in stamps.items() if any(at is None or at >= moment for at in found)]

    async def _all(self) -> None:
        if self._read:
            return
        self._read = True
        try:
            self._of = await self._upcoming()
        except RateLimitedError:
            raise
        except MLSError as error:
            self._offered = not (refused(error) or error.status in _MISSING)
            self._of = None

    async def _upcoming(self) -> dict[str, list[RawRecord]]:
        day = (self._clock.now() - timedelta(days=1)).date().isoformat()
        request = Request(
            self._feed.preset.open_house_resource, day=("OpenHouseDate", day), order=False, count=False, expand=False
        )
        pager = Pager(
            self._feed, request, seen=SeenRows(self._feed.preset, self._feed.dialect.timestamp_field), adapt=False
        )
        found: defaultdict[str, list[RawRecord]] = defaultdict(list)
        async for page in pager.pages():
            for row in page.new_rows:
                key = row.get(self._feed.preset.key_field) or row.get("ListingKey")
                if key is not None and str(row.get("OpenHouseDate") or "")[:10] >= day:
                    found[str(key)].append(row)
            if pager.read.pages >= _MOST_PAGES:
                break
        return dict(found)
