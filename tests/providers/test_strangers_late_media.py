"""Photos that a listing counts but its Media does not show yet are requested again, a limited number of times."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from mls_tui.domain.events import PhotoFailed
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


@pytest.mark.feed(5, "no Media though photos are counted")
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


@pytest.mark.feed(5, "no Media though photos are counted")
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


@pytest.mark.feed(5, "no Media though photos are counted")
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


def with_cut_media(rows: list[Row], cap: int) -> Handler:
    """``cap`` rows of a listing's Media from the Media resource, and no way to the rest."""
    plain = offset_links([{name: value for name, value in row.items() if name != "Media"} for row in rows])

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.startswith("/photos/"):
            return web.Response(body=PNG + request.path.encode(), content_type="image/png")
        if request.path != "/odata/Media":
            return await plain(request)
        wanted = [row for row in rows if f"'{row['ListingKey']}'" in request.query["$filter"]]
        found = [{**each, "ResourceRecordKey": row["ListingKey"]} for row in wanted for each in row["Media"]]
        for each in found:
            each["MediaURL"] = f"http://{request.host}/photos/{each['MediaKey']}"
        return web.json_response({"value": found[:cap]})

    return answer


async def test_photos_behind_a_cut_are_told_of_and_asked_for_by_two_more_imports(tmp_path: Path) -> None:
    rows = houses(2)
    for row, count in zip(rows, (15, 3), strict=True):
        row["Media"] = media(row, count)
        del row["PhotosCount"]
    key, number = rows[0]["ListingKey"], rows[0]["ListingId"]
    async with visiting(with_cut_media(rows, cap=10), tmp_path) as visit:
        owed = []
        for _ in range(4):
            result = await visit.run()
            assert (result.state, result.counts.failed) == (RunState.DONE, 0)
            told = [(event.mls_number, event.cause) for event in visit.events if isinstance(event, PhotoFailed)]
            owed.append((len(told), (await missing(visit))[key]))
            assert all(mls_number == number and "10 Media rows" in cause for mls_number, cause in told)
        assert owed == [(1, 1), (1, 1), (1, 0), (0, 0)]
        runs = await visit.ws.store.runs(visit.ws.user_id)
        noted = [[each async for each in visit.ws.store.problems(visit.ws.user_id, run.run_id)] for run in runs]
        assert [[problem.listing_key for problem in problems] for problems in noted] == [[], [key], [key], [key]]
        stored = await visit.listings()
        assert [len(listing.photos) for listing in stored.values()] == [10, 3]


async def test_a_cut_answer_wipes_no_photo_that_is_stored(tmp_path: Path) -> None:
    rows = houses(1, PhotosCount=15)
    rows[0]["Media"] = media(rows[0], 15)
    key = rows[0]["ListingKey"]
    whole, cut = with_cut_media(rows, cap=15), with_cut_media(rows, cap=10)
    cutting = False

    async def answer(request: web.Request) -> web.StreamResponse:
        return await (cut if cutting else whole)(request)

    async with visiting(answer, tmp_path) as visit:
        await visit.run()
        assert (await visit.listings())[key].photos_stored == 15
        cutting = True
        await visit.run(full=True)
        listing = (await visit.listings())[key]
        assert (listing.photos_stored, listing.photos_missing) == (15, 1)
