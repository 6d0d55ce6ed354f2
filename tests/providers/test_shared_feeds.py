"""Payloads recorded elsewhere are imported with the right fields. Skipped if ../shared does not exist."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from mls_tui.domain.connection import AuthKind
from mls_tui.domain.listing import Listing, ListingStatus
from mls_tui.domain.run import RunState
from tests.providers.stranger import PNG, Handler, Visit, numbers, visiting
from tests.unit.reso.mapping.feeds import SHARED

FEEDS = SHARED / "feeds"
pytestmark = pytest.mark.skipif(not FEEDS.is_dir(), reason="the payloads of ../shared/feeds are not here")

GRID: dict[str, Any] = {"provider": "mlsgrid", "mls_system": "testmls"}
GRID_FILE = "mlsgrid-sync/mlsgrid-sync-property_{}.json"


def served(page_of: Callable[[web.Request], Any], *hosts: str) -> Handler:
    """Pages of text with ``{{BASE}}`` and these photo hosts pointing here; every other path is a picture."""

    async def answer(request: web.Request) -> web.Response:
        origin = f"http://{request.host}"
        if not request.path.startswith("/odata"):
            return web.Response(body=PNG, content_type="image/png")
        page = page_of(request)
        if page is None:
            return web.json_response({"error": {"code": "404", "message": "no such resource"}}, status=404)
        text = (page if isinstance(page, str) else json.dumps(page)).replace("{{BASE}}", f"{origin}/odata")
        for host in hosts:
            text = text.replace(host, f"{origin}/photos")
        return web.Response(text=text, content_type="application/json")

    return answer


def grid(pages: list[str]) -> Handler:
    """MLS Grid: the pages one after another, whatever the question; no ``$orderby``, no ``$count``, gzip wanted."""

    def page_of(request: web.Request) -> str | None:
        if request.path != "/odata/Property":
            return None
        refused = {"$orderby", "$count"} & set(request.query)
        assert not refused, f"MLS Grid does not take {refused}"
        assert "gzip" in request.headers["Accept-Encoding"]
        assert "$skip" in request.query or "OriginatingSystemName eq 'testmls'" in request.query["$filter"]
        number = min(int(request.query.get("$skip", 0)) // 2, len(pages) - 1)
        return (FEEDS / GRID_FILE.format(pages[number])).read_text() if pages[number] else '{"value": []}'

    return served(page_of, "https://media.example.test")


async def stored(visit: Visit, number: str) -> Listing:
    return next(each for each in (await visit.listings()).values() if each.mls_number == number)


async def test_an_mls_grid_page_ends_with_its_fields_and_photos(tmp_path: Path) -> None:
    async with visiting(grid(["page1", "deleted"]), tmp_path, **GRID) as visit:
        result = await visit.run()
        assert (result.state, result.error) == (RunState.DONE, None)
        assert await visit.numbers() == {"TST11111111", "TST44444444"}
        home = await stored(visit, "TST11111111")
        assert home.mls_provider == "mlsgrid.testmls"
        assert (home.address.street, home.address.city, home.address.zip) == ("123 Example St", "Testville", "60000")
        assert (home.price, home.bedrooms, home.bathrooms, home.square_feet) == (425_000, 4, 2.5, 2400)
        assert (home.status, home.mls_status, home.list_date) == (ListingStatus.ACTIVE, "ACTV", "2026-05-01")
        assert [(photo.order, photo.content_type, photo.size) for photo in home.photos] == [
            (0, "image/png", len(PNG)),
            (1, "image/png", len(PNG)),
        ]


@pytest.mark.feed(6, "MlgCanView=false")
async def test_an_mls_grid_removal_takes_the_stored_listing(tmp_path: Path) -> None:
    pages = ["page1", ""]
    async with visiting(grid(pages), tmp_path, **GRID) as visit:
        await visit.run(statuses=frozenset(ListingStatus))
        assert await visit.numbers() == {"TST11111111", "TST22222222"}
        assert (await stored(visit, "TST22222222")).price == 295_000, "what it was sold for"
        pages[:] = ["deleted"]
        result = await visit.run(statuses=frozenset(ListingStatus))
        assert result.state is RunState.DONE
        assert await visit.numbers() == {"TST11111111", "TST44444444"}
        assert result.counts.removed == 1


async def test_mls_grid_records_that_lack_a_status_are_quarantined_not_guessed(tmp_path: Path) -> None:
    async with visiting(grid(["quirks"]), tmp_path, **GRID) as visit:
        result = await visit.run(statuses=frozenset(ListingStatus))
        assert result.state is RunState.DONE
        assert (result.counts.quarantined, await visit.numbers()) == (2, set())
        problems = [each async for each in visit.ws.store.problems(visit.ws.user_id, await last_run(visit))]
        assert {each.listing_key for each in problems} == {"TSTQUIRK00001", "TSTQUIRK00002"}


async def last_run(visit: Visit) -> str:
    return (await visit.ws.store.runs(visit.ws.user_id, limit=1))[0].run_id


@pytest.mark.feed(4, "bathrooms")
async def test_a_record_of_chicagos_mls_ends_with_its_fields(tmp_path: Path) -> None:
    record = json.loads((FEEDS / "mred/property.json").read_text()) if FEEDS.is_dir() else {}
    handler = served(lambda request: {"value": [record]} if request.path == "/odata/Property" else None)
    async with visiting(handler, tmp_path, provider="mlsgrid", mls_system="mred") as visit:
        result = await visit.run()
        assert result.state is RunState.DONE
        home = await stored(visit, "11111")
        assert (home.price, home.bedrooms, home.bathrooms) == (195_000, 3, 1.5)
        assert (home.square_feet, home.year_built, home.list_date) == (2101, 1965, "2019-10-08")
        assert home.address.street == "1234 W 1st Place"
        assert {"Natural Gas", "Forced Air", "Tri-Level"} <= set(home.features)
        assert "None" not in home.features
        assert home.list_office_name == "Best Realty"


# Spark's native JSON ------------------------------------------------------------------------------------------------

HOSTS = ("http://cdn.resize.flexmls.com", "http://photos.flexmls.com")


def spark(*files: str, status: str | None = "Active") -> Handler:
    """``D.Results`` of these files; the samples hold no status, so one is given them where wanted."""
    rows = [row for file in files for row in json.loads((FEEDS / "spark" / file).read_text())["D"]["Results"]]
    for row in rows if status else ():
        row["StandardFields"]["StandardStatus"] = status

    def page_of(request: web.Request) -> Any:
        if request.path != "/odata/Property":
            return None
        return {"D": {"Success": True, "Results": rows}}

    return served(page_of, *HOSTS)


@pytest.mark.feed(5, "several sizes")
async def test_spark_native_json_ends_with_its_fields_and_its_largest_photos(tmp_path: Path) -> None:
    form: dict[str, Any] = {"provider": "flexmls", "auth": AuthKind.BEARER}
    async with visiting(spark("with_photos.json"), tmp_path, **form) as visit:
        result = await visit.run()
        assert (result.state, result.error, result.counts.failed) == (RunState.DONE, None, 0)
        home = await stored(visit, "06-9395")
        assert home.mls_id == "20060725224713296297000000"
        assert (home.price, home.bedrooms, home.bathrooms, home.square_feet) == (50_000, 3, 1, 924)
        assert (home.latitude, home.longitude) == (48.7001, -116.3237)
        assert home.address.one_line.startswith("7298 BIRCH, Bonners Ferry, ID 83805")
        assert [photo.order for photo in home.photos] == [0, 1, 2, 3, 4]
        assert all(photo.key for photo in home.photos)
        pictures = [url for url in visit.asked if url.startswith("/photos")]
        assert len(pictures) == 5
        assert all("1280x1024" in url or "-o.jpg" in url for url in pictures), "of seven sizes the largest"


async def test_two_spark_homes_are_two_listings(tmp_path: Path) -> None:
    async with visiting(spark("multiple.json"), tmp_path, provider="flexmls") as visit:
        await visit.run()
        assert await visit.numbers() == {"06-9395", "06-9396"}


@pytest.mark.feed(4, "null or unknown status")
async def test_spark_homes_without_a_status_are_quarantined_not_guessed(tmp_path: Path) -> None:
    async with visiting(spark("multiple.json", status=None), tmp_path, provider="flexmls") as visit:
        result = await visit.run()
        assert (result.state, result.counts.quarantined) == (RunState.DONE, 2)
        assert await visit.numbers() == set()


@pytest.mark.feed(3, "error bodies of every shape")
@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("failure.json", "no reason"),
        ("failure_with_msg.json", "another prospect"),
        ("failure_with_constraint.json", "failed constraints"),
        ("expired.json", "expired"),
    ],
)
async def test_a_spark_failure_inside_a_200_ends_with_its_message(tmp_path: Path, file: str, said: str) -> None:
    handler = served(lambda request: (FEEDS / "spark/errors" / file).read_text())
    async with visiting(handler, tmp_path, provider="flexmls") as visit:
        result = await visit.run()
        assert result.state is RunState.FAILED
        assert result.error is not None
        assert said in result.error
        assert numbers([]) == await visit.numbers()
