"""A worker that serves many users keeps open what it has in hand, and no more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from mls_tui.actions import distributed
from mls_tui.actions.workspace import Workspace
from mls_tui.config import Settings
from mls_tui.distributed.houses import IDLE_SECONDS, Houses
from mls_tui.distributed.live import House as WorkersHouse
from mls_tui.distributed.messages import Task, TaskKind
from mls_tui.domain.run import ImportRun, RunState
from tests.e2e.conftest import OpenHouse
from tests.e2e.house import House


async def begun(house: House, user: str) -> Task:
    """A task of a run that this user has."""
    settings = replace(house.ws.settings, user=user)
    async with Workspace(settings, clock=house.clock) as ws, distributed._books(ws) as (_, ledger):
        connection = await House(house.mls, ws, house.clock).connect()
        run = ImportRun(
            run_id=f"run-of-{user}",
            user_id=user,
            connection_id=connection,
            connection_name="Lakeside",
            provider="reso",
            state=RunState.RUNNING,
            started_at=1,
            distributed=True,
        )
        await ledger.create(run)
    return Task(TaskKind.PAGE, user, run.run_id, connection)


async def test_what_no_task_has_needed_for_a_minute_is_closed(open_aws: OpenHouse, aws_settings: Settings) -> None:
    async with open_aws(listings=1) as home:
        ann, bob, cyd = [await begun(home, user) for user in ("ann", "bob", "cyd")]
        told: list[str] = []
        inside: set[str] = set()
        async with (
            Workspace(aws_settings, clock=home.clock, on_secret=told.append) as ws,
            distributed._books(ws) as (_, ledger),
        ):

            @asynccontextmanager
            async def noted(user: str) -> AsyncIterator[WorkersHouse]:
                async with distributed._house(ws, user, ledger) as house:
                    inside.add(user)
                    yield house
                inside.remove(user)

            houses = Houses(noted, home.clock)
            with houses.in_hand(ann):
                first = await houses.run(ann)
                with houses.in_hand(bob):
                    assert await houses.run(bob)
                home.clock.move(IDLE_SECONDS + 1)
                with houses.in_hand(cyd):
                    assert await houses.run(cyd)
                assert inside == {"ann", "cyd"}
                assert await houses.run(ann) is first
            with houses.in_hand(bob):
                assert await houses.run(bob)
            assert "bob" in inside
            await houses.close()
            assert inside == set()
        assert home.mls.token in told
