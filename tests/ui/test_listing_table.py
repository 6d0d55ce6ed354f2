"""The listings table by itself: keys, mouse, marks, sorting and cells that never spill."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from tests.ui.homes import a_home, hostile_home
from tests.ui.listings_app import SIZES, homes, listings_desk


async def test_vim_keys_and_arrows_move_and_stop_at_the_ends() -> None:
    async with listings_desk(homes(100)) as desk:
        table = desk.table
        await desk.press("k")
        assert table.index == 0
        await desk.press("j", "down", "j")
        assert table.index == 3
        await desk.press("G")
        assert table.index == 99
        assert table.scroll_offset.y == 100 - table.page
        await desk.press("j", "g")
        assert (table.index, table.scroll_offset.y) == (0, 0)
        await desk.press("ctrl+d")
        assert table.index == table.page // 2
        await desk.press("pagedown", "ctrl+u", "end", "home")
        assert table.index == 0


async def test_the_cursor_is_always_on_screen() -> None:
    async with listings_desk(homes(100), size=(80, 24)) as desk:
        for key in ("G", "pageup", "ctrl+u", "k", "G", "ctrl+d", "home", "pagedown"):
            await desk.press(key)
            index, top = desk.table.index, desk.table.scroll_offset.y
            assert top <= index < top + desk.table.page


async def test_sort_key_walks_the_columns_and_turns_round() -> None:
    stored = homes(50)
    async with listings_desk(stored) as desk:
        await desk.press("l", "s")
        prices = [home.price for home in sorted(stored, key=lambda home: -(home.price or 0))]
        shown = [desk.actions.listings[each].price for each in desk.shown_ids]
        assert shown == prices
        assert "Price▼" in desk.text
        await desk.press("S")
        assert "Price▲" in desk.text
        await desk.press("s")
        assert desk.table.sort_key == "beds"


async def test_a_click_on_a_header_sorts_and_a_second_one_turns_round() -> None:
    async with listings_desk(homes(30)) as desk:
        price = next(placed for placed in desk.table.placed if placed.column.key == "price")
        await desk.pilot.click("#listings-table", offset=(price.x + 3, 0))
        await desk.settle()
        assert (desk.table.sort_key, desk.table.descending) == ("price", True)
        await desk.pilot.click("#listings-table", offset=(price.x + 3, 0))
        await desk.settle()
        assert desk.table.descending is False


async def test_the_mouse_selects_marks_and_opens() -> None:
    async with listings_desk(homes(30)) as desk:
        await desk.pilot.click("#listings-table", offset=(20, 4))
        await desk.settle()
        assert desk.table.index == 3
        await desk.pilot.click("#listings-table", offset=(0, 5))
        await desk.settle()
        assert desk.marked_ids == [desk.shown_ids[4]]
        await desk.pilot.click("#listings-table", offset=(20, 7), shift=True)
        await desk.settle()
        assert len(desk.marked_ids) == 3
        await desk.pilot.click("#listings-table", offset=(20, 8), times=2)
        await desk.settle()
        assert type(desk.app.screen).__name__ == "DetailScreen"


async def test_hover_lights_a_row_and_leaves_it() -> None:
    async with listings_desk(homes(10)) as desk:
        await desk.pilot.hover("#listings-table", offset=(20, 3))
        await desk.settle()
        assert desk.table.hovered == 2
        await desk.pilot.hover("#status-tabs")
        await desk.settle()
        assert desk.table.hovered == -1


async def test_marks_survive_sorting_and_filtering() -> None:
    async with listings_desk(homes(40)) as desk:
        await desk.press("space", "j", "space", "shift+down")
        marked = set(desk.marked_ids)
        assert len(marked) == 4
        await desk.press("s", "slash")
        await desk.type("austin")
        await desk.press("enter")
        assert set(desk.marked_ids) == marked
        assert "4 marked" in desk.text
        await desk.press("escape", "escape")
        assert desk.marked_ids == []


async def test_star_marks_only_what_is_shown() -> None:
    async with listings_desk(homes(40)) as desk:
        await desk.press("right_square_bracket", "asterisk")
        assert desk.marked_ids == desk.shown_ids
        assert len(desk.marked_ids) < 40


async def test_the_cursor_stays_on_its_home_when_the_order_changes() -> None:
    async with listings_desk(homes(60)) as desk:
        await desk.press("j", "j", "j")
        here = desk.listing_id
        await desk.press("s")
        assert desk.listing_id == here


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "street", ["東京都渋谷区神南一丁目", "🏡🏡🏡 👨‍👩‍👧 Oak", "e\u0301\u0302\u0303\u0304 ñ", "x" * 500]
)
async def test_wide_characters_never_shift_a_line(size: tuple[int, int], street: str) -> None:
    home = a_home(1)
    odd = home.model_copy(update={"address": home.address.model_copy(update={"street": street, "city": street})})
    async with listings_desk([odd, hostile_home(), a_home(2)], size=size) as desk:
        width = desk.table.scrollable_content_region.width
        for line in range(4):
            strip = desk.table.render_line(line)
            assert strip.cell_length == width
            assert sum(cell_len(segment.text) for segment in strip) == width


async def test_every_key_of_the_screen_has_an_id_a_tooltip_and_a_group() -> None:
    async with listings_desk(homes(2)) as desk:
        for node in (desk.screen, desk.table, desk.screen.bar.query_one("FilterInput")):
            for binding in type(node).__dict__["BINDINGS"]:
                assert binding.id, binding
                assert binding.tooltip, binding
                assert binding.group, binding
