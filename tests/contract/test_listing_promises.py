"""What both listing stores promise about listings."""

from __future__ import annotations

import asyncio
import random

import pytest

from mls_tui.domain.errors import StorageError
from mls_tui.domain.listing import ListingStatus
from mls_tui.storage.base import PutOutcome
from tests.contract.samples import FIRST_MS, OTHER, USER, Pair, a_listing, a_photo, all_listings


async def test_listing_comes_back_as_it_was_stored(pair: Pair) -> None:
    listing = a_listing("A/1 #é", price=None, lot_size_acres=0.25, square_feet=2000.0)
    listing = listing.model_copy(update={"photos": (a_photo(listing.listing_id),)})

    result = await pair.rows.put(USER, listing)

    assert (result.outcome, result.listing_id) == (PutOutcome.CREATED, listing.listing_id)
    assert await pair.rows.get(USER, listing.listing_id) == listing
    assert await all_listings(pair.rows) == [listing]


async def test_absent_listing_is_none(pair: Pair) -> None:
    assert await pair.rows.get(USER, "reso-1-1") is None
    assert await pair.rows.delete(USER, "reso-1-1") is None
    assert await pair.rows.find(USER, "1") == []
    assert await pair.rows.find(USER, "") == []
    assert await all_listings(pair.rows) == []


async def test_many_at_once_are_those_that_are_stored_in_the_order_asked_for(pair: Pair) -> None:
    stored = [a_listing(number) for number in ("A-1", "A-2", "A-3")]
    for listing in stored:
        await pair.rows.put(USER, listing)
    await pair.rows.put(OTHER, a_listing("A-4"))
    absent = [f"reso.lakeside-mls-none-{number}" for number in range(230)]
    ids = [listing.listing_id for listing in (*stored, a_listing("A-4"))]

    asked = [ids[2], *absent, ids[0], ids[3], ids[1], ids[2]]

    assert await pair.rows.get_many(USER, asked) == [stored[2], stored[0], stored[1]]
    assert await pair.rows.get_many(USER, []) == []


async def test_same_id_updates_the_same_item(pair: Pair) -> None:
    await pair.rows.put(USER, a_listing(second=1))
    newer = a_listing(second=2, status=ListingStatus.SOLD, synced_at=FIRST_MS + 86_400_000)

    assert (await pair.rows.put(USER, newer)).outcome is PutOutcome.UPDATED
    assert (await pair.rows.put(USER, newer)).outcome is PutOutcome.UPDATED
    assert await all_listings(pair.rows) == [newer]


@pytest.mark.parametrize("later_ms", [0, 86_400_000])
async def test_older_version_writes_nothing(pair: Pair, later_ms: int) -> None:
    newest = a_listing(second=9)
    await pair.rows.put(USER, newest)

    result = await pair.rows.put(USER, a_listing(second=3, synced_at=FIRST_MS + later_ms))

    assert (result.outcome, result.listing_id) == (PutOutcome.STALE, newest.listing_id)
    assert await pair.rows.get(USER, newest.listing_id) == newest


async def test_key_stored_under_another_id_answers_that_id_and_writes_nothing(pair: Pair) -> None:
    first, second = a_listing(), a_listing(first_ms=FIRST_MS + 5, second=50)
    await pair.rows.put(USER, first)

    result = await pair.rows.put(USER, second)

    assert (result.outcome, result.listing_id) == (PutOutcome.STALE, first.listing_id)
    assert await all_listings(pair.rows) == [first]


@pytest.mark.promise(4)
async def test_versions_in_any_order_end_in_the_newest(pair: Pair) -> None:
    versions = [a_listing(second=second) for second in range(6)]
    chance = random.Random(6)
    arrivals = versions * 3
    chance.shuffle(arrivals)

    await asyncio.gather(*(pair.rows.put(USER, version) for version in arrivals))
    assert await all_listings(pair.rows) == [versions[-1]]

    assert (await pair.rows.put(USER, versions[2])).outcome is PutOutcome.STALE
    assert await all_listings(pair.rows) == [versions[-1]]


