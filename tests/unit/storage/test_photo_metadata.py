"""What an object says of where its photo came from (CONTRACT: "S3"): plain addresses take a short way to the same."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from mls_tui.domain.events import ListingStarted, PhotoFailed, PhotoStored
from mls_tui.importer.photos import ORIGINAL_URL_BYTES, metadata_url
from mls_tui.importer.tally import TallyFold

_PATHS = st.text(alphabet="aZ9/%2F:._~!$&'()*+,;=@- é\u200b[]", max_size=40)
_HOSTS = st.sampled_from(["cdn.example", "CDN.example:8443", "user:pw@cdn.example", "[2001:db8::1]"])


@given(st.sampled_from(["http", "https"]), _HOSTS, _PATHS)
def test_address_is_the_same_with_its_query_and_without(scheme: str, host: str, path: str) -> None:
    url = f"{scheme}://{host}/{path}"
    kept = metadata_url(url)
    assert kept == metadata_url(f"{url}?sig=secret")
    assert kept.isascii()
    assert "pw" not in kept
    assert len(kept) <= ORIGINAL_URL_BYTES


def test_long_address_is_cut() -> None:
    assert metadata_url("https://cdn.example/" + "a" * 2000) == "https://cdn.example/" + "a" * (ORIGINAL_URL_BYTES - 20)


def test_photos_done_are_those_that_came_and_those_that_could_not_be_had() -> None:
    at, fold = datetime(2026, 6, 1, tzinfo=UTC), TallyFold()
    fold.add(ListingStarted(at=at, run="r", mls_number="A", listing_key="k", photos=3))
    fold.add(PhotoStored(at=at, run="r", mls_number="A", photo_index=0, key="k0", size=7))
    fold.add(PhotoFailed(at=at, run="r", mls_number="A", photo_index=1, cause="gone", attempts=2))
    fold.add(PhotoStored(at=at, run="r", mls_number="other", photo_index=1, key="k1", size=5))
    tally = fold.snapshot()
    assert [(flight.mls_number, flight.photos_done, flight.photos_total) for flight in tally.in_flight] == [("A", 2, 3)]
    assert (tally.counts.photos_stored, tally.counts.photos_failed, tally.counts.bytes) == (2, 1, 12)
    assert tally.now == at
