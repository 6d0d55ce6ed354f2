"""Which stored listing a record is: by ListingKey, in its MLS, of its host (docs/contract.md, section Identity)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from mls_tui import actions
from mls_tui.actions import ImportOptions
from mls_tui.domain.errors import ItemTooLargeError
from mls_tui.domain.events import ListingFailed, ListingRemoved
from mls_tui.domain.listing import Listing
from mls_tui.storage.base import ListingStore, PutResult
from tests.providers.odd_servers import offset_links
from tests.providers.stranger import PNG, Handler, Visit, house, houses, serving, visiting
from tests.unit.reso.mapping.feeds import SHARED

REPORTED = SHARED / "feeds" / "reported"
GRID: dict[str, Any] = {"provider": "mlsgrid", "mls_system": "lakeside"}
BRIDGE: dict[str, Any] = {"provider": "bridge", "mls_system": "lakeside"}

Row = dict[str, Any]


def with_photos(rows: list[Row]) -> Handler:
    """A feed whose photos are one picture."""
    feed = offset_links(rows)

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith(".png"):
            return web.Response(body=PNG, content_type="image/png")
        return await feed(request)

    return answer


def later(row: Row, minute: int = 30, **changes: Any) -> Row:
    """The record as changed since."""
    return {**row, "ModificationTimestamp": f"2026-06-20T00:{minute:02d}:00.000Z", **changes}


async def rows_of(visit: Visit) -> list[Listing]:
    return [listing async for batch in visit.ws.store.listings(visit.ws.user_id) for listing in batch]


async def other_host(visit: Visit, origin: str, name: str = "Other", **form: Any) -> str:
    """A second connection of the same user, to another server; its id. ``visit`` goes on with it."""
    await visit.connect(name=name, base_url=f"{origin}/odata", **form)
    return visit.connection_id


# two records with one number ---------------------------------------------------------------------------------


@pytest.mark.promise(4)
@pytest.mark.parametrize(
    "form", [{}, {"provider": "flexmls"}, {"provider": "crmls"}, {"provider": "bright"}, GRID, BRIDGE]
)
async def test_two_records_with_one_number_are_two_listings_under_every_preset(
    form: dict[str, Any], tmp_path: Path
) -> None:
    sale, lease = house(1, ListingKey="S-555", ListingId="555"), house(2, ListingKey="L-555", ListingId="555")
    for row in (sale, lease):
        row["OriginatingSystemName"] = {"crmls": "CRMLS", "mlsgrid": "lakeside"}.get(form.get("provider", ""))
        row["BridgeModificationTimestamp"] = row["ModificationTimestamp"]
    rows = [sale, lease]
    async with visiting(lenient(rows), tmp_path, **{**form, **signed_in(form)}) as visit:
        first = await visit.run()
        assert (first.message, first.counts.created) == ("Imported 2 of 2 listings", 2)
        assert len({listing.listing_id for listing in await rows_of(visit)}) == 2
        again = await visit.run(full=True)
        assert (again.counts.unchanged, len(await rows_of(visit))) == (2, 2)


def signed_in(form: dict[str, Any]) -> dict[str, Any]:
    """Every preset here by a token."""
    return {"base_url": "{origin}/odata", "overrides": {"api_limits": "100000/1", "auths": "bearer"}} if form else {}


def lenient(rows: list[Row]) -> Handler:
    """Every path is the whole feed: presets differ in resources and filters, which other tests try."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response({"value": [] if "Media" in request.path else rows, "@odata.count": len(rows)})

    return answer


@pytest.mark.skipif(not REPORTED.is_dir(), reason="../shared/feeds is not here")
@pytest.mark.parametrize("name", ["same-number", "two-systems", "ids-that-collide"])
async def test_reported_records_are_all_stored(name: str, tmp_path: Path) -> None:
    case = json.loads((REPORTED / f"{name}.json").read_bytes())
    async with visiting(offset_links(case["records"]), tmp_path) as visit:
        result = await visit.run()
        assert (result.counts.created, len(await rows_of(visit))) == (case["expect"]["stored"],) * 2
        assert (await visit.run(full=True)).counts.unchanged == case["expect"]["stored"]
        assert len(await rows_of(visit)) == case["expect"]["stored"]


