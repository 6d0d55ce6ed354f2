"""The listings screen as a user meets it: counts that add up, filters that explain themselves, deletion that asks."""

from __future__ import annotations

import json

import pytest

from mls_tui.domain.events import ListingStored
from mls_tui.domain.listing import Listing
from mls_tui.ui.screens.dialogs import ConfirmDialog, ExportDialog, FailuresDialog
from tests.ui.fakes import NOW
from tests.ui.listings_app import SIZES, homes, listings_desk


@pytest.mark.parametrize("size", SIZES)
async def test_all_stored_homes_are_counted_at_every_size(size: tuple[int, int]) -> None:
    async with listings_desk(homes(120), size=size) as desk:
        assert "120 of 120" in desk.text
        assert "Address" in desk.text
        assert desk.table.page > 5


async def test_an_empty_store_says_what_to_do() -> None:
    async with listings_desk([]) as desk:
        assert "No homes here yet" in desk.text
        assert "demo" in desk.text
        await desk.press("d", "y", "e")
        assert "There is nothing to export" in desk.toasts


async def test_filter_narrows_as_one_types_and_escape_clears_it() -> None:
    stored = homes(120)
    austin = sum(1 for home in stored if home.address.city == "Austin")
    async with listings_desk(stored) as desk:
        await desk.press("slash")
        await desk.type("city:austin")
        assert f"{austin} of 120" in desk.text
        await desk.press("escape")
        assert "120 of 120" in desk.text
        assert desk.table.has_focus


async def test_an_unreadable_filter_explains_itself_and_keeps_the_last_rows() -> None:
    async with listings_desk(homes(60)) as desk:
        await desk.press("slash")
        await desk.type("beds:>=3")
        before = desk.screen.pane.shown_ids
        await desk.type("x")
        assert "cannot be read" in desk.text
        assert desk.screen.pane.shown_ids == before


async def test_a_filter_that_leaves_nothing_says_how_to_get_back() -> None:
    async with listings_desk(homes(30)) as desk:
        await desk.press("slash")
        await desk.type("zzzz")
        assert "0 of 30" in desk.text
        assert "escape to clear it" in desk.text


async def test_status_tabs_count_what_the_filter_leaves() -> None:
    stored = homes(90)
    active = [home for home in stored if home.status == "active"]
    async with listings_desk(stored) as desk:
        await desk.press("right_square_bracket")
        assert f"{len(active)} of 90" in desk.text
        assert set(desk.screen.pane.shown_ids) == {home.listing_id for home in active}
        await desk.press("left_square_bracket")
        assert "90 of 90" in desk.text


async def test_delete_starts_on_cancel_and_names_what_goes() -> None:
    async with listings_desk(homes(20)) as desk:
        await desk.press("d")
        assert isinstance(desk.app.screen, ConfirmDialog)
        assert desk.app.focused is not None
        assert desk.app.focused.id == "cancel"
        assert "1 row and" in desk.text
        assert "photos will go from SQLite file" in " ".join(desk.text.replace("│", "").split())
        await desk.press("enter")
        assert "20 of 20" in desk.text
        assert not any(call[0] == "delete_listings" for call in desk.actions.calls)


async def test_delete_and_undo_bring_back_the_same_listing() -> None:
    async with listings_desk(homes(20)) as desk:
        doomed = desk.table.listing_id
        await desk.press("d", "right", "enter")
        assert "19 of 19" in desk.text
        assert "u brings them back" in desk.toasts
        assert doomed not in desk.screen.pane.shown_ids
        await desk.press("u")
        assert "20 of 20" in desk.text
        assert doomed in desk.screen.pane.shown_ids
        await desk.press("u")
        assert "Nothing was deleted" in desk.toasts


async def test_more_than_ten_must_be_typed() -> None:
    async with listings_desk(homes(15)) as desk:
        await desk.press("asterisk", "d")
        act = desk.app.screen.query_one("#act")
        assert act.disabled
        desk.app.screen.query_one("#typed").focus()
        await desk.type("15")
        assert not act.disabled
        await desk.press("enter", "enter")
        assert "0 of 0" in desk.text


