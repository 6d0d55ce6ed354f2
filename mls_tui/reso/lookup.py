"""Records by name: by ListingKey or by MLS number, several to a filter where the server takes it, else one by one.
A server that ignores the filter must not have its whole feed taken for the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from mls_tui.domain.errors import MLSError
from mls_tui.reso.base import RawRecord
from mls_tui.reso.degrade import refused, too_large
from mls_tui.reso.feed import Feed
from mls_tui.reso.odata import Key, Request
from mls_tui.reso.trail import key_of
from mls_tui.reso.walk import Walk

_MOST_PAGES = 100


class Lookup:
    """Finds named records. ``system`` narrows to one MLS where numbers may belong to several."""

    def __init__(self, feed: Feed, system: str | None) -> None:
        self._feed = feed
        self._system = system
        self._entity_works = False

    async def by_keys(self, keys: Sequence[str]) -> AsyncIterator[list[RawRecord]]:
        """The records with these keys, in batches; those that are gone are absent."""
        rest = list(dict.fromkeys(keys))
        while rest:
            chunk, rest = self._split(rest)
            request = self._request(keys=tuple(chunk))
            yield await self._chunk(request, set(chunk), self._feed.preset.key_field)

    async def by_numbers(self, numbers: Sequence[str]) -> AsyncIterator[list[RawRecord]]:
        """The records with these MLS numbers, in batches."""
        rest = list(dict.fromkeys(numbers))
        while rest:
            chunk, rest = self._split(rest)
            request = self._request(numbers=tuple(chunk))
            yield await self._chunk(request, set(chunk), self._feed.preset.number_field)

    def _split(self, rest: list[str]) -> tuple[list[str], list[str]]:
        size = self._feed.dialect.keys_per_filter
        return rest[:size], rest[size:]

    def _request(self, *, keys: tuple[str, ...] = (), numbers: tuple[str, ...] = ()) -> Request:
        return Request(
            self._feed.preset.property_resource,
            keys=keys,
            numbers=numbers,
            system=self._system,
            order=False,
            count=False,
        )

    async def _chunk(self, request: Request, wanted: set[str], field: str) -> list[RawRecord]:
        try:
            found, ignored = await self._read(request, wanted, field)
        except MLSError as error:
            if not (refused(error) or too_large(error)):
                raise
            if len(wanted) == 1:
                return await self._entities(request.keys) if request.keys else await self._scan(wanted, field)
            self._feed.dialect = replace(self._feed.dialect, keys_per_filter=1)
            return await self._one_by_one(request, field)
        missing = wanted - {self._name(row, field) for row in found}
        if not missing:
            return found
        if ignored:
            rest = tuple(key for key in request.keys if key in missing)
            return [*found, *(await self._entities(rest) if rest else await self._scan(missing, field))]
        if not found:
            return found
        # The server may have cut its answer: only what a second question does not find either is gone.
        return [*found, *(await self._chunk(self._narrowed(request, missing), missing, field))]

    def _narrowed(self, request: Request, names: set[str]) -> Request:
        keys = tuple(key for key in request.keys if key in names)
        numbers = tuple(number for number in request.numbers if number in names)
        return replace(request, keys=keys, numbers=numbers)

    async def _one_by_one(self, request: Request, field: str) -> list[RawRecord]:
        out: list[RawRecord] = []
        for key in request.keys:
            out += await self._chunk(replace(request, keys=(key,)), {key}, field)
        for number in request.numbers:
            out += await self._chunk(replace(request, numbers=(number,)), {number}, field)
        return out

    async def _read(self, request: Request, wanted: set[str], field: str) -> tuple[list[RawRecord], bool]:
        """The wanted rows, and whether the server gave others too: it ignores the filter."""
        found: list[RawRecord] = []
        page = await self._feed.ask(request)
        for _ in range(_MOST_PAGES):
            mine = [row for row in page.rows if self._name(row, field) in wanted]
            found += mine
            if len(mine) < len(page.rows):
                return found, True
            following = await self._feed.onward(page)
            if following is None or (len(found) >= len(wanted) and request.keys):
                break
            page = following
        return found, False

    def key(self, row: RawRecord) -> Key | None:
        """The record's key as served."""
        return key_of(row, self._feed.preset.key_field, self._feed.preset.number_field)

    def _name(self, row: RawRecord, field: str) -> str:
        if field == self._feed.preset.key_field:
            return str(self.key(row))
        return str(row.get(field))

    async def _entities(self, keys: Sequence[str]) -> list[RawRecord]:
        """One request for each key: ``Property('key')``. A server on which that has never worked may not serve it at
        all, so that a 404 says nothing: its feed is read instead."""
        rows: list[RawRecord] = []
        for key in keys:
            row = await self._feed.entity(key)
            if row is not None:
                self._entity_works = True
                rows.append(row)
        missing = set(keys) - {str(self.key(row)) for row in rows}
        if missing and not self._entity_works:
            rows += await self._scan(missing, self._feed.preset.key_field)
        return rows

    async def _scan(self, wanted: set[str], field: str) -> list[RawRecord]:
        """The last resort on a server that cannot filter by number: read the feed until all were met."""
        found: list[RawRecord] = []
        walk = Walk(self._feed, Request(self._feed.preset.property_resource, system=self._system))
        async for step in walk.steps():
            found += [row for row in step.rows if self._name(row, field) in wanted]
            if len({self._name(row, field) for row in found}) == len(wanted):
                break
        return found
