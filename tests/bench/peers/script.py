"""A plain script: one request after another, and boto3."""

from __future__ import annotations

from typing import Any

import boto3
import httpx

from tests.bench.job import Job, Report, answer, given, measured
from tests.bench.peers.aws import BUCKET, credentials, item_of


def work(job: Job, report: Report) -> None:
    s3 = boto3.client("s3", endpoint_url=job.s3)
    table = boto3.resource("dynamodb", endpoint_url=job.dynamodb).Table("listings")
    link: str | None = job.feed
    with httpx.Client(timeout=30) as client:
        while link:
            page = client.get(link).json()
            for record in page["value"]:
                photos: list[dict[str, Any]] = []
                for index, media in enumerate(record["Media"]):
                    body = client.get(media["MediaURL"]).content
                    key = f"listings/bench/{record['ListingId']}/original/photo{index}.jpg"
                    s3.put_object(Bucket=BUCKET, Key=key, Body=body, ContentType="image/jpeg")
                    photos.append({"key": key, "order": index, "size": len(body)})
                    report.photos += 1
                table.put_item(Item=item_of(record, photos))
                report.listings += 1
            link = page.get("@odata.nextLink")


if __name__ == "__main__":
    credentials()
    done = Report()
    with measured(done):
        work(given(), done)
    answer(done)
