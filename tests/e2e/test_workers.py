"""Imports by workers: each connection once, by whichever worker is there, with the same end as on one machine."""

from __future__ import annotations

import pytest

from mls_tui import actions
from mls_tui.actions import ImportControl, ImportOptions
from mls_tui.domain.listing import ListingStatus
from mls_tui.domain.run import RunState
from mls_tui.workers.queue import Job
from tests.e2e.conftest import OpenHouse
from tests.e2e.house import House, stored_data
from tests.e2e.working import depths, emptied, ended, make_queue, queued, row_of, send, working

HOMES = 12


async def test_a_queued_import_ends_as_one_of_this_machine(open_aws: OpenHouse) -> None:
    async with open_aws(listings=HOMES) as house:
        await make_queue(house)
        run = await queued(house)
        assert (await row_of(house, run)).unended == "waiting for a worker"
        async with working(house, workers=2):
            result = await ended(house, run)
            await emptied(house)
        assert (result.state, result.counts.created, result.counts.total, result.exit_code) == (
            RunState.DONE, HOMES, HOMES, 0,
        )  # fmt: skip
        stored = await house.whole()
        assert result.counts.photos_stored == sum(len(listing.photos) for listing in stored.values())
        here = await house.connect("Here")
        await actions.import_mls_listings(here, ImportOptions(full=True), house.ws)
        assert stored_data(await house.whole()) == stored_data(stored)


async def test_a_connection_with_a_queued_run_gets_no_second_import_anywhere(open_aws: OpenHouse) -> None:
    async with open_aws(listings=2) as house:
        await make_queue(house)
        run = await queued(house)
        again = await actions.start_distributed([house.connection_id], None, house.ws)
        assert (again.exit_code, again.data) == (2, [])
        assert f"already with the workers (run {run.run_id})" in str(again.error)
        here = await house.run()
        assert f"`mls-tui cancel {run.run_id}`" in str(here.error)
        assert (await actions.steer_run(run.run_id, "cancel", house.ws)).success
        assert (await row_of(house, run)).state is RunState.CANCELLED
        assert (await house.run()).state is RunState.DONE
        async with working(house):
            await emptied(house)
        assert (await row_of(house, run)).state is RunState.CANCELLED


async def test_an_import_in_slices_counts_everything_once(open_aws: OpenHouse) -> None:
    """Each slice is a message of its own, so none gets old and other connections have their turn."""
    async with open_aws(listings=40) as house:
        await make_queue(house, import_slice=60)  # 1.5 s by the clock of the house
        run = await queued(house)
        async with working(house):
            result = await ended(house, run)
            await emptied(house)
        assert (await row_of(house, run)).message > 1, "it took one slice"
        stored = await house.whole()
        counts = result.counts
        assert (result.state, counts.created, counts.total, counts.failed) == (RunState.DONE, 40, 40, 0)
        assert counts.photos_stored == sum(len(listing.photos) for listing in stored.values())
        assert counts.bytes == sum(photo.size or 0 for listing in stored.values() for photo in listing.photos)


async def test_a_stopped_worker_saves_its_import_and_gives_it_back_at_once(open_aws: OpenHouse) -> None:
    async with open_aws(listings=30) as house:
        await make_queue(house, queue_visibility=600)
        run = await queued(house)
        async with working(house):
            while not (await row_of(house, run)).counts.total:
                await house.clock.sleep(2.0)
        row = await row_of(house, run)
        assert (row.state, row.counts.total < 30) == (RunState.QUEUED, True)
        async with working(house):
            result = await ended(house, run)
        stored = await house.whole()
        assert (result.counts.created, result.counts.total) == (30, 30)
        assert result.counts.photos_stored == sum(len(listing.photos) for listing in stored.values())


