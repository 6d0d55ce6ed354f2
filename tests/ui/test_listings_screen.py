"""The listings screen as a user meets it: counts that add up, filters that explain themselves, deletion that asks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mls_tui.ui.screens.dialogs import ConfirmDialog, ExportDialog, FailuresDialog
from mls_tui.ui.widgets.listing_table import COLUMNS
from tests.ui.fakes import a_connection, a_view
from tests.ui.homes import a_home
from tests.ui.listings_app import SIZES, homes, listings_desk
from tests.ui.shell import until


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
        before = desk.shown_ids
        await desk.type("x")
        assert "cannot be read" in desk.text
        assert desk.shown_ids == before


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
        assert set(desk.shown_ids) == {home.listing_id for home in active}
        await desk.press("left_square_bracket")
        assert "90 of 90" in desk.text


async def test_delete_starts_on_cancel_and_names_what_goes() -> None:
    async with listings_desk(homes(20)) as desk:
        await desk.press("d")
        assert isinstance(desk.app.screen, ConfirmDialog)
        assert desk.app.focused is not None
        assert desk.app.focused.id == "cancel"
        assert "1 listing and" in desk.text
        assert "photos will be deleted from SQLite file" in " ".join(desk.text.replace("│", "").split())
        await desk.press("enter")
        assert "20 of 20" in desk.text
        assert not any(call[0] == "delete_listings" for call in desk.actions.calls)


async def test_delete_and_undo_bring_back_the_same_listing() -> None:
    async with listings_desk(homes(20)) as desk:
        deleted = desk.listing_id
        await desk.press("d", "right", "enter")
        assert "19 of 19" in desk.text
        assert "u brings them back" in desk.toasts
        assert deleted not in desk.shown_ids
        await desk.press("u")
        assert "20 of 20" in desk.text
        assert deleted in desk.shown_ids
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
        ids = desk.shown_ids
        desk.actions.cannot_delete = {ids[1]: "Access denied: the role may not delete objects."}
        await desk.press("space", "space", "d", "right", "enter")
        assert isinstance(desk.app.screen, FailuresDialog)
        assert "Deleted 1 of 2 listings" in desk.text
        assert "Access denied" in desk.text
        await desk.press("escape")
        await desk.settle()
        assert desk.marked_ids == [ids[1]]
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
        assert json.loads(desk.app.clipboard)["listingId"] == desk.listing_id


async def test_export_takes_what_is_filtered_in_the_order_shown() -> None:
    async with listings_desk(homes(40)) as desk:
        await desk.press("right_square_bracket")
        shown = desk.shown_ids
        await desk.press("e")
        assert isinstance(desk.app.screen, ExportDialog)
        assert f"Export {len(shown)} listings, filtered from 40" in desk.text
        await desk.press("enter")
        call = next(call for call in desk.actions.calls if call[0] == "export_listings")
        assert call[1:] == (tuple(shown), "listings.csv", "csv", False)


async def test_a_store_that_fails_is_told_in_place_of_the_rows() -> None:
    async with listings_desk([]) as desk:
        desk.actions.summaries.error = "The disk is on fire."
        await desk.press("r")
        assert "The listings could not be read" in desk.text
        assert "disk is on fire" in desk.text


async def test_what_is_written_meanwhile_comes_in_without_losing_cursor_and_marks() -> None:
    stored = homes(30)
    async with listings_desk(stored[:20]) as desk:
        await desk.press("j", "j", "space")
        here, marked = desk.listing_id, desk.marked_ids
        desk.actions.listings = {home.listing_id: home for home in stored}
        await until(desk.pilot, lambda: "30 of 30" in desk.text)
        assert (desk.listing_id, desk.marked_ids) == (here, marked)


async def test_what_was_deleted_meanwhile_leaves_no_ghost_and_no_mark() -> None:
    stored = homes(20)
    async with listings_desk(stored) as desk:
        await desk.press("space", "space", "space")
        (gone, *kept) = desk.marked_ids
        del desk.actions.listings[gone]
        await until(desk.pilot, lambda: "19 of 19" in desk.text)
        assert desk.marked_ids == kept
        assert "2 marked" in desk.text


async def test_a_look_at_the_store_that_fails_keeps_the_rows_that_are_shown() -> None:
    async with listings_desk(homes(3)) as desk:
        desk.actions.summaries.error = "The table is throttled."
        await desk.press("s", "s")
        assert "3 of 3" in desk.text
        assert desk.toasts.count("The table is throttled.") == 1
        desk.actions.summaries.error = None
        await desk.press("s")
        assert "3 of 3" in desk.text


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
async def test_the_column_sorted_by_is_always_shown_and_hidden_ones_are_counted(width: int) -> None:
    async with listings_desk(homes(5), size=(width, 24)) as desk:
        for key in COLUMNS:
            desk.table.post_message(desk.table.SortChosen(key.key, True))
            await desk.settle()
            shown = {placed.column.key for placed in desk.table.placed}
            assert key.key in shown
            header = desk.table.render_line(0).text
            assert "▼" in header or key.key == "status"
            hidden = len(COLUMNS) - len(shown)
            assert header.rstrip().endswith(f"+{hidden}") is bool(hidden)


@pytest.mark.parametrize("width", range(1, 12))
async def test_no_width_ends_the_program(width: int) -> None:
    async with listings_desk(homes(5)) as desk:
        for height in (24, 3, 1):
            await desk.resize(width, height)
            await desk.press("j", "l", "s", "S", "h", "space", "G", "g")
        await desk.resize(120, 36)
        assert "5 of 5" in desk.text


async def test_short_type_and_number_are_shown_at_120_columns_and_rents_with_their_period() -> None:
    home = a_home(1, property_type="Residential Lease", property_sub_type="Single Family Residence", price=1850)
    async with listings_desk([home]) as desk:
        desk.actions.listings[home.listing_id] = home.model_copy(update={"price_period": "Monthly"})
        await until(desk.pilot, lambda: "$1,850/mo" in desk.text)
        assert "Single" in desk.text
        assert "48001" in desk.text


async def test_undo_moves_the_cursor_to_what_came_back() -> None:
    async with listings_desk(homes(30)) as desk:
        await desk.press("j", "j", "j", "j", "j")
        gone = desk.listing_id
        await desk.press("d", "right", "enter", "g")
        assert desk.listing_id != gone
        await desk.press("u")
        assert desk.listing_id == gone


async def test_from_finds_the_listings_of_a_connection_by_its_name() -> None:
    mine = [home.model_copy(update={"connection_id": "c7"}) for home in homes(4)]
    async with listings_desk([*mine, *homes(9)[4:]]) as desk:
        desk.actions.connections["c7"] = a_view(a_connection("Hill Country", connection_id="c7"))
        await desk.press("r", "slash")
        await desk.type("from:hill")
        assert "4 of 9" in desk.text
        await desk.press("escape", "slash")
        await desk.type("from:lakeside")
        assert "9 of 9" in desk.text


async def test_export_takes_what_is_marked_and_says_where_to() -> None:
    async with listings_desk(homes(40)) as desk:
        await desk.press("space", "j", "space")
        marked = desk.marked_ids
        await desk.press("e")
        assert "Export 2 listings, marked" in desk.text
        assert str(Path.cwd())[:40] in desk.text
        await desk.press("enter")
        call = next(call for call in desk.actions.calls if call[0] == "export_listings")
        assert call[1:] == (tuple(marked), "listings.csv", "csv", False)
