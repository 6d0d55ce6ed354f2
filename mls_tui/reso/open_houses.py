"""Reads upcoming open houses (RESO DD 2.0, OpenHouse) and adds them to the records of a sweep.

A server without the resource is asked once; if the request fails, the listings are imported without open houses.
"""

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

_MAX_PAGES = 200
_NOT_OFFERED_STATUSES = frozenset({403, 404, 405, 410, 501})
NAME = "OpenHouse"
"""The field of a record for its open houses; None in it means that they could not be read."""


class OpenHouses:
    """Reads all open houses from yesterday on, once for each sweep."""

    def __init__(self, feed: Feed, clock: Clock) -> None:
        self._feed = feed
        self._clock = clock
        self._by_listingfered = True
        self._by_listing: dict[str, list[RawRecord]] | None = None
        self._loaded = False

    def forget(self) -> None:
        """Read them again for a new sweep."""
        self._loaded = False

    async def attach(self, rows: Sequence[RawRecord]) -> list[RawRecord]:
        """The same records with their open houses."""
        if not rows or not self._by_listingfered:
            return list(rows)
        await self._load()
        if not self._by_listingfered:
            return list(rows)
        known, key = self._by_listing, self._feed.preset.key_field
        if known is None:
            return [{**row, NAME: None} for row in rows]
        return [{**row, NAME: own} if (own := known.get(str(row.get(key)))) else row for row in rows]

    async def changed_since(self, since: str) -> list[str]:
        """ListingKeys whose open houses changed since a timestamp; without a timestamp they count as changed."""
        from_time = parse_timestamp(since)
        if from_time is None or not self._by_listingfered:
            return []
        await self._load()
        stamps = {
            key: [parse_timestamp(str(row.get("ModificationTimestamp") or "")) for row in rows]
            for key, rows in (self._by_listing or {}).items()
        }
        return [key for key, found in stamps.items() if any(at is None or at >= from_time for at in found)]

    async def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        try:
            self._by_listing = await self._upcoming()
        except RateLimitedError:
            raise
        except MLSError as error:
            self._by_listingfered = not (refused(error) or error.status in _NOT_OFFERED_STATUSES)
            self._by_listing = None

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
            if pager.read.pages >= _MAX_PAGES:
                break
        return dict(found)
