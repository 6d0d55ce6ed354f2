"""Pages of a query: which rows, in which order, and the opaque token that the next page starts after.

A token holds the sort key of the last row, never a position, so rows that come, go or change between two pages shift
nothing: in an ascending order every row that was there all the time is served.
"""

from __future__ import annotations

import base64
import binascii
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

import orjson

from mls_tui.demo.errors import ODataError
from mls_tui.demo.filters import everything
from mls_tui.demo.query import Order, Query
from mls_tui.demo.records import stamp
from mls_tui.demo.rows import Row, Source
from mls_tui.demo.schema import EntityType

Position = tuple[Any, ...]
_KEPT = 6


class Pager:
    """Runs queries over one source, and keeps its few latest counts and sorted orders until a row changes."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._counts: OrderedDict[tuple[int, str], int] = OrderedDict()
        self._sorted: OrderedDict[tuple[int, str, Order], list[tuple[Position, str]]] = OrderedDict()

    def page(self, query: Query, size: int) -> tuple[list[Row], str | None]:
        """Up to ``size`` rows, and the token of the page after, if there is one.

        Raises:
            ODataError: 400 for a token that this query did not give out.
        """
        order = _complete(query.order, self._source.entity.key)
        after = _read_token(query.skiptoken, order, query.entity) if query.skiptoken is not None else None
        rows = self._rows(query, order, after)
        if after is None:
            rows = islice(rows, query.skip, None)
        found = list(islice(rows, size + 1))
        if len(found) <= size:
            return found, None
        return found[:size], _token(order, _position(found[size - 1], order)) if size else None

    def count(self, query: Query) -> int:
        """How many rows match, whatever the page."""
        key = (self._source.version, query.filter.text if query.filter else "")
        steady = query.filter is None or query.filter.steady
        if steady and key in self._counts:
            return self._counts[key]
        field = next(iter(query.filter.lowest), None) if query.filter else None
        order = _complete(((field, False),) if field else (), self._source.entity.key)
        total = sum(1 for _ in self._matching(query, order, None))
        if steady:
            _keep(self._counts, key, total)
        return total

    def _rows(self, query: Query, order: Order, after: Position | None) -> Iterator[Row]:
        descending = order[0][1]
        if len(order) <= 2 and order[-1][1] == descending:
            yield from self._matching(query, order, after)
            return
        yield from self._by_sorting(query, order, after)

    def _matching(self, query: Query, order: Order, after: Position | None) -> Iterator[Row]:
        """Matching rows from an index where there is one for this order, else sorted."""
        field, descending = order[0]
        wanted = query.filter.wanted if query.filter else {}
        narrow = self._source.narrowed(wanted)
        if narrow is not None:
            rows = _in_order(_passing(query, narrow), order)
            yield from (row for row in rows if after is None or _compare(_position(row, order), after, order) > 0)
            return
        start = self._start(query, field, descending, after)
        indexed = self._source.ordered(field, start, descending)
        if indexed is None:
            yield from self._by_sorting(query, order, after)
            return
        if after is None:
            yield from _passing(query, indexed)
            return
        past = False
        for row in indexed:
            past = past or _compare(_position(row, order), after, order) > 0
            if past and (query.filter is None or query.filter.matches(row)):
                yield row

    def _start(self, query: Query, field: str, descending: bool, after: Position | None) -> tuple[Any, str] | None:
        """Where an index scan may begin: after the token's row, or at the least value that the filter allows."""
        if after is not None:
            return (after[0], str(after[-1]))
        low = query.filter.lowest.get(field) if query.filter and not descending else None
        if low is None:
            return None
        return (stamp(low), "") if isinstance(low, datetime) else (low, low)

    def _by_sorting(self, query: Query, order: Order, after: Position | None) -> Iterator[Row]:
        key = (self._source.version, query.filter.text if query.filter else "", order)
        places = self._sorted.get(key)
        if places is None:
            rows = self._source.ordered(self._source.entity.key, None, False)
            positions = [(_position(row, order), row.key) for row in _passing(query, rows or ())]
            for place in range(len(order) - 1, -1, -1):
                positions.sort(key=lambda item: _sortable(item[0][place]), reverse=order[place][1])
            places = positions
            if query.filter is None or query.filter.steady:
                _keep(self._sorted, key, places)
        for position, name in places:
            if after is None or _compare(position, after, order) > 0:
                row = self._source.get(name)
                if row is not None:
                    yield row


def _passing(query: Query, rows: Iterable[Row]) -> Iterator[Row]:
    return filter(query.filter.matches if query.filter else everything, rows)


def _in_order(rows: Iterable[Row], order: Order) -> list[Row]:
    found = list(rows)
    for field, descending in reversed(order):
        found.sort(key=lambda row: _sortable(row.value(field)), reverse=descending)
    return found


def _complete(order: Order, key: str) -> Order:
    """The order with the key as its last word, in the direction of the first field, so that no two rows tie."""
    names = [field for field, _ in order]
    if key in names:
        return order[: names.index(key) + 1]
    return (*order, (key, order[0][1] if len(order) == 1 else False))


def _position(row: Row, order: Order) -> Position:
    return tuple(row.value(field) for field, _ in order)


def _sortable(value: Any) -> tuple[bool, Any]:
    """Nulls come first, as OData orders them."""
    return (value is not None, 0 if value is None else value)


def _compare(left: Position, right: Position, order: Order) -> int:
    for a, b, (_, descending) in zip(left, right, order, strict=True):
        if a != b:
            return -1 if (_sortable(a) < _sortable(b)) != descending else 1
    return 0


def _keep(kept: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    kept[key] = value
    if len(kept) > _KEPT:
        kept.popitem(last=False)


def _token(order: Order, position: Position) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([_names(order), *position])).rstrip(b"=").decode()


def _names(order: Order) -> str:
    return ",".join(f"{field} {descending:d}" for field, descending in order)


def _read_token(token: str, order: Order, entity: EntityType) -> Position:
    try:
        names, *position = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        if names == _names(order) and len(position) == len(order):
            for (field, _), value in zip(order, position, strict=True):
                _check(entity.fields[field].edm, value)
            return tuple(position)
    except (ValueError, TypeError, binascii.Error):
        pass
    message = "The $skiptoken is not one of this query's; start again from its first page"
    raise ODataError(400, "InvalidSkipToken", message)


def _check(edm: str, value: Any) -> None:
    """Refuse a position that no token of ours can hold. Raises ValueError or TypeError."""
    if value is None:
        return
    if edm == "DateTimeOffset":
        datetime.fromisoformat(value)
    elif edm in ("String", "Date"):
        str.encode(value)
    elif not isinstance(value, int | float):
        raise TypeError(value)
