"""Rows that a query runs over: a value by field name, and the whole record only when something asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from mls_tui.demo.schema import EntityType

Record = dict[str, Any]


class Row(Protocol):
    """One entity of a set."""

    @property
    def key(self) -> str:
        """The entity's key, the last word in every order."""
        ...

    def value(self, name: str) -> Any:
        """A field's JSON value, None where it has none; for a navigation property a record or a list of them."""
        ...

    def record(self) -> Record:
        """A copy of the record, without navigation properties."""
        ...


class Source(Protocol):
    """A resource that can be queried."""

    entity: EntityType

    @property
    def version(self) -> int:
        """Changes whenever any row does, so that what was computed from the rows can be kept until then."""
        ...

    def get(self, key: str) -> Row | None:
        """The row with this key."""
        ...

    def narrowed(self, wanted: dict[str, set[str]]) -> Iterator[Row] | None:
        """The rows whose fields can have these values, in key order; None where no index helps."""
        ...

    def ordered(self, field: str, start: tuple[Any, str] | None, descending: bool) -> Iterator[Row] | None:
        """Rows in order of (field, key), from ``start`` on, inclusive; None where there is no index for ``field``.

        The key field itself is always indexed.
        """
        ...


class PlainRow:
    """A row that holds its record."""

    __slots__ = ("_links", "_record", "key")

    def __init__(self, key: str, record: Record, links: Record | None = None) -> None:
        self.key = key
        self._record = record
        self._links = links or {}

    def value(self, name: str) -> Any:
        found = self._record.get(name)
        return self._links.get(name) if found is None else found

    def record(self) -> Record:
        return dict(self._record)


class Table:
    """A small resource, held whole."""

    version = 0

    def __init__(self, entity: EntityType, rows: list[PlainRow]) -> None:
        self.entity = entity
        self._rows = {row.key: row for row in sorted(rows, key=lambda row: row.key)}

    def get(self, key: str) -> Row | None:
        return self._rows.get(key)

    def narrowed(self, wanted: dict[str, set[str]]) -> Iterator[Row] | None:
        return None

    def ordered(self, field: str, start: tuple[Any, str] | None, descending: bool) -> Iterator[Row] | None:
        if field != self.entity.key:
            return None
        rows = [
            row
            for row in self._rows.values()
            if start is None or (row.key <= start[1] if descending else row.key >= start[1])
        ]
        return iter(rows[::-1] if descending else rows)
