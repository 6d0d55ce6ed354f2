"""The preview shows every row of a dry run, however many, and imports exactly what is marked."""

from __future__ import annotations

from textual.events import MouseScrollDown

from mls_tui.actions import Difference, Preview, PreviewRow
from mls_tui.ui.screens.preview import PreviewScreen
from mls_tui.ui.widgets.tables import LineTable
from tests.ui.fakes import FakeActions, a_view
from tests.ui.shell import HOSTILE, SIZES, an_app, opened, press, resized, seen, text_of

MANY = 20_000


def rows(count: int) -> tuple[PreviewRow, ...]:
    """Every third unchanged, every tenth changed, the others new."""

    def row(number: int) -> PreviewRow:
        change = "unchanged" if number % 3 == 0 else "changed" if number % 10 == 1 else "new"
        found = (Difference("price", 500_000 + number, 490_000),) if change == "changed" else ()
        return PreviewRow(f"MLS{number}", f"k{number}", change, f"{number} Oak St", 490_000, 2, found)

    return tuple(row(number) for number in range(count))


async def test_twenty_thousand_rows_are_all_there_to_the_last() -> None:
    actions = FakeActions(connections=[a_view()])
    actions.preview = Preview(rows(MANY))
    async with opened(an_app(actions)) as pilot:
        await press(pilot, "p")
        table = pilot.app.screen.query_one(LineTable)
        assert table.virtual_size.height == MANY + 1
        await press(pilot, "G")
        assert f"MLS{MANY - 1}" in seen(pilot)
        assert "13,333 listings marked" in seen(pilot)
        await press(pilot, "space", "k", "k", "pageup", "pagedown", "j")
        assert "13,332 listings marked" in seen(pilot)
        await press(pilot, "i")
        call = next(call for call in actions.calls if call[0] == "import_events")
        assert len(call[2].keys) == 13_332  # type: ignore[attr-defined]
        assert f"k{MANY - 1}" not in call[2].keys  # type: ignore[attr-defined]


async def test_one_kind_is_shown_with_its_differences_field_by_field_and_marked_alone() -> None:
    actions = FakeActions(connections=[a_view()])
    actions.preview = Preview(rows(40))
    async with opened(an_app(actions)) as pilot:
        await press(pilot, "p", "slash", "slash", "home")
        assert "MLS1 " in seen(pilot)
        assert "MLS2 " not in seen(pilot)
        assert "500,001 → 490,000" in text_of(pilot, "#preview-fields")
        await press(pilot, "asterisk")
        assert "23 listings marked" in seen(pilot)
        await press(pilot, "j")
        assert "500,011 → 490,000" in text_of(pilot, "#preview-fields")


async def test_a_click_goes_to_a_row_and_another_takes_its_mark_and_the_wheel_scrolls() -> None:
    actions = FakeActions(connections=[a_view()])
    actions.preview = Preview(rows(100))
    async with opened(an_app(actions)) as pilot:
        await press(pilot, "p")
        table = pilot.app.screen.query_one(LineTable)
        await pilot.click(LineTable, offset=(20, 3))
        assert table.row == 2
        assert "66 listings marked" in seen(pilot)
        await pilot.click(LineTable, offset=(20, 3))
        assert "65 listings marked" in seen(pilot)
        await pilot._post_mouse_events([MouseScrollDown], LineTable, offset=(5, 5))
        assert table.scroll_offset.y > 0


async def test_hostile_text_is_shown_letter_by_letter_at_every_size() -> None:
    actions = FakeActions(connections=[a_view()])
    actions.preview = Preview(
        tuple(PreviewRow(t, t, "changed", t, differences=(Difference(t or "x", t, t),)) for t in HOSTILE)
    )
    async with opened(an_app(actions), SIZES[0]) as pilot:
        await press(pilot, "p", *["j"] * len(HOSTILE))
        for size in SIZES:
            await resized(pilot, size)
            await press(pilot, "home")
            shown = seen(pilot)
            assert "100% [sold" in shown
            assert not {letter for letter in shown if ord(letter) < 32 and letter != "\n"}
            assert isinstance(pilot.app.screen, PreviewScreen)
