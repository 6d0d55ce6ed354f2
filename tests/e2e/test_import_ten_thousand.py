"""10,000 listings again: what did not change costs no write and no photo request, counted by the database itself and by
the server."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from mls_tui.domain.listing import ListingStatus
from tests.providers.stranger import PNG, Handler, Visit, house, visiting

LISTINGS, WITH_PHOTOS, PAGE = 10_000, 250, 1_000
Row = dict[str, Any]


def feed(rows: list[Row]) -> Handler:
    """Pages of 1,000 with a cursor and a count, oldest change first; a timestamp in the filter is honoured."""

    async def answer(request: web.Request) -> web.Response:
        if request.path.startswith("/photos/"):
            return web.Response(body=PNG + request.path.encode(), content_type="image/png")
        since, start = _asked(request)
        kept = [row for row in rows if row["ModificationTimestamp"] >= since]
        shown = kept[start : start + min(PAGE, int(request.query.get("$top", PAGE)))]
        body: Row = {"@odata.count": len(kept), "value": [_with_media(row, request.host) for row in shown]}
        if start + len(shown) < len(kept):
            body["@odata.nextLink"] = f"Property?$skiptoken={start + len(shown)}~{since}"
        return web.Response(body=orjson.dumps(body), content_type="application/json")

    return answer


def _asked(request: web.Request) -> tuple[str, int]:
    start, _, since = request.query.get("$skiptoken", "0~").partition("~")
    bound = re.search(r"ModificationTimestamp g[te] (\S+?)\)?(?= |$)", request.query.get("$filter", ""))
    return since or (bound[1] if bound else ""), int(start)


def _with_media(row: Row, host: str) -> Row:
    at, url = row["PhotosChangeTimestamp"], f"http://{host}/photos/{row['ListingKey']}"
    media = [{"MediaKey": f"{row['ListingKey']}-0", "Order": 0, "MediaURL": url, "MediaModificationTimestamp": at}]
    return {**row, "Media": media[: row["PhotosCount"]]}


def homes() -> list[Row]:
    rows = [house(number) for number in range(LISTINGS)]
    step = LISTINGS // WITH_PHOTOS
    for number, row in enumerate(rows):
        row |= {"PhotosCount": int(number % step == 0), "PhotosChangeTimestamp": row["ModificationTimestamp"]}
    return rows


def note_writes(database: Path) -> None:
    """From here on the database itself notes every row of listings and marks that is written."""
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript("CREATE TABLE written (sk TEXT)")
        for event in ("INSERT", "UPDATE", "DELETE"):
            row = "old" if event == "DELETE" else "new"
            connection.executescript(
                f"CREATE TRIGGER noted_{event} AFTER {event} ON items WHEN {row}.entry IS NOT NULL "
                f"OR {row}.sk LIKE 'LISTINGKEY#%' BEGIN INSERT INTO written VALUES ({row}.sk); END"
            )


def written(visit: Visit) -> Iterator[str]:
    """What was written since the last call."""
    with closing(sqlite3.connect(visit.ws.settings.database_path)) as connection, connection:
        yield from [key for (key,) in connection.execute("SELECT sk FROM written")]
        connection.execute("DELETE FROM written")


def photo_requests(visit: Visit) -> int:
    return sum(url.startswith("/photos/") for url in visit.asked)


async def test_unchanged_costs_nothing_and_ten_changed_are_ten_writes(tmp_path: Path) -> None:
    rows = homes()
    async with visiting(feed(rows), tmp_path, speed=1.0) as visit:
        first = await visit.run()
        assert (first.counts.created, first.counts.failed, photo_requests(visit)) == (LISTINGS, 0, WITH_PHOTOS)
        note_writes(visit.ws.settings.database_path)
        visit.forget()

        again = await visit.run()
        assert (list(written(visit)), photo_requests(visit), again.counts.created) == ([], 0, 0)

        # Another scope is swept from the beginning: all of them are read, and none is written.
        whole = await visit.run(statuses=frozenset({ListingStatus.PENDING}))
        assert (list(written(visit)), photo_requests(visit)) == ([], 0)
        assert whole.counts.unchanged == LISTINGS

        for row in rows[: 10 * LISTINGS // WITH_PHOTOS : LISTINGS // WITH_PHOTOS]:
            row |= {"ListPrice": 1, "ModificationTimestamp": "2026-07-01T00:00:00.000Z"}
        rows.sort(key=lambda row: row["ModificationTimestamp"])
        changed = await visit.run()
        assert (len(list(written(visit))), changed.counts.updated, photo_requests(visit)) == (10, 10, 0)