async def test_a_full_import_over_two_workers_marks_what_left_the_feed(open_aws: OpenHouse) -> None:
    async with open_aws(listings=30) as house:
        await house.run()
        gone = house.mls.feed.listing_keys("Active")[0]
        house.mls.feed.remove(gone)
        await make_queue(house, queue_visibility=600)
        run = await queued(house, full=True)
        async with working(house):
            while not (await row_of(house, run)).counts.total:
                await house.clock.sleep(2.0)
        assert (await row_of(house, run)).state is RunState.QUEUED
        async with working(house):
            result = await ended(house, run)
        assert (result.state, result.counts.removed, result.counts.total) == (RunState.DONE, 1, 30)
        assert (await house.listings())[gone].status is ListingStatus.EXPIRED


async def test_a_paused_import_occupies_no_worker_and_is_resumed(open_aws: OpenHouse) -> None:
    async with open_aws(listings=30) as house:
        await make_queue(house)
        run = await queued(house)
        async with working(house):
            while not (await row_of(house, run)).counts.total:
                await house.clock.sleep(2.0)
            assert (await actions.steer_run(run.run_id, "pause", house.ws)).success
            await emptied(house)
            row = await row_of(house, run)
            assert (row.paused, row.state, row.counts.total < 30) == (True, RunState.QUEUED, True)
            assert (await actions.steer_run(run.run_id, "resume", house.ws)).success
            result = await ended(house, run)
        assert (result.state, result.counts.created, result.counts.total) == (RunState.DONE, 30, 30)
        late = await actions.steer_run(run.run_id, "pause", house.ws)
        assert "has ended" in str(late.error)


async def test_a_running_import_is_cancelled_by_its_row(open_house: OpenHouse) -> None:
    """Also one of this machine, from another terminal."""
    async with open_house(listings=60) as house:
        events = actions.import_events(house.connection_id, ImportOptions(), house.ws, ImportControl())
        house.events = []
        async for event in events:
            house.events.append(event)
            if len(house.events) == 5:
                assert (await actions.steer_run(event.run, "cancel", house.ws)).success
        assert house.result().state is RunState.CANCELLED


@pytest.mark.promise(10)
@pytest.mark.parametrize("wrong", ["deleted", "moved", "unreadable secret", "refused"])
async def test_a_connection_that_cannot_be_used_ends_its_run_with_a_sentence(open_aws: OpenHouse, wrong: str) -> None:
    async with open_aws(listings=4) as house:
        await make_queue(house)
        other = await house.connect("Other", access_token="wrong" if wrong == "refused" else house.mls.token)
        run, good = await queued(house, other), await queued(house)
        store, user = house.ws.store, house.ws.user_id
        connection = await store.get_connection(user, other)
        assert connection is not None
        if wrong == "deleted":
            await store.delete_connection(user, other)
        elif wrong == "moved":
            await store.put_connection(user, connection.model_copy(update={"provider": "no such preset"}))
        elif wrong == "unreadable secret":
            secrets = dict.fromkeys(connection.secrets, "v1.00000000.AAAA")
            await store.put_connection(user, connection.model_copy(update={"secrets": secrets}))
        async with working(house):
            result = await ended(house, run)
            assert (await ended(house, good)).counts.created == 4
            await emptied(house)
        assert (result.state, bool(result.error)) == (RunState.FAILED, True)
        assert result.exit_code in (2, 3), result.error


async def test_a_run_whose_connection_is_pointed_at_another_feed_ends(open_aws: OpenHouse) -> None:
    async with open_aws(listings=30) as house:
        await make_queue(house)
        run = await queued(house)
        async with working(house):
            while not (await row_of(house, run)).counts.total:
                await house.clock.sleep(2.0)
        store, user = house.ws.store, house.ws.user_id
        connection = await store.get_connection(user, house.connection_id)
        assert connection is not None
        await store.put_connection(user, connection.model_copy(update={"base_url": "http://127.0.0.1:9/odata"}))
        async with working(house):
            result = await ended(house, run)
        assert (result.state, "another feed" in str(result.error)) == (RunState.FAILED, True)


