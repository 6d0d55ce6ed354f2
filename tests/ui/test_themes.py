"""Themes that leave the colours to the terminal name them; every screen shows them all the same."""

from __future__ import annotations

import pytest

from mls_tui.actions import Preview, PreviewRow
from mls_tui.ui.app import MlsTuiApp
from tests.ui.fakes import FrozenClock, fake_workspace
from tests.ui.shell import opened, press
from tests.ui.test_contrast import ROUTES, texts
from tests.ui.test_mouse_and_palette import full_actions


@pytest.mark.parametrize("theme", ["ansi-dark", "ansi-light"])
async def test_every_screen_is_drawn_in_the_terminals_own_colours(theme: str) -> None:
    actions = full_actions()
    actions.preview = Preview((PreviewRow("44", "k", "new"), PreviewRow("45", "l", "gone")))
    app = MlsTuiApp(fake_workspace(theme=theme), actions, clock=FrozenClock())
    coloured: set[str] = set()
    async with opened(app) as pilot:
        for keys in ROUTES:
            await press(pilot, *keys)
            shown = list(texts(pilot))
            assert len(shown) > 10, keys
            coloured |= {text.strip() for text, look, _ in shown if look and look.color and not look.color.is_default}
    assert app.theme == theme
    assert {"− gone", "● Active"} <= coloured  # the preview's and the listings' signs
