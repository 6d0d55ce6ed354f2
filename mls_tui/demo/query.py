"""An OData request for data, from address and query options to the JSON document. Knows nothing of sockets or faults.

A next link's ``$skiptoken`` holds the sort key of the last row and never a position, so rows that come, go or change
between two pages shift nothing: in an ascending order every row that was there all the time is served.
"""

from __future__ import annotations

import base64
import binascii
import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

import orjson

from mls_tui.demo.feed import DemoFeed
from mls_tui.demo.filter import ODataError, WhereClause, bad_request, compile_filter
from mls_tui.demo.records import Record
from mls_tui.demo.schema import ENTITIES, EntityType, Navigation

Order = tuple[tuple[str, bool], ...]
_KNOWN = {"$filter", "$select", "$expand", "$orderby", "$top", "$skip", "$count", "$format", "$skiptoken"}
_UNSUPPORTED = {"$search", "$apply", "$compute", "$levels", "$deltatoken", "$index"}
_ADDRESS = re.compile(r"(\w+)(?:\('((?:[^']|'')*)'\))?(?:/(\$count|\w+))?/?")

MEDIA_PER_LISTING = 12
"""More photos than this in an expanded listing come with a ``Media@odata.nextLink``."""

MOST_PER_PAGE = 1000


@dataclass(frozen=True, slots=True)
class ResourcePath:
    """``Property``, ``Property('key')``, ``Property('key')/Media`` or ``Property/$count``."""

    resource: str
    key: str | None = None
    part: str | None = None

    @property
    def name(self) -> str:
        """What the request is counted as, such as ``Property('')/Media``."""
        key = "" if self.key is None else "('')"
        return f"{self.resource}{key}" + (f"/{self.part}" if self.part else "")


def read_path(path: str) -> ResourcePath:
    """The address in a decoded path below the service root. Raises ODataError (404)."""
    found = _ADDRESS.fullmatch(path)
    if found is None or found[1] not in ENTITIES:
        raise ODataError(404, "NotFound", f"There is no resource '{path[:80]}'")
    return ResourcePath(found[1], None if found[2] is None else found[2].replace("''", "'"), found[3])


@dataclass(frozen=True, slots=True)
class ODataQuery:
    """What a request asks of one entity type. ``order``: (field, descending) pairs; ``expand`` by navigation name;
    ``options`` as they were sent, for the next page's link."""

    entity: EntityType
    filter: WhereClause | None = None
    select: tuple[str, ...] = ()
    expand: Mapping[str, ODataQuery] = field(default_factory=dict)
    order: Order = ()
    top: int | None = None
    skip: int = 0
    count: bool = False
    skiptoken: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)


def parse_query(entity: EntityType, options: Mapping[str, str], now: Callable[[], datetime]) -> ODataQuery:
    """Read query options; custom ones (without ``$``) are ignored, as OData says.

    Raises:
        ODataError: 400 for what is unknown or malformed, 501 for options that OData has and this server has not.
    """
    for name in options:
        if name in _UNSUPPORTED:
            raise ODataError(501, "NotImplemented", f"The query option {name} is not supported")
        if name.startswith("$") and name not in _KNOWN:
            raise bad_request(f"Unknown query option {name[:40]}")
    text = options.get("$filter")
    return ODataQuery(
        entity,
        compile_filter(text, entity, now) if text is not None else None,
        _select(entity, options.get("$select")),
        {name: parse_query(target, inner, now) for name, target, inner in _expand(entity, options.get("$expand"))},
        _order(entity, options.get("$orderby")),
        _number(options, "$top"),
        _number(options, "$skip") or 0,
        _flag(options, "$count"),
        options.get("$skiptoken"),
        dict(options),
    )


def _number(options: Mapping[str, str], name: str) -> int | None:
    text = options.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise bad_request(f"{name} must be a whole number, not '{text[:40]}'")
    return int(text)