async def test_a_run_that_no_worker_can_do_ends_as_failed_and_its_message_as_a_dead_letter(
    open_aws: OpenHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mls_tui.workers.worker.DEAD_LETTERS_SECONDS", 10.0)
    async with open_aws(listings=4) as house:
        await make_queue(house, queue_visibility=1)
        poison = await house.connect("Poison")
        run, good = await queued(house, poison), await queued(house)
        spoil(house, poison)
        async with working(house):
            assert (await ended(house, good)).state is RunState.DONE
            await emptied(house, dead=1)
            result = await ended(house, run)
        assert result.state is RunState.FAILED
        assert "in 10 attempts" in str(result.error)


def spoil(house: House, connection_id: str) -> None:
    """Write what no program can read into the row of a connection."""
    import boto3

    table = boto3.resource("dynamodb").Table(house.ws.settings.table)
    table.update_item(
        Key={"PK": f"USER#{house.ws.user_id}", "SK": f"MLSCONNECTION#{connection_id}"},
        UpdateExpression="SET #data.#auth = :auth",
        ExpressionAttributeNames={"#data": "Data", "#auth": "auth"},
        ExpressionAttributeValues={":auth": "riddle"},
    )


async def test_forged_messages_do_nothing_to_anyone_and_end_as_dead_letters(open_aws: OpenHouse) -> None:
    async with open_aws(listings=4) as house:
        await make_queue(house)
        mine = house.ws.user_id
        await house.run()
        done = (await house.ws.store.runs(mine))[0]
        async with house.ws.for_user("bob") as bobs:
            ours = await house.ws.store.get_connection(mine, house.connection_id)
            assert ours is not None
            await bobs.store.put_connection("bob", ours.model_copy(update={"user_id": "bob"}))
        other = await house.connect("Other")
        waiting = await queued(house)
        before = house.dump()
        forged: list[str | Job] = [
            Job(mine, other, waiting.run_id),
            Job("bob", house.connection_id, waiting.run_id),
            Job(mine, house.connection_id, "nosuchrun"),
            Job(mine, house.connection_id, done.run_id),
            "x" * 200_000,
            "[" * 900,
            "null",
            '{"v": 1, "user": ["local"], "connection": "c", "run": "r"}',
            '{"v": 1, "user": "a#b", "connection": "c", "run": "r"}',
            '{"v": 2, "user": "local", "connection": "c", "run": "r"}',
            '{"v": 1, "user": "local", "connection": "../c", "run": "r"}',
            '{"v": 1, "user": "local", "connection": "c", "run": "r", "more": 1}',
        ]
        await actions.steer_run(waiting.run_id, "pause", house.ws)
        for number, body in enumerate(forged):
            await send(house, body, f"forged-{number}")
        async with working(house):
            await emptied(house, dead=len(forged))
        await actions.steer_run(waiting.run_id, "resume", house.ws)
        assert timeless_rows(house.dump(), waiting.run_id) == timeless_rows(before, waiting.run_id)
        async with working(house):
            assert (await ended(house, waiting)).state is RunState.DONE


def timeless_rows(rows: dict[str, object], run_id: str) -> dict[str, object]:
    """All rows but those of the waiting run itself and of rate limits."""
    return {key: row for key, row in rows.items() if run_id not in key and "STATE#" not in key and "bob" not in key}


async def test_a_message_in_the_wrong_group_is_moved_to_the_right_one(open_aws: OpenHouse) -> None:
    """Two imports of one credential must not run at once, however a message came into the queue."""
    async with open_aws(listings=4) as house:
        await make_queue(house)
        run = await queued(house)
        await actions.steer_run(run.run_id, "pause", house.ws)
        async with working(house):
            await emptied(house)
        store = house.ws.store
        await store.control_run(house.ws.user_id, run, None)
        await send(house, Job(house.ws.user_id, house.connection_id, run.run_id), "another")
        async with working(house):
            result = await ended(house, run)
        assert (result.state, (await row_of(house, run)).message) == (RunState.DONE, 2)
        assert await depths(house) == (0, 0)
