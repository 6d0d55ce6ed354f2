"""A feed that attacks the screen: shown letter by letter on the table, the detail, the dialogs and the toasts, at three
sizes, and nothing of it acts."""

from __future__ import annotations

from mls_tui.ui.screens.detail import DetailScreen
from mls_tui.ui.screens.listings import ListingsScreen
from tests.ui.homes import a_home, hostile_home
from tests.ui.listings_app import SIZES, listings_desk
from tests.ui.shell import harmless


async def test_hostile_text_is_shown_letter_by_letter_everywhere_at_every_size() -> None:
    attack = hostile_home().model_copy(update={"list_date": "2999-01-01"})
    async with listings_desk([attack, a_home(1)]) as desk:
        for size in SIZES:
            await desk.resize(*size)
            assert "[/] [@" in desk.text
            assert harmless(desk.text)
            await desk.press("asterisk", "d")
            assert "[/] [@click" in desk.text
            assert harmless(desk.text)
            await desk.press("escape", "asterisk", "y", "Y", "s", "S", "g")
            desk.table.go_to_row(await desk.actions.summaries.row_of(attack.listing_id))
            await desk.press("enter", "right", "Y", "f", "left")
            assert "[/] [@click=app.quit]quit[/]" in desk.text
            assert harmless(desk.text)
            await desk.pilot.click("#detail-head", offset=(8, 0))
            assert isinstance(desk.app.screen, DetailScreen)
            await desk.press("escape")
            assert isinstance(desk.app.screen, ListingsScreen)
            assert desk.app.is_running
