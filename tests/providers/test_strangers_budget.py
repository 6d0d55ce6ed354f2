"""Whole imports never send more than the rate limit allows, counted at the server, also after a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from mls_tui import actions
from mls_tui.actions import ImportControl, ImportOptions
from mls_tui.domain.events import RunFinished, Throttled
from mls_tui.domain.run import RunState
from tests.providers.odd_servers import cursor_links, offset_links, strict, top_and_skip
from tests.providers.stranger import PNG, Handler, houses, numbers, visiting

ROWS = houses(300)


def most_in(arrivals: list[float], seconds: float) -> int:
    return max((sum(start <= other < start + seconds for other in arrivals) for start in arrivals), default=0)


@pytest.mark.feed(6, "limits")
@pytest.mark.promise(15)
@pytest.mark.parametrize(("limits", "windows"), [("2/1", [(2, 1)]), ("3/1,10/60", [(3, 1), (10, 60)])])
async def test_the_server_never_counts_more_than_was_granted(
    tmp_path: Path, limits: str, windows: list[tuple[int, float]]
) -> None:
    rows = houses(900)
    handler = offset_links(rows, size=60)
    async with visiting(handler, tmp_path, speed=150, overrides={"api_limits": limits, "page_size": 60}) as visit:
        result = await visit.run()
        assert (result.state, await visit.numbers()) == (RunState.DONE, numbers(rows))
        # A request travels: what left in time may arrive a moment late, and the next one at once.
        for limit, seconds in windows:
            assert most_in(visit.at, seconds * 0.97) <= limit


@pytest.mark.promise(15)
async def test_a_second_run_begins_with_what_the_first_has_spent(tmp_path: Path) -> None:
    async with visiting(offset_links(ROWS), tmp_path, speed=100, overrides={"api_limits": "12/3600"}) as visit:
        await visit.run()
        first = len(visit.asked)
        assert first < 12
        for _ in range(3):
            await visit.run()
        assert most_in(visit.at, 3600 * 0.97) <= 12


@pytest.mark.feed(6, "media limits apart")
async def test_photos_keep_to_the_media_hosts_own_budget(tmp_path: Path) -> None:
    rows = houses(10, PhotosCount=3)
    inside = offset_links(rows)
    at: list[float] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.startswith("/photo"):
            at.append(visit.clock.monotonic())
            return web.Response(body=PNG, content_type="image/png")
        for row in rows:
            row["Media"] = [{"Order": n, "MediaURL": f"http://{request.host}/photo/{n}"} for n in range(3)]
        return await inside(request)

    overrides: dict[str, str] = {"api_limits": "1000/1", "media_limits": "10/30"}
    async with visiting(answer, tmp_path, speed=100, overrides=overrides) as visit:
        result = await visit.run()
        assert (result.state, result.counts.photos_stored) == (RunState.DONE, 30)
        assert most_in(at, 30 * 0.97) <= 10


@pytest.mark.feed(0, "a pause remembered over a restart")
async def test_a_long_pause_is_shown_can_be_cancelled_and_is_not_forgotten(tmp_path: Path) -> None:
    def slow_down(page: int) -> web.Response | None:
        return web.Response(status=429, headers={"Retry-After": "3000"}) if page == 2 else None

    async with visiting(offset_links(ROWS, on_page=slow_down), tmp_path, speed=1) as visit:
        for _ in range(2):
            control = ImportControl()
            events = actions.import_events(visit.connection_id, ImportOptions(), visit.ws, control)
            async with asyncio.timeout(20):
                async for event in events:
                    if isinstance(event, Throttled):
                        assert (event.until - visit.clock.now()).total_seconds() > 2900
                        control.cancel()
                    if isinstance(event, RunFinished):
                        assert event.result.state is RunState.CANCELLED
            assert len(visit.asked) == 2, "nothing is sent during a pause, not after a restart either"


@pytest.mark.parametrize(
    ("name", "handler", "first", "seconds"),
    [
        ("cursor", cursor_links(ROWS), 1, 2.5),
        ("skip", offset_links(ROWS), 1, 4.0),
        ("plain", top_and_skip(ROWS), 1, 6.5),
        ("strict", strict(ROWS), 14, 13.0),
    ],
)
async def test_300_homes_at_two_requests_a_second_take_seconds(
    tmp_path: Path, name: str, handler: Handler, first: int, seconds: float
) -> None:
    async with visiting(handler, tmp_path, speed=1000, overrides={}) as visit:
        result = await visit.run()
        assert (result.state, await visit.numbers()) == (RunState.DONE, numbers(ROWS))
        assert len(visit.asked) / 2 <= seconds, "\n".join(visit.asked)
        pages = [index for index, url in enumerate(visit.asked, 1) if "$skip" in url or "$skiptoken" in url]
        assert min(pages) - 1 <= first + 2, "the first page with records comes at once"
