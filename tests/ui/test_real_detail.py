"""The detail screen over the real thing: the demo MLS changes its feed, the importer reads it, the store keeps it, and
what the screen says is what came of it. Whatever the MLS says in words is an attack on the screen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from textual.pilot import Pilot

from mls_tui import actions
from mls_tui.actions import ConnectionForm
from mls_tui.actions.workspace import Workspace
from mls_tui.config import load_settings
from mls_tui.demo.process import RunningDemo
from mls_tui.demo.server import DemoMLS
from mls_tui.domain.listing import Listing
from mls_tui.importer.options import ImportOptions
from mls_tui.ui.app import MlsTuiApp
from mls_tui.ui.screens.detail import DetailScreen, RelistedNote
from mls_tui.ui.screens.listings import ListingsScreen
from mls_tui.ui.widgets.photos import Gallery, PhotoView
from tests.clocks import SwiftClock
from tests.ui.homes import HOSTILE
from tests.ui.shell import SIZES, press, resized, seen, settled, toasts, until

BAIT = "[@click=app.quit]x[/] 100% [sold] \x1b[31m\u202e"
SHOWN = "[@click=app.quit]x[/] 100% [sold]"
PLACE = (
    "StreetNumber",
    "StreetName",
    "StreetSuffix",
    "StreetDirPrefix",
    "StreetDirSuffix",
    "UnitNumber",
    "City",
    "PostalCode",
    "StateOrProvince",
    "UnparsedAddress",
)


class House:
    """The demo MLS and one user's store of it."""

    def __init__(self, mls: DemoMLS, home: Path) -> None:
        self.mls = mls
        self.settings = load_settings(environ={}, home=str(home), storage="local", allow_private_hosts=True)
        self.clock = SwiftClock()
        self.connection_id = ""

    async def imported(self) -> dict[str, Listing]:
        """Import what the feed says now; the stored listings by ListingKey."""
        async with Workspace(self.settings, clock=self.clock) as workspace:
            if not self.connection_id:
                form = ConnectionForm(
                    name="Lakeside",
                    provider="reso",
                    base_url=self.mls.base_url,
                    access_token=self.mls.token,
                    overrides={"api_limits": "200/1"},
                )
                answer = await actions.connect_mls(form, workspace)
                assert answer.data is not None
                self.connection_id = answer.data.connection.connection_id
            await actions.import_mls_listings(self.connection_id, ImportOptions(), workspace)
            return {each.mls_id: each for each in (await actions.get_imported_listings(workspace)).data or []}

    @asynccontextmanager
    async def opened(self, listing: Listing, size: tuple[int, int] = (200, 60)) -> AsyncIterator[Pilot[None]]:
        """The application with this listing on the screen, found as a user finds it."""
        app = MlsTuiApp(Workspace(self.settings, clock=self.clock))
        async with app.run_test(size=size, notifications=True) as pilot:
            await pilot.press("2")
            await until(pilot, lambda: isinstance(app.screen, ListingsScreen) and bool(app.screen.table.rows))
            screen = app.screen
            assert isinstance(screen, ListingsScreen)
            assert screen.summaries is not None
            screen.table.go_to_row(await screen.summaries.row_of(listing.listing_id))
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, DetailScreen) and app.screen.listing == listing)
            await settled(pilot)
            yield pilot


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with RunningDemo(DemoMLS(listings=2)).start() as demo:
        yield House(demo.mls, tmp_path)


def detail(pilot: Pilot[None]) -> DetailScreen:
    assert isinstance(pilot.app.screen, DetailScreen)
    return pilot.app.screen


def words(pilot: Pilot[None]) -> str:
    """What the screen shows, its lines run together."""
    return " ".join(seen(pilot).split())


async def test_changes_of_price_and_status_are_told_newest_first(house: House) -> None:
    key = house.mls.feed.listing_keys("Active")[0]
    house.mls.feed.change(key, ListPrice=500_000, PublicRemarks=HOSTILE)
    await house.imported()
    house.mls.feed.change(key, ListPrice=450_000)
    await house.imported()
    house.mls.feed.change(key, StandardStatus="Pending", MlsStatus=BAIT, ListOfficeName=BAIT)
    listing = (await house.imported())[key]
    async with house.opened(listing) as pilot:
        shown = words(pilot)
        assert "$500,000 → $450,000 -10.0%" in shown
        assert shown.index("status: active → pending") < shown.index("$500,000 → $450,000")
        assert f"MlsStatus {SHOWN[:21]}" in shown  # it wraps
        assert f"listed by {SHOWN}" in shown
        assert "100% [sold]" in shown
        await resized(pilot, (80, 24))
        assert "$450,000" in words(pilot)
        assert "\x1b" not in seen(pilot)
        assert "\u202e" not in seen(pilot)


