"""Every text that can be read now stands out from its ground by 4.5:1 in both of our themes (WCAG 2 AA)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rich.color import Color as RichColor
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.pilot import Pilot

from mls_tui.ui.app import MlsTuiApp
from mls_tui.ui.themes import MLS_LIGHT
from tests.ui.fakes import FrozenClock, fake_workspace
from tests.ui.shell import opened, press
from tests.ui.test_mouse_and_palette import full_actions

ENOUGH = 4.5
DRAWN = frozenset("▀▄█▌▐─━│╭╮╰╯╸╺▁▂▃▅▆▇▔▕▏▎▍▋▊▉ ")
"""Lines, bars and scrollbars carry no text."""

ROUTES = (
    ("1",),
    ("a",),
    ("escape", "p"),
    ("escape", "2"),
    ("space", "slash"),
    ("escape", "escape", "3"),
    ("4",),
    ("down", "enter"),
)


def luminance(colour: tuple[int, int, int]) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (each / 255 for each in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def texts(pilot: Pilot[None]) -> Iterator[Segment]:
    for strip in pilot.app.screen._compositor.render_strips():
        yield from (segment for segment in strip if not DRAWN.issuperset(segment.text))


def faint(pilot: Pilot[None]) -> list[tuple[str, float]]:
    """The texts that are not told from their ground, with their contrast."""
    found = []
    for text, style, _ in texts(pilot):
        if style is None or style.color is None or style.bgcolor is None:
            continue
        front, ground = style.color.triplet, style.bgcolor.triplet
        if front is not None and ground is not None and (seen := contrast(front, ground)) < ENOUGH:
            found.append((text, round(seen, 2)))
    return found


def test_contrast_is_that_of_wcag() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)


SYSTEMS = {"truecolor": ColorSystem.TRUECOLOR, "256": ColorSystem.EIGHT_BIT, "16": ColorSystem.STANDARD}
FOCUS = 3.0


def shown_as(style: Style | None, system: ColorSystem, *, back: bool) -> tuple[int, int, int]:
    """The red, green and blue that a terminal of so many colours shows; black and white for its own default."""
    colour = None if style is None else style.bgcolor if back else style.color
    if colour is None or colour.is_default:
        return (0, 0, 0) if back else (255, 255, 255)
    return tuple(colour.downgrade(system).get_truecolor())  # type: ignore[return-value]


def edges(pilot: Pilot[None], field: str, system: ColorSystem) -> list[tuple[int, int, int]]:
    """What the first cell of a field shows: its halves, as its glyph fills them."""
    at = pilot.app.screen.query_one(field).region
    strip = pilot.app.screen._compositor.render_strips()[at.y].crop(at.x, at.x + 1)
    [segment] = list(strip)
    filled = {"▌": 0.5, "▏": 0.125}[segment.text]
    return [shown_as(segment.style, system, back=filled < 0.5)]


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("theme", ["mls-dark", "mls-light", "textual-ansi"])
async def test_the_field_with_the_focus_is_told_from_the_others(theme: str, system: str) -> None:
    """WCAG 2.2, Focus Appearance: 3:1 between the cells of the edge with and without the focus."""
    app = MlsTuiApp(fake_workspace(theme=theme), full_actions(), clock=FrozenClock())
    async with opened(app, (80, 24)) as pilot:
        await press(pilot, "a")
        assert pilot.app.focused is pilot.app.screen.query_one("#field-name")
        [with_focus] = edges(pilot, "#field-name", SYSTEMS[system])
        [without] = edges(pilot, "#field-base_url", SYSTEMS[system])
        assert contrast(with_focus, without) >= FOCUS


def test_the_light_theme_is_grey_and_not_yellow_in_256_colours() -> None:
    for part in (MLS_LIGHT.background, MLS_LIGHT.surface, MLS_LIGHT.panel):
        assert part is not None
        shown = RichColor.parse(part).downgrade(ColorSystem.EIGHT_BIT).get_truecolor()
        assert max(shown) - min(shown) <= 2


@pytest.mark.parametrize("theme", ["mls-dark", "mls-light"])
async def test_every_text_of_our_themes_can_be_read(theme: str) -> None:
    app = MlsTuiApp(fake_workspace(theme=theme), full_actions(), clock=FrozenClock())
    async with opened(app, (80, 24)) as pilot:
        for keys in ROUTES:
            await press(pilot, *keys)
            assert len(list(texts(pilot))) > 10
            assert faint(pilot) == [], keys