def _flag(options: Mapping[str, str], name: str) -> bool:
    text = options.get(name, "false").lower()
    if text not in ("true", "false"):
        raise bad_request(f"{name} must be true or false")
    return text == "true"


def _known_field(entity: EntityType, name: str) -> str:
    if name not in entity.fields:
        raise bad_request(f"Could not find a property named '{name[:80]}' on type '{entity.name}'")
    return name


def _select(entity: EntityType, text: str | None) -> tuple[str, ...]:
    if text is None or text.strip() == "*":
        return ()
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise bad_request("$select is empty")
    return tuple(dict.fromkeys(_known_field(entity, name) for name in names if name not in entity.navigations))


def _order(entity: EntityType, text: str | None) -> Order:
    found = []
    for part in (text or "").split(","):
        words = part.split()
        if not words:
            continue
        if len(words) > 2 or (len(words) == 2 and words[1].lower() not in ("asc", "desc")):
            raise bad_request(f"$orderby cannot be read at '{part.strip()[:80]}'")
        if entity.fields[_known_field(entity, words[0])].collection:
            raise bad_request(f"$orderby: {words[0]} is a collection")
        found.append((words[0], len(words) == 2 and words[1].lower() == "desc"))
    return tuple(found)


def _expand(entity: EntityType, text: str | None) -> list[tuple[str, EntityType, dict[str, str]]]:
    found = []
    for part in _split(text or "", ","):
        name, _, rest = part.partition("(")
        link = entity.navigations.get(name.strip())
        if link is None:
            raise bad_request(f"Could not find a navigation property named '{name.strip()[:80]}' on '{entity.name}'")
        if rest and not rest.rstrip().endswith(")"):
            raise bad_request("$expand: a parenthesis is not closed")
        inner = {}
        for option in _split(rest.rstrip()[:-1], ";"):
            key, equals, value = option.partition("=")
            if not equals or key.strip() in ("$skiptoken", "$format"):
                raise bad_request(f"$expand cannot be read at '{option[:80]}'")
            inner[key.strip()] = value.strip()
        found.append((link.name, ENTITIES[link.target], inner))
    return found


def _split(text: str, mark: str) -> list[str]:
    """``text`` cut at ``mark`` outside of parentheses and quotes, without empty parts."""
    parts, depth, quoted, start = [], 0, False, 0
    for place, letter in enumerate(text):
        if letter == "'":
            quoted = not quoted
        elif not quoted and letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == mark and not quoted and depth == 0:
            parts.append(text[start:place])
            start = place + 1
    parts.append(text[start:])
    return [part.strip() for part in parts if part.strip()]


