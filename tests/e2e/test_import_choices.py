"""Selective imports, dry runs, and feeds that repeat themselves."""

from __future__ import annotations

import pytest
from aiohttp import ClientSession, web

from mls_tui import actions
from mls_tui.actions import ImportOptions
from mls_tui.domain.listing import ListingStatus
from tests.e2e.conftest import OpenHouse
from tests.e2e.house import House


async def cursor(house: House) -> str | None:
    found = await house.ws.store.get_connection(house.ws.user_id, house.connection_id)
    assert found is not None
    return found.cursor.watermark


async def test_only_brings_in_the_named_listings_and_leaves_the_cursor(house: House) -> None:
    keys = [house.mls.feed.listing_keys("Active")[1], house.mls.feed.listing_keys("Closed")[0]]
    numbers = tuple(str(house.mls.feed.value(key, "ListingId")) for key in keys)
    result = await house.run(only=numbers)
    assert set(await house.whole()) == set(keys)
    assert (result.counts.created, await cursor(house)) == (2, None)
    await house.run()
    assert len(await house.whole()) == 13


async def test_a_limit_brings_in_no_more(house: House) -> None:
    result = await house.run(limit=4)
    assert (len(await house.whole()), result.counts.created, await cursor(house)) == (4, 4, None)


async def test_a_status_widens_what_is_brought_in(house: House) -> None:
    await house.run()
    assert {listing.status for listing in (await house.listings()).values()} == {ListingStatus.ACTIVE}
    await house.run(statuses=frozenset({ListingStatus.SOLD}))
    stored = await house.whole()
    assert set(stored) == set(house.mls.feed.listing_keys("Active") + house.mls.feed.listing_keys("Closed"))


async def test_an_unfinished_sweep_of_one_scope_is_not_resumed_for_another(house: House) -> None:
    from tests.e2e.crashes import killed_run

    assert await killed_run(house, "after cursor", 2)
    assert await killed_run(house, "after cursor", 1, statuses=frozenset({ListingStatus.SOLD}))
    await house.run(statuses=frozenset({ListingStatus.SOLD}))
    closed = house.mls.feed.listing_keys("Closed")
    assert set(await house.whole()) == set(house.mls.feed.listing_keys("Active") + closed)


async def test_a_dry_run_says_what_would_change_and_writes_nothing(open_house: OpenHouse) -> None:
    async with open_house(listings=5) as house:
        await house.run()
        keys = house.mls.feed.listing_keys("Active")
        house.mls.feed.change(keys[0], ListPrice=55_000)
        house.mls.feed.change(keys[1], InternetEntireListingDisplayYN=False)
        house.mls.feed.add()
        kinds = ("LISTING", "MLSCONNECTION#", "IMPORTRUN#")  # its requests count, so STATE# changes
        before = house.rows(*kinds), await house.objects()
        house.mls.requests.clear()
        answer = await actions.preview_import(house.connection_id, ImportOptions(), house.ws)
        assert (house.rows(*kinds), await house.objects()) == before
        assert house.mls.requests["photo"] == 0
        assert answer.data is not None
        changes = {row.listing_key: row for row in answer.data.rows if row.change != "unchanged"}
        assert sorted(row.change for row in changes.values()) == ["changed", "gone", "new"]
        assert ("price", "55000") in {(each.field, str(each.new)) for each in changes[keys[0]].differences}


async def test_a_photo_store_keeps_webp_copies_beside_the_original_where_asked(open_house: OpenHouse) -> None:
    async with open_house(listings=2) as house:
        object.__setattr__(house.ws.settings, "webp_variants", (40, 20))
        await house.run()
        objects = await house.objects()
        originals = {photo.key for listing in (await house.listings()).values() for photo in listing.photos}
        assert len(objects) == 3 * len(originals)
        small = {key.replace("/original/", "/w20/").replace(".jpg", ".webp") for key in originals if key}
        assert small < objects
        body = await house.ws.photos.get(min(small))
        assert body is not None
        assert (body[:4], body[8:12]) == (b"RIFF", b"WEBP")
        key, listing = next(iter((await house.listings()).items()))
        house.mls.feed.remove_photo(key, 0)
        await house.run()
        assert len(await house.objects()) == len(objects) - 3, "variants go with their original"
        await actions.delete_listing(listing.listing_id, house.ws)
        assert not [each for each in await house.objects() if listing.listing_id in each]


async def altered(house: House, alter: object) -> None:
    """The MLS's Property pages with their records altered on the way."""
    assert callable(alter)

    async def hook(request: web.Request) -> web.StreamResponse | None:
        if not request.path.endswith("/Property") or "x-plain" in request.headers:
            return None
        headers = {"Authorization": request.headers["Authorization"], "x-plain": "1"}
        async with ClientSession() as client, client.get(request.url, headers=headers) as answer:
            body = await answer.json()
        body["value"] = alter(body["value"])
        return web.json_response(body)

    house.mls.hook = hook


async def test_a_record_twice_in_a_feed_is_one_listing(house: House) -> None:
    await altered(house, lambda rows: [row for row in rows for _ in range(2)])
    result = await house.run()
    assert result.counts.created == 12
    await house.whole()


@pytest.mark.feed(7, "one number in two systems")
async def test_one_number_from_two_systems_is_two_listings(house: House) -> None:
    feed = house.mls.feed
    for key in feed.listing_keys("Active"):
        feed.add(ListingKey=f"W{key}", ListingId=feed.value(key, "ListingId"), OriginatingSystemName="West Shore")
    result = await house.run()
    assert result.counts.created == 24
    number = str(house.mls.feed.value(house.mls.feed.listing_keys("Active")[0], "ListingId"))
    found = await house.ws.store.find(house.ws.user_id, number)
    assert sorted(listing.mls_provider for listing in found) == ["reso.lakeside-mls", "reso.west-shore"]
    answer = await actions.get_listing(number, house.ws)
    assert answer.exit_code == 2


@pytest.mark.feed(7, "relisted homes")
async def test_a_home_relisted_under_a_new_number_points_at_the_other(house: House) -> None:
    await house.run()
    key = house.mls.feed.listing_keys("Active")[0]
    old = (await house.listings())[key]
    record = house.mls.feed.record(key)
    place = ("StreetNumber", "StreetName", "StreetSuffix", "StreetDirPrefix", "UnitNumber", "City", "PostalCode")
    same = {name: record.get(name) for name in (*place, "StateOrProvince", "UnparsedAddress", "StreetDirSuffix")}
    house.mls.feed.change(key, StandardStatus="Canceled")
    new = house.mls.feed.add(**same)
    await house.run()
    stored = await house.listings()
    assert stored[new].relisted_from == old.listing_id
    assert stored[key].listing_id == old.listing_id
