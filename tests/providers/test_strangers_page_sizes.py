"""How much a page may hold: asked for in both ways a server may heed, and less where a server cannot bear it."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web

from mls_tui.domain.run import RunState
from tests.providers.direct import connector, sweep
from tests.providers.feed_server import FeedServer
from tests.providers.homes import homes
from tests.providers.odd_servers import offset_links
from tests.providers.quirks import Quirks
from tests.providers.stranger import houses, numbers, visiting


@pytest.mark.feed(1, "$top and Prefer are sent")
async def test_a_page_is_asked_for_by_top_and_by_preference(tmp_path: Path) -> None:
    rows, asked = houses(25), list[tuple[str | None, str | None]]()
    plain = offset_links(rows)

    async def answer(request: web.Request) -> web.StreamResponse:
        if "$skip" not in request.query:
            asked.append((request.query.get("$top"), request.headers.get("Prefer")))
        return await plain(request)

    async with visiting(answer, tmp_path, overrides={"api_limits": "100000/1", "page_size": 20}) as visit:
        assert (await visit.run()).state is RunState.DONE
        assert await visit.numbers() == numbers(rows)
    assert asked[0] == ("20", "odata.maxpagesize=20")
    assert all(preference == f"odata.maxpagesize={top}" for top, preference in asked)


@pytest.mark.feed(3, "413: half the page, then without Media")
@pytest.mark.parametrize("size", [200, 12])
async def test_a_page_too_large_however_small_is_asked_for_without_its_media(size: int) -> None:
    server = FeedServer(homes(30, photos=2), Quirks(refuse=frozenset({"$expand"}), refusal=413))
    made = connector(server, overrides={"page_size": size})
    swept = await sweep(made)
    assert len(swept.keys) == 30
    assert [len(await made.media(record)) for record in swept.records] == [2] * 30
    tops = [url.partition("$top=")[2].partition("&")[0] for url in server.asked if "$expand" in url]
    assert [int(top) for top in tops[:2]] == [size, max(10, size // 2)], "halved first"
