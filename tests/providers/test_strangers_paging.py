"""Whole imports from servers that page in different ways: what is stored is what is served, with few requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from mls_tui.domain.run import RunState
from tests.providers.direct import connector, sweep
from tests.providers.feed_server import FeedServer
from tests.providers.homes import homes
from tests.providers.odd_servers import cursor_links, offset_links, static, strict, top_and_skip
from tests.providers.quirks import Quirks
from tests.providers.stranger import Handler, house, houses, numbers, visiting

ROWS = houses(300)


async def whole(handler: Handler, folder: Path, rows: list[dict[str, Any]]) -> list[str]:
    """Import everything: the set stored is the set served, and nothing failed. What was asked of the server."""
    async with visiting(handler, folder) as visit:
        result = await visit.run()
        assert (result.state, result.error, result.counts.failed) == (RunState.DONE, None, 0)
        assert await visit.numbers() == numbers(rows)
        return list(visit.asked)


@pytest.mark.feed(0, "a server that ignores every option")
async def test_a_static_file_that_ignores_every_option(tmp_path: Path) -> None:
    assert len(await whole(static(ROWS), tmp_path, ROWS)) <= 3


async def test_a_static_file_of_few_rows(tmp_path: Path) -> None:
    assert len(await whole(static(ROWS[:7]), tmp_path, ROWS[:7])) <= 3


async def test_an_empty_static_file(tmp_path: Path) -> None:
    assert len(await whole(static([]), tmp_path, [])) <= 2


@pytest.mark.feed(0, "only $top and $skip")
@pytest.mark.parametrize("count", [299, 300, 301])
async def test_only_top_and_skip_with_no_link_and_no_count(tmp_path: Path, count: int) -> None:
    rows = houses(count)
    assert len(await whole(top_and_skip(rows), tmp_path, rows)) <= 11


@pytest.mark.feed(0, "only $top and $skip")
async def test_only_top_and_skip_in_no_order_at_all(tmp_path: Path) -> None:
    rows = [ROWS[number * 7 % 300] for number in range(300)]
    assert len(await whole(top_and_skip(rows), tmp_path, rows)) <= 12


@pytest.mark.feed(0, "several options refused at once, unnamed")
async def test_a_strict_server_that_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    assert len(await whole(strict(ROWS), tmp_path, ROWS)) <= 26


async def test_a_strict_server_with_every_row_on_one_timestamp(tmp_path: Path) -> None:
    rows = houses(300, ModificationTimestamp="2026-06-01T00:00:00.000Z")
    assert len(await whole(strict(rows), tmp_path, rows)) <= 26


@pytest.mark.feed(1, "a relative link")
async def test_a_relative_skiptoken(tmp_path: Path) -> None:
    assert len(await whole(cursor_links(ROWS), tmp_path, ROWS)) <= 4


@pytest.mark.feed(1, "a count that is a string, wrong, or of the page")
@pytest.mark.parametrize("count", ["300", 300, 100, "many", 0, -1, 1e99])
async def test_a_count_that_is_text_or_lies(tmp_path: Path, count: Any) -> None:
    assert len(await whole(cursor_links(ROWS, **{"@odata.count": count}), tmp_path, ROWS)) <= 8


@pytest.mark.feed(1, "fewer rows than $top")
async def test_links_by_skip_in_pages_of_100(tmp_path: Path) -> None:
    assert len(await whole(offset_links(ROWS), tmp_path, ROWS)) <= 7


@pytest.mark.feed(0, "no MLS number")
async def test_records_without_a_number_are_shown_and_stop_nothing(tmp_path: Path) -> None:
    rows = houses(120)
    for row in rows[50:60]:
        del row["ListingId"]
    async with visiting(offset_links(rows), tmp_path) as visit:
        result = await visit.run()
        assert result.state is RunState.DONE
        assert await visit.numbers() >= {row["ListingId"] for row in rows if "ListingId" in row}
        assert result.counts.quarantined + len(await visit.listings()) == 120


@pytest.mark.feed(0, "no timestamps at all")
@pytest.mark.parametrize("make", [offset_links, cursor_links, top_and_skip, strict, static])
async def test_records_without_a_timestamp(tmp_path: Path, make: Any) -> None:
    rows = houses(300)
    for row in rows:
        del row["ModificationTimestamp"]
    assert len(await whole(make(rows), tmp_path, rows)) <= 26


@pytest.mark.feed(4, "keys as numbers")
@pytest.mark.parametrize("make", [offset_links, cursor_links, top_and_skip, strict, static])
async def test_keys_that_are_numbers(tmp_path: Path, make: Any) -> None:
    rows = [{**house(number), "ListingKey": 9_000_000_000 + number} for number in range(300)]
    assert len(await whole(make(rows), tmp_path, rows)) <= 26


@pytest.mark.feed(0, "records twice, by offset")
@pytest.mark.parametrize("make", [offset_links, cursor_links, top_and_skip])
async def test_records_that_come_twice_are_stored_once(tmp_path: Path, make: Any) -> None:
    rows = [row for row in ROWS for _ in range(2)]
    assert len(await whole(make(rows), tmp_path, ROWS)) <= 18


@pytest.mark.feed(1, "more rows on one timestamp than a page")
@pytest.mark.parametrize("make", [offset_links, cursor_links, top_and_skip, strict, static])
async def test_every_row_on_one_timestamp(tmp_path: Path, make: Any) -> None:
    rows = houses(300, ModificationTimestamp="2026-06-01T00:00:00.000Z")
    assert len(await whole(make(rows), tmp_path, rows)) <= 26


async def test_a_record_removed_and_one_added_between_two_pages_by_skip(tmp_path: Path) -> None:
    rows = houses(300)

    def change(page: int) -> None:
        if page == 2:
            del rows[10]
            rows.append(house(900))

    async with visiting(offset_links(rows, on_page=change), tmp_path) as visit:
        result = await visit.run()
        assert result.state is RunState.DONE
        assert await visit.numbers() >= numbers(rows)


async def test_an_mls_of_every_status_is_brought_in_by_its_active_ones(tmp_path: Path) -> None:
    rows = houses(300)
    for row in rows[::3]:
        row["StandardStatus"] = "Closed"
    active = [row for row in rows if row["StandardStatus"] == "Active"]
    for make in (static, top_and_skip, offset_links, strict):
        assert len(await whole(make(rows), tmp_path / make.__name__, active)) <= 26


@pytest.mark.feed(1, "a phantom next page")
async def test_the_same_page_for_ever_under_new_links_ends_with_what_came(tmp_path: Path) -> None:
    async def endless(request: web.Request) -> web.Response:
        """The same full page for ever, whatever is asked, and a new link each time."""
        page = int(request.query.get("page", 1))
        return web.json_response({"value": ROWS[:100], "@odata.nextLink": f"Property?page={page + 1}"})

    async with visiting(endless, tmp_path) as visit:
        result = await visit.run()
        assert result.error is not None
        assert "paging stopped" in result.error
        assert await visit.numbers() == numbers(ROWS[:100])
        assert len(visit.asked) < 15


@pytest.mark.feed(1, "$top and Prefer are sent")
async def test_a_page_is_asked_for_by_top_and_by_preference(tmp_path: Path) -> None:
    rows, asked = houses(25), list[tuple[str | None, str | None]]()
    plain = offset_links(rows)

    async def answer(request: web.Request) -> web.StreamResponse:
        if "$skip" not in request.query:
            asked.append((request.query.get("$top"), request.headers.get("Prefer")))
        return await plain(request)

    async with visiting(answer, tmp_path, overrides={"api_limits": "100000/1", "page_size": 20}) as visit:
        assert (await visit.run()).state is RunState.DONE
        assert await visit.numbers() == numbers(rows)
    assert asked[0] == ("20", "odata.maxpagesize=20")
    assert all(preference == f"odata.maxpagesize={top}" for top, preference in asked)


@pytest.mark.feed(3, "413: half the page, then without Media")
@pytest.mark.parametrize("size", [200, 12])
async def test_a_page_too_large_however_small_is_asked_for_without_its_media(size: int) -> None:
    server = FeedServer(homes(30, photos=2), Quirks(refuse=frozenset({"$expand"}), refusal=413))
    made = connector(server, overrides={"page_size": size})
    swept = await sweep(made)
    assert len(swept.keys) == 30
    assert [len(await made.media(record)) for record in swept.records] == [2] * 30
    tops = [url.partition("$top=")[2].partition("&")[0] for url in server.asked if "$expand" in url]
    assert [int(top) for top in tops[:2]] == [size, max(10, size // 2)], "halved first"