async def test_two_listings_that_would_get_one_id_get_two_and_keep_their_photos(tmp_path: Path) -> None:
    rows = [
        house(1, ListingId="100", OriginatingSystemName="North Shore"),
        house(2, ListingId="shore-100", OriginatingSystemName="North"),
    ]
    for row in rows:
        row |= {"PhotosCount": 1, "Media": [{"MediaKey": "m", "MediaURL": "/p.png", "Order": 1}]}
    async with visiting(with_photos(rows), tmp_path) as visit:
        assert (await visit.run()).counts.photos_stored == 2
        first, second = sorted(await rows_of(visit), key=lambda listing: listing.listing_id)
        assert int(second.listing_id.rpartition("-")[2]) == int(first.listing_id.rpartition("-")[2]) + 1
        assert first.photos[0].key != second.photos[0].key


async def test_one_key_in_two_systems_of_a_feed_is_two_listings(tmp_path: Path) -> None:
    rows = [house(n, ListingKey="1", OriginatingSystemName=name) for n, name in enumerate(("North", "South"))]
    async with visiting(offset_links(rows), tmp_path) as visit:
        await visit.run()
        assert {listing.mls_provider for listing in await rows_of(visit)} == {"reso.north", "reso.south"}
        assert (await visit.run(full=True)).counts.unchanged == 2
        assert len(await rows_of(visit)) == 2


# a known key -------------------------------------------------------------------------------------------------


@pytest.mark.promise(4)
@pytest.mark.parametrize(("before", "after"), [(None, "Lakeside MLS"), ("Lakeside MLS", "Bay MLS"), ("Lakeside", None)])
async def test_a_known_key_whose_system_appears_or_changes_stays_the_same_listing(
    before: str | None, after: str | None, tmp_path: Path
) -> None:
    rows = [house(n, OriginatingSystemName=before) for n in range(3)]
    async with visiting(offset_links(rows), tmp_path) as visit:
        await visit.run()
        ids = {listing.listing_id for listing in await rows_of(visit)}
        rows[:] = [later(row, n, OriginatingSystemName=after) for n, row in enumerate(rows)]
        result = await visit.run()
        assert (result.counts.updated, result.counts.created, result.counts.removed) == (3, 0, 0)
        stored = await rows_of(visit)
        assert {listing.listing_id for listing in stored} == ids
        assert {listing.originating_system_name for listing in stored} == {after}
        assert (await visit.run(full=True)).counts.unchanged == 3
        assert len(await visit.ws.store.find(visit.ws.user_id, rows[0]["ListingId"])) == 1


async def test_a_known_key_with_another_number_stays_the_same_listing(tmp_path: Path) -> None:
    rows = houses(2)
    async with visiting(offset_links(rows), tmp_path) as visit:
        await visit.run()
        old = rows[0]["ListingId"]
        (listing,) = await visit.ws.store.find(visit.ws.user_id, old)
        rows[0] = later(rows[0], ListingId="A-new-number")
        assert (await visit.run()).counts.updated == 1
        assert await visit.ws.store.find(visit.ws.user_id, old) == []
        (found,) = await visit.ws.store.find(visit.ws.user_id, "A-new-number")
        assert found.listing_id == listing.listing_id


# an unknown key with a known number --------------------------------------------------------------------------