class ODataService:
    """The resources of one feed. ``root`` is the service's URL without a slash at its end, ``page_size`` the rows of a
    page if the client asks for no size."""

    def __init__(self, feed: DemoFeed, now: Callable[[], datetime], page_size: int = 100) -> None:
        self.root = ""
        self.feed, self.now, self.page_size = feed, now, page_size

    def answer(self, address: ResourcePath, options: Mapping[str, str], most: int | None = None) -> Record | int:
        """The document for an address; for ``/$count`` a number. ``most`` is the client's odata.maxpagesize.

        Raises:
            ODataError: 400, 404 or 501.
        """
        entity = ENTITIES[address.resource]
        if address.key is None:
            query = parse_query(entity, options, self.now)
            if address.part == "$count":
                return self._count(_Selection(query))
            if address.part is not None:
                raise ODataError(404, "NotFound", f"{address.resource} has no part {address.part}")
            return self._collection(_Selection(query), address.resource, most)
        link = entity.navigations.get(address.part or "")
        if address.part is not None and link is None:
            raise ODataError(404, "NotFound", f"{address.resource} has no part {address.part}")
        query = parse_query(ENTITIES[link.target] if link else entity, options, self.now)
        record = self._by_key(entity, address.key)
        if record is None:
            raise ODataError(404, "NotFound", f"There is no {address.resource} with the key '{address.key[:80]}'")
        if link is None:
            return {"@odata.context": f"{self.root}/$metadata#{address.resource}/$entity"} | self._shaped(record, query)
        if link.collection:
            return self._collection(self._linked(record, link, query), _path(entity, record, link), most)
        found = self._by_key(query.entity, record[link.column])
        if found is None:
            raise ODataError(404, "NotFound", f"This {address.resource} names no {link.name}")
        return self._shaped(found, query)

    def _collection(self, rows: _Selection, path: str, most: int | None) -> Record:
        query = rows.query
        default = self.page_size if query.top is None and most is None else MOST_PER_PAGE
        size = min(limit for limit in (query.top, most, default, MOST_PER_PAGE) if limit is not None)
        records, token = self._page(rows, size)
        document: dict[str, Any] = {"@odata.context": f"{self.root}/$metadata#{query.entity.name}"}
        if query.count:
            document["@odata.count"] = self._count(rows)
        document["value"] = [self._shaped(record, query) for record in records]
        if token is not None and (query.top is None or query.top > len(records)):
            document["@odata.nextLink"] = self._next_link(path, query, token, len(records))
        return document

    def _next_link(self, path: str, query: ODataQuery, token: str, served: int) -> str:
        options = {name: text for name, text in query.options.items() if name not in ("$skip", "$skiptoken")}
        if query.top is not None:
            options["$top"] = str(query.top - served)
        text = "&".join(f"{name}={quote(value, safe='')}" for name, value in options.items())
        return f"{self.root}/{path}?{text}{'&' if text else ''}$skiptoken={token}"

    def _shaped(self, record: Record, query: ODataQuery) -> Record:
        """The selected fields of a record, with what is expanded."""
        shaped = {name: record.get(name) for name in query.select} if query.select else dict(record)
        for name, inner in query.expand.items():
            link = query.entity.navigations[name]
            if not link.collection:
                found = self._by_key(inner.entity, record[link.column])
                shaped[name] = found and self._shaped(found, inner)
                continue
            rows = self._linked(record, link, inner)
            found_rows, token = self._page(rows, MEDIA_PER_LISTING if inner.top is None else inner.top)
            if inner.count:
                shaped[f"{name}@odata.count"] = self._count(rows)
            shaped[name] = [self._shaped(item, inner) for item in found_rows]
            if token is not None and inner.top is None:
                path = _path(query.entity, record, link)
                shaped[f"{name}@odata.nextLink"] = self._next_link(path, inner, token, len(found_rows))
        return shaped

    def _linked(self, record: Record, link: Navigation, query: ODataQuery) -> _Selection:
        """The rows of one record's own collection; photos in the order in which they are shown."""
        ordered = replace(query, order=(("Order", False),)) if link.target == "Media" and not query.order else query
        return _Selection(
            ordered, link.target_column, record[link.column], record[link.column] if link.target == "Media" else None
        )

    def _by_key(self, entity: EntityType, key: str) -> Record | None:
        rows = _Selection(
            ODataQuery(entity), entity.key, key, key.rpartition("-")[0] if entity.name == "Media" else None
        )
        found, _ = self._page(rows, 1)
        return found[0] if found else None

    def _page(self, rows: _Selection, size: int) -> tuple[list[Record], str | None]:
        """Up to ``size`` records, and the token of the page after them if there is one."""
        query, order = rows.query, _complete(rows.query)
        where, values = rows.where()
        if query.skiptoken is not None:
            after = _after(order, _read_token(query.skiptoken, order), values)
            where = f"{where} AND {after}"
        names = ", ".join(f'"{name}"' for name, _ in order)
        words = ", ".join(f'"{name}" {"DESC" if descending else "ASC"}' for name, descending in order)
        values |= {"limit": size + 1, "skip": 0 if query.skiptoken is not None else query.skip}
        found = self._select(
            rows,
            f'SELECT {names} FROM "{query.entity.name}" WHERE {where} ORDER BY {words} LIMIT :limit OFFSET :skip',
            values,
        )
        token = _token(order, found[size - 1]) if len(found) > size > 0 else None
        return self.feed.records_of(query.entity, [row[-1] for row in found[:size]]), token

    def _count(self, rows: _Selection) -> int:
        where, values = rows.where()
        return int(self._select(rows, f'SELECT COUNT(*) FROM "{rows.query.entity.name}" WHERE {where}', values)[0][0])

    def _select(self, rows: _Selection, sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        query = rows.query
        reads = {(query.entity.name, name) for name, _ in _complete(query)}
        self.feed.prepare(reads | (query.filter.reads if query.filter else set()), rows.listing)
        try:
            return self.feed.database.execute(sql, values).fetchall()
        except (sqlite3.OperationalError, UnicodeEncodeError) as error:
            if isinstance(error, sqlite3.OperationalError) and not re.search("too large|overflow|too many", str(error)):
                raise
            raise bad_request("$filter is too long, nested too deeply, or not text") from error


@dataclass(frozen=True, slots=True)
class _Selection:
    """What a query runs over: its whole resource, or the rows whose ``column`` is ``value``. ``listing`` is the one
    listing that they belong to."""

    query: ODataQuery
    column: str | None = None
    value: Any = None
    listing: str | None = None

    def where(self) -> tuple[str, dict[str, Any]]:
        values = dict(self.query.filter.values) if self.query.filter else {}
        sql = self.query.filter.sql if self.query.filter else "1"
        if self.column is not None:
            sql, values["of"] = f'"{self.column}" = :of AND {sql}', self.value
        return sql, values


def _path(entity: EntityType, record: Record, link: Navigation) -> str:
    key = str(record[entity.key]).replace("'", "''")
    return f"{entity.name}('{quote(key, safe='')}')/{link.name}"


def _complete(query: ODataQuery) -> Order:
    """The order with the key as its last word, in the direction of the first field, so that no two rows tie."""
    key = query.entity.key
    names = [name for name, _ in query.order]
    if key in names:
        return query.order[: names.index(key) + 1]
    return (*query.order, (key, query.order[0][1] if len(query.order) == 1 else False))


def _after(order: Order, position: list[Any], values: dict[str, Any]) -> str:
    """The condition of a row that comes after ``position``; null comes first, as OData orders it."""
    first, descending = order[0]
    values |= {f"after{place}": value for place, value in enumerate(position)}
    cases, same = [], ""
    for place, (name, down) in enumerate(order):
        column, value = f'"{name}"', f":after{place}"
        if position[place] is None:
            later = "0" if down else f"{column} IS NOT NULL"
        else:
            later = f"({column} < {value} OR {column} IS NULL)" if down else f"{column} > {value}"
        cases.append(f"({same}{later})")
        same += f"{column} IS {value} AND "
    # SQLite can start at the right place of an index with this, which all rows after the position satisfy.
    start = "" if position[0] is None or descending else f'"{first}" >= :after0 AND '
    return f"({start}({' OR '.join(cases)}))"


def _token(order: Order, position: tuple[Any, ...]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([_names(order), *position])).rstrip(b"=").decode()


def _names(order: Order) -> str:
    return ",".join(f"{name} {descending:d}" for name, descending in order)


def _read_token(token: str, order: Order) -> list[Any]:
    try:
        position: list[Any]
        names, *position = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (ValueError, TypeError, binascii.Error):
        names, position = None, []
    plain = all(value is None or isinstance(value, str | int | float) for value in position)
    if names != _names(order) or len(position) != len(order) or not plain:
        message = "The $skiptoken is not one of this query's; start again from its first page"
        raise ODataError(400, "InvalidSkipToken", message)
    return position
