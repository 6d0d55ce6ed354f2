"""The detail screen: every fact has its place, a photo that is missing says why, and nothing a feed says can act."""

from __future__ import annotations

import json

from mls_tui.domain.clock import epoch_ms
from mls_tui.domain.listing import Listing, OpenHouse
from mls_tui.ui.app import Hooks
from mls_tui.ui.screens.detail import DetailScreen, fact_groups, headline
from mls_tui.ui.screens.listings import ListingsScreen
from mls_tui.ui.terminal import Graphics
from mls_tui.ui.widgets.photos import Gallery, PhotoView
from tests.ui.homes import a_home, a_photo
from tests.ui.listings_app import SIZES, Desk, homes, listings_desk
from tests.ui.shell import until
from tests.ui.workspaces import NOW


def detail(desk: Desk) -> DetailScreen:
    assert isinstance(desk.app.screen, DetailScreen)
    return desk.app.screen


async def test_photo_facts_and_office_are_there_at_every_size() -> None:
    async with listings_desk([a_home(1)]) as desk:
        await desk.press("enter")
        for size in SIZES:
            await desk.resize(*size)
            assert detail(desk).query_one(PhotoView).picture is not None
            assert "▀" in desk.text
            assert "listed by Lakeside Realty" in desk.text
            assert "1 of 6" in desk.text
            assert "Bedrooms" in desk.text


async def test_the_heading_has_room_for_the_mls_number_beside_a_long_office() -> None:
    home = a_home(1).model_copy(update={"list_office_name": "Keystone Cottage & Country Brokers of the North"})
    async with listings_desk([home], size=(80, 24)) as desk:
        await desk.press("enter")
        assert f"MLS {home.mls_number}" in desk.text.split("listed by Keystone")[0]


async def test_provenance_history_and_remarks_are_told() -> None:
    async with listings_desk([a_home(1)], size=(200, 60)) as desk:
        await desk.press("enter")
        for words in ("Lakeside MLS", "48001", "KEY000001", "StandardStatus", "MlsStatus", "Remarks", "Features",
                      "History", "morning sun", "Solar panels", "UTC"):  # fmt: skip
            assert words in desk.text, words


async def test_times_are_utc_as_they_say_whatever_the_local_zone(new_york: None) -> None:
    home = a_home(1).model_copy(update={"synced_at": epoch_ms(NOW)})
    async with listings_desk([home], size=(200, 60)) as desk:
        await desk.press("enter")
        assert "2026-06-01 12:00 UTC" in desk.text


def test_an_open_house_of_the_past_is_not_announced() -> None:
    days = ("2026-05-30", "2026-06-01", "2026-06-07")
    home = a_home(1).model_copy(update={"open_houses": tuple(OpenHouse(date=day) for day in days)})
    dates = next(group for group in fact_groups(home, NOW) if group.title == "Dates")
    assert [value for label, value in dates.rows if label == "Open house"] == ["2026-06-01", "2026-06-07"]


def test_a_rent_is_shown_with_its_period() -> None:
    home = a_home(1).model_copy(update={"price": 1850.0, "price_period": "monthly"})
    price = next(group for group in fact_groups(home, NOW) if group.title == "Price")
    assert ("Price", "$1,850/mo") in price.rows
    assert "$1,850/mo" in headline(home).plain


async def test_photos_turn_by_key_and_by_click_and_come_round() -> None:
    async with listings_desk([a_home(1)]) as desk:
        await desk.press("enter", "right_square_bracket", "right", "l")
        assert detail(desk).photo_index == 3
        await desk.press("left_square_bracket", "left", "h", "left")
        assert detail(desk).photo_index == 5
        await desk.pilot.click(Gallery, offset=(1, 1))
        await desk.settle()
        gallery = detail(desk).query_one(Gallery)
        assert detail(desk).photo_index == gallery.chosen == 2


async def test_a_missing_photo_says_why_and_f_fetches_it() -> None:
    home = a_home(1, photos=(a_photo("x", 0, stored=False), a_photo("x", 1)))
    async with listings_desk([home]) as desk:
        await desk.press("enter")
        assert "Photo 1 is missing" in desk.text
        assert "503 Service Unavailable" in desk.text
        assert "1 missing, f fetches" in desk.text
        desk.actions.listings[home.listing_id] = home.model_copy(update={"photos": (a_photo("x", 0), a_photo("x", 1))})
        desk.actions.photos[a_photo("x", 0).key or ""] = next(iter(desk.actions.photos.values()))
        await desk.press("f")
        assert "All photos are here" in desk.toasts
        assert detail(desk).query_one(PhotoView).picture is not None
        await desk.press("f")
        assert "No photo of this listing is missing" in desk.toasts


