"""What is written in our themes can be read: 4.5:1, as WCAG 2.2 (1.4.3) asks of text."""

from __future__ import annotations

import re

import pytest
from textual.color import Color
from textual.theme import Theme

from mls_tui.ui.resources import styles_path
from mls_tui.ui.themes import OUR_THEMES
from mls_tui.ui.widgets.filter_bar import STATUS_COLOURS

LEAST = 4.5
NOT_TEXT = "flights--empty"
"""The empty part of a bar."""


def shares() -> set[int]:
    """The percentages of the foreground in which the sheet writes text."""
    rules = [line for line in styles_path().read_text(encoding="utf-8").splitlines() if NOT_TEXT not in line]
    found = re.findall(r"(?<![\w-])color: \$foreground (\d+)%", "\n".join(rules))
    found += re.findall(r"foreground (\d+)%", STATUS_COLOURS["expired"])
    assert found
    return {int(each) for each in found}


def contrast(ink: Color, ground: Color) -> float:
    """WCAG 2.2's contrast ratio, from 1 to 21."""

    def light(color: Color) -> float:
        parts = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color.normalized)
        return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))

    darker, lighter = sorted((light(ink), light(ground)))
    return (lighter + 0.05) / (darker + 0.05)


def grounds(theme: Theme) -> list[Color]:
    return [Color.parse(each) for each in (theme.background, theme.surface) if each]


@pytest.mark.parametrize("theme", OUR_THEMES, ids=lambda theme: theme.name)
def test_text_in_a_share_of_the_foreground_can_be_read(theme: Theme) -> None:
    for share in shares():
        for ground in grounds(theme):
            ink = ground.blend(Color.parse(theme.foreground or ""), share / 100)
            assert contrast(ink, ground) >= LEAST, (share, ground.hex)


@pytest.mark.parametrize("theme", OUR_THEMES, ids=lambda theme: theme.name)
def test_the_colours_of_states_and_links_can_be_read(theme: Theme) -> None:
    for name in ("primary", "secondary", "accent", "success", "warning", "error"):
        ink = Color.parse(getattr(theme, name))
        assert contrast(ink, Color.parse(theme.background or "")) >= LEAST, name
