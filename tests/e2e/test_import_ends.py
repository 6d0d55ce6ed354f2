"""However a run ends, it says so last, leaves a consistent store, and the next import goes on from there."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from mls_tui import actions
from mls_tui.actions import ConnectionForm, ImportControl, ImportOptions
from mls_tui.domain.connection import Connection
from mls_tui.domain.errors import StorageError
from mls_tui.domain.events import ListingStored, RunFinished, RunStarted
from mls_tui.domain.run import ImportRun, RunState
from mls_tui.importer import engine
from mls_tui.importer import journal as journal_module
from tests.e2e.conftest import OpenHouse
from tests.e2e.house import House


async def stopped_after(house: House, stored: int, *, interrupted: bool = False) -> None:
    control = ImportControl()
    house.events = []
    async for event in actions.import_events(house.connection_id, ImportOptions(), house.ws, control):
        house.events.append(event)
        if len(house.said(ListingStored)) == stored:
            control.cancel(interrupted=interrupted)


@pytest.mark.promise(9)
async def test_a_cancelled_import_leaves_a_consistent_store_and_is_completed_by_the_next(open_house: OpenHouse) -> None:
    async with open_house(listings=20) as house:
        await stopped_after(house, 7)
        result = house.result()
        assert (result.state, result.exit_code) == (RunState.CANCELLED, 130)
        begun = await house.listings()
        assert len(begun) >= 7
        objects = await house.objects()
        assert all(photo.key in objects for listing in begun.values() for photo in listing.photos)
        photos = sum(len(listing.photos) for listing in begun.values())
        every = sum(len(house.mls.feed.shots(key)) for key in house.mls.feed.listing_keys("Active"))
        house.mls.requests.clear()
        assert (await house.run()).state is RunState.DONE
        assert house.mls.requests["photo"] <= every - photos
        after = await house.whole()
        assert len(after) == 20
        assert all(after[key].listing_id == listing.listing_id for key, listing in begun.items())
        runs = await house.ws.store.runs(house.ws.user_id)
        assert [run.state for run in runs] == [RunState.DONE, RunState.CANCELLED]


async def test_a_signal_is_an_interruption_and_a_closed_iterator_ends_the_run(house: House) -> None:
    await stopped_after(house, 2, interrupted=True)
    assert (house.result().state, house.result().exit_code) == (RunState.INTERRUPTED, 130)
    events = actions.import_events(house.connection_id, ImportOptions(), house.ws)
    async for event in events:
        if isinstance(event, ListingStored):
            break
    await events.aclose()
    assert (await house.ws.store.runs(house.ws.user_id))[0].state is RunState.CANCELLED
    assert (await house.run()).state is RunState.DONE
    await house.whole()


async def test_a_run_cancelled_before_it_begins_ends_all_the_same(house: House) -> None:
    control = ImportControl()
    control.cancel()
    result = await asyncio.wait_for(house.run(control), 20)
    assert (result.state, len(house.events)) == (RunState.CANCELLED, 1)
    assert await house.listings() == {}


async def test_started_is_said_first_and_finished_last(house: House) -> None:
    await house.run()
    assert isinstance(house.events[0], RunStarted)
    assert len(house.said(RunStarted)) == len(house.said(RunFinished)) == 1
    first, last = house.events[0].to_json(), house.events[-1].to_json()
    run = first["run"]
    assert list(first)[:3] == ["event", "at", "run"]
    assert (first["event"], first["connection"], first["provider"]) == ("RunStarted", "Lakeside", "reso")
    assert first["at"].endswith("Z")
    assert last["event"] == "RunFinished"
    assert last["result"]["data"]["successfulImports"] == 12
    assert {event.run for event in house.events} == {run}
    stored = next(event.to_json() for event in house.events if isinstance(event, ListingStored))
    assert set(stored) == {
        *("event", "at", "run", "mlsNumber", "listingKey", "outcome", "listingId", "photos", "photosMissing")
    }


async def test_an_unknown_connection_is_a_sentence_and_an_end(house: House) -> None:
    house.connection_id = "nowhere"
    result = await house.run()
    assert len(house.events) == 1
    assert result.exit_code == 2
    assert result.error == "There is no connection 'nowhere'. Known: Lakeside."


async def test_a_refused_sign_in_and_an_unreachable_host_end_with_their_exit_codes(house: House) -> None:
    form = ConnectionForm(name="Lakeside", provider="reso", base_url=house.mls.base_url, access_token="wrong")
    await actions.update_connection(house.connection_id, form, house.ws)
    assert (await house.run()).exit_code == 3
    assert await house.listings() == {}
    await house.mls.stop()
    house.connection_id = await house.connect("Gone", base_url="http://127.0.0.1:9/odata")
    result = await house.run()
    assert result.exit_code == 4
    assert isinstance(house.events[-1], RunFinished)


async def test_a_fault_of_ours_is_an_end_that_says_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object, *_: object) -> None:
        raise KeyError("ours")

    monkeypatch.setattr("mls_tui.importer.sweep.first_query", broken)
    result = await house.run()
    assert (result.state, result.exit_code) == (RunState.FAILED, 1)
    assert result.error is not None
    assert "fault in mls-tui" in result.error


async def test_a_retry_that_meets_a_fault_of_ours_ends_and_says_so(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(user_id: str, run_id: str) -> ImportRun:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(house.ws.store, "get_run", broken)
    house.events = [event async for event in actions.retry_events("some-run", house.ws)]
    assert "fault in mls-tui" in (house.result().error or "")
    assert len(house.said(RunFinished)) == 1


async def test_a_store_that_is_down_from_the_start_is_exit_code_4(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_: object, **__: object) -> None:
        raise StorageError("The table does not answer.", retryable=True)

    monkeypatch.setattr(house.ws.store, "acquire_lease", down)
    result = await house.run()
    assert (result.error, result.exit_code) == ("The table does not answer.", 4)


async def test_a_row_of_the_run_that_cannot_be_saved_for_a_while_ends_nothing(
    open_local: OpenHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_local(listings=30) as house:
        put_run, seen = house.ws.store.put_run, Counter[str]()

        async def busy(user_id: str, run: ImportRun) -> str | None:
            seen["puts"] += 1
            if 1 < seen["puts"] < 4:
                seen["refused"] += 1
                raise StorageError("too busy", retryable=True)
            return await put_run(user_id, run)

        async def gone(user_id: str, connection: Connection) -> None:
            raise StorageError("too busy", retryable=True)

        monkeypatch.setattr("mls_tui.importer.engine.SAVE_SECONDS", 0.5)
        monkeypatch.setattr(house.ws.store, "put_run", busy)
        monkeypatch.setattr(house.ws.store, "release_lease", gone)
        assert (await house.run()).state is RunState.DONE
        assert seen["refused"] == 2
        assert (await house.ws.store.runs(house.ws.user_id))[0].state is RunState.DONE


async def test_a_slow_reader_holds_the_import_back(open_local: OpenHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_local(listings=150) as house:
        await house.run(photos=False)
        monkeypatch.setattr(journal_module, "BACKLOG", 20)
        journals: list[journal_module.Journal] = []
        made = journal_module.Journal.__init__

        def noted(self: journal_module.Journal, *args: object) -> None:
            made(self, *args)  # type: ignore[arg-type]  # the three it takes
            journals.append(self)

        monkeypatch.setattr(journal_module.Journal, "__init__", noted)
        most, told = 0, 0
        async for _ in actions.import_events(house.connection_id, ImportOptions(full=True, photos=False), house.ws):
            told += 1
            if told == 1:
                most = await unread(journals[0])
        assert 20 <= most <= 20 + 3 * house.ws.settings.listings_in_flight
        assert told > 150


async def unread(journal: journal_module.Journal) -> int:
    """How many events wait once nobody reads and the import has come to a stop for it."""
    async with asyncio.timeout(20):
        while journal.backlog < journal_module.BACKLOG:  # noqa: ASYNC110 - the journal tells nobody that it is full
            await asyncio.sleep(0)
    for _ in range(1_000):
        await asyncio.sleep(0)
    return journal.backlog


async def test_the_end_of_a_run_that_nobody_stopped_is_saved_however_long_it_takes(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_run = house.ws.store.put_run

    async def slow(user_id: str, run: ImportRun) -> str | None:
        for _ in range(20_000 if run.state is RunState.DONE else 0):
            await asyncio.sleep(0)
        return await put_run(user_id, run)

    monkeypatch.setattr(house.ws.store, "put_run", slow)
    monkeypatch.setattr(engine, "STOP_SECONDS", 0)
    async for event in actions.import_events(house.connection_id, ImportOptions(), house.ws):
        if isinstance(event, RunFinished):
            [run] = await house.ws.store.runs(house.ws.user_id)
            assert (event.result.state, run.state) == (RunState.DONE, RunState.DONE)