async def test_the_list_counts_the_photos_that_f_fetched() -> None:
    home = a_home(1, photos=(a_photo("x", 0, stored=False), a_photo("x", 1)))
    async with listings_desk([home, a_home(2)], size=(200, 60)) as desk:
        desk.table.go_to_row(await desk.actions.summaries.row_of(home.listing_id))
        assert " 1/2 " in desk.text
        await desk.press("enter")
        desk.actions.listings[home.listing_id] = home.model_copy(update={"photos": (a_photo("x", 0), a_photo("x", 1))})
        await desk.press("f", "escape")
        assert isinstance(desk.app.screen, ListingsScreen)
        await until(desk.pilot, lambda: " 1/2 " not in desk.text)
        assert desk.listing_id == home.listing_id
        assert " 2/2 " in desk.text


async def test_a_stored_photo_that_cannot_be_read_says_so() -> None:
    async with listings_desk([a_home(1)]) as desk:
        desk.actions.photos = dict.fromkeys(desk.actions.photos, b"\xff\xd8\xff not a photo")
        await desk.press("enter")
        assert "not an image that can be shown" in " ".join(desk.text.split())
        assert "cannot be shown" in desk.text
        assert "Press f" not in desk.text


async def test_a_photo_that_left_the_store_says_so() -> None:
    async with listings_desk([a_home(1)]) as desk:
        desk.actions.photos = {}
        await desk.press("enter")
        assert "not in the store" in " ".join(desk.text.split())


async def test_next_and_previous_listing_without_going_back() -> None:
    async with listings_desk(homes(3)) as desk:
        order = desk.shown_ids
        await desk.press("enter", "n")
        assert detail(desk).listing_id == order[1]
        assert "2 of 3" in desk.text
        await desk.press("n", "n")
        assert detail(desk).listing_id == order[2]
        assert "the last listing shown" in desk.toasts
        await desk.press("p", "escape")
        assert isinstance(desk.app.screen, ListingsScreen)
        assert desk.listing_id == order[1]


async def test_zoom_shows_the_photo_alone_and_escape_takes_it_back() -> None:
    async with listings_desk([a_home(1)], size=(80, 24)) as desk:
        await desk.press("enter", "z")
        assert "Bedrooms" not in desk.text
        await desk.press("escape")
        assert "Bedrooms" in desk.text


async def test_delete_from_the_detail_returns_to_the_list_and_can_be_undone() -> None:
    async with listings_desk(homes(3)) as desk:
        await desk.press("enter", "d")
        assert desk.app.focused is not None
        assert desk.app.focused.id == "cancel"
        await desk.press("right", "enter")
        assert isinstance(desk.app.screen, ListingsScreen)
        assert "2 of 2" in desk.text
        await desk.press("u")
        assert "3 of 3" in desk.text


async def test_a_listing_that_vanished_is_told_not_a_crash() -> None:
    async with listings_desk([a_home(1)]) as desk:
        desk.actions.listings = {}
        await desk.press("enter", "Y", "d")
        assert "There is no listing here any more" in desk.toasts
        assert isinstance(desk.app.screen, ListingsScreen)
        assert "No homes here yet" in desk.text


async def test_the_whole_listing_is_copied_as_json() -> None:
    async with listings_desk([a_home(1)]) as desk:
        await desk.press("enter", "Y")
        assert json.loads(desk.app.clipboard)["mlsNumber"] == "48001"


def bare_home() -> Listing:
    return Listing.model_validate(
        {"listing_id": "a-1-1", "mls_id": "1", "mls_number": "1", "mls_provider": "a", "status": "active",
         "synced_at": 0}
    )  # fmt: skip


async def test_a_home_of_which_nothing_is_known_is_shown_all_the_same() -> None:
    async with listings_desk([bare_home()]) as desk:
        await desk.press("enter")
        for size in SIZES:
            await desk.resize(*size)
            assert "Address withheld" in desk.text
            assert "No photos" in desk.text
        await desk.press("right", "z")
        assert "has no photos" in desk.toasts


async def test_every_key_of_the_screen_has_an_id_a_tooltip_and_a_group() -> None:
    for binding in DetailScreen.BINDINGS:
        assert getattr(binding, "id", None), binding
        assert getattr(binding, "tooltip", None), binding
        assert getattr(binding, "group", None), binding


async def test_photos_switched_off_leave_the_place_to_the_facts_and_read_no_bytes() -> None:
    async with listings_desk([a_home(1)], hooks=Hooks(graphics=Graphics("off"))) as desk:
        await desk.press("enter", "right", "z")
        assert "Bedrooms" in desk.text
        assert "▀" not in desk.text
        assert "switched off" in desk.toasts
        assert not any(call[0] == "get_photo" for call in desk.actions.calls)


async def test_a_terminal_that_was_left_and_taken_again_gets_its_photos_anew() -> None:
    async with listings_desk([a_home(1)]) as desk:
        await desk.press("enter")
        before = detail(desk).query_one(PhotoView).picture
        desk.app.app_resume_signal.publish(desk.app)
        await desk.settle()
        after = detail(desk).query_one(PhotoView).picture
        assert after is not None
        assert after is not before
