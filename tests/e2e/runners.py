"""The two ways to drive the importer's handlers: the engine in one process, and workers on queues."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any

import boto3
import pytest

from mls_tui.actions import ImportOptions
from mls_tui.actions.distributed import follow_run, run_worker, start_distributed
from mls_tui.actions.workspace import Workspace
from mls_tui.distributed.queue_calls import QueueCalls, QueueName
from mls_tui.distributed.queue_setup import init_queues
from mls_tui.domain.run import ImportResult
from mls_tui.storage.aws import Aws
from tests.e2e.house import House
from tests.e2e.quick_queues import QuickQueues


async def by_engine(house: House, **options: Any) -> ImportResult:
    return await house.run(**options)


async def by_workers(
    house: House, workers: int = 2, queues: type[QuickQueues] = QuickQueues, **options: Any
) -> ImportResult:
    """Begun, done by workers in this process, followed to its end."""
    await make_queues(house)
    with quick(queues):
        run_id = await begun(house, **options)
        async with working(house, workers):
            return await ended(house, run_id)


@contextmanager
def quick(kind: type[QuickQueues] = QuickQueues) -> Iterator[None]:
    """Runs and workers that begin here have queues of this kind."""

    def open_quick(ws: Workspace) -> QuickQueues:
        settings = ws.settings
        return kind(ws.aws, settings.queue_prefix, visibility=settings.queue_visibility, clock=ws.clock)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mls_tui.actions.distributed.open_queues", open_quick)
        # Clients take a tenth of a second each to build, and workers begin and end all the time here.
        patch.setattr("mls_tui.actions.workspace._aws", functools.lru_cache(lambda session: Aws()))
        yield


async def begun(house: House, **options: Any) -> str:
    """The id of a run that workers are to do."""
    answer = await start_distributed([house.connection_id], ImportOptions(**options), house.ws)
    assert answer.data, answer.error
    return answer.data[0].run_id


async def make_queues(house: House) -> None:
    settings = house.ws.settings
    calls = QueueCalls(Aws(), settings.queue_prefix)
    await asyncio.to_thread(init_queues, calls, settings.queue_visibility)


@asynccontextmanager
async def working(house: House, workers: int = 2, concurrency: int = 8) -> AsyncIterator[None]:
    """Workers, told to stop at the end."""
    stop = asyncio.Event()
    work = partial(run_worker, house.ws, concurrency=concurrency, stop=stop, poll=0)
    running = [asyncio.ensure_future(work()) for _ in range(workers)]
    try:
        yield
    finally:
        stop.set()
        answers = await asyncio.gather(*running)
    assert [answer.error for answer in answers] == [None] * workers


async def ended(house: House, run_id: str) -> ImportResult:
    async for tally in follow_run(run_id, house.ws, every=4.0):
        if tally.result is not None:
            return tally.result
    raise AssertionError("unreachable: a run is followed to its end")


async def begun_to_store(house: House, run_id: str) -> None:
    """Once the first listing of a run is counted."""
    async for tally in follow_run(run_id, house.ws, every=0.5):
        if tally.counts.total:
            return


async def swept(house: House) -> None:
    """Once workers have taken what came again after the end of a run off the queues."""
    async with working(house, workers=1):
        while any(count for name, count in (await depths(house)).items() if not name.endswith("dead")):
            await house.clock.sleep(1.0)


async def depths(house: House) -> dict[str, int]:
    """How many messages there are, by queue."""
    calls = QueueCalls(Aws(), house.ws.settings.queue_prefix)
    names = {
        f"{queue}{'-dead' if dead else ''}": calls.name(queue, dead=dead)
        for queue in QueueName
        for dead in (False, True)
    }
    return {short: (await asyncio.to_thread(calls.depth, name)).total for short, name in names.items()}


def damage(house: House, key: str) -> str:
    """A row of this listing that another program has spoilt: no import can read it, and none may overwrite it."""
    record = house.mls.feed.record(key)
    number, user = record["ListingId"], house.ws.user_id
    listing_id = f"reso.lakeside-mls-{number}-1"
    data = {
        "listingId": listing_id,
        "mlsId": key,
        "mlsNumber": number,
        "mlsProvider": "reso.lakeside-mls",
        "status": "active",
        "photos": "spoilt",
    }
    table: Any = boto3.resource("dynamodb").Table(house.ws.settings.table)
    table.put_item(Item={"PK": f"USER#{user}", "SK": f"LISTING#{listing_id}", "Data": data})
    mark = f"MLSNUMBER#reso.lakeside-mls#{number}"
    table.put_item(Item={"PK": f"USER#{user}", "SK": mark, "listingId": listing_id})
    return key


RUNNERS = {"engine": by_engine, "workers": by_workers}
