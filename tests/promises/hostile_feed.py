"""A feed whose every name is hostile, over real HTTP with photos under any address, and a house that imports it."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import quote

from aiohttp import web
from hypothesis import strategies as st

from mls_tui import actions
from mls_tui.actions import ConnectionForm
from mls_tui.actions.workspace import Workspace
from mls_tui.config import Settings
from mls_tui.domain.listing import Listing
from tests.clocks import SwiftClock
from tests.e2e.house import OVERRIDES
from tests.promises.house import quick_jpeg
from tests.promises.two_users import OneUser
from tests.providers.feed_server import FeedServer
from tests.providers.homes import stamp

Record = dict[str, Any]

WORDS = (
    *("../../etc/passwd", "..", ".", "a/b", "a\\b", "/", "//", "C:\\x", "~root", "con", "-rf", "*", "?", "a?b#c", "#"),
    *("%2e%2e%2f", "%00", "%", "a b", "  a  ", "A", "a", "a.", "a/", "original/photo0.jpg", "LISTING#1", "USER#eve"),
    *("LISTINGKEY#reso#1", "STATUS#active", "' or 1 eq 1", "''", '"', "$(id)", "`id`", "[/]", "=1+1", "<b>", "\x1b[2J"),
    *("a\x00b", "a\nb", "\u202eb", "é", "e\u0301", "ß", "ss", "İ", "ﬁ", "🏠", "\U0010ffff", "null", "", " ", "0", "00"),
    *("x" * 255, "x" * 254, "é" * 42, "é" * 43, "é" * 128, "k" * 1024, "\ud800"),
)
"""Names that are paths, keys, queries, markup, twins of one another by case or normal form, empty or too long."""

NAMES = st.sampled_from(WORDS) | st.text(st.characters(codec="utf-8"), max_size=12) | st.text("./%#aA~+", max_size=8)


@st.composite
def feeds(draw: st.DrawFn) -> list[Record]:
    """Records with keys of their own; numbers may repeat."""
    drawn = st.lists(
        st.tuples(NAMES, NAMES, NAMES, NAMES), min_size=1, max_size=6, unique_by=lambda row: row[0].strip()
    )
    return [record(at, *row) for at, row in enumerate(draw(drawn))]


def record(at: int, key: str, number: str, caption: str, path: str) -> Record:
    return {
        "ListingKey": key,
        "ListingId": number,
        "StandardStatus": "Active",
        "ModificationTimestamp": stamp(at),
        "OriginatingSystemName": "Lakeside MLS",
        "ListPrice": 100_000 + at,
        "UnparsedAddress": caption,
        "PhotosCount": 1,
        "Media": [{"MediaKey": f"{at}", "Order": 0, "ShortDescription": caption, "MediaURL": f"photos/{at}/{path}"}],
    }


def number_of(record: Record) -> str:
    """The number it must be stored under; the key stands in for one that is missing."""
    return str(record["ListingId"].strip() or record["ListingKey"].strip())


def storable(record: Record) -> bool:
    """Whether key and number can stand in a key: they are there, not too long, and no control characters."""
    key, number = record["ListingKey"].strip(), number_of(record)
    plain = all(_plain(text) for text in (key, number))
    fits = len(key) <= 255 and len(number) <= 255 and 0 < len(quote(number, safe="-._~", errors="replace")) <= 255
    return bool(key) and plain and fits


def _plain(text: str) -> bool:
    """No control, no bidirectional control, no byte order mark or zero-width space, no half of a pair."""
    return not any(
        unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(each) in _BIDI
        or each in _ODD
        for each in text
    )


_BIDI = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
_ODD = "\u200b\ufeff\u200e\u200f\u061c"


class HostileServer(FeedServer):
    """In the order of time, asked for or not."""

    def _ordered(self, rows: list[Record], query: Mapping[str, str]) -> list[Record]:
        return rows


@dataclass
class HostileHouse:
    """Imports whatever ``records`` are, each time through a connection of its own."""

    server: FeedServer
    ws: Workspace
    served: set[str] = field(default_factory=set)
    _numbers: count[int] = field(default_factory=count)

    async def imported(self, records: list[Record]) -> int:
        """Import them; how many were put aside, each with its reason."""
        self.server.records = [dict(record) for record in records]
        form = ConnectionForm(
            name=f"Connection {next(self._numbers)}",
            provider="reso",
            base_url=self.server.base,
            access_token=self.server.quirks.token,
            overrides=OVERRIDES,
        )
        made = await actions.connect_mls(form, self.ws)
        assert made.data is not None, made.error
        answer = await actions.import_mls_listings(made.data.connection.connection_id, None, self.ws)
        assert answer.data is not None
        assert answer.data.error is None, answer.data.error
        await actions.disconnect_mls(made.data.connection.connection_id, self.ws)
        assert all(each.error for each in answer.data.errors)
        return len(answer.data.errors)

    async def listings(self) -> list[Listing]:
        return (await actions.get_imported_listings(self.ws)).data or []

    async def objects(self) -> dict[str, bytes | None]:
        """Every object there is, whoever's."""
        keys = [key async for batch in self.ws.photos.keys("listings/") for key in batch]
        return {key: await self.ws.photos.get(key) for key in keys}


@asynccontextmanager
async def hostile_house(settings: Settings) -> AsyncIterator[HostileHouse]:
    """A server on loopback and a workspace over one pair of stores."""
    server = HostileServer([])
    served: set[str] = set()

    async def handle(request: web.Request) -> web.Response:
        if "/Property" not in request.path and "/Media" not in request.path:
            body = quick_jpeg(request.raw_path[:1_000])
            served.add(hashlib.sha256(body).hexdigest())
            return web.Response(body=body, content_type="image/jpeg")
        reply = server.answer(f"{server.base}{str(request.rel_url).removeprefix('/odata')}")
        return web.json_response(reply.body, status=reply.status, headers=reply.headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.base = f"http://127.0.0.1:{runner.addresses[0][1]}/odata"
        async with Workspace(settings, clock=SwiftClock(), users=OneUser("mallory")) as ws:
            await ws.store.init()
            await ws.photos.init()
            yield HostileHouse(server, ws, served)
    finally:
        await runner.cleanup()
