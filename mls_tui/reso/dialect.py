"""Learns what one server supports: which options it refuses, how large pages may be, how it writes statuses.

A changed dialect requests the same records or more, never fewer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from mls_tui.domain.errors import MLSError, sentence
from mls_tui.reso.base import Observer, RawRecord, RequestFailed
from mls_tui.reso.odata import (
    AgentForm,
    Dialect,
    FeedPage,
    Key,
    Request,
    StatusForm,
    entity_url,
    flat_record,
    next_url,
    read_page,
    url_of,
)
from mls_tui.reso.presets import MediaMode, ProviderPreset


class JsonResponse(Protocol):
    """A response with its parsed JSON; header names in lower case."""

    @property
    def body(self) -> Any: ...

    @property
    def headers(self) -> Mapping[str, str]: ...


class Transport(Protocol):
    """Sends one GET with the access token, and retries it (docs/reso-feeds.md, section 3)."""

    async def get_json(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        attempts: int = 3,
    ) -> JsonResponse: ...


def initial_dialect(preset: ProviderPreset) -> Dialect:
    """What the server supports according to its preset."""
    return Dialect(
        order_by=preset.order_by,
        count=preset.count,
        expand=preset.media_mode is MediaMode.EXPAND,
        replication=preset.replication is not None,
        timestamp_field=preset.timestamp_field,
        page_size=preset.page_size,
        page_size_without_media=preset.page_size_without_media,
        keys_per_filter=preset.keys_per_filter,
    )


MEDIA_NAMES: Final = ("PropertyPictures", "Photos")
"""Other names of a record's Media, besides ``Media`` and the name of the Media resource."""


