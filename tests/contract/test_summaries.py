"""The list of listings equals what is stored, in both stores, whatever was put, deleted, brought back and imported."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mls_tui.domain.listing import Address, Listing, ListingStatus
from mls_tui.search import parse
from mls_tui.storage.aws import Aws
from mls_tui.storage.base import ListingStore
from mls_tui.storage.dynamodb import DynamoDBListingStore
from mls_tui.storage.sqlite import SqliteListingStore
from mls_tui.storage.summaries import Selection
from tests.clocks import StepClock
from tests.contract.samples import OTHER, USER, Pair, a_listing, a_photo, a_run, all_listings

CHANGES = st.fixed_dictionaries(
    {
        "price": st.none() | st.integers(1, 10**9) | st.floats(1, 10**6),
        "status": st.sampled_from(ListingStatus),
        "address": st.builds(Address, street=st.none() | st.text(max_size=8), city=st.sampled_from([None, "", "Ätna"])),
        "list_date": st.sampled_from([None, "2026-01-02"]),
        "property_type": st.sampled_from([None, "Land", "Residential Lease"]),
        "description": st.none() | st.text(max_size=20),
    }
)
STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "put", "delete", "undo", "refresh"]), *[st.integers(0, 3)] * 2, CHANGES),
    max_size=12,
)  # fmt: skip


def line(listing: Listing) -> tuple[object, ...]:
    return (
        listing.listing_id, listing.mls_number, listing.status.value, listing.price, listing.bathrooms,
        listing.address.street or None, listing.address.city or None, listing.list_date, listing.photos_stored,
        len(listing.photos), listing.synced_at,
    )  # fmt: skip


async def lines(store: ListingStore, user: str) -> list[tuple[object, ...]]:
    """Every line of the list, by id, as the table would show it."""
    summaries = store.summaries(user)
    await summaries.refresh()
    chosen = await summaries.select(Selection(sort="id", descending=False))
    homes = await summaries.read(chosen.rows)
    assert len(homes) == chosen.total == sum(chosen.counts.values())
    assert await summaries.ids(chosen.rows) == [home.listing_id for home in homes]
    return [
        (home.listing_id, home.mls_number, home.status, home.price, home.baths, home.street, home.city, home.list_date,
         home.photos, home.photos_total, home.synced)
        for home in homes
    ]  # fmt: skip


async def follow(store: ListingStore, user: str, steps: Sequence[tuple[str, int, int, dict[str, Any]]]) -> int:
    deleted: list[Listing] = []
    for what, number, second, changes in steps:
        listing = a_listing(str(number), second=second, **changes)
        listing = listing.model_copy(update={"photos": tuple(a_photo(listing.listing_id, n) for n in range(second))})
        if what == "put":
            await store.put(user, listing)
        elif what == "delete":
            gone = await store.delete(user, listing.listing_id)
            deleted += [gone] if gone else []
        elif what == "undo" and deleted:
            await store.put(user, deleted.pop())
        elif what == "refresh":
            await store.summaries(user).refresh()
    stored = await all_listings(store, user)
    assert await lines(store, user) == [line(listing) for listing in sorted(stored, key=lambda each: each.listing_id)]
    assert [data async for batch in store.data(user) for data in batch] == [listing.to_data() for listing in stored]
    return len(steps)


@settings(max_examples=30)
@given(STEPS)
def test_the_list_equals_the_items_of_the_embedded_store(steps: list[Any]) -> None:
    async def one() -> int:
        with TemporaryDirectory() as folder:
            store = SqliteListingStore(Path(folder) / "r.db")
            taken = await follow(store, USER, steps)
            assert await lines(store, OTHER) == []
            await store.close()
            return taken

    assert asyncio.run(one()) == len(steps)


def test_the_list_equals_the_items_of_dynamodb(aws: Aws, tmp_path: Path) -> None:
    numbers = itertools.count()
    store = DynamoDBListingStore(aws, "lists", cache=tmp_path / "lists")

    @settings(max_examples=12)
    @given(STEPS)
    def example(steps: list[Any]) -> None:
        user = f"ann{next(numbers)}"
        assert asyncio.run(follow(store, user, steps)) == len(steps)

    asyncio.run(store.init())
    example()
    asyncio.run(store.close())


async def test_text_is_found_and_rows_of_others_are_not_shown(pair: Pair) -> None:
    await pair.rows.put(USER, a_listing("1", description="A porch; a LÄKE"))
    await pair.rows.put(OTHER, a_listing("2", description="A lake"))
    summaries = pair.rows.summaries(USER)
    await summaries.refresh()
    chosen = await summaries.select(Selection(parse('lake "12 oak" features:none pool'.replace("features:none ", ""))))
    assert (len(chosen.rows), chosen.total) == (1, 1)
    assert [home.mls_number for home in await summaries.read(range(50))] == ["1"]
    assert await summaries.living([*range(50)]) == set(chosen.rows)


async def test_a_change_is_noticed_and_a_row_number_is_never_used_again(pair: Pair) -> None:
    summaries = pair.rows.summaries(USER)
    await summaries.refresh()
    before = (await summaries.select(Selection())).version
    assert await summaries.version() == before
    await pair.rows.put(USER, a_listing("1"))
    await summaries.refresh()
    chosen = await summaries.select(Selection())
    assert chosen.version != before
    await pair.rows.delete(USER, a_listing("1").listing_id)
    await pair.rows.put(USER, a_listing("2"))
    await summaries.refresh()
    after = await summaries.select(Selection())
    assert len(after.rows) == 1
    assert not set(after.rows) & set(chosen.rows)


async def test_data_keeps_the_order_asked_for_and_leaves_out_what_is_not_stored(pair: Pair) -> None:
    stored = [a_listing(str(number)) for number in range(5)]
    for each in stored:
        await pair.rows.put(USER, each)
    wanted = [stored[3].listing_id, "nothing", stored[0].listing_id]
    found = [data async for batch in pair.rows.data(USER, wanted) for data in batch]
    assert found == [stored[3].to_data(), stored[0].to_data()]


async def test_another_process_is_seen_without_reading_everything_again(tmp_path: Path) -> None:
    here, there = SqliteListingStore(tmp_path / "r.db"), SqliteListingStore(tmp_path / "r.db")
    summaries = here.summaries(USER)
    before = await summaries.select(Selection())
    await there.put(USER, a_listing("1"))
    assert await summaries.version() != before.version
    assert len((await summaries.select(Selection())).rows) == 1
    for store in (here, there):
        await store.close()


@pytest.mark.parametrize("damage", ["deleted", "garbage", "stale", "empty"])
async def test_the_cached_list_of_aws_is_disposable(damage: str, aws: Aws, tmp_path: Path) -> None:
    name = f"cache-{damage}"
    first = DynamoDBListingStore(aws, name, cache=tmp_path)
    await first.init()
    await first.put(USER, a_listing("1"))
    assert [each[1] for each in await lines(first, USER)] == ["1"]
    await first.close()
    (path,) = await asyncio.to_thread(lambda: [*tmp_path.glob("*.db")])
    assert path.stat().st_mode & 0o777 == 0o600
    assert USER not in path.name
    other = DynamoDBListingStore(aws, name)
    await other.put(USER, a_listing("2"))
    await other.delete(USER, a_listing("1").listing_id)
    if damage == "deleted":
        path.unlink()
    elif damage == "garbage":
        path.write_bytes(b"not a database" * 400)
    elif damage == "empty":
        path.write_bytes(b"")
    second = DynamoDBListingStore(aws, name, cache=tmp_path)
    shown = await second.summaries(USER).select(Selection())
    assert shown.total == (1 if damage == "stale" else 0)
    assert [each[1] for each in await lines(second, USER)] == ["2"]
    assert second.summaries(USER).as_of is not None
    await second.close()
    await other.close()


async def test_a_store_that_writes_keeps_the_cached_list_of_this_machine_current(aws: Aws, tmp_path: Path) -> None:
    screen = DynamoDBListingStore(aws, "current", cache=tmp_path)
    await screen.init()
    assert await lines(screen, USER) == []
    importer = DynamoDBListingStore(aws, "current", cache=tmp_path)
    await importer.put(USER, a_listing("1"), new=True)
    await importer.put(USER, a_listing("2"))
    await importer.delete(USER, a_listing("2").listing_id)
    shown = await screen.summaries(USER).select(Selection())
    assert [home.mls_number for home in await screen.summaries(USER).read(shown.rows)] == ["1"]
    for store in (screen, importer):
        await store.close()


async def test_an_import_that_ended_elsewhere_makes_the_cached_list_stale(aws: Aws) -> None:
    clock = StepClock()
    screen, worker = DynamoDBListingStore(aws, "stale", clock=clock), DynamoDBListingStore(aws, "stale")
    await screen.init()
    assert await lines(screen, USER) == []
    await worker.put_run(USER, a_run("r1"))
    await worker.put(USER, a_listing("1"))
    summaries = screen.summaries(USER)
    assert not await summaries.stale()
    await clock.sleep(60)
    assert await summaries.stale()
    assert [each[1] for each in await lines(screen, USER)] == ["1"]
    await clock.sleep(60)
    assert not await summaries.stale()
    for store in (screen, worker):
        await store.close()
