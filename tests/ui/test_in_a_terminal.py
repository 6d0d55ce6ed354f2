"""The program in a terminal of its own, where its environment says how it should look."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ui.listings_app import homes, listings_desk
from tests.ui.terminals import MUTE, XTERM, terminal

COLOUR = re.compile(rb"\x1b\[[0-9;:]*?\b(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[0-9;:]*m")


def test_no_color_sends_no_colour_and_says_by_glyphs_what_colours_said(tmp_path: Path) -> None:
    with terminal(MUTE, "demo", "--listings=8", home=tmp_path, NO_COLOR="1", TERM="tmux-256color") as shown:
        shown.until(lambda written: b"listings   " in written)
        shown.type(b"2")
        shown.until(lambda written: b"8 of 8" in written and "●".encode() in written)
        shown.type(b"1")
        shown.until(lambda written: "✔".encode() in written)
        shown.type(b"q")
        shown.ended()
    assert COLOUR.search(shown.written) is None
    assert shown.process.returncode == 0


def test_with_colours_they_are_sent(tmp_path: Path) -> None:
    """What is looked for above is there where it is not unwanted."""
    with terminal(MUTE, home=tmp_path, TERM="tmux-256color") as shown:
        shown.until(lambda written: b"Quit" in written)
        shown.type(b"q")
        shown.ended()
    assert COLOUR.search(shown.written) is not None


async def test_without_colours_the_cursor_is_still_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with listings_desk(homes(3)) as desk:
        await desk.press("j")
        lines = desk.app.screen._compositor.render_strips()
        top = desk.table.region.y + 1
        for index in range(3):
            styles = [segment.style for segment in lines[top + index] if segment.style]
            assert any(style.reverse for style in styles) == (index == 1)
            assert not {style.color.name for style in styles if style.color} - {"default"}


def test_nothing_moves_by_itself_where_that_is_not_wanted() -> None:
    """Textual decides when it is loaded; none of our code asks for an animation of its own."""
    ask = "from mls_tui.ui.app import MlsTuiApp; from tests.ui.shell import an_app; print(an_app().animation_level)"
    env = {"PATH": "/usr/bin:/bin", "TEXTUAL_ANIMATIONS": "none"}
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", ask], cwd=root, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "none"
    sources = [path for folder in ("screens", "widgets") for path in (root / "mls_tui" / folder).glob("*.py")]
    assert [path.name for path in sources if re.search(r"\.animate\(|animate=True", path.read_text("utf-8"))] == []


@pytest.mark.parametrize(
    ("background", "shown_as"), [(b"ffff/ffff/ffff", b"48;2;250;250;250"), (b"0/0/0", b"48;2;18;22;28")]
)
def test_the_first_start_chooses_the_theme_that_suits_the_terminal(
    tmp_path: Path, background: bytes, shown_as: bytes
) -> None:
    answers = {b"\x1b]11;?": b"\x1b]11;rgb:" + background + b"\x1b\\", **XTERM}
    with terminal(answers, home=tmp_path, COLORTERM="truecolor") as shown:
        shown.until(lambda written: b"Quit" in written)
        shown.type(b"q")
        shown.ended()
    assert shown_as in shown.written
