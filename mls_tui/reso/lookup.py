"""Finds records by ListingKey or MLS number, and the member to whom the credentials belong.

Several keys go into one filter if the server supports it. Rows that were not asked for, from a server that ignores
filters, are dropped.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Final

from mls_tui.domain.connection import Member
from mls_tui.domain.errors import AuthenticationError, MLSError, RateLimitedError
from mls_tui.reso.base import RawRecord
from mls_tui.reso.dialect import Feed, refused, too_large
from mls_tui.reso.odata import Key, Request, key_of, quoted, with_query
from mls_tui.reso.pager import Pager

_MAX_PAGES = 100


class Lookup:
    """Finds records by key or number. ``system`` restricts them to one MLS if several share the feed."""

    def __init__(self, feed: Feed, system: str | None) -> None:
        self._feed = feed
        self._system = system
        self._entity_works = False

    async def by_keys(self, keys: Sequence[str]) -> AsyncIterator[list[RawRecord]]:
        """The records with these keys, in batches; keys without a record are skipped."""
        rest = list(dict.fromkeys(keys))
        while rest:
            batch, rest = self._split(rest)
            request = self._request(keys=tuple(batch))
            yield await self._find(request, set(batch), self._feed.preset.key_field)

    async def by_numbers(self, numbers: Sequence[str]) -> AsyncIterator[list[RawRecord]]:
        """The records with these MLS numbers, in batches."""
        rest = list(dict.fromkeys(numbers))
        while rest:
            batch, rest = self._split(rest)
            request = self._request(numbers=tuple(batch))
            yield await self._find(request, set(batch), self._feed.preset.number_field)

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

    async def _find(self, request: Request, wanted: set[str], field: str) -> list[RawRecord]:
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
        # The server may have limited its answer: only what a second request does not find either does not exist.
        return [*found, *(await self._find(self._narrowed(request, missing), missing, field))]

    def _narrowed(self, request: Request, names: set[str]) -> Request:
        keys = tuple(key for key in request.keys if key in names)
        numbers = tuple(number for number in request.numbers if number in names)
        return replace(request, keys=keys, numbers=numbers)

    async def _one_by_one(self, request: Request, field: str) -> list[RawRecord]:
        out: list[RawRecord] = []
        for key in request.keys:
            out += await self._find(replace(request, keys=(key,)), {key}, field)
        for number in request.numbers:
            out += await self._find(replace(request, numbers=(number,)), {number}, field)
        return out

    async def _read(self, request: Request, wanted: set[str], field: str) -> tuple[list[RawRecord], bool]:
        """The wanted rows, and whether other rows came too, so that the server ignores the filter."""
        found: list[RawRecord] = []
        pager = Pager(self._feed, request, is_last=lambda page: True)
        async for page in pager.pages():
            mine = [row for row in page.rows if self._name(row, field) in wanted]
            found += mine
            if len(mine) < len(page.rows):
                return found, True
            if pager.read.pages >= _MAX_PAGES or (len(found) >= len(wanted) and request.keys):
                break
        return found, False

    def key(self, row: RawRecord) -> Key | None:
        return key_of(row, self._feed.preset.key_field, self._feed.preset.number_field)

    def _name(self, row: RawRecord, field: str) -> str:
        if field == self._feed.preset.key_field:
            return str(self.key(row))
        return str(row.get(field))

    async def _entities(self, keys: Sequence[str]) -> list[RawRecord]:
        """One request for each key: ``Property('key')``. If that has never worked on this server, a 404 proves nothing,
        and the feed is read instead."""
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
        """Read the feed until all are found: the last resort for a server that cannot filter by number."""
        found: list[RawRecord] = []
        pager = Pager(self._feed, Request(self._feed.preset.property_resource, system=self._system))
        async for page in pager.pages():
            found += [row for row in page.new_rows if self._name(row, field) in wanted]
            if len({self._name(row, field) for row in found}) == len(wanted):
                break
        return found


_MEMBER_KEYS: Final = ("MemberKey", "MemberMlsId")
_OFFICE_KEYS: Final = ("OfficeKey", "OfficeMlsId")


async def member_of(feed: Feed, agent_key: str | None) -> Member:
    """The agent with this key, or the only one that the token can read; an empty Member if there is none.

    Raises:
        AuthenticationError: the token is refused.
    """
    resource = feed.preset.member_resource
    if agent_key:
        rows = await _rows(feed, resource, *(f"{field} eq {quoted(agent_key)}" for field in _MEMBER_KEYS))
        agent = next((row for row in rows if agent_key in (_text(row, field) for field in _MEMBER_KEYS)), None)
    else:
        rows = await _rows(feed, resource, "")
        agent = rows[0] if len(rows) == 1 else None
    if agent is None:
        return Member(member_key=agent_key) if agent_key else Member()
    office_key = _text(agent, "OfficeKey", "OfficeMlsId")
    return Member(
        member_key=_text(agent, "MemberKey", "MemberMlsId"),
        member_name=_name(agent),
        office_key=office_key,
        office_name=_text(agent, "OfficeName") or await _office_name(feed, agent),
    )


async def _office_name(feed: Feed, agent: RawRecord) -> str | None:
    filters = [f"{field} eq {quoted(key)}" for field in _OFFICE_KEYS if (key := _text(agent, field))]
    keys = {_text(agent, field) for field in _OFFICE_KEYS} - {None}
    rows = await _rows(feed, feed.preset.office_resource, *filters) if filters else []
    office = next((row for row in rows if keys & {_text(row, field) for field in _OFFICE_KEYS}), None)
    return _text(office, "OfficeName") if office else None


async def _rows(feed: Feed, resource: str, *filters: str) -> Sequence[RawRecord]:
    """The rows of the first filter that finds any; none if the resource is not available."""
    for where in filters:
        options = [("$filter", where)] if where else []
        try:
            page = await feed.follow(with_query(f"{feed.preset.base_url}/{resource}", [*options, ("$top", "2")]))
        except (AuthenticationError, RateLimitedError):
            raise
        except MLSError:
            continue
        if page.rows:
            return page.rows
    return ()


def _name(agent: RawRecord) -> str | None:
    whole = _text(agent, "MemberFullName", "MemberPreferredName")
    parts = [part for field in ("MemberFirstName", "MemberLastName") if (part := _text(agent, field))]
    return whole or " ".join(parts) or None


def _text(row: RawRecord, *fields: str) -> str | None:
    for field in fields:
        value = row.get(field)
        if isinstance(value, (str, int)) and not isinstance(value, bool) and str(value).strip():
            return "".join(char for char in str(value) if char.isprintable()).strip()[:200] or None
    return None
