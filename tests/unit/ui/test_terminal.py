"""What a terminal's answers allow is what is drawn; a program without a terminal asks nobody."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mls_tui.ui.terminal import GUESSED_CELL, Graphics, TerminalProbe, kind_told, light_background

OK = b"\x1b_Gi=31;OK\x1b\\"
REFUSED = b"\x1b_Gi=31;EINVAL:no\x1b\\"
DA1_SIXEL = b"\x1b[?62;4;22c"
DA1_PLAIN = b"\x1b[?62;22c"


def named(name: bytes) -> bytes:
    return b"\x1bP>|" + name + b"\x1b\\"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (named(b"kitty(0.42.1)") + OK + DA1_PLAIN, "kitty"),
        (named(b"ghostty 1.2.0") + OK + DA1_PLAIN, "kitty"),
        (OK + DA1_PLAIN, "kitty"),
        (named(b"kitty(0.42.1)") + REFUSED + DA1_PLAIN, "blocks"),
        (named(b"WezTerm 20240203") + OK + DA1_SIXEL, "sixel"),
        (named(b"Konsole 24.12.3") + OK + DA1_PLAIN, "blocks"),
        (named(b"foot(1.20.2)") + DA1_SIXEL, "sixel"),
        (named(b"tmux 3.5") + OK + DA1_SIXEL, "blocks"),
        (named(b"XTerm(390)") + DA1_PLAIN, "blocks"),
        (b"\x1b[?4;6c", "blocks"),  # a VT132: its first number is what it is, not what it can
        (b"2\x1b[A[/]\xff\x1bP>|", "blocks"),
        (b"", "blocks"),
    ],
)
def test_a_terminal_gets_the_best_it_can_show(said: bytes, kind: str) -> None:
    assert kind_told(said, {"TERM": "xterm-256color"}, sized=True) == kind


def test_no_sixels_where_the_size_of_a_character_is_not_known() -> None:
    assert kind_told(named(b"foot(1.20.2)") + DA1_SIXEL, {}, sized=False) == "blocks"


@pytest.mark.parametrize("wanted", ["kitty", "sixel", "blocks", "off"])
def test_the_users_word_holds_whatever_the_terminal_is(wanted: str) -> None:
    with TerminalProbe(wanted, {"TERM": "dumb"}) as question:
        assert question.answer().kind == wanted


def test_without_a_terminal_nothing_is_asked_and_half_blocks_are_drawn() -> None:
    program = "from mls_tui.ui.terminal import TerminalProbe\nwith TerminalProbe('auto') as q: print(q.answer().kind)\n"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, input=b"2")
    assert (done.stdout, done.stderr) == (b"blocks\n", b"")


def test_a_character_has_a_size_even_where_nobody_tells_it() -> None:
    assert Graphics("kitty", (7, 15)).cell[1] > 0
    assert min(Graphics("sixel").cell) > 0
    assert min(GUESSED_CELL) > 0


@pytest.mark.parametrize(
    ("said", "environ", "light"),
    [
        (b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?62c", {}, True),
        (b"\x1b]11;rgb:fdf6/e3e3/0000\x07", {}, True),
        (b"\x1b]11;rgb:1e/1e/1e\x1b\\", {"COLORFGBG": "0;15"}, False),
        (b"", {"COLORFGBG": "0;15"}, True),
        (b"", {"COLORFGBG": "15;0"}, False),
        (b"\x1b[?62c", {}, False),
    ],
)
def test_a_light_background_is_known_by_the_answer_or_by_colorfgbg(
    said: bytes, environ: dict[str, str], light: bool
) -> None:
    assert light_background(said, environ) is light
