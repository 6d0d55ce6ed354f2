"""Single nodes of a filter's syntax tree, read alike by what compiles it and by what takes hints from it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from odata_query import ast

from mls_tui.demo.errors import bad_request

_LONG_FRACTION = re.compile(r"(\.\d{6})\d+")


def instant(text: str) -> datetime:
    """An Edm.DateTimeOffset as an aware time; one without an offset is UTC. Raises ODataError (400)."""
    try:
        moment = datetime.fromisoformat(_LONG_FRACTION.sub(r"\1", text.upper()))
    except ValueError as error:
        raise bad_request(f"{text} is not a date and time") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def branches(node: ast.BoolOp) -> list[ast._Node]:
    """The operands of a chain of one operator, left to right: ``a or b or c`` is three, however the parser nested it,
    so that a thousand terms need no deep recursion."""
    found: list[ast._Node] = []
    waiting: list[ast._Node] = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, ast.BoolOp) and item.op == node.op:
            waiting += (item.right, item.left)
        else:
            found.append(item)
    return found
