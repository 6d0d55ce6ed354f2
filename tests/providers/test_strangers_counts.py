"""Whole imports with misleading counts: of listings, of photos, of statuses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from aiohttp import web

from mls_tui.domain.listing import ListingStatus
from mls_tui.domain.run import RunState
from mls_tui.reso.mapping.statuses import Outcome, status_meaning
from tests.providers.odd_servers import Row, filtered, offset_links, refusal
from tests.providers.stranger import PNG, Handler, house, houses, visiting

SIZES = ("Thumbnail", "Small", "Medium", "Large", "Largest")


# listings ---------------------------------------------------------------------------------------------------------


@pytest.mark.feed(1, "a count without rows")
async def test_a_first_import_that_is_given_nothing_of_what_is_counted_fails_and_says_so(tmp_path: Path) -> None:
    async def counting(request: web.Request) -> web.Response:
        wanted = request.query.get("Class") == "Residential"
        return web.json_response({"@odata.count": 5120, "value": houses(3) if wanted else []})

    async with visiting(counting, tmp_path) as visit:
        result = await visit.run()
        assert (result.state, result.exit_code) == (RunState.FAILED, 1)
        assert result.error is not None
        assert "counts 5,120 listings that match and gave none" in result.error
        assert "query_parameters" in result.error


async def test_a_feed_without_listings_says_so_and_one_without_news_says_that(tmp_path: Path) -> None:
    rows: list[Row] = []
    async with visiting(offset_links(rows), tmp_path) as visit:
        result = await visit.run()
        assert (result.exit_code, result.message) == (0, "The MLS has no listings that match")
        rows += houses(2)
        assert (await visit.run()).message == "Imported 2 of 2 listings"
    rows[:] = houses(1)
    async with visiting(offset_links(rows), tmp_path / "other") as visit:
        await visit.run()
        rows.clear()
        assert "nothing new since the last import" in (await visit.run()).message


# photos -----------------------------------------------------------------------------------------------------------


def apart(rows: list[Row], photos: int, *, whole: list[bool]) -> Handler:
    """Five sizes of each photo from a Media resource that ends at ``$top`` without a link; ``$skip`` only if it is
    ``whole``: until then it gives an empty page there."""
    plain = offset_links(rows)
    media = [
        {
            "ResourceRecordKey": row["ListingKey"],
            "MediaKey": f"{row['ListingKey']}-{order}",
            "Order": order,
            "ImageSizeDescription": size,
        }
        for row in rows
        for order in range(photos)
        for size in SIZES
    ]

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.startswith("/photos/"):
            return web.Response(body=PNG + request.path.encode(), content_type="image/png")
        if request.path != "/odata/Media":
            return refusal(400, "no $expand") if "$expand" in request.query else await plain(request)
        found = filtered(media, request.query["$filter"])
        if "$orderby" in request.query:
            return refusal(400, "no $orderby")
        start, top = int(request.query.get("$skip", 0)), int(request.query["$top"])
        shown = found[start : start + top] if whole[0] or not start else []
        for row in shown:
            size = SIZES.index(row["ImageSizeDescription"])
            row["MediaURL"] = f"http://{request.host}/photos/{row['MediaKey']}/{size}"
        return web.json_response({"value": shown})

    return answer


@pytest.mark.feed(5, "sizes are rows, and a page ends at $top without a link")
async def test_every_photo_comes_though_sizes_fill_the_page_and_full_heals_what_was_cut(tmp_path: Path) -> None:
    rows = houses(20, PhotosCount=13)
    whole = [False]
    async with visiting(apart(rows, 13, whole=whole), tmp_path) as visit:
        await visit.run()
        cut = [listing for listing in (await visit.listings()).values() if len(listing.photos) < 13]
        assert cut, "this server hid some"
        whole[0] = True
        await visit.run(full=True)
        for listing in (await visit.listings()).values():
            assert (listing.photos_stored, listing.photos_missing) == (13, 0)
            assert all((photo.original_url or "").endswith("/4") for photo in listing.photos), "the largest of each"


# statuses ---------------------------------------------------------------------------------------------------------

WORDS: dict[str, ListingStatus] = {
    "Active": ListingStatus.ACTIVE,
    "Active Under Contract": ListingStatus.PENDING,
    "ActiveUnderContract": ListingStatus.PENDING,
    "Contingent": ListingStatus.PENDING,
    "Backup": ListingStatus.PENDING,
    "Pending": ListingStatus.PENDING,
    "Under Contract": ListingStatus.PENDING,
    "Offer Accepted": ListingStatus.PENDING,
    "Closed": ListingStatus.SOLD,
    "Sold": ListingStatus.SOLD,
    "Leased": ListingStatus.SOLD,
    "Rented": ListingStatus.SOLD,
    "Expired": ListingStatus.EXPIRED,
    "Withdrawn": ListingStatus.EXPIRED,
    "Canceled": ListingStatus.EXPIRED,
    "Cancelled": ListingStatus.EXPIRED,
    "Terminated": ListingStatus.EXPIRED,
    "Hold": ListingStatus.EXPIRED,
    "Temp Off Market": ListingStatus.EXPIRED,
}
COMING = ("Coming Soon", "ComingSoon", "Delayed Showings")
DIALECTS = ["plain", "refuses or", "closed set", "refuses status"]


def spelled(rows: list[Row], dialect: str) -> Handler:
    """Takes a filter by status in its own dialect."""
    plain = offset_links(rows)
    closed = {"Active", "ActiveUnderContract", "Pending", "Closed", "Expired", "Withdrawn", "Canceled", "Hold"}

    async def answer(request: web.Request) -> web.StreamResponse:
        words = re.findall(r"StandardStatus eq '([^']*)'", request.query.get("$filter", ""))
        if words and (
            dialect == "refuses status"
            or (dialect == "refuses or" and len(words) > 1)
            or (dialect == "closed set" and set(words) - closed)
        ):
            return refusal(400, "The filter is not valid")
        return await plain(request)

    return answer


@pytest.mark.feed(4, "every word of the status table is asked for")
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_every_word_of_the_status_table_comes_by_status_all(tmp_path: Path, dialect: str) -> None:
    rows = [house(n, StandardStatus=word) for n, word in enumerate([*WORDS, *COMING, "Incomplete", "Delete", "Draft"])]
    async with visiting(spelled(rows, dialect), tmp_path) as visit:
        await visit.run(statuses=frozenset(ListingStatus))
        stored = {listing.mls_id: listing.status for listing in (await visit.listings()).values()}
    expected = {
        row["ListingKey"]: WORDS.get(row["StandardStatus"], ListingStatus.ACTIVE)
        for row in rows
        if row["StandardStatus"] in (*WORDS, *COMING)
    }
    assert stored == expected


@pytest.mark.feed(4, "every word of the status table is asked for")
@pytest.mark.parametrize("dialect", ["plain", "refuses status"])
@pytest.mark.parametrize("scope", [ListingStatus.PENDING, ListingStatus.SOLD, ListingStatus.EXPIRED])
async def test_a_scope_brings_its_statuses_in_every_word(tmp_path: Path, dialect: str, scope: ListingStatus) -> None:
    rows = [house(n, StandardStatus=word) for n, word in enumerate([*WORDS, *COMING])]
    async with visiting(spelled(rows, dialect), tmp_path) as visit:
        await visit.run(statuses=frozenset({scope}))
        stored = {listing.standard_status for listing in (await visit.listings()).values()}
    wanted = {word for word in WORDS if status_meaning(word) in (scope, ListingStatus.ACTIVE)}
    assert {status_meaning(word) for word in stored} == {scope, ListingStatus.ACTIVE}
    assert len(stored) == len(wanted)


@pytest.mark.parametrize("spelling", ["ACTIVE", "Active-BRIGHT", "active_listing"])
async def test_a_status_that_only_this_feed_spells_so_is_found_without_a_filter(tmp_path: Path, spelling: str) -> None:
    rows = [house(n, StandardStatus=spelling if n % 2 else "Sold") for n in range(40)]
    async with visiting(offset_links(rows), tmp_path) as visit:
        assert (await visit.run()).state is RunState.DONE
        assert len(await visit.listings()) == 20


def test_coming_soon_has_no_status_of_its_own() -> None:
    assert {status_meaning(word) for word in COMING} == {Outcome.COMING_SOON}


@pytest.mark.feed(1, "a query parameter on every request")
async def test_a_parameter_that_every_request_wants_is_a_setting(tmp_path: Path) -> None:
    plain = offset_links(houses(250), size=50)

    async def classed(request: web.Request) -> web.StreamResponse:
        good = request.query.get("Class") == "Residential" and request.query.get("key") == "open-sesame"
        return await plain(request) if good else web.json_response({"@odata.count": 5120, "value": []})

    settings = {"api_limits": "100000/1", "query_parameters": "Class=Residential; key={token}"}
    async with visiting(classed, tmp_path, overrides=settings) as visit:
        result = await visit.run()
        assert (result.state, len(await visit.listings())) == (RunState.DONE, 250)
        assert all("Class=Residential" in url for url in visit.asked_for("Property"))
        assert "open-sesame" not in str([*visit.events, *(await visit.listings()).values()])
