"""RESO servers with one limitation each, such as no filter, no order or no next link."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from tests.providers.stranger import Handler

Row = dict[str, Any]


def refusal(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"code": str(status), "message": message}}, status=status)


def only_property(path: str) -> bool:
    return path.rstrip("/") == "/odata/Property"


def static(rows: Sequence[Row]) -> Handler:
    """Always sends all records."""

    async def answer(request: web.Request) -> web.Response:
        if not only_property(request.path):
            return web.Response(status=404, text="Not found")
        return web.json_response({"value": list(rows)})

    return answer


def top_and_skip(rows: Sequence[Row], default: int = 10, most: int = 100) -> Handler:
    """``$top`` and ``$skip`` and nothing else: no filter, no order, no link, no count."""

    async def answer(request: web.Request) -> web.Response:
        if not only_property(request.path):
            return web.Response(status=404, text="Not found")
        top, skip = int(request.query.get("$top", default)), int(request.query.get("$skip", 0))
        return web.json_response({"value": rows[skip : skip + min(top, most)]})

    return answer


def offset_links(rows: Sequence[Row], size: int = 100, on_page: Callable[[int], Any] | None = None) -> Handler:
    """Pages with a ``$skip`` link that repeats the rest of the query; filters, orders and counts. ``on_page`` is told
    the number of each request, from 1, and may give an answer to send instead."""
    served = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal served
        if not only_property(request.path):
            return refusal(404, "no such resource")
        if request.query.get("$top") != "1" or "$skip" in request.query:
            served += 1
            instead = on_page(served) if on_page else None
            if isinstance(instead, web.StreamResponse):
                return instead
        found = ordered(filtered(rows, request.query.get("$filter", "")), request.query.get("$orderby", ""))
        skip, top = int(request.query.get("$skip", 0)), int(request.query.get("$top", size))
        end = skip + min(size, top)
        body: dict[str, Any] = {"@odata.context": "$metadata#Property", "value": found[skip:end]}
        if request.query.get("$count") == "true":
            body["@odata.count"] = len(found)
        if end < len(found):
            body["@odata.nextLink"] = str(request.url.update_query({"$skip": str(end)}))
        return web.json_response(body)

    return answer


def cursor_links(rows: Sequence[Row], size: int = 100, **body_of: Any) -> Handler:
    """A relative ``$skiptoken`` link that holds the whole question; order is the server's own."""

    async def answer(request: web.Request) -> web.Response:
        if not only_property(request.path):
            return refusal(404, "no such resource")
        start = int(request.query.get("$skiptoken", "0").removeprefix("t"))
        body: dict[str, Any] = {"value": rows[start : start + size], **body_of}
        if start + size < len(rows):
            body["@odata.nextLink"] = f"Property?$skiptoken=t{start + size}"
        return web.json_response(body)

    return answer


def strict(rows: Sequence[Row], size: int = 100) -> Handler:
    """Refuses with 400 what it does not know: options, ``$count``, two order fields, ``or``, parentheses, fractions of
    seconds. It takes simple comparisons joined by ``and``, ``$top`` and ``$skip``; it gives no link."""

    async def answer(request: web.Request) -> web.Response:
        if not only_property(request.path):
            return refusal(404, "no such resource")
        unknown = set(request.query) - {"$filter", "$top", "$skip", "$orderby"}
        if unknown:
            return refusal(400, "The query specified in the URI is not valid.")
        where, order = request.query.get("$filter", ""), request.query.get("$orderby", "")
        if "," in order or re.search(r"[()]| or |\.\d+Z", where):
            return refusal(400, "Syntax error.")
        if int(request.query.get("$top", 1)) > size:
            return refusal(400, "The limit of rows was exceeded.")
        found = ordered(filtered(rows, where), order)
        skip = int(request.query.get("$skip", 0))
        return web.json_response({"value": found[skip : skip + int(request.query.get("$top", 10))]})

    return answer


_COMPARISON = re.compile(r"(\w+) (eq|ne|gt|ge|lt|le) ('(?:[^']|'')*'|\S+)")


def filtered(rows: Sequence[Row], where: str) -> list[Row]:
    """Rows that satisfy comparisons joined by ``and``, with ``(… or …)`` of comparisons among them."""
    if not where:
        return list(rows)
    parts = re.split(r" and (?![^(]*\))", where)
    return [row for row in rows if all(_any(part.strip("() "), row) for part in parts)]


def _any(text: str, row: Mapping[str, Any]) -> bool:
    return any(all(_holds(one, row) for one in each.split(" and ")) for each in text.split(" or "))


def _holds(text: str, row: Mapping[str, Any]) -> bool:
    match = _COMPARISON.fullmatch(text.strip("() "))
    if match is None:
        raise web.HTTPBadRequest(text="filter")
    held, literal = row.get(match[1]), match[3]
    if held is None:
        return False
    wanted: Any = literal[1:-1].replace("''", "'") if literal.startswith("'") else literal
    if isinstance(held, int):
        wanted = int(wanted)
    elif match[1].endswith("Timestamp"):
        held, wanted = held.replace(".000Z", "Z"), wanted.replace(".000Z", "Z")
    return bool(
        {
            "eq": held == wanted,
            "ne": held != wanted,
            "gt": held > wanted,
            "ge": held >= wanted,
            "lt": held < wanted,
            "le": held <= wanted,
        }[match[2]]
    )


def ordered(rows: list[Row], order: str) -> list[Row]:
    """Rows by the fields of ``$orderby``, absent ones first; as they are where nothing was asked."""
    for field in reversed([part.split()[0] for part in order.split(",") if part]):
        rows = sorted(rows, key=lambda row: (row.get(field) is not None, row.get(field)))
    return rows