async def test_one_number_under_two_keys_is_two_listings(pair: Pair) -> None:
    sale, lease = a_listing("77", mls_id="S-77"), a_listing("77", mls_id="L-77", first_ms=FIRST_MS + 1)
    bay, other = a_listing("77", provider="reso.bay-mls"), a_listing("775")
    for listing in (sale, lease, bay, other):
        assert (await pair.rows.put(USER, listing)).outcome is PutOutcome.CREATED

    found = await pair.rows.find(USER, "77")

    assert {listing.listing_id for listing in found} == {sale.listing_id, lease.listing_id, bay.listing_id}


@pytest.mark.parametrize("new", [True, False, None])
async def test_an_id_that_another_listing_has_is_taken_and_nothing_is_written(pair: Pair, new: bool | None) -> None:
    first, second = a_listing(mls_id="1"), a_listing(mls_id="2", second=9)
    await pair.rows.put(USER, first)

    assert (await pair.rows.put(USER, second, new=new)).outcome is PutOutcome.TAKEN
    assert await all_listings(pair.rows) == [first]

    next_free = a_listing(mls_id="2", first_ms=FIRST_MS + 1)
    assert (await pair.rows.put(USER, next_free, new=new)).outcome is PutOutcome.CREATED


async def test_a_listing_moves_to_another_key_system_and_number_and_frees_the_old_ones(pair: Pair) -> None:
    old = a_listing("77", second=9)
    await pair.rows.put(USER, old)
    changes = {"mls_id": "new", "mls_provider": "reso.bay-mls", "mls_number": "88", "modification_timestamp": None}
    moved = old.model_copy(update=changes)

    assert (await pair.rows.put(USER, moved, moved=True)).outcome is PutOutcome.UPDATED
    assert await all_listings(pair.rows) == [moved]
    assert await pair.rows.find(USER, "77") == []
    assert await pair.rows.find(USER, "88") == [moved]
    again = moved.model_copy(update={"listing_id": f"{moved.listing_id}0"})
    assert (await pair.rows.put(USER, again)).outcome is PutOutcome.STALE
    successor = a_listing("77", first_ms=FIRST_MS + 1)
    assert (await pair.rows.put(USER, successor)).outcome is PutOutcome.CREATED
    taken = moved.model_copy(update={"mls_id": successor.mls_id, "mls_provider": successor.mls_provider})
    result = await pair.rows.put(USER, taken, moved=True)
    assert (result.outcome, result.listing_id) == (PutOutcome.STALE, successor.listing_id)
    assert await pair.rows.delete(USER, moved.listing_id) == moved
    assert (await pair.rows.put(USER, again)).outcome is PutOutcome.CREATED


async def test_two_hosts_that_use_one_name_and_key_have_a_listing_each(pair: Pair) -> None:
    mine = a_listing(source="one.example")
    theirs = a_listing(source="two.example", apart=True, first_ms=FIRST_MS + 1)
    for listing in (mine, theirs, mine.model_copy(update={"price": 1}), theirs.model_copy(update={"price": 2})):
        await pair.rows.put(USER, listing)

    assert [listing.price for listing in await all_listings(pair.rows)] == [1, 2]
    assert len(await pair.rows.find(USER, mine.mls_number)) == 2
    await pair.rows.delete(USER, mine.listing_id)
    again = theirs.model_copy(update={"listing_id": f"{theirs.listing_id}0"})
    assert (await pair.rows.put(USER, again)).listing_id == theirs.listing_id


@pytest.mark.parametrize("key", ["k" * 255, "é#/ " * 60, "%", "a#b"])
async def test_any_listing_key_has_a_mark(pair: Pair, key: str) -> None:
    await pair.rows.put(USER, a_listing(mls_id=key))

    result = await pair.rows.put(USER, a_listing(mls_id=key, first_ms=FIRST_MS + 1))

    assert result.outcome is PutOutcome.STALE


@pytest.mark.promise(5)
async def test_32_claimants_one_winner(pair: Pair) -> None:
    claims = [a_listing("ONE", first_ms=FIRST_MS + number) for number in range(32)]

    results = await asyncio.gather(*(pair.rows.put(USER, claim) for claim in claims))

    stored = await all_listings(pair.rows)
    assert len(stored) == 1
    assert sum(result.outcome is PutOutcome.CREATED for result in results) == 1
    assert {result.listing_id for result in results} == {stored[0].listing_id}


