"""The query options of a request (``$select``, ``$expand``, ``$orderby``…), checked against the entity model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mls_tui.demo.errors import ODataError, bad_request
from mls_tui.demo.filters import Filter, compile_filter
from mls_tui.demo.schema import ENTITIES, EntityType

Order = tuple[tuple[str, bool], ...]
_KNOWN = {"$filter", "$select", "$expand", "$orderby", "$top", "$skip", "$count", "$format", "$skiptoken"}
_UNSUPPORTED = {"$search", "$apply", "$compute", "$levels", "$deltatoken", "$index"}


@dataclass(frozen=True, slots=True)
class Query:
    """What a request asks of one entity type. ``order``: (field, descending) pairs; ``expand`` by navigation name."""

    entity: EntityType
    filter: Filter | None = None
    select: tuple[str, ...] = ()
    expand: Mapping[str, Query] = field(default_factory=dict)
    order: Order = ()
    top: int | None = None
    skip: int = 0
    count: bool = False
    skiptoken: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    """The options as they were sent, for the next page's link."""

    def shaped(self, record: dict[str, Any]) -> dict[str, Any]:
        """The record with the selected fields only."""
        return {name: record.get(name) for name in self.select} if self.select else record


def parse_query(entity: EntityType, options: Mapping[str, str], now: Callable[[], datetime]) -> Query:
    """Read query options; custom ones (without ``$``) are ignored, as OData says.

    Raises:
        ODataError: 400 for what is unknown or malformed, 501 for options that OData has and this server has not.
    """
    for name in options:
        if name in _UNSUPPORTED:
            raise ODataError(501, "NotImplemented", f"The query option {name} is not supported")
        if name.startswith("$") and name not in _KNOWN:
            raise bad_request(f"Unknown query option {name}")
    text = options.get("$filter")
    return Query(
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
        raise bad_request(f"{name} must be a whole number, not {text[:40]!r}")
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
    for part in split(text or "", ","):
        name, _, rest = part.partition("(")
        link = entity.navigations.get(name.strip())
        if link is None:
            raise bad_request(f"Could not find a navigation property named '{name.strip()[:80]}' on '{entity.name}'")
        if rest and not rest.rstrip().endswith(")"):
            raise bad_request("$expand: a parenthesis is not closed")
        inner = {}
        for option in split(rest.rstrip()[:-1], ";"):
            key, equals, value = option.partition("=")
            if not equals or key.strip() in ("$skiptoken", "$format"):
                raise bad_request(f"$expand cannot be read at '{option[:80]}'")
            inner[key.strip()] = value.strip()
        found.append((link.name, ENTITIES[link.target], inner))
    return found


def split(text: str, mark: str) -> list[str]:
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
