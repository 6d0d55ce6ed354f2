"""Workers that are killed again and again: every import ends, and counts and stores everything once."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import uuid4

import boto3
import pytest
from aiohttp import web

from mls_tui import actions
from mls_tui.actions.workers import import_queue
from mls_tui.actions.workspace import Workspace
from mls_tui.config import load_settings
from mls_tui.demo.process import start_in_thread
from mls_tui.demo.server import DemoMLS
from mls_tui.domain.connection import Lease
from mls_tui.domain.run import ImportRun, RunState
from mls_tui.storage.leases import holder_is_gone
from tests.promises.children import Child
from tests.promises.house import cheap_photos

HOMES, PHOTOS = 10, 3
WORKERS, KILLS, EVERY_SECONDS = 3, 12, 1.5
LIMIT, WINDOW, JITTER = 30, 3.0, 1.0
"""API requests per seconds that the connections may send, and how late one may arrive on a busy machine."""
TIMEOUT_SECONDS = 120


@dataclass(slots=True)
class FaultyMLS:
    """Counts the requests of its API. 5 % fail by 500 and 1 % by 429, each URL at most once: retries always help."""

    mls: DemoMLS
    rng: random.Random
    recent: deque[float] = field(default_factory=deque)
    most: int = 0
    failed: set[str] = field(default_factory=set)

    async def hook(self, request: web.Request) -> web.StreamResponse | None:
        if "photo" not in request.path:
            now = time.monotonic()
            self.recent.append(now)
            while now - self.recent[0] > WINDOW - JITTER:
                self.recent.popleft()
            self.most = max(self.most, len(self.recent))
        drawn = self.rng.random()
        if drawn >= 0.06 or request.path_qs in self.failed:
            return None
        self.failed.add(request.path_qs)
        if drawn < 0.05:
            return web.Response(status=500)
        return web.Response(status=429, headers={"Retry-After": "1"})


@contextmanager
def two_mlss() -> Iterator[list[FaultyMLS]]:
    with (
        cheap_photos(PHOTOS),
        start_in_thread(listings=HOMES, seed=1) as one,
        start_in_thread(listings=HOMES, seed=2) as two,
    ):
        found = [FaultyMLS(running.mls, random.Random(number)) for number, running in enumerate((one, two))]
        for each in found:
            each.mls.hook = each.hook
        yield found


def environment(tmp_path: Path, endpoint: str) -> dict[str, str]:
    name = f"t-{uuid4().hex}"
    kept = {key: value for key, value in os.environ.items() if not key.startswith("MLS_TUI_")}
    return {
        **kept,
        "MLS_TUI_HOME": str(tmp_path / name),
        "MLS_TUI_ALLOW_PRIVATE_HOSTS": "1",
        "MLS_TUI_STORAGE": "aws",
        "MLS_TUI_TABLE": name,
        "MLS_TUI_BUCKET": name,
        "MLS_TUI_QUEUE_PREFIX": name,
        "MLS_TUI_QUEUE_VISIBILITY": "3",
        "AWS_ENDPOINT_URL": endpoint,
    }


SLOW: dict[str, str | int | float | bool] = {
    "api_limits": f"{LIMIT}/{WINDOW:.0f}",
    "media_limits": "10/1",
    "page_size": 5,
}
FAST: dict[str, str | int | float | bool] = {"api_limits": "5000/1", "media_limits": "5000/1"}


async def connect(
    ws: Workspace, mls: DemoMLS, name: str, limits: dict[str, str | int | float | bool], token: str = ""
) -> str:
    form = actions.ConnectionForm(
        name=name, provider="reso", base_url=mls.base_url, access_token=token or mls.token, overrides=limits
    )
    answer = await actions.connect_mls(form, ws)
    assert answer.data is not None, answer.error
    return answer.data.connection.connection_id


@pytest.mark.promise(1)
async def test_imports_by_workers_that_are_killed_end_as_those_of_one_machine(tmp_path: Path, endpoint: str) -> None:
    environ = environment(tmp_path, endpoint)
    rng = random.Random(3)
    with two_mlss() as mlss, mock.patch.dict(os.environ, environ, clear=True):
        async with Workspace(load_settings()) as ws:
            await ws.store.init()
            await ws.photos.init()
            async with import_queue(ws) as queue:
                await queue.init()
            by_host = {
                number: [await connect(ws, each.mls, f"{number}-{letter}", SLOW) for letter in "abc"]
                for number, each in enumerate(mlss)
            }
            poison = await connect(ws, mlss[0].mls, "poison", SLOW, token="a credential of its own")
            started = await actions.start_distributed([poison, *by_host[0], *by_host[1]], None, ws)
            assert started.data is not None, started.error
            assert len(started.data) == 7, started.error
            spoil(ws, poison)
            crew = Crew(environ, tmp_path)
            overlaps: list[list[str]] = []
            groups = [[run for run in started.data if run.connection_id in by_host[number]] for number in by_host]
            watching = asyncio.create_task(watch_imports(ws, groups, overlaps))
            try:
                for _ in range(KILLS):
                    await asyncio.sleep(EVERY_SECONDS)
                    crew.kill_one(rng)
                runs = await all_ended(ws, started.data)
            finally:
                watching.cancel()
                endings = crew.stop()
            assert not overlaps, "two imports of one credential ran at once"
            async with import_queue(ws) as queue:
                assert await queue.depths() == (0, 1), "the poisoned connection's message alone is left"
            failed = runs.pop(poison)
            assert (failed.state, "in 10 attempts" in str(failed.error)) == (RunState.FAILED, True)
            for number, each in enumerate(mlss):
                check_counts(each.mls, [runs[connection] for connection in by_host[number]])
                assert each.most <= LIMIT, "more requests than the limit allows"
                each.mls.hook = None
            stored = await content(ws, [each.mls for each in mlss])
        assert [ending for ending in endings if ending[0]] == []
        with mock.patch.dict(os.environ, environment(tmp_path, endpoint), clear=True):
            async with Workspace(load_settings()) as here:
                await here.store.init()
                await here.photos.init()
                for number, each in enumerate(mlss):
                    name = await connect(here, each.mls, str(number), FAST)
                    answer = await actions.import_mls_listings(name, workspace=here)
                    assert answer.success, answer.error
                assert await content(here, [each.mls for each in mlss]) == stored


def check_counts(mls: DemoMLS, runs: list[ImportRun]) -> None:
    """The three imports of one MLS together: everything was seen by each and stored once."""
    keys = mls.feed.listing_keys("Active")
    photos = sum(len(mls.feed.shots(key)) for key in keys)
    for run in runs:
        counts = run.counts
        assert (run.state, run.exit_code) == (RunState.DONE, 0), run.error
        assert (counts.total, counts.successful, counts.failed, counts.skipped) == (len(keys), len(keys), 0, 0)
        assert (run.problems, run.errors) == (0, ())
    assert sum(run.counts.created for run in runs) == len(keys)
    assert sum(run.counts.photos_stored for run in runs) == photos


class Crew:
    """Worker processes; one that is killed is replaced at once."""

    def __init__(self, environ: dict[str, str], folder: Path) -> None:
        self._environ, self._folder, self._made = environ, folder, 0
        self._living = [self._new() for _ in range(WORKERS)]
        self._dead: list[Child] = []

    def _new(self) -> Child:
        self._made += 1
        return Child(self._environ, ["worker", "--concurrency", "3"], self._folder / f"worker-{self._made}")

    def kill_one(self, rng: random.Random) -> None:
        child = self._living.pop(rng.randrange(len(self._living)))
        child.kill()
        self._dead.append(child)
        self._living.append(self._new())

    def stop(self) -> list[tuple[int, str]]:
        """How the living ended after SIGTERM; the dead are reaped."""
        for child in self._living:
            child.terminate()
        endings = [child.ending() for child in self._living]
        assert {child.ending().code for child in self._dead} <= {-9}
        return [(ending.code, ending.said) for ending in endings]


async def watch_imports(ws: Workspace, groups: list[list[ImportRun]], overlaps: list[list[str]]) -> None:
    """Note every moment at which living processes import two connections of one credential."""
    table: Any = boto3.resource("dynamodb").Table(ws.settings.table)

    def importing(run: ImportRun) -> str | None:
        """Who imports the run's connection. A lease that its holder gives back late is none any more."""
        at = {"PK": f"USER#{run.user_id}", "SK": f"MLSCONNECTION#{run.connection_id}"}
        lease = table.get_item(Key=at, ConsistentRead=True)["Item"].get("Lease")
        if lease is None or holder_is_gone(Lease.from_data({**lease, "pid": int(lease["pid"])})):
            return None
        at["SK"] = f"IMPORTRUN#{run.started_at:013d}#{run.run_id}"
        row = table.get_item(Key=at, ConsistentRead=True)["Item"]
        return str(lease["holder"]) if row["Data"]["state"] in ("queued", "running") else None

    def looked(group: list[ImportRun]) -> list[str]:
        first = [importing(run) for run in group]
        second = [importing(run) for run in group] if len([each for each in first if each]) > 1 else first
        return [one for one, two in zip(first, second, strict=True) if one and one == two]

    while True:
        for group in groups:
            at_once = await asyncio.to_thread(looked, group)
            overlaps += [at_once] if len(at_once) > 1 else []
        await asyncio.sleep(0.25)