class Feed:
    """Requests the collections of one server; ``dialect`` is what the server is known to support."""

    def __init__(self, preset: ProviderPreset, http: Transport, observer: Observer) -> None:
        self.preset = preset
        self.dialect = initial_dialect(preset)
        self._http = http
        self._observer = observer
        self._has_succeeded = False
        """Whether a request has succeeded. After that, a 5xx is not caused by our options."""

    def is_ordered(self, request: Request) -> bool:
        """Whether rows come in the order (timestamp, key): by ``$orderby``, or because the preset says that the server
        always does so. Rows that happen to be in order prove nothing."""
        return request.order and (self.dialect.order_by or not self.preset.order_by)

    def trusts_bounds(self, request: Request) -> bool:
        """Whether a bound can be relied on to leave no record out."""
        return self.is_ordered(request) and self.dialect.bounds_reliable

    def distrust_bounds(self) -> None:
        """The server does not order as requested: use ``$skip`` from now on."""
        self.dialect = replace(self.dialect, bounds_reliable=False, bounds_match_links=False)

    async def fetch(self, request: Request, *, adapt: bool = True) -> FeedPage:
        """The first page of a request. If the server refuses it, the dialect is changed (unless ``adapt`` is False).

        Raises:
            MLSError: the server refuses every dialect, or fails.
        """
        while True:
            try:
                return await self._read(request)
            except MLSError as error:
                if too_large(error):
                    self.shrink(request, error)
                elif adapt and (refused(error) or (server_failed(error) and not self._has_succeeded)):
                    return await self._adapt(request, error)
                else:
                    raise

    async def _adapt(self, request: Request, error: MLSError) -> FeedPage:
        """Find a dialect that the server accepts: without what its message names, without one option, then with as few
        options as possible. Raises the first error if there is none."""
        before, sized = self.dialect, self._sized(request)
        tried = {self._url(request)}
        try:
            page = await self._drop_named_options(request, error, tried)
            most = 1 if server_failed(error) else None  # a server that is down is not asked in every dialect
            for variant in [*without_one_option(sized, before)][:most]:
                page = page or await self._try_dialect(request, variant.dialect, tried)
            for minimal in [*minimal_dialects(sized, before)][:most]:
                if page is not None:
                    break
                page = await self._try_dialect(request, minimal, tried)
                page = page and await self._restore_options(request, before, page, tried)
        except BaseException:
            self.dialect = before
            raise
        if page is None:
            self.dialect = before
            raise error
        self._report(error, before)
        return page

    async def _drop_named_options(self, request: Request, error: MLSError, tried: set[str]) -> FeedPage | None:
        """Leave out the options that the server's messages name, one after another."""
        before, latest = self.dialect, error
        while (narrower := dialect_from_message(self._sized(request), self.dialect, latest)) is not None:
            self.dialect = narrower
            if self._url(request) in tried:
                break
            tried.add(self._url(request))
            try:
                return await self._read(request, attempts=1)
            except MLSError as again:
                if not (refused(again) or server_failed(again)):
                    raise
                latest = again
        self.dialect = before
        return None

    async def _try_dialect(self, request: Request, dialect: Dialect, tried: set[str]) -> FeedPage | None:
        """The page in this dialect, which becomes current; None if it is refused, now or before."""
        before, self.dialect = self.dialect, dialect
        if self._url(request) not in tried:
            tried.add(self._url(request))
            try:
                return await self._read(request, attempts=1)
            except MLSError as error:
                if not (refused(error) or server_failed(error)):
                    raise
        self.dialect = before
        return None

    async def _restore_options(self, request: Request, full: Dialect, page: FeedPage, tried: set[str]) -> FeedPage:
        """Add options back one by one, to find out which of them the server accepts."""
        for option in restorable_options(request, full):
            for fields in option:
                better = await self._try_dialect(request, replace(self.dialect, **fields), tried)
                if better is not None:
                    page = better
                    break
        return page

    def shrink(self, request: Request, error: MLSError) -> None:
        """Request smaller pages after a 413. Raises the error if they cannot be smaller."""
        less = smaller_pages(self._sized(request), self.dialect)
        if less is None:
            raise error
        self.dialect = less
        cause = f"{sentence(error)} Smaller pages are requested."
        self._observer(RequestFailed(attempt=1, of=2, wait=0.0, cause=cause))

    def _report(self, error: MLSError, before: Dialect) -> None:
        cause = f"The MLS refused {describe_change(before, self.dialect)} ({error.status}); asked again without."
        self._observer(RequestFailed(attempt=1, of=2, wait=0.0, cause=cause))

    def page_size(self, request: Request) -> int:
        """The number of rows to request: ``top``, but at most the server's page size."""
        expanded = request.expand and self.preset.media_mode is not MediaMode.SEPARATE
        most = self.dialect.page_size if expanded else self.dialect.page_size_without_media
        if request.resource == self.preset.replication and most >= self.preset.page_size_without_media:
            most = self.preset.replication_page_size
        return min(request.top, most) if request.top else most

    def _sized(self, request: Request) -> Request:
        return replace(request, top=self.page_size(request))

    def _url(self, request: Request) -> str:
        return url_of(self._sized(request), self.dialect, self.preset)

    async def next_page(self, page: FeedPage) -> FeedPage | None:
        """The page after ``page``; None if it has no next link.

        Raises:
            PagingError: the link leads to another origin.
        """
        link = next_url(page, self.preset.base_url)
        return await self.follow(link) if link else None

    async def follow(self, url: str, attempts: int = 3) -> FeedPage:
        """The page at a next link, which ``odata.next_url`` has checked."""
        return await self._get(url, None, attempts)

    async def _read(self, request: Request, attempts: int = 3) -> FeedPage:
        sized = self._sized(request)
        prefer = {"Prefer": f"odata.maxpagesize={sized.top}"}
        return await self._get(url_of(sized, self.dialect, self.preset), prefer, attempts)

    async def _get(self, url: str, prefer: Mapping[str, str] | None, attempts: int) -> FeedPage:
        response = await self._http.get_json(url, headers=prefer, attempts=attempts)
        page = read_page(url, response.body, response.headers)
        page.rows = tuple(map(self._with_media, page.rows))
        self._has_succeeded = True
        if page.rows and type(page.rows[0].get(self.preset.key_field)) is int and not self.dialect.numeric_keys:
            self.dialect = replace(self.dialect, numeric_keys=True)
        return page

    def _with_media(self, row: RawRecord) -> RawRecord:
        """The record with its Media renamed to ``Media``."""
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
        """``Property('key')``; None if it does not exist. ``path`` is appended: options or a navigation property."""
        body = await self.document(self.entity_url(key, path))
        if not isinstance(body, Mapping):
            return None
        if any(name in body for name in ("value", "D", "d", "bundle")) and self.preset.key_field not in body:
            rows = read_page("", body, {}).rows
            return self._with_media(rows[0]) if rows else None
        return self._with_media(flat_record(body))

    async def document(self, url: str) -> Any:
        """The JSON at a URL of the server; None for 404 and 410."""
        try:
            return (await self._http.get_json(url)).body
        except MLSError as error:
            if error.status in (404, 410):
                return None
            raise


