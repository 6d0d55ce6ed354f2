"""Photos that a listing counts and its Media does not show yet are owed, and not asked for without end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from mls_tui.domain.run import RunState
from tests.providers.odd_servers import offset_links
from tests.providers.stranger import PNG, Handler, Visit, houses, visiting

Row = dict[str, Any]


def with_rows(rows: list[Row]) -> Handler:
    plain = offset_links(rows)

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.startswith("/photos/"):
            return web.Response(body=PNG + request.path.encode(), content_type="image/png")
        for row in rows:
            for media in row.get("Media", []):
                media["MediaURL"] = f"http://{request.host}/photos/{media['MediaKey']}"
        return await plain(request)

    return answer


def media(row: Row, count: int, version: int = 1) -> list[Row]:
    return [{"MediaKey": f"{row['ListingKey']}-{n}-{version}", "Order": n} for n in range(count)]


async def missing(visit: Visit) -> dict[str, int]:
    return {entry.mls_id: entry.photos_missing async for entry in visit.ws.store.index(visit.ws.user_id)}


async def test_media_that_comes_later_is_had_by_the_next_import_though_the_record_did_not_change(
    tmp_path: Path,
) -> None:
    rows = houses(3, PhotosCount=2, Media=[])
    async with visiting(with_rows(rows), tmp_path) as visit:
        assert (await visit.run()).state is RunState.DONE
        assert set((await missing(visit)).values()) == {2}
        for row in rows:
            row["Media"] = media(row, 2)
        await visit.run()
        assert [listing.photos_stored for listing in (await visit.listings()).values()] == [2, 2, 2]
        assert set((await missing(visit)).values()) == {0}


async def test_media_that_never_comes_is_asked_for_by_two_more_imports_and_again_once_the_record_changes(
    tmp_path: Path,
) -> None:
    rows = houses(1, PhotosCount=2, Media=[])
    key = rows[0]["ListingKey"]
    async with visiting(with_rows(rows), tmp_path) as visit:
        owed = []
        for _ in range(4):
            await visit.run()
            owed.append((await missing(visit))[key])
        assert owed == [2, 2, 0, 0]
        rows[0] |= {"ModificationTimestamp": "2026-06-09T00:00:00Z"}
        await visit.run()
        assert (await missing(visit))[key] == 2


@pytest.mark.parametrize("late", [1, 2])
async def test_photos_stay_while_new_ones_are_awaited(tmp_path: Path, late: int) -> None:
    rows = houses(1, PhotosCount=2)
    rows[0]["Media"] = media(rows[0], 2)
    async with visiting(with_rows(rows), tmp_path) as visit:
        await visit.run()
        rows[0] |= {"ModificationTimestamp": "2026-06-09T00:00:00Z", "PhotosCount": 3, "Media": []}
        for _ in range(late):
            await visit.run()
            (listing,) = (await visit.listings()).values()
            assert (listing.photos_stored, listing.photos_missing) == (2, 1)
        rows[0]["Media"] = media(rows[0], 3, version=2)
        await visit.run()
        (listing,) = (await visit.listings()).values()
        assert [photo.media_key for photo in listing.photos] == [row["MediaKey"] for row in rows[0]["Media"]]
        assert (listing.photos_stored, listing.photos_missing) == (3, 0)
