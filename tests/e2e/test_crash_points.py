"""Every write has its crash points, beyond those of an import: deletions and their undoing, connections, smaller copies
of photos, and what a selective import leaves."""

from __future__ import annotations

import pytest

from mls_tui import actions
from mls_tui.actions import ConnectionForm
from mls_tui.domain.connection import SecretField
from mls_tui.domain.run import RunState
from mls_tui.storage.base import ListingStore, PhotoStore
from tests.e2e.conftest import OpenHouse
from tests.e2e.crashes import PHOTO_WRITES, READS, ROW_WRITES, killed, killed_run, methods, points
from tests.e2e.house import House


@pytest.mark.promise(2)
def test_every_write_of_both_stores_has_its_points() -> None:
    assert methods(ListingStore) - READS == set(ROW_WRITES)
    assert methods(PhotoStore) - READS == set(PHOTO_WRITES)


async def rows_without_photos(house: House) -> list[str]:
    """The ids of rows that point at a photo which is not there."""
    objects = await house.objects()
    return [
        listing.listing_id
        for listing in (await house.listings()).values()
        if not {photo.key for photo in listing.photos} <= objects
    ]


@pytest.mark.promise(2)
@pytest.mark.parametrize("point", points("erase", "delete"))
async def test_a_deletion_killed_anywhere_leaves_no_row_without_its_photos(open_house: OpenHouse, point: str) -> None:
    async with open_house(listings=2) as house:
        await house.run()
        doomed = (await house.listings())[house.mls.feed.listing_keys("Active")[0]]
        with killed(house, point):
            await actions.delete_listings([doomed.listing_id], house.ws)
        assert await rows_without_photos(house) == []
        await actions.delete_listings([doomed.listing_id], house.ws)
        await actions.check_storage(house.ws, photos=True, repair=True)
        assert set(await house.whole()) == {house.mls.feed.listing_keys("Active")[1]}


@pytest.mark.promise(2)
@pytest.mark.parametrize("point", points("undelete", "row"))
async def test_an_undoing_killed_anywhere_may_be_done_again(open_house: OpenHouse, point: str) -> None:
    async with open_house(listings=2) as house:
        await house.run()
        before = await house.listings()
        answer = await actions.delete_listings([each.listing_id for each in before.values()], house.ws, undoable=True)
        assert answer.data is not None
        with killed(house, point):
            await actions.undo_deletion(answer.data, house.ws)
        assert await rows_without_photos(house) == []
        assert (await actions.undo_deletion(answer.data, house.ws)).data == 2
        assert await house.whole() == before


@pytest.mark.promise(2)
@pytest.mark.parametrize("point", points("connection"))
async def test_a_connection_whose_change_is_killed_is_the_old_one_or_the_new(open_local: OpenHouse, point: str) -> None:
    async with open_local(listings=2) as house:
        await house.run()
        store, user, found = house.ws.store, house.ws.user_id, house.connection_id
        old = await store.get_connection(user, found)
        form = ConnectionForm(name="New", provider="reso", base_url=house.mls.base_url, access_token="new token")
        with killed(house, point):
            await actions.update_connection(found, form, house.ws)
        now = await store.get_connection(user, found)
        assert old is not None
        assert now is not None
        assert (now == old) is point.startswith("before")
        assert now.cursor == old.cursor
        token = house.ws.vault.decrypt(now.secrets["access_token"], user=user, connection=found, field="access_token")
        assert token == (house.mls.token if now == old else "new token")
        assert set(now.secrets) == {SecretField.ACCESS_TOKEN.value}
        assert (await actions.update_connection(found, form, house.ws)).success


@pytest.mark.promise(2)
@pytest.mark.parametrize("point", points("connection", "forget"))
async def test_a_connection_is_made_and_forgotten_whole_or_not_at_all(open_local: OpenHouse, point: str) -> None:
    async with open_local(listings=2) as house:
        await house.run()
        form = ConnectionForm(name="Other", provider="reso", base_url=house.mls.base_url, access_token="t")
        with killed(house, point):
            await actions.connect_mls(form, house.ws)
            await actions.disconnect_mls(house.connection_id, house.ws)
        names = {each.name for each in await house.ws.store.connections(house.ws.user_id)}
        made = point != "before connection"
        assert names == {"Lakeside", "Other"} - (set() if made else {"Other"}) - (
            {"Lakeside"} if point == "after forget" else set()
        )
        assert len(await house.whole()) == 2, "its listings stay"


@pytest.mark.promise(2)
@pytest.mark.parametrize("point", points("variant"))
@pytest.mark.parametrize("nth", [1, 3])
async def test_smaller_copies_are_complete_after_a_kill_and_a_rerun(
    open_local: OpenHouse, point: str, nth: int
) -> None:
    async with open_local(listings=3) as house:
        object.__setattr__(house.ws.settings, "webp_variants", (8, 4))
        assert await killed_run(house, point, nth)
        assert (await house.run()).state is RunState.DONE
        originals = {photo.key or "" for each in (await house.listings()).values() for photo in each.photos}
        copies = {
            key.replace("/original/", f"/{width}/").replace(".jpg", ".webp")
            for key in originals
            for width in ("w8", "w4")
        }
        assert await house.objects() == originals | copies


@pytest.mark.promise(2)
@pytest.mark.parametrize("point", points("photo", "row"))
async def test_what_a_killed_selective_import_put_is_swept_by_the_next_whole_one(
    open_local: OpenHouse, point: str
) -> None:
    async with open_local(listings=3) as house:
        sold = house.mls.feed.listing_keys("Active")[0]
        house.mls.feed.change(sold, StandardStatus="Closed")
        await house.run()
        assert await killed_run(house, point, 1, only=(str(house.mls.feed.value(sold, "ListingId")),))
        assert (await house.run()).state is RunState.DONE
        stored = set(await house.whole())
        assert stored == {*house.mls.feed.listing_keys("Active"), *({sold} if point == "after row" else ())}


@pytest.mark.promise(2)
async def test_a_selective_import_between_a_kill_and_its_rerun_leaves_nothing_behind(open_local: OpenHouse) -> None:
    async with open_local(listings=6) as house:
        assert await killed_run(house, "after photo", 7)
        first = house.mls.feed.listing_keys("Active")[0]
        await house.run(only=(str(house.mls.feed.value(first, "ListingId")),))
        gone = house.mls.feed.listing_keys("Active")[1]
        house.mls.feed.change(gone, StandardStatus="Closed")
        assert (await house.run()).state is RunState.DONE
        stored = await house.whole()
        assert len({listing.listing_id.rpartition("-")[2] for listing in stored.values()}) == 1


@pytest.mark.promise(2)
async def test_photos_that_another_import_is_about_to_give_a_row_are_left_alone(open_local: OpenHouse) -> None:
    async with open_local(listings=3) as house:
        assert await killed_run(house, "after photo", 2)
        first, beside = house.connection_id, await house.objects()
        assert beside
        house.connection_id = await house.connect("Another")
        assert await killed_run(house, "after cursor", 1), "its own epoch, and nothing put"
        assert (await house.run(statuses=frozenset())).state is RunState.DONE
        assert beside <= await house.objects()
        house.connection_id = first
        assert (await house.run()).state is RunState.DONE
        await house.whole()
        assert len(await house.listings()) == 3