# dialects to try when a request is refused ------------------------------------------------------------------------

REFUSALS: Final = frozenset({400, 405, 406, 415, 422, 501})
"""Statuses that mean "not like this": another dialect may be accepted."""

SMALLEST_PAGE: Final = 10

_ENUMERATION = re.compile(r"\b\w+(\.\w+)*\.StandardStatus\b")
"""As OData libraries name it: ``Found operand types 'RESO.OData.StandardStatus' and 'Edm.String'``."""


@dataclass(frozen=True, slots=True)
class Variant:
    """A changed dialect; ``hints`` matches error messages that suggest it."""

    dialect: Dialect
    hints: str


def refused(error: MLSError) -> bool:
    """Whether another dialect may be accepted."""
    return error.status in REFUSALS or error.status == 414


def server_failed(error: MLSError) -> bool:
    """Whether the server may have failed because of an option that it does not support."""
    return error.status == 404 or (error.status or 0) >= 500


def too_large(error: MLSError) -> bool:
    return error.status == 413


def dialect_from_message(request: Request, dialect: Dialect, error: MLSError) -> Dialect | None:
    """The dialect without the option that the message names, or with the enumeration type that it names."""
    if request.statuses and (typed := _ENUMERATION.search(str(error))) and typed[0] != dialect.status_type:
        return replace(dialect, status_form=StatusForm.TYPED, status_type=typed[0])
    for variant in without_one_option(request, dialect):
        if re.search(variant.hints, str(error), re.IGNORECASE):
            return variant.dialect
    return None


def smaller_pages(request: Request, dialect: Dialect) -> Dialect | None:
    """The dialect after a 413: half the page size, then without Media (docs/reso-feeds.md, section 3). None if the page
    cannot be smaller."""
    asked = request.top or 0
    if asked > SMALLEST_PAGE:
        half = max(SMALLEST_PAGE, asked // 2)
        expanded = asked == dialect.page_size or (request.expand and dialect.expand)
        return replace(dialect, page_size=half) if expanded else replace(dialect, page_size_without_media=half)
    if request.expand and dialect.expand:
        return replace(dialect, expand=False)
    return None


def without_one_option(request: Request, dialect: Dialect) -> Iterator[Variant]:
    """Dialects without one option, the most likely cause first."""
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
    yield from _plainer_filters(request, dialect)


def _plainer_filters(request: Request, dialect: Dialect) -> Iterator[Variant]:
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


def minimal_dialects(request: Request, dialect: Dialect) -> Iterator[Dialect]:
    """Dialects without all options that the request can do without, with smaller and smaller pages."""
    minimal = replace(
        dialect,
        order_by=dialect.order_by and not request.order,
        count=dialect.count and not request.count,
        expand=dialect.expand and not request.expand,
        select=dialect.select and not request.select,
        since=dialect.since and not request.since,
        status_form=StatusForm.NONE if request.statuses else dialect.status_form,
        agent_form=AgentForm.KEY if request.agent else dialect.agent_form,
    )
    yield minimal
    for size in (100, SMALLEST_PAGE):
        if size < (request.top or 0):
            page, bare = min(dialect.page_size, size), min(dialect.page_size_without_media, size)
            yield replace(minimal, page_size=page, page_size_without_media=bare)


def restorable_options(request: Request, full: Dialect) -> Iterator[list[dict[str, Any]]]:
    """Options to add back to a minimal dialect, the most useful first: for each option the fields to try, at first as
    before, then simpler ones."""
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


def describe_change(full: Dialect, now: Dialect) -> str:
    """What ``now`` leaves out compared with ``full``, in words."""
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
        "page_size_without_media": f"pages of {full.page_size_without_media}",
    }
    words = [said for name, said in options.items() if getattr(full, name) != getattr(now, name)]
    if full.status_form != now.status_form:
        words.append("a filter on status" if now.status_form is StatusForm.NONE else "that spelling of statuses")
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
