"""The stylesheet is parsed once, and yet follows the theme."""

from __future__ import annotations

from tests.ui.shell import an_app, opened


async def test_the_rules_are_parsed_anew_for_another_theme_and_only_then() -> None:
    app = an_app()
    async with opened(app) as pilot:
        before = {id(rule) for rule in app.stylesheet.rules}
        app.refresh_css()
        assert before <= {id(rule) for rule in app.stylesheet.rules}
        dark = app.screen.styles.background
        app.theme = "mls-light"
        await pilot.pause()
        assert app.screen.styles.background != dark
        assert not before & {id(rule) for rule in app.stylesheet.rules}
