"""``$filter``: a text parsed by odata-query, walked into a Python predicate over rows. Unknown fields are errors.

Null follows OData 4.01 §5.1.1: a comparison with null is false (``eq null`` and ``ne null`` apart), and/or/not are
three-valued, and only a result that is true keeps the row.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from odata_query import ast
from odata_query.exceptions import ODataException
from odata_query.grammar import ODataLexer, ODataParser

from mls_tui.demo.errors import ODataError, bad_request
from mls_tui.demo.expressions import Expression, Walker
from mls_tui.demo.hints import allowed_values, lower_bound
from mls_tui.demo.rows import Row
from mls_tui.demo.schema import EntityType

LONGEST = 60_000
_ENUM_PREFIX = re.compile(r"'(?:[^']|'')*'|\b(?!duration'|geography')[A-Za-z_][\w.]*\.[A-Za-z_]\w*(?=')")

_LIST_OF_ONE = re.compile(r"'(?:[^']|'')*'|(\sin\s*\(\s*(?:'(?:[^']|'')*'|[^,()'\s]+))\s*\)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Filter:
    """A compiled ``$filter``. ``wanted`` and ``lowest`` are what every matching row must satisfy, for the indexes."""

    text: str
    matches: Callable[[Row], bool]
    wanted: dict[str, set[str]]
    lowest: dict[str, Any]

    @property
    def steady(self) -> bool:
        """False where the answer changes with the clock."""
        return "now(" not in self.text.lower().replace(" ", "")


def everything(row: Row) -> bool:
    """The predicate of a query without ``$filter``."""
    return True


def compile_filter(text: str, entity: EntityType, now: Callable[[], datetime]) -> Filter:
    """Compile ``text`` for rows of ``entity``.

    Raises:
        ODataError: 400 for syntax, an unknown field or function, or operands of different types.
    """
    if len(text) > LONGEST:
        raise ODataError(400, "FilterTooLong", f"$filter is longer than {LONGEST} characters")
    try:
        tree = parse(text)
        condition = Walker(entity, now).visit(tree)
    except RecursionError as error:
        raise bad_request("$filter is nested too deeply") from error
    except ValueError as error:
        raise bad_request(f"$filter has a literal that cannot be read: {error}"[:200]) from error
    if not isinstance(condition, Expression) or condition.kind not in ("bool", "null"):
        raise bad_request("$filter is not a condition")
    evaluate = condition.evaluate
    return Filter(
        text,
        lambda row: evaluate(row) is True,
        {name: found for name in entity.fields if (found := allowed_values(tree, name)) is not None},
        {
            name: found
            for name in (entity.key, "ModificationTimestamp")
            if (found := lower_bound(tree, name)) is not None
        },
    )


def parse(text: str) -> ast._Node:
    """The syntax tree of a filter. ``Namespace.EnumType'Member'`` is read as its member's name."""
    plain = _ENUM_PREFIX.sub(lambda found: found[0] if found[0].startswith("'") else "", text.strip())
    # odata-query reads ``in ('x')`` as a parenthesis, and only ``in ('x',)`` as a list.
    plain = _LIST_OF_ONE.sub(lambda found: f"{found[1]},)" if found[1] else found[0], plain)
    try:
        tree = ODataParser().parse(ODataLexer().tokenize(plain))
    except (ODataException, NotImplementedError) as error:
        raise bad_request(f"$filter cannot be read: {error}"[:300]) from error
    if not isinstance(tree, ast._Node):
        raise bad_request("$filter is empty")
    return tree
