"""Feed text made safe to show. Everything that came from an MLS, a store or an exception passes through here before it
reaches a widget, and never as markup."""

from __future__ import annotations

import re
import unicodedata

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual.content import Content

from mls_tui.domain.errors import sentence

MAX_CHARACTERS = 20_000
"""Longer text is cut with an ellipsis; RESO's PublicRemarks ends at 4,000."""

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor movement
    r"|(?:\x1b[\]P^_X]|\x9d)[^\x07\x1b\x9c]{0,4096}?(?:\x07|\x1b\\|\x9c)"  # OSC, DCS: titles, links, clipboard
    r"|\x9b[0-?]*[ -/]*[@-~]"  # the same in C1
)
_BIDI = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C}
_INVISIBLE = {0x00AD, 0x200B, 0x2060, 0x2061, 0x2062, 0x2063, 0x2064, 0xFEFF, *range(0xFFF9, 0xFFFC)}
_TAGS = range(0xE0000, 0xE0080)
_WIDTH_SHIFTERS = re.compile("[\u200c\u200d\ufe0e\ufe0f]")
_MARKS_IN_A_ROW = 3


def clean(text: object, *, newlines: bool = True) -> str:
    """``text`` without escape sequences, control, C1, bidi and invisible characters and lone surrogates.

    An exception gives its sentence. Newlines stay unless ``newlines`` is False; tabs become spaces. Stacks of
    combining marks are cut at three, so that one cell cannot overwrite the rows around it.
    """
    raw = sentence(text) if isinstance(text, BaseException) else str(text)
    cut = raw[: MAX_CHARACTERS + 1]
    if cut.isascii() and cut.isprintable():
        return _limit(cut)
    cut = _ESCAPES.sub("", cut.replace("\r\n", "\n"))
    return _limit("".join(_characters(cut, newlines)))


def plain(text: object) -> Content:
    """Feed text or an exception as Content that is shown letter by letter, whatever it says."""
    return Content(clean(text))


def one_line(text: object, width: int) -> str:
    """``text`` on one line of at most ``width`` cells, cut with an ellipsis. Not padded."""
    flat = _WIDTH_SHIFTERS.sub("", " ".join(clean(text, newlines=False).split()))
    if width <= 0:
        return ""
    if cell_len(flat) <= width:
        return flat
    return set_cell_size(flat, width - 1).rstrip() + "…"


def cell(text: object, width: int = 200, *, style: str = "", justify: str = "left") -> Text:
    """A cell for a DataTable, which would read a ``str`` as markup. ``justify``: left, right or center."""
    return Text(one_line(text, width), style=style, justify="right" if justify == "right" else "left", no_wrap=True)


def _characters(text: str, newlines: bool) -> list[str]:
    out: list[str] = []
    marks = 0
    for character in text:
        code = ord(character)
        category = "" if character.isalnum() and code < 0x300 else unicodedata.category(character)
        if category in ("Mn", "Me"):
            marks += 1
            if marks <= _MARKS_IN_A_ROW:
                out.append(character if out and out[-1] not in "\n " else "◌" + character)
            continue
        marks = 0
        shown = _shown(character, code, category, newlines)
        if shown:
            out.append(shown)
    return out


def _shown(character: str, code: int, category: str, newlines: bool) -> str:
    if character == "\n" or category in ("Zl", "Zp"):
        return "\n" if newlines else " "
    if character in "\t\r\v\f" or code == 0x85:
        return " "
    if category == "Cc" or code in _BIDI or code in _INVISIBLE or code in _TAGS:
        return ""
    return "\ufffd" if category == "Cs" else character


def _limit(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 1] + "…"


SPARE = 64
PER_CELL = 16
"""Characters looked at for each cell: combining marks and escape sequences take none."""


def brief(text: str, width: int) -> str:
    """As ``one_line``, looking only at the beginning of the text."""
    return one_line(text[: SPARE + PER_CELL * max(0, width)], width)
