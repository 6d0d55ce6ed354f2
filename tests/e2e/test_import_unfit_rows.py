"""A row that no store takes, or that cannot be read any more, is the trouble of its listing alone, however many."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from aiohttp import web

from mls_tui.domain.run import RunState
from mls_tui.importer.sweep import STORE_FAILURES
from tests.providers.odd_servers import offset_links
from tests.providers.stranger import houses, visiting


async def test_a_listing_too_large_for_any_store_fails_alone(tmp_path: Path) -> None:
    rows = houses(6)
    plain = offset_links(rows)

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.startswith("/photos/"):
            return web.Response(status=200, text="no photo")
        long = f"http://{request.host}/photos/{'x' * 3_900}"
        rows[3]["Media"] = [{"MediaKey": f"m{n}", "Order": n, "MediaURL": f"{long}{n}"} for n in range(60)]
        return await plain(request)

    async with visiting(answer, tmp_path) as visit:
        result = await visit.run()
        assert (result.state, result.counts.created, result.counts.failed) == (RunState.DONE, 5, 1)
        [problem] = result.errors
        assert problem.mls_number == rows[3]["ListingId"]
        assert "is too large to store" in problem.error
        assert await visit.numbers() == {row["ListingId"] for row in rows} - {problem.mls_number}


async def test_rows_that_cannot_be_read_fail_one_by_one_and_never_stop_the_run(tmp_path: Path) -> None:
    rows = houses(STORE_FAILURES + 6)
    spoilt = {row["ListingId"] for row in rows[: STORE_FAILURES + 3]}
    async with visiting(offset_links(rows), tmp_path) as visit:
        await visit.run()
        with sqlite3.connect(visit.ws.settings.database_path) as db:
            spoil = "UPDATE items SET body = json_set(body, '$.Data.photos', 'spoilt')"
            for number in spoilt:
                db.execute(f"{spoil} WHERE json_extract(body, '$.Data.mlsNumber') = ?", (number,))
        for row in rows:
            row["ListPrice"] += 1
        result = await visit.run(full=True)
        assert (result.state, result.counts.updated) == (RunState.DONE, 3)
        assert {problem.mls_number for problem in result.errors} == spoilt
        assert all("cannot be read" in problem.error for problem in result.errors)
