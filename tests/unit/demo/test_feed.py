"""The demo's homes: the same for a seed, as many as asked, believable; and what changes does to them."""

from __future__ import annotations

import io
import re
from collections import Counter
from datetime import UTC, date, datetime

import pytest
from PIL import Image

from mls_tui.demo import homes
from mls_tui.demo.feed import DemoFeed


@pytest.mark.parametrize("listings", [0, 1, 7, 300])
def test_n_listings_means_n_active_ones(listings: int) -> None:
    feed = DemoFeed(listings)
    assert len(feed.listing_keys("Active")) == listings
    assert len(feed) == listings + round(listings * 0.29)


def test_the_same_seed_gives_the_same_feed_and_another_seed_another() -> None:
    one, two, other = DemoFeed(40, seed=4), DemoFeed(40, seed=4), DemoFeed(40, seed=5)
    assert [one.record(key) for key in one.listing_keys()] == [two.record(key) for key in two.listing_keys()]
    assert [one.record(key) for key in one.listing_keys()] != [other.record(key) for key in other.listing_keys()]


def test_every_status_of_the_standard_occurs_and_all_times_are_past() -> None:
    feed = DemoFeed(1500)
    records = [feed.record(key) for key in feed.listing_keys()]
    statuses = Counter(record["StandardStatus"] for record in records)
    assert set(statuses) == {"Active", *(status for status, _ in homes.OTHER_STATUSES)}
    assert all(record["ModificationTimestamp"] < "2025-10-01T12" for record in records)
    assert all(record["OriginalEntryTimestamp"] <= record["ModificationTimestamp"] for record in records)
    assert 4 < sum(record["PhotosCount"] for record in records) / len(records) < 6
    assert {record["PhotosCount"] for record in records} == set(range(1, 17))
    assert len({record["PublicRemarks"] for record in records}) > 1400
    assert len({record["ListingId"] for record in records}) == len(records)


def test_no_two_homes_have_one_key() -> None:
    assert len({homes.key_of(number) for number in range(100_000)}) == 100_000


def test_the_dates_of_a_home_agree_with_each_other_and_with_today() -> None:
    today = datetime(2026, 3, 4, 9, tzinfo=UTC)
    feed = DemoFeed(1500, epoch=today)
    for key in feed.listing_keys():
        record = feed.record(key)
        listed, contract, closed = (
            record[name] and date.fromisoformat(record[name])
            for name in ("ListingContractDate", "PurchaseContractDate", "CloseDate")
        )
        changed = datetime.fromisoformat(record["ModificationTimestamp"]).date()
        order = [moment for moment in (listed, contract, closed, changed, today.date()) if moment]
        assert order == sorted(order)
        assert record["OriginalEntryTimestamp"][:10] == record["ListingContractDate"]
        assert record["DaysOnMarket"] >= 0
        if record["StandardStatus"] == "Active":
            assert record["DaysOnMarket"] == (today.date() - listed).days
        if contract:
            assert record["DaysOnMarket"] == (contract - listed).days
        assert (closed is not None) == (record["StandardStatus"] == "Closed") == (record["ClosePrice"] is not None)
        for year in re.findall(r"(?:in|since|Roof) ((?:19|20)\d\d)", record["PublicRemarks"]):
            assert int(year) <= listed.year


def test_some_homes_are_for_rent_and_some_have_areas_in_other_units() -> None:
    feed = DemoFeed(1500, seed=2)
    records = [feed.record(key) for key in feed.listing_keys()]
    leases = [record for record in records if record["PropertyType"] == "Residential Lease"]
    ways = {
        (
            record["LeaseAmountFrequency"],
            bool(record["ListPrice"]),
            bool(record["LeaseAmount"] or record["TotalActualRent"]),
        )
        for record in leases
    }
    assert ways == {("Monthly", True, False), ("Weekly", False, True), ("Monthly", False, True)}
    assert {record["LivingAreaUnits"] for record in records} == {"Square Feet", "Square Meters"}
    assert {record["LotSizeUnits"] for record in records} == {None, "Acres", "Hectares", "Square Feet"}


def test_open_houses_are_about_active_homes_around_today() -> None:
    today = datetime(2026, 3, 4, 9, tzinfo=UTC)
    feed = DemoFeed(600, epoch=today)
    found = [item for key in feed.listing_keys() for item in feed.open_houses(key)]
    assert {item["OpenHouseStatus"] for item in found} == {"Active", "Ended", "Canceled"}
    assert len({item["OpenHouseKey"] for item in found}) == len(found) > 50
    for item in found:
        assert feed.value(item["ListingKey"], "StandardStatus") == "Active"
        assert item["OpenHouseStartTime"] < item["OpenHouseEndTime"]
        assert abs((date.fromisoformat(item["OpenHouseDate"]) - today.date()).days) <= 10


def test_photos_are_small_jpegs_and_always_the_same_bytes() -> None:
    feed, again = DemoFeed(60, seed=2), DemoFeed(60, seed=2)
    for key in feed.listing_keys()[:12]:
        pictures = feed.photos(key)
        assert len(pictures) == feed.record(key)["PhotosCount"]
        assert pictures == again.photos(key)
        assert len(set(pictures)) == len(pictures)
        for body in pictures:
            assert len(body) <= 60_000
            image = Image.open(io.BytesIO(body))
            image.load()
            assert (image.format, image.size) == ("JPEG", (800, 600))


def test_a_change_moves_a_listing_to_the_end_of_time() -> None:
    feed = DemoFeed(20)
    key = feed.listing_keys()[3]
    feed.change(key, ListPrice=1, StandardStatus="Pending")
    assert feed.record(key)["ModificationTimestamp"] == max(
        feed.value(other, "ModificationTimestamp") for other in feed.listing_keys()
    )
    assert (feed.record(key)["ListPrice"], feed.value(key, "StandardStatus")) == (1, "Pending")


def test_a_removed_listing_is_gone_and_an_added_one_there() -> None:
    feed = DemoFeed(20)
    key = feed.listing_keys()[3]
    feed.remove(key)
    assert key not in feed
    assert key not in feed.listing_keys()
    new = feed.add(City="Stillmere", ListingKey="odd / key")
    record = feed.record(new)
    assert (record["ListingKey"], record["StandardStatus"], record["City"]) == ("odd / key", "Active", "Stillmere")
    feed.add()
    with pytest.raises(KeyError):
        feed.remove(key)


def test_photo_changes_show_in_bytes_order_and_timestamps() -> None:
    feed = DemoFeed(80)
    key = next(key for key in feed.listing_keys() if feed.record(key)["PhotosCount"] >= 4)
    before, stamp = feed.photos(key), feed.record(key)["PhotosChangeTimestamp"]
    feed.reorder_photos(key, [1, 0, *range(2, len(before))])
    assert feed.photos(key) == [before[1], before[0], *before[2:]]
    feed.change_photo(key, 0)
    assert feed.photos(key)[0] != before[1]
    feed.remove_photo(key, 1)
    feed.add_photo(key, "lake")
    assert len(feed.photos(key)) == feed.record(key)["PhotosCount"] == len(before)
    assert feed.record(key)["PhotosChangeTimestamp"] > stamp
