"""Evaluates the part of OData's ``$filter`` that RESO Web API Core requires, on plain records."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from typing import Any

from mls_tui.domain.listing import parse_timestamp

_TOKEN = re.compile(r"\s*(\(|\)|'(?:[^']|'')*'|[A-Za-z_][\w.]*'(?:[^']|'')*'|[^\s()']+)")
_OPERATIONS = {name: getattr(operator, name) for name in ("eq", "ne", "gt", "ge", "lt", "le")}


class FilterError(ValueError):
    """The filter cannot be read."""


def tokens(text: str) -> list[str]:
    out, place = [], 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise FilterError(text)
        out.append(match[1])
        place = match.end()
    return out


def matches(text: str, record: Mapping[str, Any]) -> bool:
    """Whether a record satisfies a filter."""
    rest = tokens(text)
    result = _either(rest, record)
    if rest:
        raise FilterError(text)
    return result


def _either(rest: list[str], record: Mapping[str, Any]) -> bool:
    result = _both(rest, record)
    while rest and rest[0] == "or":
        rest.pop(0)
        result = _both(rest, record) or result
    return result


def _both(rest: list[str], record: Mapping[str, Any]) -> bool:
    result = _one(rest, record)
    while rest and rest[0] == "and":
        rest.pop(0)
        result = _one(rest, record) and result
    return result


def _one(rest: list[str], record: Mapping[str, Any]) -> bool:
    if not rest:
        raise FilterError("unfinished")
    if rest[0] == "(":
        rest.pop(0)
        result = _either(rest, record)
        if not rest or rest.pop(0) != ")":
            raise FilterError("unbalanced")
        return result
    if len(rest) < 3 or rest[1] not in _OPERATIONS:
        raise FilterError(" ".join(rest))
    field, name, literal = rest.pop(0), rest.pop(0), rest.pop(0)
    return _compare(name, record.get(field), literal)


def _compare(name: str, held: Any, literal: str) -> bool:
    if literal == "null":
        return (held is None) == (name == "eq")
    if held is None:
        return name == "ne"
    left, right = _values(held, literal)
    return bool(_OPERATIONS[name](left, right))


def _values(held: Any, literal: str) -> tuple[Any, Any]:
    if "'" in literal:
        text = literal[literal.index("'") + 1 : -1].replace("''", "'")
        if not isinstance(held, str):
            raise FilterError("A binary operator with incompatible types was detected")
        return held, text
    moment = parse_timestamp(literal) if "-" in literal else None
    if moment is not None:
        return parse_timestamp(str(held)) or str(held), moment
    if isinstance(held, str):
        raise FilterError("A binary operator with incompatible types was detected")
    return float(held), float(literal)
