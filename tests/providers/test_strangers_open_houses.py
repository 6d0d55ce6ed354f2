"""Open houses are stored with their listings, and their failures stop no listing."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from mls_tui import actions
from mls_tui.domain.listing import OpenHouse
from mls_tui.domain.run import RunState
from mls_tui.export import write_listings
from tests.providers.odd_servers import Row, filtered, offset_links, refusal
from tests.providers.stranger import Handler, houses, visiting


def open_house(row: Row, day: str, **fields: Any) -> Row:
    return {
        "OpenHouseKey": f"OH-{row['ListingKey']}-{day}",
        "ListingKey": row["ListingKey"],
        "OpenHouseDate": day,
        "OpenHouseStartTime": f"{day}T15:00:00Z",
        "OpenHouseEndTime": f"{day}T17:00:00Z",
        "OpenHouseStatus": "Active",
        "OpenHouseType": "Public",
        "ModificationTimestamp": "2026-05-01T00:00:00Z",
        **fields,
    }


def serving(rows: list[Row], opens: list[Row], *, answer: list[int] | None = None, size: int = 1000) -> Handler:
    """Listings, and OpenHouse records by ``$filter``, in pages of ``size`` by ``$skip``. ``answer`` is a status to
    answer with instead."""
    plain = offset_links(rows)

    async def handle(request: web.Request) -> web.StreamResponse:
        if not request.path.endswith("/OpenHouse"):
            return await plain(request)
        if answer:
            return refusal(answer[0], "no")
        found = filtered(opens, request.query.get("$filter", ""))
        start = int(request.query.get("$skip", 0))
        return web.json_response({"value": found[start : start + size]})

    return handle


async def test_open_houses_are_stored_with_their_listings_and_exported(tmp_path: Path) -> None:
    rows = houses(5)
    opens = [
        open_house(rows[1], "2026-07-05", OpenHouseRemarks="Park on the <b>street</b>"),
        open_house(rows[1], "2026-07-04"),
        open_house(rows[2], "2026-07-04", OpenHouseStatus="Canceled"),
        open_house(rows[3], "2026-06-01"),
        {**open_house(rows[4], "2026-07-04"), "ListingKey": "of another listing"},
    ]
    async with visiting(serving(rows, opens), tmp_path, open_houses=True) as visit:
        assert (await visit.run()).state is RunState.DONE
        stored = await visit.listings()
        assert [stored[row["ListingKey"]].open_houses is not None for row in rows] == [False, True, False, False, False]
        first, second = stored[rows[1]["ListingKey"]].open_houses or ()
        assert first == OpenHouse(
            date="2026-07-04", start="2026-07-04T15:00:00Z", end="2026-07-04T17:00:00Z", kind="Public"
        )
        assert second.remarks == "Park on the street"
        data = stored[rows[1]["ListingKey"]].to_data()
        assert [each["date"] for each in data["openHouses"]] == ["2026-07-04", "2026-07-05"]
        text = io.StringIO()
        write_listings([data], text, "csv")
        (line,) = csv.DictReader(io.StringIO(text.getvalue()))
        assert line["openHouses"] == "2026-07-04 15:00–17:00 UTC, Public; 2026-07-05 15:00–17:00 UTC, Public"
        assert len(visit.asked_for("OpenHouse")) <= 2


async def test_an_open_house_that_comes_later_is_had_though_its_listing_did_not_change(tmp_path: Path) -> None:
    rows, opens = houses(100), list[Row]()
    async with visiting(serving(rows, opens), tmp_path, open_houses=True) as visit:
        await visit.run()
        opens.append(open_house(rows[3], "2026-07-04", ModificationTimestamp="2026-06-30T00:00:00Z"))
        result = await visit.run()
        assert (await visit.listings())[rows[3]["ListingKey"]].open_houses is not None
        assert result.counts.updated == 1
        opens[0] |= {"OpenHouseStatus": "Canceled", "ModificationTimestamp": "2026-06-30T01:00:00Z"}
        await visit.run()
        assert (await visit.listings())[rows[3]["ListingKey"]].open_houses is None
        assert (await visit.run()).counts.updated == 0


async def test_more_open_houses_than_a_page_holds_all_come(tmp_path: Path) -> None:
    rows = houses(120)
    opens = [open_house(row, "2026-07-04") for row in rows]
    async with visiting(serving(rows, opens, size=50), tmp_path, open_houses=True) as visit:
        await visit.run()
        assert all(listing.open_houses for listing in (await visit.listings()).values())


@pytest.mark.parametrize("status", [400, 403, 404, 501])
async def test_a_provider_without_open_houses_costs_one_request_and_nothing_else(tmp_path: Path, status: int) -> None:
    async with visiting(serving(houses(250), [], answer=[status]), tmp_path, open_houses=True) as visit:
        result = await visit.run()
        assert (result.state, result.exit_code, result.counts.created) == (RunState.DONE, 0, 250)
        assert len(visit.asked_for("OpenHouse")) == 1


async def test_open_houses_stay_while_the_provider_fails_over_them(tmp_path: Path) -> None:
    rows = houses(3)
    failing = list[int]()
    handler = serving(rows, [open_house(rows[0], "2026-07-04")], answer=failing)
    async with visiting(handler, tmp_path, open_houses=True) as visit:
        await visit.run()
        failing.append(503)
        rows[0] |= {"ListPrice": 1, "ModificationTimestamp": "2026-06-20T00:00:00Z"}
        result = await visit.run(full=True)
        assert (result.state, result.counts.failed) == (RunState.DONE, 0)
        stored = (await visit.listings())[rows[0]["ListingKey"]]
        assert (stored.price, stored.open_houses is not None) == (1, True)


@pytest.mark.parametrize(
    "row",
    [
        {"OpenHouseDate": 7}, {"OpenHouseDate": "soon"}, {"ListingKey": None}, {"OpenHouseRemarks": "\x1b[31m" * 900},
        {"OpenHouseStartTime": {"a": 1}}, {"OpenHouseType": ["Public", "Public"]}, {"OpenHouseStatus": 5},
    ],
)  # fmt: skip
async def test_a_strange_open_house_costs_no_listing(tmp_path: Path, row: Row) -> None:
    rows = houses(2)
    opens = [{**open_house(rows[0], "2026-07-04"), **row}, open_house(rows[1], "2026-07-04")]
    async with visiting(serving(rows, opens), tmp_path, open_houses=True) as visit:
        result = await visit.run()
        assert (result.state, result.counts.created) == (RunState.DONE, 2)
        shown = await actions.get_imported_listings(workspace=visit.ws)
        assert shown.success
        assert "\x1b" not in str(await visit.listings())
