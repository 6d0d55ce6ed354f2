"""Photo URLs that expire or work only once: the Media is read again once, and one failed photo stops no other."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from mls_tui.domain.run import RunState
from tests.providers.odd_servers import offset_links
from tests.providers.stranger import PNG, Handler, houses, visiting

PHOTOS = 3


class Signed:
    """Each page of the feed signs its photo addresses anew; ``refusals`` says what the first signature answers."""

    def __init__(self, rows: list[dict[str, Any]], refusals: dict[str, int], *, for_ever: bool = False) -> None:
        self.rows, self.refusals, self.for_ever = rows, refusals, for_ever
        self.pages = 0
        self.photos: Counter[str] = Counter()

    def handler(self) -> Handler:
        plain = offset_links(self.rows)

        async def answer(request: web.Request) -> web.StreamResponse:
            if request.path.startswith("/photos/"):
                return self._photo(request)
            self.pages += 1
            for row in self.rows:
                row["Media"] = [self._media(row["ListingKey"], n, request.host) for n in range(PHOTOS)]
            return await plain(request)

        return answer

    def _media(self, key: str, number: int, host: str) -> dict[str, Any]:
        url = f"http://{host}/photos/{key}-{number}?signature={self.pages}"
        return {"MediaKey": f"{key}-{number}", "Order": number, "MediaURL": url, "MediaModificationTimestamp": "2026"}

    def _photo(self, request: web.Request) -> web.Response:
        name = request.path.removeprefix("/photos/")
        self.photos[request.path_qs] += 1
        refusal = self.refusals.get(name)
        first = sum(times for url, times in self.photos.items() if url.startswith(f"{request.path}?")) == 1
        if refusal is not None and (first or self.for_ever):
            return web.Response(status=refusal)
        return web.Response(body=PNG + name.encode(), content_type="image/png")


@pytest.mark.feed(5, "an address that expired")
@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_an_expired_address_is_read_anew_and_the_photo_comes(tmp_path: Path, status: int) -> None:
    rows = houses(2, PhotosCount=PHOTOS)
    names = {f"{rows[0]['ListingKey']}-{number}": status for number in (0, 2)}
    server = Signed(rows, names)
    async with visiting(server.handler(), tmp_path) as visit:
        result = await visit.run()
        assert (result.state, result.counts.photos_failed) == (RunState.DONE, 0)
        assert [listing.photos_stored for listing in (await visit.listings()).values()] == [PHOTOS, PHOTOS]
        anew = [url for url in visit.asked_for("Property") if re.search(r"ListingKey(%20| )eq", url)]
        assert len(anew) == 1, "once for the listing, not once for each photo"


@pytest.mark.feed(5, "an address that expired")
async def test_an_address_that_expires_again_and_again_fails_its_photo_alone(tmp_path: Path) -> None:
    rows = houses(2, PhotosCount=PHOTOS)
    server = Signed(rows, {f"{rows[0]['ListingKey']}-1": 403}, for_ever=True)
    async with visiting(server.handler(), tmp_path) as visit:
        result = await visit.run()
        assert (result.counts.created, result.counts.failed, result.counts.photos_failed) == (2, 0, 1)
        listing = (await visit.listings())[rows[0]["ListingKey"]]
        assert [photo.stored for photo in listing.photos] == [True, False, True]
        asked = [url for url in server.photos if f"{rows[0]['ListingKey']}-1?" in url]
        assert len(asked) == 2, "the address that came with the page, and the one read anew"


@pytest.mark.feed(6, "addresses good for one request")
async def test_an_address_good_for_one_request_is_never_asked_twice(tmp_path: Path) -> None:
    rows = houses(3, PhotosCount=PHOTOS)
    server = Signed(rows, {f"{rows[1]['ListingKey']}-1": 500})
    overrides = {"api_limits": "100000/1", "media_once": True}
    async with visiting(server.handler(), tmp_path, overrides=overrides) as visit:
        result = await visit.run()
        assert (result.counts.created, result.counts.photos_failed) == (3, 0)
        assert set(server.photos.values()) == {1}
