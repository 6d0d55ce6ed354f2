"""Whole imports from servers that provide photos in different ways: every photo is stored, with few requests."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from mls_tui.domain.run import RunState
from tests.providers.odd_servers import offset_links, refusal
from tests.providers.stranger import PNG, Handler, Visit, houses, numbers, visiting

PHOTOS = 3
ROWS = houses(60, PhotosCount=PHOTOS)


def picture(key: str, order: int) -> bytes:
    """A PNG of its own: what follows the picture's end is not looked at."""
    return PNG + f"{key}/{order}".encode()


def with_media(*, parent: str = "ResourceRecordKey", refuses_expand: int = 0, resource: bool = True) -> Handler:
    """Photos from the Media resource, by ``parent``; ``$expand`` is ignored, or refused with a status."""
    plain = offset_links(ROWS, size=25)

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.startswith("/photos/"):
            _, _, key, order = request.path.split("/")
            return web.Response(body=picture(key, int(order)), content_type="image/png")
        if request.path == "/odata/Media":
            return _media(request, parent) if resource else refusal(404, "no such resource")
        if "$expand" in request.query and refuses_expand:
            return refusal(refuses_expand, "The query is not supported")
        return await plain(request)

    return answer


def _media(request: web.Request, parent: str) -> web.Response:
    where = request.query.get("$filter", "")
    fields = set(re.findall(r"(\w+) eq", where))
    if fields != {parent}:
        return refusal(400, f"Could not find a property named {fields}")
    # DD 2.0: ResourceRecordID is what people quote, ResourceRecordKey the key.
    named = {row["ListingId" if parent == "ResourceRecordID" else "ListingKey"]: row["ListingKey"] for row in ROWS}
    names = re.findall(r"eq '([^']*)'", where)
    found = [
        {
            "MediaKey": f"{key}-{order}",
            parent: name,
            "Order": order,
            "MediaURL": f"{_origin(request)}/photos/{key}/{order}",
        }
        for name, key in ((name, named[name]) for name in names if name in named)
        for order in range(PHOTOS)
    ]
    return web.json_response({"value": found[: int(request.query.get("$top", 10))]})


def _origin(request: web.Request) -> str:
    return f"http://{request.host}"


async def every_photo_came(visit: Visit) -> list[str]:
    """Import: every row is stored with the photos that it has. What was asked of the feed."""
    result = await visit.run()
    assert (result.state, result.error, result.counts.failed) == (RunState.DONE, None, 0)
    assert await visit.numbers() == numbers(ROWS)
    for key, listing in (await visit.listings()).items():
        assert [photo.sha256 for photo in listing.photos] == [
            hashlib.sha256(picture(key, order)).hexdigest() for order in range(PHOTOS)
        ], key
    return [url for url in visit.asked if url.startswith("/odata")]


@pytest.mark.feed(5, "Media as a separate resource")
@pytest.mark.parametrize("parent", ["ResourceRecordKey", "ResourceRecordID", "ListingKey"])
async def test_photos_of_a_media_resource_that_names_its_parent_in_its_own_way(tmp_path: Path, parent: str) -> None:
    async with visiting(with_media(parent=parent), tmp_path) as visit:
        assert len(await every_photo_came(visit)) <= 14


@pytest.mark.feed(0, "$expand breaks the server")
@pytest.mark.parametrize("status", [400, 404, 500, 501])
async def test_photos_where_expand_is_refused(tmp_path: Path, status: int) -> None:
    async with visiting(with_media(refuses_expand=status), tmp_path) as visit:
        assert len(await every_photo_came(visit)) <= 16


@pytest.mark.feed(0, "photos counted, given nowhere")
async def test_homes_come_without_photos_where_nothing_gives_them(tmp_path: Path) -> None:
    async with visiting(with_media(resource=False), tmp_path) as visit:
        result = await visit.run()
        assert result.state is RunState.DONE
        assert await visit.numbers() == numbers(ROWS)
        assert len(visit.asked) <= 14 + 60


async def test_photos_inside_each_record_cost_no_request_of_their_own(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [dict(row) for row in ROWS]
    plain = offset_links(rows, size=25)

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.startswith("/photos/"):
            _, _, key, order = request.path.split("/")
            return web.Response(body=picture(key, int(order)), content_type="image/png")
        for row in rows:
            row["Media"] = [
                {"Order": order, "MediaURL": f"{_origin(request)}/photos/{row['ListingKey']}/{order}"}
                for order in range(PHOTOS)
            ]
        return await plain(request)

    async with visiting(answer, tmp_path) as visit:
        assert len(await every_photo_came(visit)) <= 8