@pytest.mark.promise(4)
async def test_a_home_whose_old_key_is_gone_lives_on_under_the_new_key(tmp_path: Path) -> None:
    media = {"PhotosCount": 1, "Media": [{"MediaKey": "m", "MediaURL": "/p.png", "Order": 1}]}
    rows = [house(1, **media), house(2)]
    async with visiting(with_photos(rows), tmp_path) as visit:
        await visit.run()
        rows[0] = later(rows[0], ListPrice=1)
        await visit.run()
        old = (await visit.listings())[rows[0]["ListingKey"]]
        # Its new system gives it an older timestamp than the old one did.
        rows[0] = {**house(1, ListingKey="new-key", **media), "ModificationTimestamp": "2026-06-19T00:00:00.000Z"}
        visit.forget()
        result = await visit.run(full=True)
        assert (result.counts.updated, result.counts.created, result.counts.removed) == (1, 0, 0)
        new = (await visit.listings())["new-key"]
        assert (new.listing_id, new.photos[0].key) == (old.listing_id, old.photos[0].key)
        assert new.history[: len(old.history)] == old.history != ()
        assert len(await rows_of(visit)) == 2
        assert sum("3yd-00001" in url for url in visit.asked) == 1
        visit.forget()
        assert (await visit.run(full=True)).counts.unchanged == 2
        assert not any("3yd-00001" in url for url in visit.asked)


async def test_a_removal_of_the_old_key_does_not_take_the_listing_from_the_new_one(tmp_path: Path) -> None:
    rows = houses(3)
    async with visiting(offset_links(rows), tmp_path) as visit:
        await visit.run()
        (old,) = await visit.ws.store.find(visit.ws.user_id, rows[0]["ListingId"])
        rows.append(house(5, ListingId=rows[0]["ListingId"]))
        rows[0] |= {"StandardStatus": "Delete", "ModificationTimestamp": "2026-06-01T00:06:00.000Z"}
        assert (await visit.run()).counts.removed == 0
        assert (await visit.listings())[rows[3]["ListingKey"]].listing_id == old.listing_id


async def test_an_old_key_that_is_still_there_is_asked_for_once_and_then_two_listings(tmp_path: Path) -> None:
    rows = houses(30)
    async with visiting(offset_links(rows), tmp_path) as visit:
        await visit.run()
        rows.append(later(house(1, ListingKey="L-1")))
        for created in (1, 0):
            visit.forget()
            assert (await visit.run()).counts.created == created
            assert sum("3yd-00001" in url for url in visit.asked) == created
        assert len(await rows_of(visit)) == 31


async def test_an_old_key_that_cannot_be_asked_for_fails_the_listing_and_takes_nothing(tmp_path: Path) -> None:
    rows = houses(3)
    feed = offset_links(rows)

    async def answer(request: web.Request) -> web.StreamResponse:
        if "3yd-00001" in request.path_qs:
            return web.json_response({"error": {"message": "no"}}, status=500)
        return await feed(request)

    async with visiting(answer, tmp_path) as visit:
        await visit.run()
        rows[1] = later(house(1, ListingKey="new-key"))
        result = await visit.run()
        assert [event.listing_key for event in visit.events if isinstance(event, ListingFailed)] == ["new-key"]
        assert (result.exit_code, "3yd-00001" in await visit.listings()) == (1, True)


async def test_a_preview_tells_a_new_key_from_a_new_listing_as_the_import_does(tmp_path: Path) -> None:
    rows = houses(3)
    async with visiting(offset_links(rows), tmp_path) as visit:
        await visit.run()
        rows[1] = later(house(1, ListingKey="new-key"))
        rows.append(later(house(2, ListingKey="L-2"), 31))
        answer = await actions.preview_import(visit.connection_id, ImportOptions(), visit.ws)
        assert answer.data is not None
        said = {row.listing_key: row.change for row in answer.data.rows}
        assert (said["new-key"], said["L-2"]) == ("changed", "new")
        result = await visit.run()
        assert (result.counts.updated, result.counts.created) == (1, 1)


# two hosts ---------------------------------------------------------------------------------------------------


