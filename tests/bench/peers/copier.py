"""The best copier we can write by hand: aiohttp in, obstore out, no features. No hash, no check, no retry, no event,
and no row for a listing."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import orjson
from obstore.store import S3Store

from tests.bench.job import Job, Report, answer, given, measured
from tests.bench.peers.aws import BUCKET, credentials


async def work(job: Job, report: Report) -> None:
    store = S3Store(BUCKET, endpoint=job.s3, virtual_hosted_style_request=False, client_options={"allow_http": True})
    queue: asyncio.Queue[tuple[str, str] | None] = asyncio.Queue(maxsize=job.in_flight * 2)
    connector = aiohttp.TCPConnector(limit=job.in_flight + 1)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def carry() -> None:
            while (pair := await queue.get()) is not None:
                async with session.get(pair[0]) as reply:
                    body = await reply.read()
                await store.put_async(pair[1], body, use_multipart=False, attributes={"Content-Type": "image/jpeg"})
                report.photos += 1

        carriers = [asyncio.create_task(carry()) for _ in range(job.in_flight)]
        link: str | None = job.feed
        while link:
            async with session.get(link) as reply:
                page: dict[str, Any] = orjson.loads(await reply.read())
            for record in page["value"]:
                report.listings += 1
                for index, media in enumerate(record["Media"]):
                    await queue.put((media["MediaURL"], f"listings/{record['ListingId']}/photo{index}.jpg"))
            link = page.get("@odata.nextLink")
        for _ in carriers:
            await queue.put(None)
        await asyncio.gather(*carriers)


if __name__ == "__main__":
    credentials()
    done = Report()
    with measured(done):
        asyncio.run(work(given(), done))
    answer(done)