async def test_deleted_listing_frees_its_key(pair: Pair) -> None:
    first = a_listing()
    await pair.rows.put(USER, first)

    assert await pair.rows.delete(USER, first.listing_id) == first
    assert await pair.rows.delete(USER, first.listing_id) is None
    again = a_listing(first_ms=FIRST_MS + 9)
    assert (await pair.rows.put(USER, again)).outcome is PutOutcome.CREATED
    assert await all_listings(pair.rows) == [again]


async def test_index_holds_what_an_import_compares_in_key_order(pair: Pair) -> None:
    listings = [a_listing(str(number), second=number) for number in range(5)]
    missing = a_photo(listings[0].listing_id).model_copy(update={"key": None})
    listings[0] = listings[0].model_copy(update={"photos": (missing,)})
    for listing in reversed(listings):
        await pair.rows.put(USER, listing)

    entries = [entry async for entry in pair.rows.index(USER)]

    assert [entry.listing_id for entry in entries] == [listing.listing_id for listing in listings]
    first = entries[0]
    assert (first.provider, first.mls_number, first.mls_id) == ("reso.lakeside-mls", "0", "key-0")
    assert (first.connection_id, first.status, first.content_hash) == ("c1", ListingStatus.ACTIVE, "hash-0")
    assert (first.version, first.photos_missing) == (listings[0].version, 1)
    assert first.address_key == "12 oak st|78701"
    assert first.source == "mls.example"


async def test_more_than_a_megabyte_of_listings_is_read_completely(pair: Pair) -> None:
    listings = [a_listing(f"{number:03d}", description="x" * 40_000) for number in range(60)]
    await asyncio.gather(*(pair.rows.put(USER, listing) for listing in listings))

    assert await all_listings(pair.rows) == listings
    assert len([entry async for entry in pair.rows.index(USER)]) == 60


async def test_listing_that_is_too_large_gives_up_urls_it_can_spare(pair: Pair) -> None:
    listing = a_listing()
    photos = tuple(
        a_photo(listing.listing_id, index).model_copy(update={"original_url": "https://x/" + "u" * 4000})
        for index in range(120)
    )
    listing = listing.model_copy(update={"photos": photos})

    await pair.rows.put(USER, listing)

    stored = await pair.rows.get(USER, listing.listing_id)
    assert stored is not None
    assert [photo.key for photo in stored.photos] == [photo.key for photo in photos]
    assert {photo.original_url for photo in stored.photos} == {""}


async def test_listing_that_cannot_fit_is_refused_with_a_sentence(pair: Pair) -> None:
    with pytest.raises(StorageError, match=r"A-1 is too large to store: 5.. KB, and an item may have 400 KB"):
        await pair.rows.put(USER, a_listing(description="x" * 500_000))
    assert await all_listings(pair.rows) == []


@pytest.mark.parametrize("user_id", ["", "#", "a/b", "..", "x" * 200, "a\nb"])
async def test_user_id_that_could_leave_its_partition_is_refused(pair: Pair, user_id: str) -> None:
    with pytest.raises(StorageError, match="user id"):
        await pair.rows.put(user_id, a_listing())


@pytest.mark.promise(11)
async def test_users_do_not_see_each_other(pair: Pair) -> None:
    mine, theirs = a_listing(price=1), a_listing(price=2)
    await pair.rows.put(USER, mine)
    await pair.rows.put(OTHER, theirs)

    assert await pair.rows.find(USER, "A-1") == [mine]
    assert await pair.rows.delete(OTHER, theirs.listing_id) == theirs
    assert await all_listings(pair.rows) == [mine]
    assert await all_listings(pair.rows, OTHER) == []


async def test_stores_answer_any_event_loop(pair: Pair) -> None:
    await pair.rows.put(USER, a_listing())

    def elsewhere() -> int:
        return len(asyncio.run(all_listings(pair.rows)))

    assert await asyncio.to_thread(elsewhere) == 1
