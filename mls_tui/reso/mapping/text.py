"""Text from a feed, made safe to store and show. It must never judge what a text means, nor let a control, escape or
bidirectional character through."""

from __future__ import annotations

import html
import re
import unicodedata

_MAX_INPUT = 1_000_000
"""Longest text looked at, in characters; no field of the Data Dictionary comes near it."""

_LINE_ENDS = re.compile(r"\r\n?|[\u2028\u2029\u0085\v\f]")
_UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls reorder what a terminal shows
    "\u200b\ufeff"  # zero-width space, byte order mark
    "\ud800-\udfff]"  # lone surrogates cannot be encoded
)
_SPACES = re.compile(r"\s+")
_NOTHING = frozenset({"none", "null", "nan", "undefined", "[none]", "['none']", '["none"]'})


def clean_block(text: str, max_bytes: int) -> str:
    """Running text: HTML entities unescaped once, NFC, no control characters; lines are kept (FIELD §4).

    The result has at most ``max_bytes`` bytes of UTF-8; a longer one ends with ``…``.
    """
    if _is_clean(text):
        return cut(text.strip(), max_bytes)
    plain = _LINE_ENDS.sub("\n", html.unescape(text[:_MAX_INPUT]))
    return cut(unicodedata.normalize("NFC", _UNWANTED.sub("", plain)).strip(), max_bytes)


def clean_line(text: str, max_bytes: int = 400) -> str:
    """The same on one line, runs of white space become one space."""
    if "  " not in text and _is_clean(text):
        return cut(text.strip(), max_bytes)
    return cut(_SPACES.sub(" ", clean_block(text, 4 * max_bytes + 16)).strip(), max_bytes)


def _is_clean(text: str) -> bool:
    """Whether there is nothing to do but to strip it, as of most of a feed: told in a tenth of the time."""
    return text.isascii() and text.isprintable() and "&" not in text


def cut(text: str, max_bytes: int) -> str:
    """``text`` in at most ``max_bytes`` bytes of UTF-8, never within a character; a cut one ends with ``…``."""
    if len(text) * 4 <= max_bytes:
        return text
    encoded = text.encode()
    if len(encoded) <= max_bytes:
        return text
    return encoded[: max_bytes - 3].decode(errors="ignore").rstrip() + "…"


def has_unsafe(text: str) -> bool:
    """True where the text holds a character that ``clean_line`` would take out."""
    return _UNWANTED.search(text) is not None or "\n" in text or "\t" in text


def says_nothing(text: str) -> bool:
    """True for the words that feeds write for an absent value: ``None``, ``null`` … (FIELD §4)."""
    return text.strip().lower() in _NOTHING
