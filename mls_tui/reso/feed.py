"""Asks one server for pages and records, and learns on the way what it understands. It must never hand back fewer
rows than the server gave, nor follow a link to another origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from mls_tui.domain.errors import MLSError
from mls_tui.reso.base import Observer, RawRecord, RequestFailed
from mls_tui.reso.degrade import broken, leasts, left_out, named, put_back, refused, singles, smaller, too_large
from mls_tui.reso.links import FeedPage, flattened, next_url, read_page
from mls_tui.reso.odata import Dialect, Key, Request, entity_url, url_of
from mls_tui.reso.presets import MediaMode, ProviderPreset


class Received(Protocol):
    """An answer of the transport: parsed JSON and headers."""

    @property
    def body(self) -> Any: ...

    @property
    def headers(self) -> Mapping[str, str]: ...


class Transport(Protocol):
    """What is asked of HTTP: one signed GET, with the retries and pauses of FIELD §3 inside."""

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


class Feed:
    """One server's collections. ``dialect`` is what it has been found to understand so far."""

    def __init__(self, preset: ProviderPreset, http: Transport, observer: Observer) -> None:
        self.preset = preset
        self.dialect = dialect_of(preset)
        self._http = http
        self._observer = observer
        self._answered = False
        """Whether any question has had its page: then a server that fails has not failed over our wording."""

    def orders(self, request: Request) -> bool:
        """Whether rows may be taken to come by (timestamp, key): the server was asked to, or its preset says that it
        does so unasked. Rows that happen to stand in order prove nothing."""
        return request.order and (self.dialect.order_by or not self.preset.order_by)

    def bounds_hold(self, request: Request) -> bool:
        """Whether going on from a (timestamp, key) may be trusted to leave nothing out."""
        return self.orders(request) and self.dialect.bounds

    def distrust_bounds(self) -> None:
        """This server does not order as asked: go on by ``$skip`` from here on."""
        self.dialect = replace(self.dialect, bounds=False, keyset_over_skip=False)

    async def ask(self, request: Request, *, reword: bool = True) -> FeedPage:
        """The first page of a request, worded so that the server understands it; as it is where not ``reword``.

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
        """The page in words that the server takes. Raises the first error where it takes none."""
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
        """The page in this dialect, which is kept then; None where it is refused, or was before."""
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
        """Learn from a 413. Raises the error where nothing smaller can be asked."""
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
        """The page that a page's own link leads to; None where it has none.

        Raises:
            PagingError: the link leads to another origin.
        """
        link = next_url(page, self.preset.base_url)
        return await self.follow(link) if link else None

    async def follow(self, url: str) -> FeedPage:
        """The page a next link leads to; the link must have passed ``links.next_url``."""
        return await self._read(url, None)

    async def _read(self, url: str, size: int | None, attempts: int = 3) -> FeedPage:
        prefer = {"Prefer": f"odata.maxpagesize={size}"} if size else None
        answer = await self._http.get_json(url, headers=prefer, attempts=attempts)
        page = read_page(url, answer.body, answer.headers)
        self._answered = True
        if page.rows and type(page.rows[0].get(self.preset.key_field)) is int and not self.dialect.numeric_keys:
            self.dialect = replace(self.dialect, numeric_keys=True)
        return page

    def entity_url(self, key: Key, path: str = "") -> str:
        return entity_url(self.preset, key, self.dialect, path)

    async def entity(self, key: Key, path: str = "") -> RawRecord | None:
        """``Property('key')``; None where it is gone. ``path`` is an option or a navigation below it."""
        body = await self.document(self.entity_url(key, path))
        if not isinstance(body, Mapping):
            return None
        if any(name in body for name in ("value", "D", "d", "bundle")) and self.preset.key_field not in body:
            rows = read_page("", body, {}).rows
            return rows[0] if rows else None
        return flattened(body)

    async def document(self, url: str) -> Any:
        """The parsed JSON at a URL of the server; None for 404 and 410."""
        try:
            return (await self._http.get_json(url)).body
        except MLSError as error:
            if error.status in (404, 410):
                return None
            raise
