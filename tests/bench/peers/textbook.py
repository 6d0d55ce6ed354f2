"""The textbook pipeline: httpx with an AsyncClient, boto3 in threads, gather and a semaphore. What a careful engineer
writes first."""

from __future__ import annotations

import asyncio
from typing import Any

import boto3
import httpx
from botocore.config import Config

from tests.bench.job import Job, Report, answer, given, measured
from tests.bench.peers.aws import BUCKET, credentials, item_of


async def work(job: Job, report: Report) -> None:
    config = Config(max_pool_connections=job.in_flight)
    s3 = boto3.client("s3", endpoint_url=job.s3, config=config)
    table = boto3.resource("dynamodb", endpoint_url=job.dynamodb, config=config).Table("listings")
    limit = asyncio.Semaphore(job.in_flight)
    client = httpx.AsyncClient(limits=httpx.Limits(max_connections=job.in_flight), timeout=30)

    async def photo(number: str, index: int, media: dict[str, Any]) -> dict[str, Any]:
        async with limit:
            reply = await client.get(media["MediaURL"])
            reply.raise_for_status()
            key = f"listings/bench/{number}/original/photo{index}.jpg"
            await asyncio.to_thread(
                s3.put_object,
                Bucket=BUCKET,
                Key=key,
                Body=reply.content,
                ContentType=reply.headers["content-type"],
                Metadata={"listingId": number, "photoIndex": str(index), "originalUrl": media["MediaURL"]},
            )
        report.photos += 1
        return {"key": key, "order": index, "size": len(reply.content), "originalUrl": media["MediaURL"]}

    async def listing(record: dict[str, Any]) -> None:
        number = record["ListingId"]
        photos = await asyncio.gather(*(photo(number, n, media) for n, media in enumerate(record["Media"])))
        await asyncio.to_thread(table.put_item, Item=item_of(record, list(photos)))
        report.listings += 1

    link: str | None = job.feed
    async with client:
        while link:
            page = (await client.get(link)).json()
            await asyncio.gather(*(listing(record) for record in page["value"]))
            link = page.get("@odata.nextLink")


if __name__ == "__main__":
    credentials()
    done = Report()
    with measured(done):
        asyncio.run(work(given(), done))
    answer(done)
