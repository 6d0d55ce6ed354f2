"""The project on the bench's work: a whole import through ``actions``, as the command line runs it, events and all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mls_tui.storage.threads import run_loop
from tests.bench.job import Job, Report, answer, given, measured
from tests.bench.peers.aws import BUCKET, credentials


def environment(job: Job) -> None:
    """Settings as a user would export them."""
    os.environ |= {
        "MLS_TUI_HOME": job.folder,
        "MLS_TUI_ALLOW_PRIVATE_HOSTS": "1",
        "MLS_TUI_PHOTOS_IN_FLIGHT": str(job.in_flight),
        "MLS_TUI_STORAGE": "aws" if job.s3 else "local",
        "MLS_TUI_BUCKET": BUCKET,
        "MLS_TUI_KEY": "a key that only the bench uses",
    }
    if job.s3:
        credentials()
        os.environ |= {"AWS_ENDPOINT_URL_S3": job.s3, "AWS_ENDPOINT_URL_DYNAMODB": job.dynamodb}


async def connected(workspace: Any, job: Job) -> str:
    """Store the connection to the bench's feed; its id."""
    from mls_tui.actions.connector import seal
    from mls_tui.domain.connection import Connection, SecretField
    from mls_tui.storage.items import connection_item

    secrets = seal(workspace, "bench", {SecretField.ACCESS_TOKEN: "a token of the bench"})
    connection = Connection(
        connection_id="bench",
        user_id=workspace.user_id,
        name="bench",
        provider="reso",
        base_url=job.base_url,
        secrets=secrets,
        overrides={"api_limits": "", "media_limits": job.media_limits},
    )
    # Whole, as an item: the DynamoDB sink knows no update expressions.
    await workspace.store._put_items([connection_item(workspace.user_id, connection, 0)])
    return connection.connection_id


async def imported(workspace: Any, connection_id: str, report: Report, *, photos: bool) -> None:
    from mls_tui.actions import ImportOptions, import_events
    from mls_tui.domain.events import RunFinished

    async for event in import_events(connection_id, ImportOptions(photos=photos, full=False), workspace):
        if isinstance(event, RunFinished):
            result = event.result
            if result.error or result.counts.failed or result.counts.photos_failed:
                raise SystemExit(f"{result.error} {result.counts} {result.errors[:3]}")
            report.listings, report.photos = result.counts.successful, result.counts.photos_stored
            report.extra = {"unchanged": result.counts.unchanged, "pages": result.counts.pages}


def _load() -> None:
    """Every module that an import uses, so that the loading of code is not what is measured (nor is the peers')."""
    import boto3
    import botocore.config
    import obstore.store

    import mls_tui.importer.engine
    import mls_tui.reso.connector
    import mls_tui.storage.dynamodb
    import mls_tui.storage.folder
    import mls_tui.storage.s3
    import mls_tui.storage.s3.uploads
    import mls_tui.storage.sqlite

    assert all((boto3, botocore, obstore, mls_tui))


async def work(job: Job, report: Report) -> None:
    from mls_tui.actions.workspace import Workspace
    from mls_tui.config import load_settings

    _load()
    async with Workspace(load_settings()) as workspace:
        connection_id = await connected(workspace, job)
        if job.repeat:
            await imported(workspace, connection_id, Report(), photos=bool(job.photos))
            await connected(workspace, job)  # its cursor forgotten: every record is read and compared again
        with measured(report):
            await imported(workspace, connection_id, report, photos=bool(job.photos))


if __name__ == "__main__":
    job_given = given()
    Path(job_given.folder).mkdir(parents=True, exist_ok=True)
    environment(job_given)
    done = Report()
    run_loop(work(job_given, done))
    answer(done)
