"""Feed text becomes plain content: nothing in it is markup, nothing reaches the terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mls_tui.domain.errors import StorageError
from mls_tui.ui.text import MAX_CHARACTERS, cell, clean, one_line, plain
from tests.ui.shell import HOSTILE

ANY_TEXT = st.text(st.characters(), max_size=80)


@pytest.mark.promise("hostile text")
@given(ANY_TEXT)
def test_no_control_bidi_or_lone_surrogate_survives(text: str) -> None:
    for character in clean(text):
        assert character == "\n" or unicodedata.category(character) not in ("Cc", "Cs")
        assert ord(character) not in {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F}


@given(ANY_TEXT, st.integers(0, 40))
def test_one_line_never_exceeds_its_width(text: str, width: int) -> None:
    shown = one_line(text, width)
    assert cell_len(shown) <= width
    assert "\n" not in shown


@given(ANY_TEXT)
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@pytest.mark.promise("hostile text")
@pytest.mark.parametrize("text", ["[/]", "[@click=app.quit]x[/]", "100% [sold]", "[bold red]"])
def test_markup_is_shown_letter_by_letter(text: str) -> None:
    content = plain(text)
    assert content.plain == text
    assert not content.spans
    assert cell(text).plain == text


def test_escape_sequences_vanish_whole() -> None:
    assert clean("\x1b[31mred\x1b[0m \x1b]0;title\x07home\x9b2J") == "red home"


def test_a_stack_of_combining_marks_is_cut() -> None:
    assert clean("e" + "\u0301" * 40) == "e" + "\u0301" * 3


def test_an_exception_gives_its_sentence() -> None:
    assert clean(StorageError("The disk is full. Free some space.")) == "The disk is full. Free some space."
    assert clean(OSError("[/]")) == "OSError: [/]"


def test_long_text_ends_with_an_ellipsis() -> None:
    assert len(clean("x" * 50_000)) == MAX_CHARACTERS
    assert clean("x" * 50_000).endswith("…")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_encodes_as_utf8(text: str) -> None:
    for shown in (clean(text), one_line(text, 30)):
        assert shown.encode("utf-8", "ignore").decode() == shown
