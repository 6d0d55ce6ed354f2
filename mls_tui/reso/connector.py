"""The connector for all RESO Web API servers. It has no code for single providers; what differs is in ``presets``."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Protocol

from mls_tui.domain.clock import Clock, SystemClock, iso_z
from mls_tui.domain.connection import Connection, Cursor, Member, SecretField
from mls_tui.domain.listing import parse_timestamp
from mls_tui.reso.auth import KeptToken, OnToken
from mls_tui.reso.base import FeedQuery, MediaCutError, Notice, Observer, Page, PhotoBytes, RawRecord, Window
from mls_tui.reso.client import MlsClient
from mls_tui.reso.dialect import Feed, Transport
from mls_tui.reso.lookup import Lookup, member_of
from mls_tui.reso.media import MediaSource
from mls_tui.reso.odata import Request
from mls_tui.reso.open_houses import OpenHouses
from mls_tui.reso.pager import bare_fields, count_of, request_for, sweep_pages
from mls_tui.reso.presets import ProviderPreset, for_connection
from mls_tui.reso.rate_limit import RateLimits


class SignedTransport(Transport, Protocol):
    """What the connector needs from the HTTP client (``client.MlsClient``)."""

    async def sign_in(self) -> None: ...
    async def photo(self, url: str) -> PhotoBytes: ...
    async def revoke(self) -> None: ...
    def masked(self, text: str) -> str: ...
    async def close(self) -> None: ...


class ResoConnector:
    """Implements ``reso.base.Connector``, which documents the methods."""

    def __init__(
        self,
        preset: ProviderPreset,
        connection: Connection,
        http: SignedTransport,
        *,
        clock: Clock,
        observer: Observer,
        limits: RateLimits | None = None,
    ) -> None:
        self.provider = preset.name
        self.preset = preset
        self.http = http
        self.feed = Feed(preset, http, observer)
        self._connection = connection
        self._clock = clock
        self._limits = limits
        self._lookup = Lookup(self.feed, preset.system)
        self._media = MediaSource(self.feed, self._lookup)
        self._open_houses = OpenHouses(self.feed, clock)

    async def authenticate(self) -> None:
        await self.http.sign_in()

    async def pages(self, query: FeedQuery) -> AsyncIterator[Page]:
        """With the Media of each record, if one request gives that of a whole page."""
        if query.keys or query.mls_numbers:
            source = self._named(query)
        else:
            self._open_houses.forget()
            started_at, by_keys = self._clock.now(), self._lookup.by_keys
            source = sweep_pages(self.feed, query, self._request(query), fetch_by_keys=by_keys, started_at=started_at)
        async for page in source:
            if not query.bare:
                page.records = await self._open_houses.attach(await self._media.attach(page.records))
            yield page

    def _request(self, query: FeedQuery) -> Request:
        request = request_for(self.feed, query, system=self.preset.system, agent=self._connection.agent_key)
        if not query.bare:
            return request
        return replace(request, select=bare_fields(self.preset, self.preset.timestamp_field), expand=False)

    async def _named(self, query: FeedQuery) -> AsyncIterator[Page]:
        number, given = 0, 0
        for batches in (self._lookup.by_keys(query.keys), self._lookup.by_numbers(query.mls_numbers)):
            async for rows in batches:
                kept = rows if query.limit is None else rows[: max(0, query.limit - given)]
                number, given = number + 1, given + len(kept)
                yield Page(number, kept)
        yield Page(number + 1, (), last=True)

    async def count(self, query: FeedQuery) -> int | None:
        if query.keys or query.mls_numbers:
            return None
        return await count_of(self.feed, self._request(query))

    async def listing(self, listing_key: str) -> RawRecord | None:
        async for rows in self._lookup.by_keys([listing_key]):
            for record in await self._media.attach(rows):
                return record
        return None

    async def media(self, record: RawRecord) -> list[RawRecord]:
        return await self._media.of(record)

    async def open_houses_changed(self, since: str) -> list[str]:
        return await self._open_houses.changed_since(since)

    async def fresh_media(self, listing_key: str) -> list[RawRecord]:
        try:
            return await self._media.fresh(listing_key)
        except MediaCutError as cut:
            return list(cut.rows)

    async def photo(self, url: str) -> PhotoBytes:
        return await self.http.photo(url)

    def masked(self, text: str) -> str:
        return self.http.masked(text)

    async def member(self) -> Member:
        return await member_of(self.feed, self._connection.agent_key)

    def since(self, cursor: Cursor) -> str | None:
        """None, so that everything is read, without a readable watermark or if it is older than hidden records stay in
        the feed (MLS Grid: 7 days)."""
        at = parse_timestamp(cursor.watermark) if cursor.watermark else None
        if at is None:
            return None
        oldest = self.preset.max_watermark_age_days
        if oldest is not None and self._clock.now() - at > timedelta(days=oldest):
            return None
        try:
            return iso_z(at - timedelta(minutes=self.preset.overlap_minutes))
        except OverflowError:
            return None

    def budget(self) -> Sequence[Window]:
        return self._limits.windows() if self._limits is not None else ()

    async def disconnect(self) -> None:
        await self.http.revoke()

    async def close(self) -> None:
        await self.http.close()


def unobserved(notice: Notice) -> None:
    """An observer that ignores notices."""


def open_connector(
    connection: Connection,
    secrets: Mapping[SecretField, str],
    *,
    clock: Clock | None = None,
    observer: Observer = unobserved,
    limits: RateLimits | None = None,
    allow_private_hosts: bool = False,
    proxy: str | None = None,
    ca_bundle: str | None = None,
    on_token: OnToken | None = None,
    kept_token: KeptToken | None = None,
    rng: random.Random | None = None,
) -> ResoConnector:
    """The connector for a connection; sends nothing yet.

    ``limits`` are shared with other connections to the same host with the same credential, or restored from an earlier
    run. ``proxy`` and ``ca_bundle`` are the settings of that name. ``on_token`` stores renewed tokens, ``kept_token``
    reads them.

    Raises:
        UsageError: the provider is unknown, or a setting of the connection does not fit it.
    """
    clock = clock or SystemClock()
    preset = for_connection(connection)
    limits = limits or RateLimits(clock).tighten(preset.api_limits, preset.media_limits)
    http = MlsClient(
        preset,
        connection,
        secrets,
        clock=clock,
        limits=limits,
        observer=observer,
        allow_private_hosts=allow_private_hosts,
        proxy=proxy,
        ca_bundle=ca_bundle,
        on_token=on_token,
        kept_token=kept_token,
        rng=rng or random.Random(),
    )
    return ResoConnector(preset, connection, http, clock=clock, observer=observer, limits=limits)
