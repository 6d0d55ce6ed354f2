"""The two ways to drive the importer's handlers: the engine in one process, and workers on queues."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import boto3

from mls_tui.actions import ImportOptions
from mls_tui.actions.distributed import follow_run, run_worker, start_distributed
from mls_tui.distributed.queue_calls import QueueCalls
from mls_tui.distributed.queue_setup import init_queues
from mls_tui.domain.run import ImportResult
from mls_tui.storage.aws import Aws
from tests.e2e.house import House


async def by_engine(house: House, **options: Any) -> ImportResult:
    return await house.run(**options)


async def by_workers(house: House, workers: int = 2, **options: Any) -> ImportResult:
    """Begun, done by workers in this process, followed to its end."""
    await make_queues(house)
    answer = await start_distributed([house.connection_id], ImportOptions(**options), house.ws)
    assert answer.data, answer.error
    async with working(house, workers):
        return await ended(house, answer.data[0].run_id)


async def make_queues(house: House) -> None:
    settings = house.ws.settings
    calls = QueueCalls(Aws(), settings.queue_prefix)
    await asyncio.to_thread(init_queues, calls, settings.queue_visibility)


@asynccontextmanager
async def working(house: House, workers: int = 2) -> AsyncIterator[None]:
    """Workers, told to stop at the end."""
    stop = asyncio.Event()
    running = [asyncio.ensure_future(run_worker(house.ws, concurrency=4, stop=stop, poll=1)) for _ in range(workers)]
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
