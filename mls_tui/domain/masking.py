"""Masks secrets in text: known ones in every spelling, unknown ones by their looks.

A server may repeat a token escaped, and what decodes the text later would restore it. So a known secret is searched in
the text as it is and in what it decodes to (HTML entities and tags, percent-encoding, backslash escapes, invisible
characters), and as base64 or hex.
"""

from __future__ import annotations

import base64
import html
import re
import threading
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Any
from urllib.parse import unquote

MASK = "***"
SHORTEST = 6
"""Shorter secrets are not masked: they would mask half of every text."""

_ROUNDS = 4
"""How often a text is decoded: an escape of an escape of an escape."""
_DEEPEST = 60
"""Below this depth a value is dropped instead of searched: no real record is nested so deep."""

CREDENTIALS = (
    r"(?:access|refresh|id|auth|bearer|server|session)?[_-]?token|client[_-]?secret|secret(?:[_-]?key)?|"
    r"passw(?:or)?d|passwd|pwd|(?:x[_-])?api[_-]?key|authorization|jwt"
)
"""Names, as a pattern, of what signs an account in."""
SIGNATURES = r"x-amz-signature|x-amz-security-token|x-amz-credential|signature|sig|sas|awsaccesskeyid|key-pair-id"
"""Names of what signs one URL."""
_SECRET_NAME = re.compile(
    r"token|secret|passw|passcode|pwd|auth(?!or(?!i[sz]ation))|credential|apikey|accesskey|signature|cookie|session|bearer"
    r"|jwt|^(?:key|code|sig|sas)$"
)


def is_secret_name(name: str) -> bool:
    """Whether a field, header or parameter of this name may hold a secret, in any case and with any separators."""
    return _SECRET_NAME.search(re.sub(r"[^a-z]", "", name.lower())) is not None


_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(Bearer|Basic)(\s+)[A-Za-z0-9._~+/=-]{4,}", re.IGNORECASE), rf"\1\2{MASK}"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]+){1,4}"), MASK),
    (
        re.compile(
            rf"((?<![A-Za-z])(?:{CREDENTIALS}|{SIGNATURES})[\"']?\s*[=:]\s*[\"']?)(?!(?:Bearer|Basic)\b)[^\s\"'&,;<>}}\])]+",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    # Words that mean something else in a sentence ("code: 1550").
    (re.compile(r"([?&](?:code|key|session(?:id)?|credential|auth|sid)=)[^&\s\"'<>]+", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(r"(\b[a-z][a-z0-9+.-]{1,15}://[^\s/:@]*):[^\s/@]+@", re.IGNORECASE), rf"\1:{MASK}@"),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), MASK),
)

_TAG = r"</?[A-Za-z!][^<>]{0,300}>"
_ENTITY = r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});?"
_PERCENT = r"%[0-7][0-9A-Fa-f]|(?:%[89A-Fa-f][0-9A-Fa-f])+"
_INVISIBLE = (
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]+"
)
_UNICODE = r"\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}"
_QUOTED = r"\\[\"'/\\bfnrt]"
_TAGS, _BACKSLASHES, _INVISIBLES, _ALL = (
    re.compile(each)
    for each in (
        _TAG,
        f"{_UNICODE}|{_QUOTED}",
        _INVISIBLE,
        f"{_ENTITY}|{_PERCENT}|{_UNICODE}|{_QUOTED}|{_INVISIBLE}",
    )
)
_EACH = (_ALL, *(re.compile(each) for each in (_TAG, _ENTITY, _PERCENT, _UNICODE, _QUOTED, _INVISIBLE)))
_ADDRESSES = re.compile(r"(?i)media_?url|uri(large|thumb|\d+)|nextlink|__next")
"""Fields of a record or an envelope that hold an address to be requested."""


def mask_by_shape(text: str) -> str:
    """``text`` without what looks like a secret, whoever it belongs to."""
    for pattern, masked in _SHAPES:
        text = pattern.sub(masked, text)
    return text


