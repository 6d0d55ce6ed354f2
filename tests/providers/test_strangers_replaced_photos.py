"""A photo that was replaced under the same URL, order and key is noticed, with as few downloads as possible."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.providers.odd_servers import offset_links
from tests.providers.stranger import PNG, Handler, Visit, houses, visiting

PHOTOS = 3
LATER = "2026-06-20T00:00:00Z"


def picture(name: str, version: int) -> bytes:
    return PNG + f"{name}/{version}".encode()


def serving_photos(rows: list[dict[str, Any]], versions: dict[str, int], *, keyed: bool) -> Handler:
    """Media inside each record, without any timestamp; its keys are positions."""
    plain = offset_links(rows)

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.startswith("/photos/"):
            name = request.path.removeprefix("/photos/")
            return web.Response(body=picture(name, versions.get(name, 1)), content_type="image/png")
        for row in rows:
            row["Media"] = [
                {"Order": order, "MediaURL": f"http://{request.host}/photos/{row['ListingKey']}/{order}"}
                | ({"MediaKey": f"{row['ListingKey']}-{order}"} if keyed else {})
                for order in range(PHOTOS)
            ]
        return await plain(request)

    return answer


async def stored(visit: Visit) -> dict[str, list[tuple[str | None, str | None]]]:
    return {
        key: [(photo.key, photo.sha256) for photo in listing.photos]
        for key, listing in (await visit.listings()).items()
    }


@pytest.mark.feed(5, "no MediaKey, no timestamp: a position")
@pytest.mark.parametrize("keyed", [True, False], ids=["positional key", "no key"])
@pytest.mark.parametrize("told", [True, False], ids=["PhotosChangeTimestamp", "ModificationTimestamp alone"])
async def test_a_photo_replaced_in_place_is_had_and_its_neighbours_keep_their_objects(
    tmp_path: Path, told: bool, keyed: bool
) -> None:
    rows = houses(2, PhotosCount=PHOTOS, **({"PhotosChangeTimestamp": "2026-06-01T00:00:00Z"} if told else {}))
    key, other = (row["ListingKey"] for row in rows)
    versions: dict[str, int] = {}
    async with visiting(serving_photos(rows, versions, keyed=keyed), tmp_path) as visit:
        await visit.run()
        before = await stored(visit)
        versions[f"{key}/1"] = 2
        rows[0] |= {"ModificationTimestamp": LATER} | ({"PhotosChangeTimestamp": LATER} if told else {})
        visit.forget()
        await visit.run()
        after = await stored(visit)
        assert after[key][1][1] == hashlib.sha256(picture(f"{key}/1", 2)).hexdigest()
        assert (after[key][0], after[key][2], after[other]) == (before[key][0], before[key][2], before[other])
        assert sum(url.startswith("/photos/") for url in visit.asked) == PHOTOS, "those of the other listing: none"
        objects = {found async for batch in visit.ws.photos.keys("listings/") for found in batch}
        assert objects == {name for photos in after.values() for name, _ in photos}


@pytest.mark.feed(5, "no MediaKey, no timestamp: a position")
async def test_a_new_price_fetches_no_photo_where_the_feed_says_when_photos_changed(tmp_path: Path) -> None:
    rows = houses(1, PhotosCount=PHOTOS, PhotosChangeTimestamp="2026-06-01T00:00:00Z")
    async with visiting(serving_photos(rows, {}, keyed=True), tmp_path) as visit:
        await visit.run()
        before = await stored(visit)
        rows[0] |= {"ModificationTimestamp": LATER, "ListPrice": 1}
        visit.forget()
        await visit.run()
        assert await stored(visit) == before
        assert not any(url.startswith("/photos/") for url in visit.asked)
