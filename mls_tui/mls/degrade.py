"""What to leave out when a server refuses a request: smaller dialects, the likeliest first. It decides nothing about
rows; a narrower filter spelling asks for the same records, or for more, never for fewer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from mls_tui.domain.errors import MLSError
from mls_tui.mls.odata import AgentForm, Dialect, Request, StatusForm

REFUSALS: Final = frozenset({400, 405, 406, 415, 422, 501})
"""Answers that mean "not like this": another wording may be understood."""

SMALLEST_PAGE: Final = 10


@dataclass(frozen=True, slots=True)
class Variant:
    """A narrower dialect and, for the log, what it leaves out; ``hints`` are words in a server's message that ask
    for it."""

    dialect: Dialect
    without: str
    hints: str


def refused(error: MLSError) -> bool:
    """True where another wording of the request may be understood."""
    return error.status in REFUSALS or error.status == 414


def too_large(error: MLSError) -> bool:
    return error.status == 413


def variants(request: Request, dialect: Dialect, error: MLSError) -> Iterator[Variant]:
    """Dialects to try after a refusal: what the message names first, then each option alone, then all together."""
    single = list(_singles(request, dialect))
    named = [each for each in single if re.search(each.hints, str(error), re.IGNORECASE)]
    yield from named
    yield from (each for each in single if each not in named)
    if len(single) > 1:
        yield _together(request, dialect)


def smaller(request: Request, dialect: Dialect) -> Variant | None:
    """The dialect to use after a 413: half the page, and without Media once pages are small (FIELD §3)."""
    asked = request.top or 0
    if asked > SMALLEST_PAGE:
        half = max(SMALLEST_PAGE, asked // 2)
        expanded = asked == dialect.page_size or (request.expand and dialect.expand)
        sized = replace(dialect, page_size=half) if expanded else replace(dialect, bare_page_size=half)
        return Variant(sized, f"pages of {asked}", "")
    if request.expand and dialect.expand:
        return Variant(replace(dialect, expand=False), "$expand", "")
    return None


def _singles(request: Request, dialect: Dialect) -> Iterator[Variant]:
    if request.order and dialect.order_by:
        yield Variant(replace(dialect, order_by=False), "$orderby", r"order\s*-?by|\bsort")
    if request.count and dialect.count:
        yield Variant(replace(dialect, count=False), "$count", r"count\b")
    if request.expand and dialect.expand:
        yield Variant(replace(dialect, expand=False), "$expand", r"expand|media|navigation")
    if request.select and dialect.select:
        yield Variant(replace(dialect, select=False), "$select", r"select")
    yield from _fields(request, dialect)
    if (request.top or 0) > SMALLEST_PAGE:
        yield from _page_sizes(request, dialect)


def _page_sizes(request: Request, dialect: Dialect) -> Iterator[Variant]:
    for most in (100, SMALLEST_PAGE):
        sized = replace(
            dialect, page_size=min(dialect.page_size, most), bare_page_size=min(dialect.bare_page_size, most)
        )
        if sized != dialect:
            yield Variant(sized, f"pages of {request.top}", r"\btop\b|page.?size|limit|maximum")


def _fields(request: Request, dialect: Dialect) -> Iterator[Variant]:
    if request.statuses:
        forms = list(StatusForm)
        for form in forms[forms.index(dialect.status_form) + 1 :]:
            without = "a filter on status" if form is StatusForm.NONE else "that spelling of statuses"
            yield Variant(replace(dialect, status_form=form), without, r"status|enum|incompatible|\btype")
    if request.agent:
        kinds = list(AgentForm)
        for kind in kinds[kinds.index(dialect.agent_form) + 1 :]:
            yield Variant(replace(dialect, agent_form=kind), "that filter on the agent", r"agent")
    if dialect.timestamp_field != "ModificationTimestamp" and (request.order or request.since or request.bound):
        field = replace(dialect, timestamp_field="ModificationTimestamp")
        yield Variant(field, dialect.timestamp_field, re.escape(dialect.timestamp_field))
    if (request.keys or request.parents or request.bound) and not dialect.numeric_keys:
        yield Variant(replace(dialect, numeric_keys=True), "quotes around keys", r"key|incompatible|int")


def _together(request: Request, dialect: Dialect) -> Variant:
    least = replace(dialect, order_by=False, count=False, expand=False, select=False)
    if request.statuses:
        least = replace(least, status_form=StatusForm.NONE)
    if request.agent:
        least = replace(least, agent_form=AgentForm.KEY)
    return Variant(least, "every option that can be left out", "")
