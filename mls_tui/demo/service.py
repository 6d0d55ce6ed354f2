"""The OData service itself: an address and its options in, a JSON document out. Knows nothing of sockets or faults."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from mls_tui.demo import people
from mls_tui.demo.errors import ODataError
from mls_tui.demo.feed import Feed
from mls_tui.demo.paging import Pager
from mls_tui.demo.query import Query, parse_query
from mls_tui.demo.rows import PlainRow, Record, Row, Source, Table
from mls_tui.demo.schema import ENTITIES
from mls_tui.demo.sources import MediaRows, Properties, UrlOf, people_tables

_ADDRESS = re.compile(r"(\w+)(?:\('((?:[^']|'')*)'\))?(?:/(\$count|\w+))?/?")
MEDIA_PER_LISTING = 12
"""More photos than this in an expanded listing come with a ``Media@odata.nextLink``."""


@dataclass(frozen=True, slots=True)
class Address:
    """``Property``, ``Property('key')``, ``Property('key')/Media`` or ``Property/$count``."""

    resource: str
    key: str | None = None
    part: str | None = None

    @property
    def name(self) -> str:
        """What the request is counted as, such as ``Property('')/Media``."""
        key = "" if self.key is None else "('')"
        return f"{self.resource}{key}" + (f"/{self.part}" if self.part else "")


def read_address(path: str) -> Address:
    """The address in a decoded path below the service root. Raises ODataError (404)."""
    found = _ADDRESS.fullmatch(path)
    if found is None or found[1] not in ENTITIES:
        raise ODataError(404, "NotFound", f"There is no resource {path[:80]!r}")
    return Address(found[1], None if found[2] is None else found[2].replace("''", "'"), found[3])


class Service:
    """The four resources over one feed. ``root`` is the service's URL without a slash at its end.

    ``strict_top``: ``$top`` limits the whole result, as OData has it; else it is the size of a page and nextLinks
    go on, as MLSs serve it.
    """

    def __init__(
        self, feed: Feed, url_of: UrlOf, now: Callable[[], datetime], page_size: int, strict_top: bool
    ) -> None:
        self.root = ""
        self.feed, self.now, self.page_size, self.strict_top = feed, now, page_size, strict_top
        members, offices = people_tables(feed, people.offices())
        self.properties = Properties(feed, url_of, members, offices)
        sources: tuple[Source, ...] = (self.properties, MediaRows(self.properties), members, offices)
        self._sources = {source.entity.name: source for source in sources}
        self._pagers = {name: Pager(source) for name, source in self._sources.items()}

    def answer(self, address: Address, options: Mapping[str, str], most: int | None) -> Record | int:
        """The document for an address; for ``/$count`` a number. ``most`` is the client's odata.maxpagesize.

        Raises:
            ODataError: 400, 404 or 501.
        """
        source = self._sources[address.resource]
        if address.key is None:
            query = parse_query(source.entity, options, self.now)
            if address.part == "$count":
                return self._pagers[address.resource].count(query)
            if address.part is not None:
                raise ODataError(404, "NotFound", f"{address.resource} has no part {address.part}")
            return self._collection(self._pagers[address.resource], query, address.resource, most)
        row = source.get(address.key)
        if row is None:
            raise ODataError(404, "NotFound", f"There is no {address.resource} with the key '{address.key[:80]}'")
        if address.part is not None:
            return self._navigation(address, row, options, most)
        query = parse_query(source.entity, options, self.now)
        return {"@odata.context": f"{self.root}/$metadata#{address.resource}/$entity"} | self._entity(row, query)

    def _collection(self, pager: Pager, query: Query, path: str, most: int | None) -> Record:
        size = self._size(query, most)
        rows, token = pager.page(query, size)
        document: dict[str, Any] = {"@odata.context": f"{self.root}/$metadata#{query.entity.name}"}
        if query.count:
            document["@odata.count"] = pager.count(query)
        document["value"] = [self._entity(row, query) for row in rows]
        if token is not None:
            link = self._next_link(path, query, token, len(rows))
            if link is not None:
                document["@odata.nextLink"] = link
        return document

    def _size(self, query: Query, most: int | None) -> int:
        size = self.page_size if query.top is None and most is None else MOST_PER_PAGE
        return min(size, *(limit for limit in (query.top, most) if limit is not None), MOST_PER_PAGE)

    def _next_link(self, path: str, query: Query, token: str, served: int) -> str | None:
        options = {name: text for name, text in query.options.items() if name not in ("$skip", "$skiptoken")}
        if query.top is not None and self.strict_top:
            if query.top <= served:
                return None
            options["$top"] = str(query.top - served)
        text = "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())
        return f"{self.root}/{path}?{text}{'&' if text else ''}$skiptoken={token}"

    def _navigation(self, address: Address, row: Row, options: Mapping[str, str], most: int | None) -> Record | int:
        link = self._sources[address.resource].entity.navigations.get(address.part or "")
        key = (address.key or "").replace("'", "''")
        if link is None:
            raise ODataError(404, "NotFound", f"{address.resource} has no part {address.part}")
        query = parse_query(ENTITIES[link.target], options, self.now)
        if not link.collection:
            found = row.value(link.name)
            if found is None:
                raise ODataError(404, "NotFound", f"This {address.resource} names no {link.name}")
            return query.shaped(found)
        path = f"{address.resource}('{quote(key, safe='')}')/{link.name}"
        return self._collection(*self._linked(row, link.name, query), path, most)

    def _linked(self, row: Row, name: str, query: Query) -> tuple[Pager, Query]:
        """A pager over a row's own collection, in the order of its photos unless the query has another."""
        rows = [PlainRow(item[query.entity.key], item) for item in row.value(name)]
        ordered = query if query.order else replace(query, order=(("Order", False),))
        return Pager(Table(query.entity, rows)), ordered

    def _entity(self, row: Row, query: Query) -> Record:
        record = query.shaped(row.record())
        for name, inner in query.expand.items():
            link = query.entity.navigations[name]
            if not link.collection:
                found = row.value(name)
                record[name] = found and inner.shaped(found)
                continue
            pager, ordered = self._linked(row, name, inner)
            rows, token = pager.page(ordered, MEDIA_PER_LISTING if inner.top is None else inner.top)
            if inner.count:
                record[f"{name}@odata.count"] = pager.count(ordered)
            record[name] = [inner.shaped(item.record()) for item in rows]
            if token is not None and inner.top is None:
                path = f"{query.entity.name}('{quote(row.key.replace(chr(39), chr(39) * 2), safe='')}')/{name}"
                record[f"{name}@odata.nextLink"] = self._next_link(path, ordered, token, len(rows))
        return record


MOST_PER_PAGE = 1000
