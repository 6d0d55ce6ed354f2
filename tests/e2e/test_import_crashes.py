"""After a kill at any named point a rerun ends in the state of an uninterrupted run."""

from __future__ import annotations

import pytest
from aiohttp import web

from mls_tui.domain.connection import Cursor
from mls_tui.domain.run import ImportRun, RunState
from tests.e2e.conftest import OpenHouse
from tests.e2e.crashes import killed_run, points
from tests.e2e.house import House, stored_data


async def changed(house: House) -> None:
    """What happens at the MLS between two imports: a new price, two new pictures, one picture less, one home less."""
    feed = house.mls.feed
    keys = feed.listing_keys("Active")
    many = [key for key in keys if len(feed.shots(key)) > 2]
    feed.change_photo(many[0], 0)
    feed.remove_photo(many[1], 1)
    feed.change_photo(many[2], 1)
    feed.change(keys[0], ListPrice=111_000)
    feed.change(keys[-1], InternetEntireListingDisplayYN=False)


def quarantined_home(house: House) -> str:
    """One of the feed's listings gets a number that cannot be a key, and keeps its place in the feed."""
    key = house.mls.feed.listing_keys("Active")[2]
    when = house.mls.feed.value(key, "ModificationTimestamp")
    house.mls.feed.change(key, ListingId="9" * 300, ModificationTimestamp=when)
    return key


async def stored_cursor(house: House) -> Cursor:
    connection = await house.ws.store.get_connection(house.ws.user_id, house.connection_id)
    assert connection is not None
    return connection.cursor


async def passed_by_cursor(house: House) -> set[str]:
    """The active listings at or before the stored cursor."""
    cursor, feed = await stored_cursor(house), house.mls.feed
    end = (cursor.watermark or "", cursor.last_key or "")
    return {key for key in feed.listing_keys("Active") if (feed.value(key, "ModificationTimestamp"), key) <= end}


async def not_ahead(house: House, *, but: set[str]) -> None:
    """Every active listing at or before the cursor is stored as it is there, or owed."""
    passed, cursor, feed = await passed_by_cursor(house), await stored_cursor(house), house.mls.feed
    stored = await house.listings()
    current = {
        key
        for key in passed & set(stored)
        if stored[key].modification_timestamp == feed.value(key, "ModificationTimestamp")
    }
    assert passed <= {*current, *cursor.failed_keys, *but}


async def told_of(house: House) -> set[str]:
    """The ListingKeys among the problems of all runs."""
    store, user = house.ws.store, house.ws.user_id
    return {each.listing_key for run in await store.runs(user) async for each in store.problems(user, run.run_id)}


ONCE = points("run", "problems", "state", "lease", "release")
"""What a run of nine listings writes only once or twice."""


@pytest.mark.promise(1, 2)
@pytest.mark.parametrize(
    ("point", "nth"),
    [(point, nth) for point in points("photo", "row") for nth in (1, 4)]
    + [(point, nth) for point in points("cursor") for nth in (1, 2)]  # one may be saved for several pages
    + [(point, 1) for point in ONCE],
)
async def test_a_first_import_killed_anywhere_is_completed_by_the_next(
    open_local: OpenHouse, point: str, nth: int
) -> None:
    async with open_local(listings=9) as house:
        bad = quarantined_home(house)
        assert await killed_run(house, point, nth)
        await not_ahead(house, but={bad})
        assert bad not in await passed_by_cursor(house) or await told_of(house) == {bad}
        result = await house.run()
        assert result.state is RunState.DONE
        stored = await house.whole()
        assert set(stored) == set(house.mls.feed.listing_keys("Active")) - {bad}
        assert await told_of(house) == {bad}, "one of the two runs keeps what was quarantined"
        epochs = {listing.listing_id.rpartition("-")[2] for listing in stored.values()}
        assert len(epochs) == 1 or "release" in point, "the ids that were begun with stay"


