"""A run as numbers."""

from __future__ import annotations

from datetime import UTC, datetime

from mls_tui.domain.events import AttemptFailed, ListingStarted, ListingStored, PhotoFailed, PhotoStored
from mls_tui.importer.tally import TallyFold

AT = datetime(2026, 6, 1, tzinfo=UTC)


def test_photos_done_are_the_stored_and_the_failed_ones() -> None:
    fold = TallyFold()
    fold.add(ListingStarted(at=AT, run="r", mls_number="A", listing_key="k", photos=3))
    fold.add(PhotoStored(at=AT, run="r", mls_number="A", listing_key="k", photo_index=0, key="k0", size=7))
    fold.add(PhotoFailed(at=AT, run="r", mls_number="A", listing_key="k", photo_index=1, cause="gone", attempts=2))
    fold.add(PhotoStored(at=AT, run="r", mls_number="A", listing_key="other", photo_index=1, key="k1", size=5))
    tally = fold.snapshot()
    assert [(flight.mls_number, flight.photos_done, flight.photos_total) for flight in tally.in_flight] == [("A", 2, 3)]
    assert (tally.counts.photos_stored, tally.counts.photos_failed, tally.counts.bytes) == (2, 1, 12)
    assert tally.now == AT


def test_two_listings_with_one_mls_number_are_in_flight_separately() -> None:
    fold = TallyFold()
    for key in ("k1", "k2"):
        fold.add(ListingStarted(at=AT, run="r", mls_number="A", listing_key=key, photos=2))
    fold.add(PhotoStored(at=AT, run="r", mls_number="A", listing_key="k2", photo_index=0, key="k0", size=7))
    again = AttemptFailed(
        at=AT, run="r", what="listing", attempt=1, of=3, wait=None, cause="503", mls_number="A", listing_key="k1"
    )
    fold.add(again)
    seen = [(each.listing_key, each.photos_done, each.attempt) for each in fold.snapshot().in_flight]
    assert seen == [("k1", 0, 2), ("k2", 1, 1)]
    fold.add(ListingStored(at=AT, run="r", mls_number="A", listing_key="k1", outcome="created", listing_id="i"))
    assert [each.listing_key for each in fold.snapshot().in_flight] == ["k2"]
