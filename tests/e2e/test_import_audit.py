"""Photos verified by hash, orphans found, and listings erased with everything below their prefix."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from mls_tui import actions
from mls_tui.domain.errors import StorageError
from mls_tui.domain.keys import photo_key, variant_key
from mls_tui.importer.cleanup import pending, plan_deletion
from mls_tui.storage.aws import Aws
from mls_tui.storage.s3 import S3PhotoStore
from tests.contract.samples import put_photo
from tests.e2e.conftest import OpenHouse


@pytest.mark.promise(6)
async def test_damage_and_orphans_are_found_repaired_and_fetched_again(open_house: OpenHouse) -> None:
    async with open_house(listings=3) as house:
        await house.run()
        listing = next(iter((await house.listings()).values()))
        key = listing.photos[0].key
        assert key is not None
        await put_photo(house.ws.photos, key, b"\xff\xd8\xff other bytes")
        await put_photo(house.ws.photos, photo_key(house.ws.user_id, listing.listing_id, 99, "jpg"))
        await put_photo(house.ws.photos, variant_key(house.ws.user_id, listing.listing_id, "w400", 99))
        found = await actions.check_storage(house.ws, photos=True)
        assert [check.state for check in found.data or []][-2:] == ["failure", "warning"]
        assert found.exit_code == 4
        await actions.check_storage(house.ws, photos=True, repair=True)
        again = await actions.check_storage(house.ws, photos=True)
        assert [check.state for check in again.data or []][-2:] == ["ok", "ok"]
        await house.run()
        await house.whole()
        healthy = await actions.check_storage(house.ws, photos=True)
        assert [check.state for check in healthy.data or []][-2:] == ["ok", "ok"]


async def test_a_store_that_may_not_be_listed_costs_no_row_its_photos(
    open_house: OpenHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_house(listings=2) as house:
        await house.run()
        before = await house.listings()

        async def denied(prefix: str) -> AsyncIterator[list[str]]:
            raise StorageError("AWS denies access to the S3 bucket b: the permission s3:ListBucket is missing.")
            yield []

        async def unreadable(key: str, *, sha256: str, size: int) -> bool:
            return False

        monkeypatch.setattr(house.ws.photos, "keys", denied)
        monkeypatch.setattr(house.ws.photos, "verify", unreadable)
        answer = await actions.check_storage(house.ws, photos=True, repair=True)
        assert answer.error is not None
        assert "s3:ListBucket" in answer.error
        assert await house.listings() == before


async def test_a_deleted_listing_leaves_no_row_mark_or_object_and_others_stay(open_house: OpenHouse) -> None:
    async with open_house(listings=3) as house:
        await house.run()
        listing = next(iter((await house.listings()).values()))
        answer = await actions.delete_listing(listing.mls_number, house.ws)
        assert answer.success
        assert len(house.rows("LISTING#", "LISTINGKEY#")) == 4
        assert not any(listing.listing_id in key for key in await house.objects())
        assert len(await house.listings()) == 2


@pytest.mark.parametrize("finish", ["import", "repair"])
async def test_a_deletion_while_s3_refuses_connections_is_finished_later(
    open_aws: OpenHouse, monkeypatch: pytest.MonkeyPatch, finish: str
) -> None:
    async with open_aws(listings=3) as house:
        await house.run()
        listing = next(iter((await house.listings()).values()))
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
        cut_off = S3PhotoStore(Aws(attempts=1), house.ws.settings.bucket or "")
        with monkeypatch.context() as patch:
            patch.setattr(house.ws.photos, "keys", cut_off.keys)
            patch.setattr(house.ws.photos, "delete", cut_off.delete)
            answer = await actions.delete_named([listing.mls_number], house.ws)
        await cut_off.close()
        assert answer.error is not None
        assert "Deleted 1 listing and 0 photos" in answer.error
        assert "cannot be reached" in answer.error
        assert not house.rows(f"LISTING#{listing.listing_id}", f"LISTINGKEY#{listing.mls_provider}#{listing.mls_id}")
        assert any(listing.listing_id in key for key in await house.objects())
        if finish == "import":
            await house.run()
        else:
            await actions.check_storage(house.ws, photos=True, repair=True)
        assert not any(listing.listing_id in key for key in await house.objects())


async def test_photos_that_cannot_be_deleted_are_told_and_a_second_try_deletes_them(
    open_house: OpenHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_house(listings=3) as house:
        await house.run()
        listing = next(iter((await house.listings()).values()))

        async def unreachable(keys: Sequence[str], *, undoable: bool = False) -> dict[str, str]:
            raise StorageError("The S3 bucket b cannot be reached.")

        with monkeypatch.context() as patch:
            patch.setattr(house.ws.photos, "delete", unreachable)
            answer = await actions.delete_named([listing.mls_number], house.ws)
        assert answer.error is not None
        assert "Deleted 1 listing and 0 photos" in answer.error
        assert f"{listing.photos_stored} photos could not be deleted yet" in answer.error
        assert "cannot be reached" in answer.error
        assert "The next import" in answer.error
        assert len(await house.listings()) == 2
        assert any(listing.listing_id in key for key in await house.objects())
        assert (await actions.delete_named([listing.listing_id], house.ws)).success
        assert not any(listing.listing_id in key for key in await house.objects())
        again = await actions.delete_named([listing.listing_id], house.ws)
        assert again.error is not None
        assert "There is no listing" in again.error


@pytest.mark.parametrize("crashed_after", ["the note", "the row", "some photos"])
async def test_the_next_import_finishes_a_deletion_that_was_cut_short(
    open_house: OpenHouse, crashed_after: str
) -> None:
    async with open_house(listings=3) as house:
        await house.run()
        listing = next(iter((await house.listings()).values()))
        keys = [photo.key for photo in listing.photos if photo.key]
        store, user_id = house.ws.store, house.ws.user_id
        await plan_deletion(store, user_id, keys)
        if crashed_after != "the note":
            await store.delete(user_id, listing.listing_id)
        if crashed_after == "some photos":
            await house.ws.photos.delete(keys[:1])
        await house.run()
        left = [key for key in await house.objects() if listing.listing_id in key]
        assert sorted(left) == (sorted(keys) if crashed_after == "the note" else [])
        assert await pending(store, user_id) == []