async def relisted(house: House) -> Listing:
    """A home that was withdrawn under a hostile number and is for sale again."""
    key = house.mls.feed.listing_keys("Active")[0]
    house.mls.feed.change(key, ListingId=BAIT[:20], ListPrice=611_000)
    await house.imported()
    record = house.mls.feed.record(key)
    house.mls.feed.change(key, StandardStatus="Canceled")
    new = house.mls.feed.add(**{name: record.get(name) for name in PLACE}, PublicRemarks=HOSTILE)
    stored = await house.imported()
    assert stored[new].relisted_from == stored[key].listing_id
    return stored[new]


async def test_a_home_listed_before_leads_to_that_listing_and_escape_comes_back(house: House) -> None:
    async with house.opened(listing := await relisted(house)) as pilot:
        later = detail(pilot)
        note = later.query_one(RelistedNote)
        assert f"Listed before as MLS {BAIT[:20]} (expired, $611,000)" in str(note.content)
        for size in reversed(SIZES):
            await resized(pilot, size)
            assert later.region.contains_region(note.region)
            assert "Listed before as" in words(pilot)
        await press(pilot, "b")
        await until(pilot, lambda: detail(pilot) is not later and detail(pilot).listing is not None)
        await settled(pilot)
        assert detail(pilot).listing_id == listing.relisted_from
        assert "$611,000" in words(pilot)
        assert f"MLS {listing.mls_number}" in words(pilot)
        await press(pilot, "b")
        assert "Nothing stored says that this home was listed before." in toasts(pilot)
        await press(pilot, "escape")
        assert detail(pilot) is later
        await pilot.click(RelistedNote)
        await until(pilot, lambda: detail(pilot) is not later)
        assert detail(pilot).listing_id == listing.relisted_from


async def test_deleting_the_earlier_listing_leaves_a_note_without_a_link(house: House) -> None:
    async with house.opened(await relisted(house)) as pilot:
        later = detail(pilot)
        await press(pilot, "b")
        await until(pilot, lambda: detail(pilot) is not later and detail(pilot).listing is not None)
        await pilot.press("d")
        await until(pilot, lambda: "Delete" in seen(pilot) and not isinstance(pilot.app.screen, DetailScreen))
        await pilot.press("right", "enter")
        await until(pilot, lambda: pilot.app.screen is later and "not stored any more" in words(pilot))
        await pilot.click(RelistedNote)
        await settled(pilot)
        assert detail(pilot) is later


async def test_photos_that_failed_say_why_and_come_when_they_are_fetched_again(house: House) -> None:
    key = house.mls.feed.listing_keys("Active")[0]
    broken = {1, 2}

    async def hook(request: web.Request) -> web.StreamResponse | None:
        parts = request.path.split("/")
        number = parts[-1].partition(".")[0]
        if key in parts and number.isdigit() and int(number) - 1 in broken:
            return web.Response(status=404, reason="[@click=app.quit]gone[/]", text=HOSTILE)
        return None

    house.mls.hook = hook
    listing = (await house.imported())[key]
    assert [photo.order for photo in listing.photos if not photo.stored] == [1, 2]
    async with house.opened(listing) as pilot:
        photo = detail(pilot).query_one(PhotoView)
        assert photo.picture is not None
        assert "2 missing, f fetches" in words(pilot)
        await press(pilot, "right")
        assert "Photo 2 is missing" in words(pilot)
        assert "404" in words(pilot)
        broken.discard(2)
        await press(pilot, "f")
        await until(pilot, lambda: "1 photo still missing." in toasts(pilot))
        await settled(pilot)
        assert "1 missing, f fetches" in words(pilot)
        broken.clear()
        await press(pilot, "f")
        await until(pilot, lambda: "All photos are here." in toasts(pilot))
        await settled(pilot)
        assert detail(pilot).photo_index == 1
        assert photo.picture is not None
        assert "f fetches" not in words(pilot)


async def test_captions_and_the_keys_to_the_next_photo_and_the_next_listing(house: House) -> None:
    keys = house.mls.feed.listing_keys("Active")
    for key in keys:
        house.mls.feed.caption_photo(key, 0, BAIT)
        house.mls.feed.caption_photo(key, 1, None)
    stored = await house.imported()
    first, second = (stored[key] for key in keys)
    async with house.opened(first) as pilot:
        order = detail(pilot)._neighbours
        count = len(first.photos)
        assert f"1 of {count} · {SHOWN}" in words(pilot)
        await press(pilot, "right_square_bracket")
        assert f"2 of {count}" in words(pilot)
        assert SHOWN not in words(pilot)
        await press(pilot, "left_square_bracket", "left")
        assert f"{count} of {count}" in words(pilot)
        assert detail(pilot).query_one(Gallery).chosen == count - 1
        place = order.position(first.listing_id)
        assert place is not None
        await press(pilot, "n" if place[0] == 0 else "p")
        assert detail(pilot).listing_id == second.listing_id
        assert f"1 of {len(second.photos)} · {SHOWN}" in words(pilot)
