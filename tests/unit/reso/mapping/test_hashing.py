"""Fingerprints: equal for what means the same, different for what does not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mls_tui.domain.listing import Change, Listing, Photo
from mls_tui.reso.mapping.changes import fact_hash, media_hash
from mls_tui.reso.mapping.media import map_media
from tests.unit.reso.mapping.feeds import mapped


def photo(order: int, **more: Any) -> Photo:
    url = f"https://x.example/{order}"
    return Photo(**{"url": url, "original_url": url, "order": order, "media_key": f"k{order}", **more})


def test_the_fingerprint_of_facts_is_the_same_on_every_machine_and_run() -> None:
    assert fact_hash(mapped(ListPrice=1)) == "b808dd871962719e"


@pytest.mark.feed(1, "absent, null, empty mean the same")
@pytest.mark.parametrize(
    "ours",
    [
        {"listing_id": "reso-A1-1"},
        {"synced_at": 5},
        {"connection_id": "c"},
        {"photos": (photo(0),)},
        {"history": (Change(at="2026-01-01T00:00:00Z", field="price"),)},
        {"relisted_from": "x"},
        {"off_market_at": "2026-01-01"},
        {"content_hash": "x"},
        {"days_on_market": 9},
    ],
)
def test_what_is_not_the_feeds_changes_no_fingerprint(ours: dict[str, Any]) -> None:
    listing = mapped(ListPrice=1, DaysOnMarket=8)
    assert fact_hash(listing.model_copy(update=ours)) == fact_hash(listing)


@pytest.mark.parametrize(
    "change",
    [
        {"ListPrice": 2},
        {"StandardStatus": "Pending"},
        {"MlsStatus": "PEND"},
        {"City": "Austin"},
        {"PublicRemarks": "New"},
        {"ModificationTimestamp": "2026-01-01T00:00:00Z"},
        {"PhotosCount": 3},
        {"PhotosChangeTimestamp": "2026-01-01T00:00:00Z"},
        {"Heating": "Gas"},
    ],
)
def test_every_change_of_a_fact_changes_the_fingerprint(change: dict[str, Any]) -> None:
    assert fact_hash(mapped(**{"ListPrice": 1, **change})) != fact_hash(mapped(ListPrice=1))


@pytest.mark.feed(5, "identity")
def test_urls_change_no_fingerprint() -> None:
    one = map_media([{"MediaKey": "k", "MediaURL": "https://a.example/1.jpg?t=1"}], None, base_url="")
    two = map_media([{"MediaKey": "k", "MediaURL": "https://b.example/2.jpg?t=2"}], None, base_url="")
    assert media_hash(one) == media_hash(two)
    tours = [mapped(VirtualTourURLUnbranded=f"https://t.example/1?token={n}") for n in (1, 2)]
    assert tours[0].virtual_tour_url == "https://t.example/1?token=1"
    assert fact_hash(tours[0]) == fact_hash(tours[1])


@given(st.permutations(["Central Air", "Zoned", "Attic Fan", "Évier"]), st.permutations(range(4)))
def test_order_that_means_nothing_changes_no_fingerprint(names: list[str], places: list[int]) -> None:
    assert fact_hash(mapped(Cooling=names)) == fact_hash(mapped(Cooling=sorted(names)))
    photos = [photo(n) for n in range(4)]
    assert media_hash([photos[n] for n in places]) == media_hash(photos)


@given(st.lists(st.sampled_from("abcdef"), min_size=2, max_size=6, unique=True), st.data())
def test_display_order_captions_and_replacements_change_the_media_fingerprint(keys: list[str], data: Any) -> None:
    photos = [photo(order, media_key=key, caption=key) for order, key in enumerate(keys)]
    before = media_hash(photos)
    chosen = data.draw(st.integers(0, len(keys) - 1))
    swapped = [each.model_copy(update={"media_key": key}) for each, key in zip(photos, reversed(keys), strict=True)]
    assert (media_hash(swapped) == before) is (keys == keys[::-1])
    for update in ({"caption": "new"}, {"media_modified": "2026-01-01T00:00:00Z"}):
        other = list(photos)
        other[chosen] = other[chosen].model_copy(update=update)
        assert media_hash(other) != before
    assert media_hash(photos[:-1]) != before


def test_a_stored_photo_has_the_fingerprint_of_the_feeds() -> None:
    stored = photo(0, key="listings/u/l/original/photo0.jpg", sha256="ab", size=5, content_type="image/jpeg")
    assert media_hash([stored]) == media_hash([photo(0)])


def test_a_listing_read_back_has_the_fingerprint_it_was_stored_with() -> None:
    listing = mapped(ListPrice="1.5", Latitude=41.0, Longitude=2, Heating="Gas", BathroomsFull=1, BathroomsHalf=1)
    assert fact_hash(Listing.from_data(listing.to_data())) == fact_hash(listing)
