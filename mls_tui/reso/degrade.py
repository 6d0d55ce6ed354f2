"""What to leave out when a server refuses a request, and what to put back. It decides nothing about rows: another
wording asks for the same records, or for more, never for fewer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from mls_tui.domain.errors import MLSError
from mls_tui.reso.odata import AgentForm, Dialect, Request, StatusForm

REFUSALS: Final = frozenset({400, 405, 406, 415, 422, 501})
"""Answers that mean "not like this": another wording may be understood."""

SMALLEST_PAGE: Final = 10

_ENUMERATION = re.compile(r"\b\w+(\.\w+)*\.StandardStatus\b")
"""As OData libraries name it: ``Found operand types 'RESO.OData.StandardStatus' and 'Edm.String'``."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A narrower dialect; ``hints`` are words in a server's message that ask for it."""

    dialect: Dialect
    hints: str


def refused(error: MLSError) -> bool:
    """True where another wording of the request may be understood."""
    return error.status in REFUSALS or error.status == 414


def broken(error: MLSError) -> bool:
    """True where a server may have failed over an option that it does not know."""
    return error.status == 404 or (error.status or 0) >= 500


def too_large(error: MLSError) -> bool:
    return error.status == 413


def named(request: Request, dialect: Dialect, error: MLSError) -> Dialect | None:
    """The dialect without the option that the server's message names, or with the type that it says it wants."""
    if request.statuses and (typed := _ENUMERATION.search(str(error))) and typed[0] != dialect.status_type:
        return replace(dialect, status_form=StatusForm.TYPED, status_type=typed[0])
    found = (each.dialect for each in singles(request, dialect) if re.search(each.hints, str(error), re.IGNORECASE))
    return next(found, None)


def smaller(request: Request, dialect: Dialect) -> Dialect | None:
    """The dialect to use after a 413: half the page, and without Media once pages are small (FIELD §3)."""
    asked = request.top or 0
    if asked > SMALLEST_PAGE:
        half = max(SMALLEST_PAGE, asked // 2)
        expanded = asked == dialect.page_size or (request.expand and dialect.expand)
        return replace(dialect, page_size=half) if expanded else replace(dialect, bare_page_size=half)
    if request.expand and dialect.expand:
        return replace(dialect, expand=False)
    return None


def singles(request: Request, dialect: Dialect) -> Iterator[Variant]:
    """Each option left out alone, the likeliest culprit first."""
    if request.expand and dialect.expand:
        yield Variant(replace(dialect, expand=False), r"expand|media|navigation")
    if request.order and dialect.order_by:
        if dialect.order_by_key:
            yield Variant(replace(dialect, order_by_key=False), r"order\s*-?by|\bsort")
        yield Variant(replace(dialect, order_by=False), r"order\s*-?by|\bsort")
    if request.count and dialect.count:
        yield Variant(replace(dialect, count=False), r"\bcount\b")
    if request.select and dialect.select:
        yield Variant(replace(dialect, select=False), r"select")
    yield from _fields(request, dialect)


def _fields(request: Request, dialect: Dialect) -> Iterator[Variant]:
    if request.statuses:
        forms = list(StatusForm)
        for form in forms[forms.index(dialect.status_form) + 1 : -1]:
            yield Variant(replace(dialect, status_form=form), r"status|enum|incompatible|\btype")
    if request.agent:
        kinds = list(AgentForm)
        for kind in kinds[kinds.index(dialect.agent_form) + 1 :]:
            yield Variant(replace(dialect, agent_form=kind), r"agent")
    if dialect.timestamp_field != "ModificationTimestamp" and (request.order or request.since or request.bound):
        field = replace(dialect, timestamp_field="ModificationTimestamp")
        yield Variant(field, re.escape(dialect.timestamp_field))
    if (request.keys or request.parents or request.bound) and not dialect.numeric_keys:
        yield Variant(replace(dialect, numeric_keys=True), r"key|incompatible|int")
    if request.since and dialect.since and dialect.fractions:
        yield Variant(replace(dialect, fractions=False), r"date|time|moment|fraction")


def leasts(request: Request, dialect: Dialect) -> Iterator[Dialect]:
    """Everything left out that this request can do without, with ever smaller pages."""
    least = replace(
        dialect,
        order_by=dialect.order_by and not request.order,
        count=dialect.count and not request.count,
        expand=dialect.expand and not request.expand,
        select=dialect.select and not request.select,
        since=dialect.since and not request.since,
        status_form=StatusForm.NONE if request.statuses else dialect.status_form,
        agent_form=AgentForm.KEY if request.agent else dialect.agent_form,
    )
    yield least
    for size in (100, SMALLEST_PAGE):
        if size < (request.top or 0):
            page, bare = min(dialect.page_size, size), min(dialect.bare_page_size, size)
            yield replace(least, page_size=page, bare_page_size=bare)


def put_back(request: Request, full: Dialect) -> Iterator[list[dict[str, Any]]]:
    """What to try again one after another on top of the least, dearest first: for each option its fields in the
    dialect, as asked at first and then plainer."""
    if request.since and full.since:
        yield [{"since": True}, {"since": True, "fractions": False}]
    if request.statuses:
        yield [{"status_form": form} for form in list(StatusForm)[list(StatusForm).index(full.status_form) : -1]]
    if request.expand and full.expand:
        yield [{"expand": True}]
    if request.order and full.order_by:
        yield [{"order_by": True}, {"order_by": True, "order_by_key": False}]
    if request.select and full.select:
        yield [{"select": True}]
    if request.count and full.count:
        yield [{"count": True}]


def left_out(full: Dialect, now: Dialect) -> str:
    """What the narrower dialect does without, in words."""
    options = {
        "order_by": "$orderby",
        "order_by_key": "a second field in $orderby",
        "count": "$count",
        "expand": "$expand",
        "select": "$select",
        "since": "a filter on the timestamp",
        "fractions": "fractions of seconds",
        "agent_form": "that filter on the agent",
        "timestamp_field": full.timestamp_field,
        "numeric_keys": "quotes around keys",
        "page_size": f"pages of {full.page_size}",
        "bare_page_size": f"pages of {full.bare_page_size}",
    }
    words = [said for name, said in options.items() if getattr(full, name) != getattr(now, name)]
    if full.status_form != now.status_form:
        words.append("a filter on status" if now.status_form is StatusForm.NONE else "that spelling of statuses")
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
