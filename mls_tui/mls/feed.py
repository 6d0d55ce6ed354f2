"""Asks one server for pages and records, and learns on the way what it understands. It must never hand back fewer
rows than the server gave, nor follow a link to another origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from mls_tui.domain.errors import MLSError
from mls_tui.mls.base import Observer, RawRecord, RequestFailed
from mls_tui.mls.degrade import Variant, refused, smaller, too_large, variants
from mls_tui.mls.links import FeedPage, flattened, read_page
from mls_tui.mls.odata import Dialect, Key, Request, entity_url, url_of
from mls_tui.mls.preset_fields import MediaMode, ProviderPreset


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
        params: Mapping[str, str] | None = None,
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
                    self._adopt(self._smaller(request, error), error)
                elif refused(error) and reword:
                    return await self._reworded(request, error)
                else:
                    raise

    def _smaller(self, request: Request, error: MLSError) -> Variant:
        variant = smaller(self._sized(request), self.dialect)
        if variant is None:
            raise error
        return variant

    async def _reworded(self, request: Request, error: MLSError) -> FeedPage:
        held = self.dialect
        for variant in variants(self._sized(request), held, error):
            self.dialect = variant.dialect
            try:
                page = await self._page(request)
            except MLSError as again:
                self.dialect = held
                if not refused(again):
                    raise
            else:
                self._say(variant, error)
                return page
        raise error

    def shrink(self, request: Request, error: MLSError) -> None:
        """Learn from a 413 on a next link. Raises the error where nothing smaller can be asked."""
        self._adopt(self._smaller(request, error), error)

    def _adopt(self, variant: Variant, error: MLSError) -> None:
        self.dialect = variant.dialect
        self._say(variant, error)

    def _say(self, variant: Variant, error: MLSError) -> None:
        cause = f"The MLS refused {variant.without} ({error.status}); asked again without."
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

    async def _page(self, request: Request) -> FeedPage:
        sized = self._sized(request)
        return await self._read(url_of(sized, self.dialect, self.preset), sized.top)

    async def follow(self, url: str) -> FeedPage:
        """The page a next link leads to; the link must have passed ``links.next_url``."""
        return await self._read(url, None)

    async def _read(self, url: str, size: int | None) -> FeedPage:
        prefer = {"Prefer": f"odata.maxpagesize={size}"} if size else None
        answer = await self._http.get_json(url, headers=prefer)
        page = read_page(url, answer.body, answer.headers)
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
