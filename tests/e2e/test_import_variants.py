"""WebP copies of photos that were stored before anybody asked for copies, and of listings that came back."""

from __future__ import annotations

import hashlib

import pytest

from mls_tui import actions
from mls_tui.domain.listing import Listing
from mls_tui.storage.base import PutResult
from tests.e2e.conftest import OpenHouse
from tests.e2e.house import House


async def copies(house: House) -> set[str]:
    return {key for key in await house.objects() if key.endswith(".webp")}


async def wanted(house: House, *widths: int) -> set[str]:
    originals = [photo.key or "" for listing in (await house.listings()).values() for photo in listing.photos]
    return {key.replace("/original/", f"/w{width}/").replace(".jpg", ".webp") for key in originals for width in widths}


async def test_copies_asked_for_later_are_made_by_a_full_import_from_what_is_stored(open_house: OpenHouse) -> None:
    async with open_house(listings=2) as house:
        await house.run()
        before = await house.whole()
        object.__setattr__(house.ws.settings, "webp_variants", (40, 20))
        house.mls.requests.clear()
        await house.run()
        assert await copies(house) == set()
        result = await house.run(full=True)
        assert await copies(house) == await wanted(house, 40, 20)
        assert await house.listings() == before
        assert (house.mls.requests["photo"], result.counts.updated) == (0, 0)


async def test_only_the_copies_that_are_lacking_are_made(open_local: OpenHouse) -> None:
    async with open_local(listings=1) as house:
        object.__setattr__(house.ws.settings, "webp_variants", (20,))
        await house.run()
        kept = {key: await house.ws.photos.get(key) for key in await copies(house)}
        marked = min(kept)
        digest = hashlib.sha256(b"RIFF-marked").hexdigest()
        await house.ws.photos.put(marked, b"RIFF-marked", content_type="image/webp", sha256=digest, metadata={})
        object.__setattr__(house.ws.settings, "webp_variants", (20, 10))
        await house.run(full=True)
        assert await copies(house) == await wanted(house, 20, 10)
        assert await house.ws.photos.get(marked) == b"RIFF-marked"


async def test_an_undone_deletion_brings_the_copies_back(open_house: OpenHouse) -> None:
    async with open_house(listings=2) as house:
        object.__setattr__(house.ws.settings, "webp_variants", (20,))
        await house.run()
        before = {key: await house.ws.photos.get(key) for key in await house.objects()}
        ids = [listing.listing_id for listing in (await house.listings()).values()]
        deletion = (await actions.delete_listings(ids, house.ws, undoable=True)).data
        assert deletion is not None
        assert await house.objects() == set()
        assert (await actions.undo_deletion(deletion, house.ws)).success
        assert {key: await house.ws.photos.get(key) for key in await house.objects()} == before


async def test_a_listing_that_another_import_stored_first_leaves_no_copies_behind(
    open_local: OpenHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_local(listings=1) as house:
        object.__setattr__(house.ws.settings, "webp_variants", (20,))
        put, rivals = house.ws.store.put, ["another-id"]

        async def beaten(user_id: str, listing: Listing, *, new: bool | None = None, moved: bool = False) -> PutResult:
            if rivals:
                theirs = listing.model_copy(update={"listing_id": rivals.pop(), "photos": ()})
                await put(user_id, theirs)
            return await put(user_id, listing, new=new)

        monkeypatch.setattr(house.ws.store, "put", beaten)
        await house.run()
        [stored] = (await house.listings()).values()
        assert stored.listing_id == "another-id"
        assert await house.objects() == set()