async def test_what_could_not_be_deleted_is_told_one_by_one() -> None:
    async with listings_desk(homes(5)) as desk:
        ids = desk.screen.pane.shown_ids
        desk.actions.cannot_delete = {ids[1]: "Access denied: the role may not delete objects."}
        await desk.press("space", "space", "d", "right", "enter")
        assert isinstance(desk.app.screen, FailuresDialog)
        assert "Deleted 1 of 2 listings" in desk.text
        assert "Access denied" in desk.text
        await desk.press("escape")
        await desk.settle()
        assert desk.table.marked_ids == [ids[1]]
        assert "4 of 4" in desk.text


async def test_read_only_refuses_to_delete_and_says_so() -> None:
    async with listings_desk(homes(3), read_only=True) as desk:
        await desk.press("d")
        assert not isinstance(desk.app.screen, ConfirmDialog)
        assert "read-only" in desk.toasts


async def test_copying_gives_the_cell_and_the_whole_listing_as_json() -> None:
    async with listings_desk(homes(3)) as desk:
        await desk.press("l", "y")
        assert desk.app.clipboard.startswith("$")
        await desk.press("Y")
        assert json.loads(desk.app.clipboard)["listingId"] == desk.table.listing_id


async def test_export_takes_what_is_filtered_in_the_order_shown() -> None:
    async with listings_desk(homes(40)) as desk:
        await desk.press("right_square_bracket")
        shown = desk.screen.pane.shown_ids
        await desk.press("e")
        assert isinstance(desk.app.screen, ExportDialog)
        assert f"Export {len(shown)} listings, filtered from 40" in desk.text
        await desk.press("enter")
        call = next(call for call in desk.actions.calls if call[0] == "export_listings")
        assert call[1:] == (tuple(shown), "listings.csv", "csv", False)


async def test_a_store_that_fails_is_told_in_place_of_the_rows() -> None:
    async with listings_desk([]) as desk:

        async def broken(_workspace: object) -> object:
            raise OSError("disk on fire")
            yield []

        desk.actions.stream_listings = broken  # type: ignore[method-assign,assignment]
        await desk.press("r")
        assert "The listings could not be read" in desk.text
        assert "disk on fire" in desk.text


async def test_rows_of_an_import_come_in_without_losing_cursor_and_marks() -> None:
    stored = homes(30)
    async with listings_desk(stored[:20]) as desk:
        await desk.press("j", "j", "space")
        here, marked = desk.table.listing_id, desk.table.marked_ids
        desk.actions.listings = {home.listing_id: home for home in stored}
        desk.app.import_events.publish(tuple(imported(home) for home in stored[20:]))
        await desk.settle()
        assert "30 of 30" in desk.text
        assert (desk.table.listing_id, desk.table.marked_ids) == (here, marked)
        assert [call[0] for call in desk.actions.calls].count("get_listings") == 1


async def test_rows_of_an_import_that_cannot_be_read_are_told_once_and_come_later() -> None:
    stored = homes(3)
    async with listings_desk(stored[:2]) as desk:
        desk.actions.listings = {home.listing_id: home for home in stored}
        desk.actions.errors["get_listings"] = "The table is throttled."
        for _ in range(3):
            desk.app.import_events.publish((imported(stored[2]),))
            await desk.settle()
        assert "2 of 2" in desk.text
        assert desk.toasts.count("The table is throttled.") == 1
        desk.actions.errors.clear()
        desk.app.import_events.publish((imported(stored[0]),))
        await desk.settle()
        assert "3 of 3" in desk.text


def imported(home: Listing) -> ListingStored:
    return ListingStored(
        at=NOW, run="r", mls_number=home.mls_number, listing_key=home.mls_id, outcome="created",
        listing_id=home.listing_id,
    )  # fmt: skip


async def test_an_order_whose_column_does_not_fit_is_named() -> None:
    listed = "by Listed ▼"
    async with listings_desk(homes(5), size=(80, 24)) as desk:
        assert listed in desk.text
        await desk.pilot.resize_terminal(120, 36)
        await desk.settle()
        assert listed not in desk.text