async def all_ended(ws: Workspace, runs: list[ImportRun]) -> dict[str, ImportRun]:
    """The rows of the runs once all have ended, by connection."""
    found: dict[str, ImportRun] = defaultdict()
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while len(found) < len(runs):
            await asyncio.sleep(0.5)
            rows = [await ws.store.get_run(ws.user_id, run.run_id, started_at=run.started_at) for run in runs]
            found = {row.connection_id: row for row in rows if row is not None and row.ended}
    return found


def spoil(ws: Workspace, connection_id: str) -> None:
    """Write what no program can read into the row of a connection."""
    boto3.resource("dynamodb").Table(ws.settings.table).update_item(
        Key={"PK": f"USER#{ws.user_id}", "SK": f"MLSCONNECTION#{connection_id}"},
        UpdateExpression="SET #data.#auth = :auth",
        ExpressionAttributeNames={"#data": "Data", "#auth": "auth"},
        ExpressionAttributeValues={":auth": "riddle"},
    )


async def content(ws: Workspace, mlss: list[DemoMLS]) -> list[dict[str, Any]]:
    """The stored listings, without when they came and the ids made of it; each photo's bytes are what was served."""
    feeds = {str(mls.base_url).split("/")[2]: mls.feed for mls in mlss}
    found = []
    async for batch in ws.store.listings(ws.user_id):
        for listing in batch:
            assert listing.source is not None
            served = next(feed for host, feed in feeds.items() if listing.source.endswith(host)).photos(listing.mls_id)
            assert len(listing.photos) == len(served)
            for photo, body in zip(listing.photos, served, strict=True):
                assert photo.key is not None
                assert await ws.photos.get(photo.key) == body
            data = listing.to_data()
            for name in ("syncedAt", "connectionId", "lastImport", "listingId", "photos", "apart"):
                data.pop(name, None)
            found.append({**data, "photos": [photo.sha256 for photo in listing.photos]})
    return sorted(found, key=lambda data: (str(data["source"]), str(data["mlsId"])))
