"""A whole feed read again: a record that is what it was is not even mapped, and nothing is overlooked for that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mls_tui.domain.events import ListingFailed, ListingStored
from mls_tui.domain.listing import ListingStatus
from mls_tui.importer.plan import hash_parts
from mls_tui.reso.mapping import record as mapping
from tests.e2e.conftest import OpenHouse

SOLD = frozenset({ListingStatus.SOLD})
"""A wider scope than before: the whole feed is read again, the stored listings with it."""

Mapped = Callable[[], list[str]]


@pytest.fixture
def mapped(monkeypatch: pytest.MonkeyPatch) -> Mapped:
    """The ListingKeys that were mapped since it was last asked, as they came."""
    keys: list[str] = []

    def map_record(record: Any, *more: Any, **options: Any) -> Any:
        keys.append(record["ListingKey"])
        return mapping.map_record(record, *more, **options)

    def since() -> list[str]:
        found = sorted(keys)
        keys.clear()
        return found

    monkeypatch.setattr("mls_tui.importer.plan.map_record", map_record)
    return since


async def test_what_is_stored_as_it_comes_is_not_mapped_written_or_fetched(
    open_house: OpenHouse, mapped: Mapped
) -> None:
    async with open_house(listings=8) as house:
        await house.run()
        active, closed = house.mls.feed.listing_keys("Active"), house.mls.feed.listing_keys("Closed")
        changed = active[2]
        house.mls.feed.change(changed, ListPrice=99_000)
        before = house.rows("LISTING#")
        assert mapped() == sorted(active)
        house.mls.requests.clear()
        result = await house.run(statuses=SOLD)
        assert mapped() == sorted([changed, *closed])
        assert (result.counts.unchanged, result.counts.updated, result.counts.created) == (7, 1, len(closed))
        after = house.rows("LISTING#")
        assert sum(before[key] != after[key] for key in before) == 1
        assert house.mls.requests["photo"] == sum(len(house.mls.feed.photos(key)) for key in closed)
        told = {event.listing_key: event.mls_number for event in house.said(ListingStored)}
        assert told == {key: listing.mls_number for key, listing in (await house.whole()).items()}


async def test_a_record_that_mapping_warns_of_is_warned_of_again(open_local: OpenHouse, mapped: Mapped) -> None:
    async with open_local(listings=4) as house:
        odd = house.mls.feed.listing_keys("Active")[1]
        house.mls.feed.change(odd, YearBuilt="soon")
        first = await house.run(photos=False)
        mapped()
        again = await house.run(photos=False, statuses=SOLD)
        assert again.warnings["YearBuilt cannot be read as a whole number"] == 1
        assert first.warnings["YearBuilt cannot be read as a whole number"] == 1
        assert odd in mapped()
        assert again.counts.unchanged == 4


async def test_photos_left_out_by_one_import_are_brought_by_the_next(open_local: OpenHouse) -> None:
    async with open_local(listings=4) as house:
        await house.run()
        replaced = house.mls.feed.listing_keys("Active")[0]
        house.mls.feed.change_photo(replaced, 1)
        assert (await house.run(photos=False)).counts.updated == 1
        house.mls.requests.clear()
        result = await house.run(statuses=SOLD)
        closed = house.mls.feed.listing_keys("Closed")
        assert result.counts.updated == 1
        assert house.mls.requests["photo"] == 1 + sum(len(house.mls.feed.photos(key)) for key in closed)
        await house.whole()


async def test_a_row_kept_by_a_version_that_knew_no_fingerprint_is_compared_by_its_content(
    open_local: OpenHouse, mapped: Mapped
) -> None:
    async with open_local(listings=4) as house:
        await house.run(photos=False)
        for listing in (await house.listings()).values():
            facts, media, fingerprint = hash_parts(listing.content_hash)
            assert len(fingerprint) == 16
            older = listing.model_copy(update={"content_hash": f"{facts}.{media}"})
            await house.ws.store.put(house.ws.user_id, older)
        before = house.rows("LISTING#")
        mapped()
        result = await house.run(photos=False, statuses=SOLD)
        assert set(mapped()) >= set(house.mls.feed.listing_keys("Active"))
        assert result.counts.unchanged == 4
        assert {key: row for key, row in house.rows("LISTING#").items() if key in before} == before


async def test_a_listing_hidden_before_the_feed_is_read_again_goes(open_local: OpenHouse) -> None:
    async with open_local(listings=4) as house:
        await house.run()
        hidden, broken = house.mls.feed.listing_keys("Active")[:2]
        house.mls.feed.change(hidden, InternetEntireListingDisplayYN=False)
        house.mls.feed.change(broken, StandardStatus="Wobbly")
        result = await house.run(statuses=SOLD)
        assert (result.counts.removed, hidden in await house.listings()) == (1, False)
        assert [event.listing_key for event in house.said(ListingFailed)] == [broken]
