"""What fails, fails alone, with its own number, and is tried again by the next import."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from aiohttp import web

from mls_tui import actions
from mls_tui.domain.errors import StorageError
from mls_tui.domain.events import AttemptFailed, ListingFailed, ListingStarted, PhotoFailed, RunFinished, RunStarted
from mls_tui.domain.listing import Listing
from mls_tui.domain.run import RunState
from mls_tui.storage.base import PutResult
from tests.e2e.conftest import OpenHouse
from tests.e2e.house import House

EXPIRED = "MLS connection expired. Please re-authenticate."


def refuse_puts(
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    number: str,
    *,
    retryable: bool = True,
    error: Exception | None = None,
) -> Counter[str]:
    """The store refuses to write one listing, or breaks on it with an ``error`` that is not its own."""
    put = house.ws.store.put
    tried: Counter[str] = Counter()

    async def refusing(user_id: str, listing: Listing, *, new: bool = False, moved: bool = False) -> PutResult:
        tried[listing.mls_number] += 1
        if listing.mls_number == number:
            raise error or StorageError(f"The table is too busy for {number}.", retryable=retryable)
        return await put(user_id, listing, new=new)

    monkeypatch.setattr(house.ws.store, "put", refusing)
    return tried


def fail_path(house: House, pattern: str, status: int = 500, times: int = 10**6) -> Counter[str]:
    """The MLS answers with an error where the path fits."""
    served: Counter[str] = Counter()

    async def hook(request: web.Request) -> web.StreamResponse | None:
        if re.search(pattern, request.path) and served[pattern] < times:
            served[pattern] += 1
            return web.json_response({"error": {"code": str(status), "message": "broken"}}, status=status)
        return None

    house.mls.hook = hook
    return served


@pytest.mark.feed(5, "a photo that cannot be had")
@pytest.mark.promise(6, 8, 10)
async def test_a_photo_that_cannot_be_had_keeps_its_url_and_is_had_by_the_next_import(open_house: OpenHouse) -> None:
    async with open_house(listings=3) as house:
        # The oldest: no record of what has changed since brings it back.
        times = {
            key: house.mls.feed.value(key, "ModificationTimestamp") for key in house.mls.feed.listing_keys("Active")
        }
        key = min((key for key in times if len(house.mls.feed.shots(key)) > 1), key=times.__getitem__)
        assert key != max(times, key=times.__getitem__)
        served = fail_path(house, rf"/photos/{key}/2\.jpg")
        result = await house.run()
        assert (result.counts.created, result.counts.failed, result.counts.photos_failed) == (3, 0, 1)
        assert result.exit_code == 0
        assert sum(served.values()) == 2
        (failed,) = house.said(PhotoFailed)
        assert (failed.attempts, failed.photo_index) == (2, 1)
        listing = (await house.listings())[key]
        (missing,) = [photo for photo in listing.photos if not photo.stored]
        assert missing.key is None
        assert missing.url.startswith(f"{house.mls.origin}/photos/{key}/2.jpg")
        assert missing.original_url == f"{house.mls.origin}/photos/{key}/2.jpg"
        assert missing.error
        rows = house.rows("LISTING#")
        again = await house.run()
        assert again.counts.photos_failed == 1, "it is tried again"
        assert house.rows("LISTING#") == rows, "and what did not change is not written"
        house.mls.hook = None
        house.mls.requests.clear()
        await house.run()
        assert house.mls.requests["photo"] == 1
        assert (await house.whole())[key].listing_id == listing.listing_id


@pytest.mark.promise(8, 10)
async def test_a_listing_the_store_refuses_fails_alone_and_comes_with_the_next_import(
    open_local: OpenHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_local(listings=8) as house:
        key = house.mls.feed.listing_keys("Active")[4]
        number = str(house.mls.feed.value(key, "ListingId"))
        with monkeypatch.context() as patch:
            tried = refuse_puts(house, patch, number)
            result = await house.run()
        assert (tried[number], result.counts.created, result.counts.failed) == (3, 7, 1)
        assert (result.exit_code, result.state) == (1, RunState.DONE)
        errors = result.to_contract()["data"]["errors"]
        assert errors == [{"mlsNumber": number, "error": f"The table is too busy for {number}.", "attempts": 3}]
        told = [event for event in house.said(AttemptFailed) if event.mls_number == number]
        assert [(event.attempt, event.of, event.wait is None) for event in told] == [
            (1, 3, False),
            (2, 3, False),
            (3, 3, True),
        ]
        assert [2 ** (n - 1) <= event.wait <= 2 ** (n - 1) + 1 for n, event in enumerate(told[:2], 1)] == [True, True]
        assert sum(event.mls_number == number for event in house.said(ListingStarted)) == 1
        connection = await house.ws.store.get_connection(house.ws.user_id, house.connection_id)
        assert connection is not None
        assert connection.cursor.failed_keys == (key,)
        again = await house.run()
        assert (again.counts.created, again.counts.failed) == (1, 0)
        await house.whole()


@pytest.mark.promise(10)
async def test_an_error_that_nobody_foresaw_fails_one_listing_alone(
    open_local: OpenHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_local(listings=8) as house:
        number = str(house.mls.feed.value(house.mls.feed.listing_keys("Active")[4], "ListingId"))
        with monkeypatch.context() as patch:
            refuse_puts(house, patch, number, error=ZeroDivisionError("ours"))
            result = await house.run()
        assert (result.state, result.exit_code) == (RunState.DONE, 1)
        assert (result.counts.created, [each.mls_number for each in result.errors]) == (7, [number])
        assert (await house.run()).counts.created == 1
        assert len(await house.whole()) == 8


async def test_retrying_a_run_imports_what_failed_in_it_and_nothing_else(
    open_local: OpenHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_local(listings=6) as house:
        key = house.mls.feed.listing_keys("Active")[2]
        with monkeypatch.context() as patch:
            refuse_puts(house, patch, str(house.mls.feed.value(key, "ListingId")))
            await house.run()
        events = [event async for event in actions.retry_events(house.events[0].run, house.ws)]
        assert isinstance(events[0], RunStarted)
        assert isinstance(events[-1], RunFinished)
        assert events[-1].result.counts.total == 1
        await house.whole()
        runs = await actions.retry_run("no-such-run", house.ws)
        assert (runs.success, runs.exit_code) == (False, 2)


async def test_media_that_cannot_be_read_is_asked_for_three_times_and_told_as_the_listings_attempts(
    open_local: OpenHouse,
) -> None:
    async with open_local(listings=4) as house:
        key = house.mls.feed.listing_keys("Active")[1]
        record = house.mls.feed.record(key)
        served = Counter[str]()

        async def hook(request: web.Request) -> web.StreamResponse | None:
            if request.path.endswith("/Property") and "$expand" in request.query:
                return web.json_response({"error": {"code": "400", "message": "$expand is not supported"}}, status=400)
            if request.path.endswith("/Media"):
                return web.json_response({"error": {"code": "404", "message": "no such resource"}}, status=404)
            asked = request.rel_url.path + request.query.get("$filter", "")
            if f"'{key}'" in asked and f"gt '{key}'" not in asked:  # the record itself, not what comes after it
                served["failed"] += 1
                return web.json_response({"error": {"code": "503", "message": "busy"}}, status=503)
            return None

        house.mls.hook = hook
        result = await house.run()
        told: list[Any] = [event for event in house.said(AttemptFailed) if event.mls_number == record["ListingId"]]
        assert [event.attempt for event in told] == [1, 2, 3]
        assert served["failed"] == 3
        assert {event.what for event in told} == {"listing"}
        (failed,) = house.said(ListingFailed)
        assert (failed.mls_number, failed.attempts) == (record["ListingId"], 3)
        assert result.counts.created == 3


@pytest.mark.parametrize("when", ["before", "midway"])
async def test_a_refused_token_ends_with_a_sentence_and_touches_nothing(open_local: OpenHouse, when: str) -> None:
    async with open_local(listings=5) as house:
        if when == "midway":
            await house.run()
        before = house.rows("LISTING#", "LISTINGKEY#"), await house.objects()
        fail_path(house, "/reso/odata", status=401)
        result = await house.run()
        said = EXPIRED if when == "midway" else "The MLS refused this token (401)."
        assert result.error is not None
        assert result.error.startswith(said)
        assert (result.exit_code, result.to_contract()) == (3, {"success": False, "error": result.error})
        assert (house.rows("LISTING#", "LISTINGKEY#"), await house.objects()) == before
        connection = await house.ws.store.get_connection(house.ws.user_id, house.connection_id)
        assert connection is not None
        assert connection.cursor.swept is (when == "midway")


async def test_a_store_that_is_down_stops_the_run_with_exit_code_4(
    open_local: OpenHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_local(listings=5) as house:
        number = str(house.mls.feed.value(house.mls.feed.listing_keys("Active")[0], "ListingId"))
        refuse_puts(house, monkeypatch, number, retryable=False)
        result = await house.run()
        assert (result.state, result.exit_code) == (RunState.FAILED, 4)
        assert result.error == f"The table is too busy for {number}."


@pytest.mark.promise(10)
@pytest.mark.parametrize("how", ["raises", "leaves"])
async def test_photos_that_cannot_be_deleted_are_a_warning_and_go_with_the_next_import(
    how: str, open_local: OpenHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_local(listings=2) as house:
        await house.run()
        with monkeypatch.context() as patch:

            async def refusing(keys: Sequence[str], *, undoable: bool = False) -> dict[str, str]:
                if how == "raises":
                    raise StorageError("S3 does not know DeleteObjects.", retryable=False)
                return dict.fromkeys(keys, "NotImplemented")

            patch.setattr(house.ws.photos, "delete", refusing)
            key = next(key for key, row in (await house.listings()).items() if row.photos)
            house.mls.feed.remove_photo(key, 1)
            result = await house.run()
            assert (result.state, result.exit_code, result.counts.updated) == (RunState.DONE, 0, 1)
            [warning] = [text for text in result.warnings if "could not be deleted" in text]
            kept = {photo.key for row in (await house.listings()).values() for photo in row.photos}
            stray = await house.objects() - kept
            assert len(stray) == 1
            assert warning in (await house.run()).warnings
        assert not (await house.run()).warnings
        assert await house.objects() == kept
        assert len(await house.whole()) == 2