class Masker:
    """Replaces the secrets that it knows by ``***``. Thread-safe.

    ``mask(text)`` is for what is shown and logged: every known secret, and whatever looks like one. ``for_storage`` and
    ``body`` are for what is stored: only secrets that no listing's text holds by chance, as it may hold a password
    such as "lakeside".
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._secrets: dict[str, None] = {}
        self._for_display = self._for_storage = _Needles()
        for secret in secrets:
            self.add(secret)

    def __repr__(self) -> str:
        return f"Masker({len(self._secrets)} known)"

    def add(self, secret: str | None) -> None:
        """Mask this secret from now on."""
        if not secret or len(secret) < SHORTEST or secret in self._secrets:
            return
        with self._lock:
            self._secrets[secret] = None
            self._for_display = _needles(self._secrets)
            self._for_storage = _needles(each for each in self._secrets if _unmistakable(each))

    def __call__(self, text: str) -> str:
        return mask_by_shape(_without(text, self._for_display))

    def for_storage(self, text: str) -> str:
        """``text`` without unmistakable secrets, and otherwise as it is."""
        return _without(text, self._for_storage)

    def value(self, value: Any) -> Any:
        """``self(text)`` of all text in lists and maps. Numbers, booleans and None stay; other things become text."""
        if isinstance(value, str):
            return self(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return {self(str(name)): self.value(item) for name, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item) for item in value]
        return self(str(value))

    def body(self, body: Any) -> Any:
        """A parsed JSON body without the secrets that the server repeats in it; the same object if there are none.
        Addresses to be requested stay as they are."""
        stored = self._for_storage
        if not stored.spellings:
            return body
        texts: list[str] = []
        names: set[str] = set()
        _collect(body, texts, names, 0)
        return _cleaned(body, stored, 0) if _may_hold(" ".join([*texts, *names]), stored) else body


@dataclass(frozen=True, slots=True)
class _Needles:
    """What to search for. ``looks_escaped`` if a secret itself looks escaped, so that each round of decoding counts."""

    secrets: tuple[str, ...] = ()
    spellings: tuple[str, ...] = ()
    looks_escaped: bool = False


def _needles(secrets: Iterable[str]) -> _Needles:
    known = tuple(secrets)
    spellings = dict.fromkeys(each for secret in known for each in _spellings(secret) if len(each) >= SHORTEST)
    looks_escaped = any(_flat(secret) != secret or set("\\&%<") & set(secret) for secret in known)
    return _Needles(known, tuple(sorted(spellings, key=len, reverse=True)), looks_escaped)


def _unmistakable(secret: str) -> bool:
    return len(secret) >= 16 or (len(secret) >= 8 and any(map(str.isalpha, secret)) and not secret.isalpha())


def _spellings(secret: str) -> Iterator[str]:
    """What to look for. Each spelling is found at any depth of escapes around it."""
    yield secret
    yield from (_flat(secret), _TAGS.sub("", secret), secret.replace("\\", ""))  # what decoding can make of it
    if " " in secret:
        yield secret.replace(" ", "+")
    raw = secret.encode(errors="surrogatepass")
    yield raw.hex()
    yield raw.hex().upper()
    # Base64 of something that contains the secret, at each of the three alignments, less the characters at both ends
    # that depend on the neighbours too.
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw).decode()
        core = coded[-(-8 * shift // 6) : 8 * (shift + len(raw)) // 6]
        yield core
        yield core.translate(_URL_SAFE)


_URL_SAFE = str.maketrans("+/", "-_")


def _without(text: str, needles: _Needles) -> str:
    if not needles.spellings:
        return text
    composed = text if text.isascii() else unicodedata.normalize("NFC", text)
    if not _may_hold(composed, needles):
        return text
    at, parts = 0, []
    for start, end in sorted(_spans(composed, needles, _ROUNDS, set())):
        if end <= at:
            continue
        if start >= at:
            parts += [composed[at:start], MASK]
        at = end
    return "".join([*parts, composed[at:]]) if parts else text


def _may_hold(text: str, needles: _Needles) -> bool:
    """False if no needle is in the text nor in what it decodes to: quick, as nearly every text holds none."""
    if _any_in(text, needles.secrets):
        return True
    if needles.looks_escaped:
        return _any_in(text, needles.spellings) or "<" in text or _ALL.search(text) is not None
    text = _flat(text)
    return _any_in(text, needles.spellings) or ("<" in text and _any_in(_TAGS.sub("", text), needles.spellings))


def _any_in(text: str, needles: Iterable[str]) -> bool:
    """A loop, as it takes half the time of ``any`` over a generator, for two addresses of every photo."""
    for needle in needles:  # noqa: SIM110
        if needle in text:
            return True
    return False


def _flat(text: str) -> str:
    """The text decoded until nothing is left to decode, at the speed of the standard library."""
    for number in range(_ROUNDS):
        decoded = text
        if "&" in decoded:
            decoded = html.unescape(decoded)
        if "%" in decoded:
            decoded = unquote(decoded)
        if "\\" in decoded:
            decoded = _BACKSLASHES.sub(lambda hit: _plain(hit[0]), decoded)
        if number and decoded == text:
            break
        text = decoded
        if not (text.isascii() and text.isprintable()):
            text = unicodedata.normalize("NFC", _INVISIBLES.sub("", text))
    return text


def _spans(text: str, needles: _Needles, rounds: int, seen: set[str]) -> list[tuple[int, int]]:
    """Where the needles are in ``text``, whatever they are escaped as."""
    found = []
    for needle in needles.spellings:
        at = text.find(needle)
        while at >= 0:
            found.append((at, at + len(needle)))
            at = text.find(needle, at + 1)
    # All kinds of escapes at once; kind by kind if a secret itself looks escaped.
    for escape in (_EACH if needles.looks_escaped else _EACH[:2]) if rounds else ():
        pieces = list(_pieces(text, escape))
        decoded = "".join(plain for plain, _, _ in pieces)
        if (len(pieces) < 2 and decoded == text) or decoded in seen:
            continue
        seen.add(decoded)
        starts = list(accumulate((len(plain) for plain, _, _ in pieces), initial=0))[:-1]
        for start, end in _spans(decoded, needles, rounds - 1, seen):
            first, last = bisect_right(starts, start) - 1, bisect_right(starts, end - 1) - 1
            whole = (_source(pieces[first], start - starts[first])[0], _source(pieces[last], end - 1 - starts[last])[1])
            found.append(whole)
    return found


def _pieces(text: str, escape: re.Pattern[str]) -> Iterator[tuple[str, int, int]]:
    """The text decoded once, in pieces: (decoded, start, end). Text that is no escape is a piece of its own."""
    at = 0
    for hit in escape.finditer(text):
        if hit.start() > at:
            yield text[at : hit.start()], at, hit.start()
        yield _plain(hit[0]), hit.start(), hit.end()
        at = hit.end()
    if at < len(text):
        yield text[at:], at, len(text)


def _source(piece: tuple[str, int, int], offset: int) -> tuple[int, int]:
    """Where the character at ``offset`` of a piece comes from: an escape is one whole."""
    plain, start, end = piece
    return (start + offset, start + offset + 1) if end - start == len(plain) else (start, end)


def _plain(escape: str) -> str:
    """What one escape stands for; nothing for tags and invisible characters."""
    match escape[0]:
        case "&":
            return html.unescape(escape)
        case "%":
            return unquote(escape)
        case "\\" if escape[1] in "ux":
            return chr(int(escape[2:], 16))
        case "\\" if escape[1] not in "bfnrt":
            return escape[1]
    return ""


def _collect(value: Any, texts: list[str], names: set[str], depth: int) -> None:
    """The texts and names in a JSON value that may hold a secret."""
    if isinstance(value, str):
        texts.append(value)
    elif depth > _DEEPEST:
        return
    elif isinstance(value, Mapping):
        names.update(value)
        for name, each in value.items():
            if isinstance(each, str):
                if len(each) >= SHORTEST and not _is_address(name):
                    texts.append(each)
            elif isinstance(each, Mapping | list):
                _collect(each, texts, names, depth + 1)
    elif isinstance(value, list):
        for each in value:
            if isinstance(each, str | Mapping | list):
                _collect(each, texts, names, depth + 1)


@lru_cache(4_096)
def _is_address(name: str) -> bool:
    return _ADDRESSES.fullmatch(name.rpartition(".")[2].lstrip("@")) is not None


def _cleaned(value: Any, needles: _Needles, depth: int) -> Any:
    if isinstance(value, str):
        return _without(value, needles)
    if depth > _DEEPEST:
        return None
    if isinstance(value, Mapping):
        return {
            _without(str(name), needles): each
            if isinstance(each, str) and _is_address(name)
            else _cleaned(each, needles, depth + 1)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [_cleaned(each, needles, depth + 1) for each in value]
    return value
