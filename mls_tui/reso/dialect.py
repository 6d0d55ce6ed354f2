"""Learns what one server understands: which options it refuses, how large its pages may be, how it spells statuses.
Another wording of a request asks for the same records, or for more, never for fewer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from mls_tui.domain.errors import MLSError
from mls_tui.reso.base import Observer, RawRecord, RequestFailed
from mls_tui.reso.odata import (
    AgentForm,
    Dialect,
    FeedPage,
    Key,
    Request,
    StatusForm,
    entity_url,
    flattened,
    next_url,
    read_page,
    url_of,
)
from mls_tui.reso.presets import MediaMode, ProviderPreset


class Received(Protocol):
    """An answer of the transport: parsed JSON and headers."""

    @property
    def body(self) -> Any: ...

    @property
    def headers(self) -> Mapping[str, str]: ...


class Transport(Protocol):
    """One signed GET, with the retries and pauses of docs/reso-feeds.md, section 3, inside."""

    async def get_json(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        attempts: int = 3,
    ) -> Received: ...


def dialect_of(preset: ProviderPreset) -> Dialect:
    """What the preset says the server understands, before it was asked."""
    return Dialect(
        order_by=preset.order_by,
        count=preset.count,
        expand=preset.media_mode is MediaMode.EXPAND,
        replication=preset.replication is not None,
        timestamp_field=preset.timestamp_field,
        page_size=preset.page_size,
        bare_page_size=preset.page_size_without_media,
        keys_per_filter=preset.keys_per_filter,
    )


MEDIA_NAMES: Final = ("PropertyPictures", "Photos")
"""What servers call the Media of a record, besides ``Media`` and the name of their Media resource."""


class Feed:
    """One server's collections. ``dialect`` is what it has been found to understand so far."""

    def __init__(self, preset: ProviderPreset, http: Transport, observer: Observer) -> None:
        self.preset = preset
        self.dialect = dialect_of(preset)
        self._http = http
        self._observer = observer
        self._answered = False
        """Whether any request has had its page: then a server that fails has not failed over our wording."""

    def orders(self, request: Request) -> bool:
        """Whether rows may be taken to come by (timestamp, key): the server was asked to order them so, or its preset
        says that it does so unasked. Rows that happen to be in order prove nothing."""
        return request.order and (self.dialect.order_by or not self.preset.order_by)

    def bounds_hold(self, request: Request) -> bool:
        """Whether going on from a (timestamp, key) may be trusted to leave nothing out."""
        return self.orders(request) and self.dialect.bounds

    def distrust_bounds(self) -> None:
        """This server does not order as asked: go on by ``$skip`` from here on."""
        self.dialect = replace(self.dialect, bounds=False, keyset_over_skip=False)

    async def ask(self, request: Request, *, reword: bool = True) -> FeedPage:
        """The first page of a request, worded so that the server understands it; as it is if not ``reword``.

        Raises:
            MLSError: the server refuses every wording, or fails.
        """
        while True:
            try:
                return await self._page(request)
            except MLSError as error:
                if too_large(error):
                    self.shrink(request, error)
                elif reword and (refused(error) or (broken(error) and not self._answered)):
                    return await self._reworded(request, error)
                else:
                    raise

    async def _reworded(self, request: Request, error: MLSError) -> FeedPage:
        """The page in words that the server takes. Raises the first error if it takes none."""
        held, sized = self.dialect, self._sized(request)
        tried = {self._url(request)}
        try:
            page = await self._by_name(request, error, tried)
            for single in [each.dialect for each in singles(sized, held)][: 1 if broken(error) else None]:
                page = page or await self._worded(request, single, tried)
            for least in [*leasts(sized, held)][: 1 if broken(error) else None]:
                if page is not None:
                    break
                page = await self._worded(request, least, tried)
                page = page and await self._put_back(request, held, page, tried)
        except BaseException:
            self.dialect = held
            raise
        if page is None:
            self.dialect = held
            raise error
        self._say(error, held)
        return page

    async def _by_name(self, request: Request, error: MLSError, tried: set[str]) -> FeedPage | None:
        """Leave out what the server's own words name, one thing after another."""
        held, told = self.dialect, error
        while (narrower := named(self._sized(request), self.dialect, told)) is not None:
            self.dialect = narrower
            if self._url(request) in tried:
                break
            tried.add(self._url(request))
            try:
                return await self._page(request, attempts=1)
            except MLSError as again:
                if not (refused(again) or broken(again)):
                    raise
                told = again
        self.dialect = held
        return None

    async def _worded(self, request: Request, dialect: Dialect, tried: set[str]) -> FeedPage | None:
        """The page in this dialect, which is kept then; None if it is refused, or was before."""
        held, self.dialect = self.dialect, dialect
        if self._url(request) not in tried:
            tried.add(self._url(request))
            try:
                return await self._page(request, attempts=1)
            except MLSError as error:
                if not (refused(error) or broken(error)):
                    raise
        self.dialect = held
        return None

    async def _put_back(self, request: Request, full: Dialect, page: FeedPage, tried: set[str]) -> FeedPage:
        """Several options were refused at once: find out which of them the server does take."""
        for option in put_back(request, full):
            for fields in option:
                better = await self._worded(request, replace(self.dialect, **fields), tried)
                if better is not None:
                    page = better
                    break
        return page

    def shrink(self, request: Request, error: MLSError) -> None:
        """Learn from a 413. Raises the error if nothing smaller can be asked."""
        held, less = self.dialect, smaller(self._sized(request), self.dialect)
        if less is None:
            raise error
        self.dialect = less
        self._say(error, held)

    def _say(self, error: MLSError, held: Dialect) -> None:
        cause = f"The MLS refused {left_out(held, self.dialect)} ({error.status}); asked again without."
        self._observer(RequestFailed(attempt=1, of=2, wait=0.0, cause=cause))

    def page_size(self, request: Request) -> int:
        """How many rows a request asks for: its own ``top``, cut to what the server takes."""
        expanded = request.expand and self.preset.media_mode is not MediaMode.SEPARATE
        most = self.dialect.page_size if expanded else self.dialect.bare_page_size
        if request.resource == self.preset.replication and most >= self.preset.page_size_without_media:
            most = self.preset.replication_page_size
        return min(request.top, most) if request.top else most

    def _sized(self, request: Request) -> Request:
        return replace(request, top=self.page_size(request))

    async def _page(self, request: Request, attempts: int = 3) -> FeedPage:
        return await self._read(self._url(request), self.page_size(request), attempts)

    def _url(self, request: Request) -> str:
        return url_of(self._sized(request), self.dialect, self.preset)

    async def onward(self, page: FeedPage) -> FeedPage | None:
        """The page that a page's own link leads to; None if it has none.

        Raises:
            PagingError: the link leads to another origin.
        """
        link = next_url(page, self.preset.base_url)
        return await self.follow(link) if link else None

    async def follow(self, url: str, attempts: int = 3) -> FeedPage:
        """The page a next link leads to; the link must have passed ``odata.next_url``."""
        return await self._read(url, None, attempts)

    async def _read(self, url: str, size: int | None, attempts: int = 3) -> FeedPage:
        prefer = {"Prefer": f"odata.maxpagesize={size}"} if size else None
        answer = await self._http.get_json(url, headers=prefer, attempts=attempts)
        page = read_page(url, answer.body, answer.headers)
        page = replace(page, rows=tuple(self._with_media(row) for row in page.rows))
        self._answered = True
        if page.rows and type(page.rows[0].get(self.preset.key_field)) is int and not self.dialect.numeric_keys:
            self.dialect = replace(self.dialect, numeric_keys=True)
        return page

    def _with_media(self, row: RawRecord) -> RawRecord:
        """The record with its Media under that name, whatever the server calls it."""
        if isinstance(row.get("Media"), list):
            return row
        for name in (self.preset.media_resource, *MEDIA_NAMES):
            if name != "Media" and isinstance(row.get(name), list):
                return {("Media" + field[len(name) :] if field.partition("@")[0] == name else field): value
                        for field, value in row.items()}  # fmt: skip
        return row

    def entity_url(self, key: Key, path: str = "") -> str:
        return entity_url(self.preset, key, self.dialect, path)

    async def entity(self, key: Key, path: str = "") -> RawRecord | None:
        """``Property('key')``; None if it is gone. ``path`` is an option or a navigation below it."""
        body = await self.document(self.entity_url(key, path))
        if not isinstance(body, Mapping):
            return None
        if any(name in body for name in ("value", "D", "d", "bundle")) and self.preset.key_field not in body:
            rows = read_page("", body, {}).rows
            return self._with_media(rows[0]) if rows else None
        return self._with_media(flattened(body))

    async def document(self, url: str) -> Any:
        """The parsed JSON at a URL of the server; None for 404 and 410."""
        try:
            return (await self._http.get_json(url)).body
        except MLSError as error:
            if error.status in (404, 410):
                return None
            raise


# what to leave out when a request is refused ------------------------------------------------------------------------

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
    """True if another wording of the request may be understood."""
    return error.status in REFUSALS or error.status == 414


def broken(error: MLSError) -> bool:
    """True if a server may have failed over an option that it does not know."""
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
    """The dialect to use after a 413: half the page, and without Media once pages are small (docs/reso-feeds.md,
    section 3)."""
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
