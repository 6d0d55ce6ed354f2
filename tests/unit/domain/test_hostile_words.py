"""Words of a feed on their way into a filter and onto a terminal, whatever they are."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mls_tui.cli.output import plain_text
from mls_tui.reso.odata import quoted

_WORDS = st.text(st.one_of(st.characters(), st.sampled_from("'\x1b\x9b\x07\u202e\n\r\u2028[]"))).map(str)


@pytest.mark.promise("hostile text")
@given(_WORDS)
@example("x' or 'a' eq 'a")
def test_no_quote_ends_a_literal_of_a_filter(text: str) -> None:
    literal = quoted(text)
    found = re.fullmatch(r"'((?:[^']|'')*)'", literal, re.DOTALL)
    assert found is not None
    assert found[1].replace("''", "'") == text


@pytest.mark.promise("hostile text")
@given(_WORDS)
@example("\x1b[31mred\x9b\u202e")
def test_no_word_brings_a_control_character_to_the_terminal(text: str) -> None:
    shown = plain_text(text)
    assert all(char.isprintable() for char in shown), shown
