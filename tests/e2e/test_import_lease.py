"""One import of a connection at a time, on both pairs of stores."""

from __future__ import annotations

import asyncio

from mls_tui import actions
from mls_tui.actions import ImportControl, ImportOptions
from mls_tui.domain.clock import epoch_ms
from mls_tui.domain.connection import Lease
from mls_tui.domain.events import ListingStored, RunFinished
from mls_tui.domain.run import RunState
from mls_tui.storage.leases import this_lease
from tests.e2e.conftest import OpenHouse
from tests.e2e.house import House


async def hold(house: House, lease: Lease) -> None:
    store, user = house.ws.store, house.ws.user_id
    taken = await store.acquire_lease(user, house.connection_id, lease, now_ms=epoch_ms(house.clock.now()))
    assert taken is None


async def test_a_run_beside_another_of_the_connection_is_refused_with_exit_code_2(open_house: OpenHouse) -> None:
    async with open_house() as house:
        control = ImportControl()
        first = actions.import_events(house.connection_id, ImportOptions(), house.ws, control)
        async for event in first:
            if isinstance(event, ListingStored):
                break
        control.pause()
        refused = await house.run()
        assert refused.exit_code == 2
        assert refused.error is not None
        assert refused.error.startswith("An import of Lakeside is already running on ")
        assert len(house.events) == 1, "a run that was refused did nothing"
        control.resume()
        ends = [event.result async for event in first if isinstance(event, RunFinished)]
        assert (ends[0].state, ends[0].counts.created) == (RunState.DONE, 12)


async def test_the_lease_of_a_killed_process_is_taken_over_at_once(open_house: OpenHouse) -> None:
    async with open_house(listings=2) as house:
        died = await asyncio.create_subprocess_exec("true")
        await died.wait()
        soon = epoch_ms(house.clock.now()) + 3_600_000
        await hold(house, this_lease("killed", soon).model_copy(update={"pid": died.pid}))
        assert (await house.run()).state is RunState.DONE


async def test_a_lease_on_another_host_stands_until_it_runs_out(open_house: OpenHouse) -> None:
    async with open_house(listings=2) as house:
        soon = epoch_ms(house.clock.now()) + 600_000
        await hold(house, Lease(run_id="far", host="elsewhere", pid=1, expires_at=soon))
        assert (await house.run()).exit_code == 2
        house.clock.move(700)
        assert (await house.run()).state is RunState.DONE


async def test_an_import_beside_one_of_the_workers_is_told_how_to_end_that(open_local: OpenHouse) -> None:
    async with open_local(listings=2) as house:
        soon = epoch_ms(house.clock.now()) + 600_000
        await hold(house, Lease(run_id="run7", host="the workers", pid=0, expires_at=soon))
        told = (await house.run()).error or ""
        assert told.startswith("An import of Lakeside is already with the workers (run run7).")
        assert "`mls-tui cancel run7`" in told


async def test_the_lease_is_free_after_every_end(open_house: OpenHouse) -> None:
    async with open_house(listings=2) as house:
        for token in ("wrong-token", house.mls.token):
            form = actions.ConnectionForm(name="Lakeside", provider="reso", base_url=house.mls.base_url)
            changed = await actions.update_connection(
                house.connection_id,
                actions.ConnectionForm(name=form.name, provider="reso", base_url=form.base_url, access_token=token),
                house.ws,
            )
            assert changed.success
            await house.run()
        assert house.result().state is RunState.DONE