@pytest.mark.promise(2)
async def test_no_cursor_passes_a_quarantined_record_before_it_is_told_of(
    open_local: OpenHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_local(listings=9) as house:
        bad = quarantined_home(house)
        place = (house.mls.feed.value(bad, "ModificationTimestamp"), bad)
        put, told = house.ws.store.put_cursor, []

        async def watched(user: str, cursor: Cursor, *, run: ImportRun, holder: str) -> None:
            if (cursor.watermark or "", cursor.last_key or "") >= place:
                told.append(await told_of(house))
            await put(user, cursor, run=run, holder=holder)

        monkeypatch.setattr(house.ws.store, "put_cursor", watched)
        monkeypatch.setattr("mls_tui.importer.engine.SAVE_SECONDS", 1_000_000)  # no other save tells it by chance
        await house.run()
        assert told
        assert all(keys == {bad} for keys in told)


@pytest.mark.promise(2)
@pytest.mark.parametrize(
    "point", points("photo", "row", "cursor", "delete", "erase", "run", "state", "lease", "release")
)
async def test_an_update_killed_anywhere_is_completed_by_the_next(open_local: OpenHouse, point: str) -> None:
    async with open_local(listings=6) as house:
        await house.run()
        await changed(house)
        assert await killed_run(house, point, 1)
        await not_ahead(house, but=set(house.mls.feed.listing_keys("Active")[-1:]))
        assert (await house.run()).state is RunState.DONE
        stored = await house.whole()
        assert set(stored) == set(house.mls.feed.listing_keys("Active")[:-1])
        assert stored_data(stored)[house.mls.feed.listing_keys("Active")[0]]["price"] == 111_000
        assert all(len(listing.history) <= 1 for listing in stored.values()), "no change is noted twice"


@pytest.mark.promise(2)
@pytest.mark.parametrize("point", ["after photo", "after row", "after cursor"])
async def test_the_same_holds_on_aws(open_aws: OpenHouse, point: str) -> None:
    async with open_aws(listings=7) as house:
        assert await killed_run(house, point, 3)
        await not_ahead(house, but=set())
        assert (await house.run()).state is RunState.DONE
        assert set(await house.whole()) == set(house.mls.feed.listing_keys("Active"))


@pytest.mark.promise(1)
async def test_a_rerun_after_a_kill_is_equal_to_an_uninterrupted_run(open_local: OpenHouse) -> None:
    async with open_local(listings=9) as house:
        await house.run()
        plain = stored_data(await house.whole())
        for listing in (await house.listings()).values():
            await house.ws.store.delete(house.ws.user_id, listing.listing_id)
        await house.ws.photos.delete(sorted(await house.objects()))
        house.connection_id = await house.connect("Again")
        assert await killed_run(house, "after row", 5)
        await house.run()
        assert stored_data(await house.whole()) == plain


async def whole_pages(house: House) -> int:
    """Import; how many pages of whole records were asked for. The keys of all, to see what slipped by, are few."""
    asked: list[str] = []

    async def hook(request: web.Request) -> None:
        asked.extend(["page"] if "$expand" in request.query else [])

    house.mls.hook = hook
    await house.run()
    house.mls.hook = None
    return len(asked)


@pytest.mark.promise(3)
async def test_a_resume_asks_for_what_was_left_and_in_flight_only(open_local: OpenHouse) -> None:
    async with open_local(listings=30) as house:
        assert await killed_run(house, "after cursor", 4)
        in_stock = len(await house.objects())
        photos = sum(len(house.mls.feed.shots(key)) for key in house.mls.feed.listing_keys("Active"))
        stored = sum(len(listing.photos) for listing in (await house.listings()).values())
        assert stored > 0
        passed = len(await passed_by_cursor(house))
        assert passed >= 12
        house.mls.requests.clear()
        pages = await whole_pages(house)
        assert house.events[0].to_json()["resumed"] is True
        assert house.mls.requests["photo"] <= photos - stored
        assert 0 < pages <= -(-(30 - passed) // 6) + 1, "what was left, and the page that was in flight"
        assert in_stock <= len(await house.objects())
        await house.whole()


async def test_the_row_of_a_killed_run_is_closed_as_interrupted_by_the_next(open_house: OpenHouse) -> None:
    async with open_house(listings=3) as house:
        await killed_run(house, "after row", 1)
        dead = house.events[0].run
        runs = {run.run_id: run for run in await house.ws.store.runs(house.ws.user_id)}
        assert runs[dead].state is RunState.RUNNING
        await house.run()
        runs = {run.run_id: run for run in await house.ws.store.runs(house.ws.user_id)}
        assert runs[dead].state is RunState.INTERRUPTED
        assert runs[dead].finished_at == runs[dead].updated_at
        assert sorted(run.state.value for run in runs.values()) == ["done", "interrupted"]