@pytest.mark.promise(4)
@pytest.mark.parametrize("keys", ["other", "same"])
async def test_two_servers_that_name_no_system_have_their_own_listings(keys: str, tmp_path: Path) -> None:
    mine = houses(3)
    theirs = [house(n, ListingId=mine[n]["ListingId"], StreetName="Elm", ListPrice=n + 1) for n in range(3)]
    for n, row in enumerate(theirs):
        row["ListingKey"] = mine[n]["ListingKey"] if keys == "same" else f"their-{n}"
    async with visiting(offset_links(mine), tmp_path) as visit, serving(offset_links(theirs)) as origin:
        me = visit.connection_id
        await visit.run()
        other = await other_host(visit, origin)
        for connection in (other, me, other):
            visit.connection_id = connection
            result = await visit.run(full=True)
            assert (result.message, result.counts.updated) == ("Imported 3 of 3 listings", 0)
            stored = await rows_of(visit)
            assert len(stored) == len({listing.listing_id for listing in stored}) == 6
            assert sorted(listing.price or 0 for listing in stored) == [1, 2, 3, 250_000, 250_001, 250_002]


@pytest.mark.parametrize(
    "spoil", [{"StandardStatus": "Delete"}, {"InternetEntireListingDisplayYN": False}, {"ListPrice": 7}]
)
async def test_another_host_that_claims_the_name_of_an_mls_changes_nothing_of_it(
    spoil: dict[str, Any], tmp_path: Path
) -> None:
    media = {"PhotosCount": 1, "Media": [{"MediaKey": "m", "MediaURL": "/p.png", "Order": 1}]}
    mine = [house(n, OriginatingSystemName="Lakeside MLS", **media) for n in range(3)]
    claims = [later(row, **{**spoil, "OriginatingSystemName": "lakeside--MLS!!"}) for row in mine]
    async with visiting(with_photos(mine), tmp_path) as visit, serving(with_photos(claims)) as origin:
        await visit.run()
        before = await visit.listings()
        await other_host(visit, origin)
        for _ in range(2):
            await visit.run(full=True)
            assert not [event for event in visit.events if isinstance(event, ListingRemoved)]
        kept = {row.mls_id: row for row in await rows_of(visit) if row.connection_id != visit.connection_id}
        assert kept == before
        for listing in kept.values():
            assert await visit.ws.photos.get(listing.photos[0].key or "") == PNG


async def test_a_host_that_a_connection_was_told_is_the_same_mls_continues_its_listings(tmp_path: Path) -> None:
    mine = [house(n, OriginatingSystemName="Lakeside MLS") for n in range(3)]
    moved = [later(row, n, ListPrice=n + 1) for n, row in enumerate(mine)]
    async with visiting(offset_links(mine), tmp_path) as visit, serving(offset_links(moved)) as origin:
        me = visit.connection_id
        await visit.run()
        ids = {listing.listing_id for listing in await rows_of(visit)}
        await other_host(visit, origin, mls_system="Lakeside MLS")
        assert (await visit.run()).counts.updated == 3
        assert {listing.listing_id for listing in await rows_of(visit)} == ids
        assert sorted(listing.price or 0 for listing in await rows_of(visit)) == [1, 2, 3]
        visit.connection_id = me
        assert (await visit.run(full=True)).counts.created == 0


async def test_a_connection_pointed_to_another_host_marks_nothing_of_the_old_one(tmp_path: Path) -> None:
    async with visiting(offset_links(houses(30)), tmp_path) as visit, serving(offset_links(houses(29))) as origin:
        await visit.run()
        before = await visit.listings()
        store, user = visit.ws.store, visit.ws.user_id
        connection = await store.get_connection(user, visit.connection_id)
        assert connection is not None
        await store.put_connection(user, connection.model_copy(update={"base_url": f"{origin}/odata"}))
        result = await visit.run(full=True)
        assert result.counts.created == 29
        assert [text for text in result.warnings if "30 listings of this connection came from another address" in text]
        after = {row.listing_id: row for row in await rows_of(visit)}
        assert [after[row.listing_id] for row in before.values()] == list(before.values())


# races -------------------------------------------------------------------------------------------------------


