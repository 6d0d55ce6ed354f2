"""Workers in this process, over moto's queue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import boto3

from mls_tui.actions import ImportOptions, follow_run, run_worker, start_distributed
from mls_tui.actions.workers import import_queue
from mls_tui.actions.workspace import Workspace
from mls_tui.domain.run import ImportResult, ImportRun
from mls_tui.workers.queue import Job, encode
from tests.e2e.house import House


async def make_queue(house: House, **settings: Any) -> None:
    """The queues of the house, whose workspace gets other ``settings``; by default a message comes back in seconds."""
    house.ws.settings = replace(house.ws.settings, **{"queue_visibility": 2, **settings})
    async with import_queue(house.ws) as queue:
        await queue.init()


async def queued(house: House, connection: str = "", **options: Any) -> ImportRun:
    answer = await start_distributed([connection or house.connection_id], ImportOptions(**options), house.ws)
    assert answer.data, answer.error
    return answer.data[0]


@asynccontextmanager
async def working(house: House, workers: int = 1, ws: Workspace | None = None) -> AsyncIterator[None]:
    """Workers, stopped at the end."""
    stop = asyncio.Event()
    running = [asyncio.ensure_future(run_worker(ws or house.ws, stop=stop, poll=1)) for _ in range(workers)]
    try:
        yield
    finally:
        stop.set()
        answers = await asyncio.gather(*running)
    assert [answer.error for answer in answers] == [None] * workers


async def ended(house: House, run: ImportRun) -> ImportResult:
    """The result of a run, as soon as its row has it."""
    async for tally in follow_run(run.run_id, house.ws, every=4.0):
        if tally.result is not None:
            return tally.result
    raise AssertionError("unreachable: a run is followed to its end")


async def row_of(house: House, run: ImportRun) -> ImportRun:
    row = await house.ws.store.get_run(house.ws.user_id, run.run_id)
    assert row is not None
    return row


async def depths(house: House) -> tuple[int, int]:
    """Messages in the queue and in the dead-letter queue."""
    async with import_queue(house.ws) as queue:
        return await queue.depths()


async def emptied(house: House, dead: int = 0) -> None:
    """Once the queue is empty, and the dead letters are as many as expected."""
    while await depths(house) != (0, dead):
        await house.clock.sleep(4.0)


async def send(house: House, body: str | Job, group: str = "forged") -> None:
    """A message as anybody with the right to send could write it."""
    client: Any = boto3.client("sqs")
    url = client.get_queue_url(QueueName=f"{house.ws.settings.queue_prefix}-imports.fifo")["QueueUrl"]
    text = encode(body) if isinstance(body, Job) else body
    client.send_message(QueueUrl=url, MessageBody=text, MessageGroupId=group, MessageDeduplicationId=uuid4().hex)
