"""Photos and their indices: nothing that a row points at is overwritten, nothing the feed shows is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mls_tui.domain.keys import photo_key, variant_key
from mls_tui.domain.listing import Listing, ListingStatus, Photo
from mls_tui.importer.cleanup import orphans_of, with_variants
from mls_tui.importer.plan import Decision, content_hash, decide, entry_of, key_index, plan_photos
from mls_tui.importer.stored_index import StoredIndex

identities = st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("12"))


def feed_of(found: list[tuple[str, str]]) -> tuple[Photo, ...]:
    return tuple(
        Photo(url=f"https://x/{key}", original_url=f"https://x/{key}", order=n, media_key=key, media_modified=moment)
        for n, (key, moment) in enumerate(found)
    )


@st.composite
def stored_photos(draw: st.DrawFn) -> tuple[Photo, ...]:
    found = draw(st.lists(identities, unique=True, max_size=7))
    indices = draw(st.permutations(range(10)))
    return tuple(
        photo.model_copy(update={"key": photo_key("u", "l", index, "jpg") if draw(st.booleans()) else None})
        for photo, index in zip(feed_of(found), indices, strict=False)
    )


@pytest.mark.promise(3)
@given(st.lists(identities, unique=True, max_size=8), stored_photos())
def test_a_plan_keeps_or_wants_every_photo_and_overwrites_none(
    found: list[tuple[str, str]], stored: tuple[Photo, ...]
) -> None:
    feed = feed_of(found)
    plan = plan_photos(feed, stored)
    named = [photo.order for photo in plan.kept] + [photo.order for _, photo in plan.wanted]
    assert sorted(named) == [photo.order for photo in feed]
    taken = {key_index(photo.key) for photo in stored if photo.key}
    wanted = [index for index, _ in plan.wanted]
    assert not taken & set(wanted)
    assert len(set(wanted)) == len(wanted)
    kept = {photo.key for photo in plan.kept}
    assert kept | set(plan.obsolete) == {photo.key for photo in stored if photo.key}
    assert not kept & set(plan.obsolete)
    by_identity = {photo.identity: photo.key for photo in stored if photo.key}
    assert all(photo.key == by_identity[photo.identity] for photo in plan.kept)
    assert all(photo.identity not in by_identity for _, photo in plan.wanted)


@given(st.lists(identities, unique=True, max_size=8))
def test_a_first_import_is_dense_in_display_order(found: list[tuple[str, str]]) -> None:
    assert [(index, photo.order) for index, photo in plan_photos(feed_of(found), ()).wanted] == [
        (n, n) for n in range(len(found))
    ]


def a_listing(second: int = 1, status: ListingStatus = ListingStatus.ACTIVE, price: int = 5) -> Listing:
    return Listing(
        listing_id="l",
        mls_id="k",
        mls_number="1",
        mls_provider="reso",
        status=status,
        price=price,
        synced_at=0,
        modification_timestamp=f"2026-06-01T00:00:{second:02d}Z",
    )


PHOTOS = feed_of([("a", "1"), ("b", "1")])
ACTIVE = frozenset({ListingStatus.ACTIVE})


def step(
    mapped: Listing, photos: tuple[Photo, ...] | None, stored: Listing | None, *, with_photos: bool = True
) -> Decision:
    entry = entry_of(stored, None) if stored else None
    return decide(mapped, photos, entry, scope=ACTIVE, with_photos=with_photos)


def stored_as(listing: Listing, photos: tuple[Photo, ...] = PHOTOS) -> Listing:
    return listing.model_copy(update={"content_hash": content_hash(listing, photos)})


def test_what_is_not_stored_is_new_within_the_scope_and_skipped_outside() -> None:
    assert step(a_listing(), PHOTOS, None) is Decision.NEW
    assert step(a_listing(status=ListingStatus.SOLD), PHOTOS, None) is Decision.SKIPPED


def test_what_is_stored_is_followed_outside_the_scope() -> None:
    sold = a_listing(2, ListingStatus.SOLD)
    assert step(sold, PHOTOS, stored_as(a_listing())) is Decision.CHANGED


@pytest.mark.promise(3)
def test_the_same_facts_and_photos_are_unchanged_and_an_older_record_changes_nothing() -> None:
    assert step(a_listing(), PHOTOS, stored_as(a_listing())) is Decision.UNCHANGED
    assert step(a_listing(), None, stored_as(a_listing())) is Decision.UNCHANGED
    assert step(a_listing(1, price=9), PHOTOS, stored_as(a_listing(2))) is Decision.UNCHANGED


def test_other_photos_are_a_change_unless_photos_are_not_wanted() -> None:
    fewer = PHOTOS[:1]
    assert step(a_listing(), fewer, stored_as(a_listing())) is Decision.CHANGED
    assert step(a_listing(), fewer, stored_as(a_listing()), with_photos=False) is Decision.UNCHANGED


def test_an_address_is_forgotten_with_the_listing_that_had_it() -> None:
    entry = entry_of(a_listing(), "12 oak")
    index = StoredIndex.of([entry])
    assert index.at_address("reso", "12 oak") == "l"
    index.remove(entry)
    assert index.at_address("reso", "12 oak") is None


def test_objects_of_no_photo_are_unneeded_and_variants_go_with_their_original() -> None:
    keys = [photo_key("u", "l", index, "jpg") for index in range(3)]
    small = [variant_key("u", "l", "w400", index) for index in range(3)]
    listing = a_listing().model_copy(update={"photos": (PHOTOS[0].model_copy(update={"key": keys[1]}),)})
    assert orphans_of(listing, keys + small) == [keys[0], keys[2], small[0], small[2]]
    assert with_variants("u", "l", keys[:1], (400,)) == [keys[0], small[0]]