async def put_first(store: ListingStore, theirs: Listing, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the import's first write another program stores ``theirs``."""
    put, rivals = store.put, [theirs]

    async def beaten(user_id: str, listing: Listing, **more: Any) -> PutResult:
        while rivals:
            rival = rivals.pop()
            await put(user_id, rival.model_copy(update={"listing_id": rival.listing_id or listing.listing_id}))
        return await put(user_id, listing, **more)

    monkeypatch.setattr(store, "put", beaten)


def a_rival(**fields: Any) -> Listing:
    given = {"mls_id": "theirs", "mls_number": "9", "mls_provider": "reso", "status": "active", "synced_at": 1}
    return Listing.model_validate({"listing_id": "", **given, **fields})


@pytest.mark.promise(5)
async def test_an_id_that_another_program_takes_meanwhile_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = {"PhotosCount": 1, "Media": [{"MediaKey": "m", "MediaURL": "/p.png", "Order": 1}]}
    async with visiting(with_photos([house(1, **media)]), tmp_path) as visit:
        await put_first(visit.ws.store, a_rival(source="other.example"), monkeypatch)
        assert (await visit.run()).counts.created == 1
        mine, theirs = sorted(await rows_of(visit), key=lambda listing: listing.mls_id)
        assert mine.listing_id != theirs.listing_id
        assert await visit.ws.photos.get(mine.photos[0].key or "") == PNG


@pytest.mark.promise(5)
async def test_a_key_that_another_host_takes_meanwhile_is_two_listings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with visiting(offset_links([house(1)]), tmp_path) as visit:
        theirs = a_rival(listing_id="reso-9-1", mls_id=house(1)["ListingKey"], source="other.example")
        await put_first(visit.ws.store, theirs, monkeypatch)
        result = await visit.run()
        assert (result.counts.created, len(await rows_of(visit))) == (1, 2)
        assert (await visit.run(full=True)).counts.unchanged == 1


# counts ------------------------------------------------------------------------------------------------------


@pytest.mark.promise(7)
async def test_a_listing_whose_photo_is_missing_counts_once_a_run(tmp_path: Path) -> None:
    media = {"PhotosCount": 2, "Media": [{"MediaKey": f"{n}", "MediaURL": f"/{n}.png", "Order": n} for n in (1, 2)]}
    rows = [house(n, **media) for n in range(5)]
    feed, broken = with_photos(rows), ["/1.png"]

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path in broken:
            return web.Response(status=500)
        return await feed(request)

    async with visiting(answer, tmp_path) as visit:
        assert (await visit.run()).message == "Imported 5 of 5 listings"
        assert (await visit.run()).message == "Imported 5 of 5 listings"
        broken.clear()
        rows[0] = later(rows[0])
        result = await visit.run()
        assert (result.message, result.counts.updated) == ("Imported 5 of 5 listings", 5)
        assert result.to_contract()["data"]["totalListings"] == 5
        runs = await visit.ws.store.runs(visit.ws.user_id, limit=1)
        assert runs[0].counts.total == 5


async def test_a_listing_that_fails_again_counts_once_and_is_reported_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = houses(5)
    async with visiting(offset_links(rows), tmp_path) as visit:
        put = visit.ws.store.put

        async def refusing(user_id: str, listing: Listing, **more: Any) -> PutResult:
            if listing.mls_id == rows[4]["ListingKey"]:
                raise ItemTooLargeError("That one does not fit.")
            return await put(user_id, listing, **more)

        monkeypatch.setattr(visit.ws.store, "put", refusing)
        for _ in range(2):
            result = await visit.run()
            assert result.message == "Imported 4 of 5 listings"
            assert [error.listing_key for error in result.errors] == [rows[4]["ListingKey"]]


async def test_a_listing_that_changes_during_a_run_counts_as_what_became_of_it(tmp_path: Path) -> None:
    rows = houses(3)
    rows += [later(rows[0], 1, ListPrice=1), later(rows[1], 2, InternetEntireListingDisplayYN=False)]
    async with visiting(offset_links(rows), tmp_path) as visit:
        counts = (await visit.run()).counts
        assert (counts.total, counts.created, counts.updated, counts.removed) == (3, 1, 1, 1)
