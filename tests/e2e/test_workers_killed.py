"""Workers are killed, the MLS falters, one listing can never be stored: what stands at the end is exact."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from hashlib import sha256

from aiohttp import web

from mls_tui.actions import ImportOptions
from mls_tui.actions.distributed import start_distributed
from mls_tui.config import Settings
from mls_tui.demo.server import DemoMLS
from mls_tui.distributed.queue_calls import QueueCalls, QueueName
from mls_tui.domain.run import ProblemKind, RunState
from mls_tui.storage.aws import Aws
from tests.clocks import SwiftClock
from tests.e2e.house import House, opened
from tests.e2e.runners import begun_to_store, damage, ended, make_queues

KILLS = 12
EVERY_SECONDS = 1.5
WORKERS = 3
API_PER_SECOND = 12
PHOTOS_PER_SECOND = 40
LIMITS = {"api_limits": f"{API_PER_SECOND}/1", "media_limits": f"{PHOTOS_PER_SECOND}/1", "page_size": 10}
LISTINGS = 60


def faltering(seed: int) -> Callable[[web.Request], Awaitable[web.StreamResponse | None]]:
    """About 5 % of the URLs answer 500 when first asked for, 1 % answer 429."""
    asked: set[str] = set()

    async def hook(request: web.Request) -> web.StreamResponse | None:
        if request.path_qs in asked:
            return None
        asked.add(request.path_qs)
        chance = int.from_bytes(sha256(f"{seed}{request.path_qs}".encode()).digest()[:4]) / 2**32
        if chance < 0.05:
            return web.Response(status=500)
        if chance < 0.06:
            return web.Response(status=429, headers={"Retry-After": "1"})
        return None

    return hook


class Crew:
    """Worker processes, each replaced when it has been killed."""

    def __init__(self, settings: Settings) -> None:
        self._environ = {
            **os.environ,
            "MLS_TUI_HOME": str(settings.home),
            "MLS_TUI_STORAGE": "aws",
            "MLS_TUI_TABLE": settings.table,
            "MLS_TUI_BUCKET": str(settings.bucket),
            "MLS_TUI_QUEUE_PREFIX": settings.queue_prefix,
            "MLS_TUI_QUEUE_VISIBILITY": "6",
            "MLS_TUI_ALLOW_PRIVATE_HOSTS": "1",
        }
        self._workers: list[asyncio.subprocess.Process] = []

    async def hire(self) -> None:
        command = [sys.executable, "-m", "mls_tui", "worker", "--concurrency", "4"]
        nowhere = asyncio.subprocess.DEVNULL
        self._workers.append(
            await asyncio.create_subprocess_exec(*command, env=self._environ, stdout=nowhere, stderr=nowhere)
        )

    async def kill(self, rng: random.Random) -> None:
        """SIGKILL one of them; another takes its place."""
        victim = self._workers.pop(rng.randrange(len(self._workers)))
        victim.kill()
        await victim.wait()
        await self.hire()

    async def dismiss(self) -> list[int | None]:
        """Their exit codes after a SIGTERM."""
        for worker in self._workers:
            worker.send_signal(signal.SIGTERM)
        return [await worker.wait() for worker in self._workers]


async def test_twelve_kills_a_faltering_mls_and_a_poison_listing_leave_everything_exact(aws_settings: Settings) -> None:
    rng = random.Random(7)
    async with opened(aws_settings, DemoMLS(listings=LISTINGS), SwiftClock(speed=1, start=datetime.now(UTC))) as house:
        house.mls.hook = faltering(7)
        house.connection_id = await house.connect("Limited", overrides=LIMITS)
        poison = damage(house, house.mls.feed.listing_keys("Active")[LISTINGS // 2])
        await make_queues(house)
        begun = await start_distributed([house.connection_id], ImportOptions(), house.ws)
        assert begun.data, begun.error
        run_id = begun.data[0].run_id
        crew = Crew(aws_settings)
        try:
            for _ in range(WORKERS):
                await crew.hire()
            following = asyncio.ensure_future(ended(house, run_id))
            await begun_to_store(house, run_id)
            for _ in range(KILLS):
                await house.clock.sleep(EVERY_SECONDS)
                await crew.kill(rng)
            result = await asyncio.wait_for(following, 120)
        finally:
            codes = await crew.dismiss()
        assert codes == [0] * WORKERS
        assert (result.state, result.counts.created, result.counts.failed) == (RunState.DONE, LISTINGS - 1, 1)
        assert result.counts.total == LISTINGS
        await _exact(house, run_id, poison)
        busiest = house.mls.meter.busiest_second
        assert busiest["api"] <= API_PER_SECOND
        assert busiest["photo"] <= PHOTOS_PER_SECOND


async def _exact(house: House, run_id: str, poison: str) -> None:
    active = set(house.mls.feed.listing_keys("Active"))
    assert set(await house.whole()) == active - {poison}
    problems = [each async for each in house.ws.store.problems(house.ws.user_id, run_id)]
    assert [(each.kind, each.listing_key) for each in problems] == [(ProblemKind.LISTING, poison)]
    calls = QueueCalls(Aws(), house.ws.settings.queue_prefix)
    for queue in QueueName:
        assert calls.depth(calls.name(queue)).total == 0
    assert calls.depth(calls.name(QueueName.MEDIA, dead=True)).total == 1
    assert calls.depth(calls.name(QueueName.PAGES, dead=True)).total == 0
