"""The pictures in the README are the screens of today, and reach for nothing outside."""

from __future__ import annotations

import json

import pytest

from tests.ui.screenshots import FOLDER, PAINTED, STAGES, VERSIONS, drawn, versions


def other_version(name: str) -> str | None:
    """Which of the packages that decide the picture is another one than when it was drawn."""
    recorded, now = json.loads(VERSIONS.read_text(encoding="utf-8")), versions()
    deciding = ("textual", "rich", "pillow") if name in PAINTED else ("textual", "rich")
    return next((f"{each} {now[each]}, not {recorded[each]}" for each in deciding if now[each] != recorded[each]), None)


@pytest.mark.parametrize("name", STAGES)
async def test_the_screenshot_shows_the_screen_of_today(name: str) -> None:
    if other := other_version(name):
        pytest.skip(f"drawn with {other}")
    kept = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    assert await drawn(name) == kept, (
        f"`python -m tests.ui.screenshots {name}` draws it anew: look at it, and commit it"
    )


@pytest.mark.parametrize("name", STAGES)
def test_no_screenshot_reaches_for_a_font_or_a_host(name: str) -> None:
    svg = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    assert "@font-face" not in svg
    assert "url(http" not in svg.replace('"', "")
    assert "xlink:href" not in svg
