"""Text that attacks, through whole imports on both pairs of stores: no key, number or word of a feed becomes a path, a
key of another kind, a filter expression or a line of the log."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from mls_tui.domain.errors import ErrorCategory
from mls_tui.domain.events import ListingFailed
from mls_tui.domain.run import RunState
from mls_tui.export import write_listings
from mls_tui.log import setup_logging
from tests.e2e.conftest import OpenHouse
from tests.e2e.house import House

NUMBERS = (
    "../../../etc/passwd",
    "/etc/passwd",
    "..",
    "a/b",
    "a\\b",
    "x#LISTING#y",
    "x|y",
    "' or 1 eq 1 or '",
    "N') or (ListPrice gt 0",
    "%2e%2e%2f",
    "=HYPERLINK(1)",
    "[@click=app.quit]x[/]",
    "é家",
    "*",
    "CON",
)
SAFE_ID = r"[A-Za-z0-9.~_%-]+"
ADDRESS = '1 Elm\x1b[2J\r\n{"level": "error", "message": "forged"}\u2028'


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


async def _grown(house: House, **fields: Any) -> list[str]:
    """The house's MLS with a home for each hostile number, its key no better."""
    return [house.mls.feed.add(ListingKey=f"K {number}", ListingId=number, **fields) for number in NUMBERS]


@pytest.mark.promise("hostile text")
async def test_no_number_or_key_becomes_a_path_or_another_key(open_house: OpenHouse, tmp_path: Path) -> None:
    async with open_house(listings=2) as house:
        await _grown(house)
        result = await house.run()
        assert (result.state, result.counts.failed) == (RunState.DONE, 0), result.errors
        whole = await house.whole()
        assert {each.mls_number for each in whole.values()} >= set(NUMBERS)
        for listing in whole.values():
            assert re.fullmatch(SAFE_ID, listing.listing_id)
            for photo in listing.photos:
                key = rf"listings/{house.ws.user_id}/{re.escape(listing.listing_id)}/original/photo\d+\.jpg"
                assert re.fullmatch(key, photo.key or "")
        if house.ws.settings.storage == "aws":
            for item in house.dump().values():
                assert re.fullmatch(r"USER#[\w-]+", item["PK"])
                assert re.fullmatch(rf"[A-Z]+#(?:budget#)?{SAFE_ID}(?:#{SAFE_ID})?", item["SK"]), item["SK"]
                if item["SK"].startswith("LISTING#"):
                    assert item["SK"] == f"LISTING#{item['Data']['listingId']}"
        assert names_in(tmp_path) <= {"house"}
        assert names_in(tmp_path / "house") <= {"data", "state", "cache"}
        for number in NUMBERS:
            (found,) = await house.ws.store.find(house.ws.user_id, number)
            assert found.mls_number == number


@pytest.mark.promise("hostile text")
async def test_no_number_or_key_becomes_a_filter(open_local: OpenHouse) -> None:
    async with open_local(listings=3) as house:
        keys = await _grown(house)
        for number in NUMBERS:
            result = await house.run(only=(number,))
            assert (result.counts.successful, result.counts.failed) == (1, 0), number
        assert {each.mls_number for each in (await house.listings()).values()} == set(NUMBERS)
        for key in keys:
            house.mls.feed.change(key, ListPrice=1)
        result = await house.run(keys=tuple(keys[:4]))
        assert (result.counts.updated, result.counts.failed) == (4, 0)


@pytest.mark.promise("hostile text")
async def test_no_word_of_a_feed_becomes_a_line_of_the_log_or_a_row_of_an_export(open_local: OpenHouse) -> None:
    async with open_local(listings=2) as house:
        keys = await _grown(house, UnparsedAddress=ADDRESS)
        await house.run()
        for key in keys:
            house.mls.feed.change(key, StandardStatus="Wobbly\n{}")
        house.mls.feed.add(ListingKey="K1\nforged", ListingId="N\r\nforged", PublicRemarks=ADDRESS)
        house.mls.feed.add(ListingKey="K2", ListingId="=1", PublicRemarks=ADDRESS, UnparsedAddress=ADDRESS)
        log = setup_logging(house.ws.settings)
        try:
            await house.run()
        finally:
            log.close()
        failed = house.said(ListingFailed)
        assert len(failed) == len(NUMBERS) + 1
        lines = [json.loads(line) for line in log.path.read_text().split("\n") if line]
        errors = [line for line in lines if line["level"] == "error"]
        assert len(errors) == len(failed)
        assert {line["category"] for line in errors} == {ErrorCategory.IMPORT.value}
        assert log.path.read_bytes().isascii()
        stream = io.BytesIO()
        listings = await house.listings()
        write_listings((each.to_data() for each in listings.values()), stream, "csv")
        rows = list(csv.reader(io.StringIO(stream.getvalue().decode(), newline="")))
        assert len(rows) == len(listings) + 1
        assert not [cell for row in rows for cell in row if cell.lstrip().startswith(("=", "@", "\t", "\r"))]
        assert "\x1b" not in stream.getvalue().decode()


@pytest.mark.parametrize("name", ["../up", "a/b", "\x1b[2J", "K\u202e1"])
async def test_a_system_that_attacks_becomes_a_slug(name: str, open_local: OpenHouse) -> None:
    async with open_local(listings=1) as house:
        house.mls.feed.add(ListingKey="K1", ListingId="1", OriginatingSystemName=name)
        await house.run()
        listing = (await house.listings())["K1"]
        assert re.fullmatch(r"reso(\.[a-z0-9-]+)?", listing.mls_provider)
