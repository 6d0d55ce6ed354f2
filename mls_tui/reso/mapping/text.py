"""Cleans text from a feed: removes markup and control, escape and bidirectional characters; NFC.

See docs/reso-feeds.md, section 4 (Fields).
"""

from __future__ import annotations

import html
import re
import unicodedata

_MAX_INPUT = 300_000
"""Characters that are read; no field of the Data Dictionary is nearly as long."""

_LINE_ENDS = re.compile(r"\r\n?|[\u2028\u2029\v\f]")
_UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and newline, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls reorder what a terminal shows
    "\u200b\ufeff"  # zero-width space, byte order mark
    "\ud800-\udfff]"  # lone surrogates cannot be encoded
)
_WINDOWS_1252 = {
    code: bytes([code]).decode("cp1252") for code in range(0x80, 0xA0) if code not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
}
"""Windows-1252 quotes and dashes by the code points that they get when decoded as Latin-1."""
_SURROGATE_ENTITIES = re.compile(r"&#(x?)([0-9a-f]{4,6});&#(x?)([0-9a-f]{4,6});", re.IGNORECASE)
_SURROGATE_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_TAG = re.compile(r"<(?:!--|/?(?P<name>[a-z][a-z0-9:-]{0,30})(?:\s[^<>]{0,2000})?/?>)", re.IGNORECASE)
_BLOCKS = frozenset({"p", "div", "li", "ul", "ol", "tr", "table", "h1", "h2", "h3", "h4", "h5", "h6"})
_HIDDEN = {"!--": "-->", "script": "</script>", "style": "</style>"}
"""Tags whose content is not shown, and their end."""
_BLOCK = "\x1e"  # a control character, which is removed from the text before
_SPACES = re.compile(r"\s+")
_ABSENT_WORDS = frozenset({"none", "null", "nan", "undefined", "n/a", "[none]", "['none']", '["none"]'})


def clean_block(text: str, max_bytes: int) -> str:
    """Text of several lines, at most ``max_bytes`` bytes of UTF-8 (then it ends with ``…``).

    HTML entities are decoded once; ``<br>`` and ``<p>`` become line breaks; other tags are removed.
    """
    if _is_clean(text):
        return cut(text.strip(), max_bytes)
    plain = _unescaped(text[:_MAX_INPUT])
    plain = _without_markup(plain.replace(_BLOCK, "")) if "<" in plain else plain
    plain = _UNWANTED.sub("", _LINE_ENDS.sub("\n", plain.translate(_WINDOWS_1252)))
    return cut(unicodedata.normalize("NFC", plain).strip(), max_bytes)


def clean_line(text: str, max_bytes: int = 400) -> str:
    """The same as one line; white space becomes one space."""
    if "  " not in text and _is_clean(text):
        return cut(text.strip(), max_bytes)
    return cut(_SPACES.sub(" ", clean_block(text, 4 * max_bytes + 16)).strip(), max_bytes)


def _is_clean(text: str) -> bool:
    """Whether the text only has to be stripped, which is true for most."""
    return text.isascii() and text.isprintable() and "&" not in text and "<" not in text


def _unescaped(text: str) -> str:
    if "&" in text:
        text = html.unescape(_SURROGATE_ENTITIES.sub(_joined_entities, text))
    return _SURROGATE_PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)


def _joined_entities(match: re.Match[str]) -> str:
    """The character for two entities that are a UTF-16 surrogate pair, such as ``&#55358;&#56815;``."""
    try:
        high, low = (
            int(digits, 16 if hexadecimal else 10) for hexadecimal, digits in (match.group(1, 2), match.group(3, 4))
        )
    except ValueError:  # hexadecimal digits in a decimal entity
        return match[0]
    if 0xD800 <= high < 0xDC00 <= low < 0xE000:
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    return match[0]


def _without_markup(text: str) -> str:
    """``<br>`` and each group of paragraph tags become a line break; other tags are removed. Linear time."""
    pieces: list[str] = []
    at = 0
    while (start := text.find("<", at)) >= 0:
        tag = _TAG.match(text, start)
        if tag is None:
            pieces.append(text[at : start + 1])
            at = start + 1
            continue
        pieces.append(text[at:start])
        at = tag.end()
        name = (tag["name"] or "!--").lower()
        if name in _HIDDEN and tag[0][1] != "/":
            end = text.find(_HIDDEN[name], at)
            at = len(text) if end < 0 else end + len(_HIDDEN[name])
        elif name == "br":
            pieces.append("\n")
        elif name in _BLOCKS:
            pieces.append(_BLOCK)
    pieces.append(text[at:])
    lines = (part.strip(" \t\n") for part in "".join(pieces).split(_BLOCK))
    return "\n".join(line for line in lines if line) if _BLOCK in pieces else "".join(pieces)


def cut(text: str, max_bytes: int) -> str:
    """``text`` shortened to ``max_bytes`` bytes of UTF-8 at a character boundary, then with ``…`` at its end."""
    if len(text) * 4 <= max_bytes:
        return text
    encoded = text.encode()
    if len(encoded) <= max_bytes:
        return text
    return encoded[: max_bytes - 3].decode(errors="ignore").rstrip() + "…"


def has_unsafe(text: str) -> bool:
    """Whether the text contains a character that ``clean_line`` would remove."""
    return _UNWANTED.search(text) is not None or "\n" in text or "\t" in text


def means_absent(text: str) -> bool:
    """Whether the text is a word that feeds write for an absent value, such as ``None`` or ``null``."""
    return text.strip().lower() in _ABSENT_WORDS
