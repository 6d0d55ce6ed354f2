"""Imports after the first: what changed comes, what did not costs nothing, what left is treated with doubt."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from mls_tui.domain.events import ListingRemoved, ListingStored
from mls_tui.domain.listing import ListingStatus
from mls_tui.domain.run import RunState
from tests.e2e.conftest import OpenHouse
from tests.e2e.house import House


@pytest.mark.promise(3)
async def test_a_changed_price_is_an_update_with_its_history(house: House) -> None:
    await house.run()
    key = house.mls.feed.listing_keys("Active")[0]
    before = (await house.listings())[key]
    house.mls.feed.change(key, ListPrice=123_456)
    house.mls.requests.clear()
    result = await house.run()
    after = (await house.whole())[key]
    assert (result.counts.updated, result.counts.created) == (1, 0)
    assert (after.listing_id, after.price) == (before.listing_id, 123_456)
    assert [(each.field, each.old, each.new) for each in after.history] == [("price", before.price, 123_456)]
    assert house.mls.requests["photo"] == 0


@pytest.mark.feed(5, "a change of order or caption")
async def test_changed_order_or_caption_rewrites_the_row_and_asks_for_no_photo(open_house: OpenHouse) -> None:
    async with open_house(listings=4) as house:
        await house.run()
        first, second = house.mls.feed.listing_keys("Active")[:2]
        count = len(house.mls.feed.shots(first))
        house.mls.feed.reorder_photos(first, list(reversed(range(count))))
        house.mls.feed.caption_photo(second, 0, "A new caption")
        house.mls.requests.clear()
        result = await house.run()
        assert (result.counts.updated, house.mls.requests["photo"]) == (2, 0)
        after = await house.whole()
        assert after[second].photos[0].caption == "A new caption"
        assert [photo.order for photo in after[first].photos] == list(range(count))


async def test_a_replaced_photo_alone_is_fetched_and_its_old_object_goes(open_house: OpenHouse) -> None:
    async with open_house(listings=4) as house:
        await house.run()
        key = house.mls.feed.listing_keys("Active")[0]
        old = (await house.listings())[key].photos[1]
        house.mls.feed.change_photo(key, 1)
        house.mls.requests.clear()
        await house.run()
        assert house.mls.requests["photo"] == 1
        after = await house.whole()
        assert old.key not in {photo.key for photo in after[key].photos}
        house.mls.feed.remove_photo(key, 0)
        await house.run()
        assert house.mls.requests["photo"] == 1
        await house.whole()


@pytest.mark.feed(4, "a hidden listing")
async def test_hidden_and_deleted_listings_go_with_their_photos(open_house: OpenHouse) -> None:
    async with open_house(listings=5) as house:
        await house.run()
        hidden, deleted = house.mls.feed.listing_keys("Active")[:2]
        house.mls.feed.change(hidden, InternetEntireListingDisplayYN=False)
        house.mls.feed.change(deleted, StandardStatus="Delete")
        result = await house.run()
        assert result.counts.removed == 2
        assert set(await house.whole()) == set(house.mls.feed.listing_keys("Active")) - {hidden}
        assert len(house.rows("LISTINGKEY#")) == 3


@pytest.mark.feed(7, "status changes are followed")
async def test_the_status_of_a_stored_listing_is_followed_through_its_life(house: House) -> None:
    await house.run()
    key = house.mls.feed.listing_keys("Active")[0]
    for word in ("Active Under Contract", "Pending", "Closed", "Active"):
        house.mls.feed.change(key, StandardStatus=word)
        await house.run()
    stored = (await house.listings())[key]
    changes = [(each.old, each.new) for each in stored.history if each.field == "status"]
    assert changes == [("active", "pending"), ("pending", "sold"), ("sold", "active")]


async def test_a_full_import_follows_stored_listings_outside_its_scope(house: House) -> None:
    await house.run()
    first, other = house.mls.feed.listing_keys("Active")[:2]
    house.mls.feed.change(first, StandardStatus="Pending")
    await house.run()
    house.mls.feed.change(first, StandardStatus="Closed")
    house.mls.feed.change(other, ListPrice=99_000)
    await house.run(full=True)
    assert (await house.listings())[first].status is ListingStatus.SOLD


@pytest.mark.feed(3, "404: one listing is gone")
@pytest.mark.feed(7, "absence proves little")
@pytest.mark.promise(12)
async def test_one_vanished_listing_of_many_is_kept_and_marked_by_a_full_import_only(open_house: OpenHouse) -> None:
    async with open_house(listings=11) as house:
        await house.run()
        key = house.mls.feed.listing_keys("Active")[3]
        house.mls.feed.remove(key)
        await house.run()
        assert (await house.listings())[key].off_market_at is None
        result = await house.run(full=True)
        stored = (await house.listings())[key]
        assert (stored.status, stored.off_market_at is None) == (ListingStatus.EXPIRED, False)
        assert stored.history[-1].new == "expired"
        assert (len(house.said(ListingRemoved)), result.counts.removed) == (1, 1)
        assert all([await house.ws.photos.get(photo.key or "") for photo in stored.photos])
        await house.run(full=True)
        assert not house.said(ListingRemoved)


@pytest.mark.feed(7, "more than 10 % missing")
@pytest.mark.promise(12)
async def test_many_vanished_at_once_are_the_feeds_mistake(house: House) -> None:
    await house.run()
    for key in house.mls.feed.listing_keys("Active")[:3]:
        house.mls.feed.remove(key)
    result = await house.run(full=True)
    assert {listing.status for listing in (await house.listings()).values()} == {ListingStatus.ACTIVE}
    assert any("too many, nothing was removed" in warning for warning in result.warnings)


def flip(path: Path) -> None:
    body = bytearray(path.read_bytes())
    body[50] ^= 1
    path.write_bytes(body)


@pytest.mark.promise(6)
async def test_a_flipped_byte_on_disk_is_found_and_mended_by_a_full_import(house: House) -> None:
    await house.run()
    listing = next(iter((await house.listings()).values()))
    flip(Path(unquote(urlsplit(listing.photos[0].url).path)))
    house.mls.requests.clear()
    assert (await house.run()).state is RunState.DONE
    assert house.mls.requests["photo"] == 0
    before = house.rows("LISTING#")
    result = await house.run(full=True)
    assert house.mls.requests["photo"] == 1
    assert result.counts.updated == 0
    assert house.rows("LISTING#") == before
    await house.whole()


async def test_ten_changed_of_many_are_ten_writes(open_local: OpenHouse) -> None:
    async with open_local(listings=80) as house:
        await house.run(photos=False)
        await house.run(photos=False)
        assert not any(event.outcome != "unchanged" for event in house.said(ListingStored))
        for key in house.mls.feed.listing_keys("Active")[:10]:
            house.mls.feed.change(key, ListPrice=77_000)
        before = house.rows("LISTING#")
        house.mls.requests.clear()
        result = await house.run(photos=False)
        after = house.rows("LISTING#")
        assert sum(before[key] != after[key] for key in before) == result.counts.updated == 10
        assert house.mls.requests["photo"] == 0
