"""What ends a run before its time: its connection is deleted or pointed elsewhere, or another import has its lease. It
says so, and leaves no message and no lease behind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from mls_tui.domain.clock import epoch_ms
from mls_tui.domain.connection import Lease
from mls_tui.domain.run import RunState
from tests.e2e.conftest import OpenHouse
from tests.e2e.house import House
from tests.e2e.runners import begun, depths, ended, make_queues, quick, swept, working


async def _deleted(house: House) -> None:
    await house.ws.store.delete_connection(house.ws.user_id, house.connection_id)


async def _pointed_elsewhere(house: House) -> None:
    stored = await house.ws.store.get_connection(house.ws.user_id, house.connection_id)
    assert stored is not None
    elsewhere = stored.model_copy(update={"base_url": "https://other.example/odata"})
    await house.ws.store.put_connection(house.ws.user_id, elsewhere)


async def _taken(house: House) -> None:
    """By an import elsewhere, after twenty minutes in which no worker was there."""
    house.clock.move(1_300)
    now = epoch_ms(house.clock.now())
    lease = Lease(run_id="another", host="elsewhere", pid=1, expires_at=now + 3_600_000)
    assert await house.ws.store.acquire_lease(house.ws.user_id, house.connection_id, lease, now_ms=now) is None


@pytest.mark.parametrize(
    ("happens", "says"),
    [
        (_deleted, "was deleted"),
        (_pointed_elsewhere, "pointed to another feed"),
        (_taken, "run another took its place"),
    ],
)
async def test_a_run_whose_connection_is_lost_ends_with_a_sentence(
    open_aws: OpenHouse, happens: Callable[[House], Awaitable[None]], says: str
) -> None:
    async with open_aws(listings=2) as house:
        await make_queues(house)
        with quick():
            run_id = await begun(house)
            await happens(house)
            async with working(house, workers=1):
                result = await ended(house, run_id)
            await swept(house)
        assert (result.state, result.counts.created) == (RunState.FAILED, 0)
        assert says in str(result.error)
        assert set((await depths(house)).values()) == {0}


async def test_a_refused_sign_in_ends_the_run_and_says_so(open_aws: OpenHouse) -> None:
    async with open_aws(listings=2) as house:
        house.connection_id = await house.connect("Locked out", access_token="wrong")
        await make_queues(house)
        with quick():
            run_id = await begun(house)
            async with working(house, workers=1):
                result = await ended(house, run_id)
        assert (result.state, result.exit_code) == (RunState.FAILED, 3)
        assert "re-authenticate" in str(result.error)
        with quick():
            assert await begun(house)  # the lease is free


async def test_a_page_that_nobody_can_read_ends_the_run_and_is_among_the_dead_letters(
    open_aws: OpenHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mls_tui.distributed.verdict.MAX_RECEIVES", 1)

    async def down(request: web.Request) -> web.StreamResponse | None:
        return web.Response(status=503) if request.path.endswith("/Property") else None

    async with open_aws(listings=2) as house:
        await make_queues(house)
        with quick():
            run_id = await begun(house)
            house.mls.hook = down
            async with working(house, workers=1):
                result = await ended(house, run_id)
        assert (result.state, result.exit_code) == (RunState.FAILED, 4)
        said = str(result.error)
        assert said.startswith("The feed could not be read to its end: 127.0.0.1 answered 503")
        assert said.endswith("Unavailable. What is stored stays; import again to go on from there.")
        assert (await depths(house))["pages-dead"] == 1
