"""The query language of the filter bar and of ``listings --search``, compiled to SQL over the ``summaries`` table.

Pure. A term that cannot be read does not raise an error but becomes ``Query.problem``. What the user typed becomes a
parameter, not SQL.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

STATUSES = ("active", "pending", "sold", "expired")
NUMBER_KEYS = ("price", "beds", "baths", "sqft")
TEXT_KEYS = {"city": "city_key", "type": "types", "mls": "mls_key", "zip": "zip_key", "from": "source"}
"""Each key with its column, which contains folded text."""
KEYS = ("status", *NUMBER_KEYS, *TEXT_KEYS)

RAW_STATUSES = (
    "Active Under Contract", "Contingent", "Backup", "Under Contract", "Closed", "Leased", "Rented", "Withdrawn",
    "Canceled", "Cancelled", "Terminated", "Hold", "Temp Off Market", "Coming Soon", "Delayed Showings",
)  # fmt: skip
"""Feeds' own statuses that ``status:`` also finds (RESO DD 2.0, StandardStatus)."""

EXAMPLES = {
    "status": "status:pending  status:active,sold  status:withdrawn",
    "price": "price:<500k  price:300k-450k  price:none",
    "beds": "beds:3  beds:>=3",
    "baths": "baths:2.5+",
    "sqft": "sqft:1500-2500",
    "city": "city:austin  city:austin,buda",
    "type": "type:condo",
    "mls": "mls:48213",
    "zip": "zip:787",
    "from": "from:lakeside",
}

_TOKEN = re.compile(r'(?:[^\s"]|"[^"]*(?:"|$))+')
_KEYED = re.compile(r"(-?)([A-Za-z_]+):(.*)", re.DOTALL)
_AMOUNT = r"\$?\s*([0-9][0-9,]*(?:\.[0-9]*)?|\.[0-9]+)\s*([kKmM]?)"
_COMPARED = re.compile(rf"(<=|>=|<|>|=|≤|≥)?\s*{_AMOUNT}(\+?)")
_RANGE = re.compile(rf"(?:{_AMOUNT})?\s*(?:-|–|\.\.)\s*(?:{_AMOUNT})?")
_SCALE = {"": 1, "k": 1_000, "m": 1_000_000}
_NONE = {"none", "missing"}
_OPERATORS = {"<", ">", "<=", ">=", "=", "≤", "≥", "$", "-", ".."}

Condition = tuple[str, tuple[str | float, ...]]
"""A SQL expression over a row of ``summaries``, and its parameters."""


class _UnreadableError(Exception):
    """A term cannot be read; the text says how to write it."""


@dataclass(frozen=True, slots=True)
class Query:
    """A search as a condition for WHERE; an empty one matches every row.

    ``problem`` is a sentence about a term that cannot be read; ``unfinished`` is a key without a value
    (``price:``), which the filter bar ignores while the user types.
    """

    text: str = ""
    where: str = ""
    values: tuple[str | float, ...] = ()
    problem: str | None = None
    unfinished: str | None = None


def parse(text: str, connections: Mapping[str, str] | None = None) -> Query:
    """Compile a search. Words are free text; ``key:value`` compares a field; ``-`` before either excludes;
    ``"two words"`` is a phrase; ``a,b`` after a key means a or b. A row has to match all terms.

    ``connections`` (id -> name) are the user's, which ``from:`` searches too.
    """
    text = text.encode("utf-8", "replace").decode()  # SQLite takes no lone surrogates
    conditions: list[Condition] = []
    words: list[Condition] = []
    problem = unfinished = None
    for token in _TOKEN.findall(text):
        keyed = None if token.startswith(('"', '-"')) else _KEYED.fullmatch(token)
        if keyed is None or keyed[3].startswith("//"):
            words += _free(token)
            continue
        key, value = keyed[2].lower(), keyed[3].replace('"', "").strip()
        if key in KEYS and (not value or (key in NUMBER_KEYS and value in _OPERATORS)):
            unfinished = unfinished or key
            continue
        try:
            condition = _keyed(key, value, connections or {})
        except _UnreadableError as unreadable:
            problem = problem or f'"{_short(token)}" cannot be read: {unreadable}'
        else:
            conditions.append(_not(condition) if keyed[1] else condition)
    if words:
        found, needles = _joined(" AND ", words)
        conditions.append((f"row IN (SELECT row FROM summary_texts WHERE {found})", needles))  # noqa: S608 - our words
    return Query(text, *_joined(" AND ", conditions), problem, unfinished)


def fold(text: str) -> str:
    """Text for comparison: lower case, without diacritics and repeated white space. ``Café  Ünit`` -> ``cafe unit``."""
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text.casefold())
        text = "".join(ch for ch in decomposed if not unicodedata.combining(ch))
    return " ".join(text.casefold().split())


def squeeze(text: str) -> str:
    """A status or type for comparison: folded, and without spaces, ``-`` and ``_``, which differ between feeds."""
    return re.sub(r"[\s_-]+", "", fold(text))


def _short(token: str) -> str:
    return token if len(token) <= 40 else token[:39] + "…"


def _not(condition: Condition) -> Condition:
    """The opposite condition. It matches rows without the value, as a comparison with NULL is not true."""
    return f"({condition[0]}) IS NOT TRUE", condition[1]


def _joined(word: str, conditions: list[Condition]) -> Condition:
    return word.join(sql for sql, _ in conditions), tuple(value for _, values in conditions for value in values)


def _any(conditions: list[Condition]) -> Condition:
    sql, values = _joined(" OR ", conditions)
    return f"({sql})", values


def _free(token: str) -> list[Condition]:
    excluded = token.startswith("-") and len(token) > 1
    needle = fold((token[1:] if excluded else token).replace('"', " "))
    if not needle:
        return []
    return [(f"instr(text, ?) {'= 0' if excluded else '> 0'}", (needle,))]


def _keyed(key: str, value: str, connections: Mapping[str, str]) -> Condition:
    if key == "status":
        return _status(value)
    if key in NUMBER_KEYS:
        return _number(key, value)
    if key not in TEXT_KEYS:
        close = get_close_matches(key, KEYS, n=1, cutoff=0.5)
        hint = f'did you mean "{close[0]}:"?' if close else f"the keys are {', '.join(KEYS)}."
        raise _UnreadableError(f'there is no key "{_short(key)}"; {hint} To search for it as text, put it in quotes')
    column = TEXT_KEYS[key]
    if fold(value) in _NONE:
        return f"{column} IS NULL", ()
    needles = [needle for part in value.split(",") if (needle := fold(part))]
    if not needles:
        raise _UnreadableError(f"write what to look for, such as {EXAMPLES[key].split('  ')[0]}")
    found: list[Condition] = [(f"instr({column}, ?) {'= 1' if key == 'zip' else '> 0'}", (each,)) for each in needles]
    if key == "from":
        named = [each for each, name in connections.items() if any(needle in fold(name) for needle in needles)]
        found += [("connection_id = ?", (each,)) for each in named]
    return _any(found)


def _status(value: str) -> Condition:
    found: list[Condition] = []
    for part in value.split(","):
        word = squeeze(part)
        if not word:
            continue
        ours = STATUSES if word == "all" else tuple(name for name in STATUSES if name.startswith(word))
        if not ours and not any(squeeze(name).startswith(word) for name in RAW_STATUSES):
            raise _UnreadableError(
                f"the statuses are {', '.join(STATUSES)}, all, or the MLS's own words such as withdrawn"
            )
        # "active" is our status; it does not find "Active Under Contract", which is pending.
        found += [("status = ?", (name,)) for name in ours] or [("instr(raw_status, ?) > 0", (f"|{word}",))]
    if not found:
        raise _UnreadableError(f"the statuses are {', '.join(STATUSES)}")
    return _any(found)


def _number(key: str, value: str) -> Condition:
    if fold(value) in _NONE:
        return f"{key} IS NULL", ()
    if compared := _COMPARED.fullmatch(value):
        operator = {"≤": "<=", "≥": ">="}.get(compared[1], compared[1])
        if not operator:
            operator = ">=" if compared[4] else "="
        return f"{key} {operator} ?", (_amount(compared[2], compared[3]),)
    bounds = _RANGE.fullmatch(value)
    if bounds and (bounds[1] or bounds[3]):
        low = _amount(bounds[1], bounds[2]) if bounds[1] else float("-inf")
        high = _amount(bounds[3], bounds[4]) if bounds[3] else float("inf")
        return f"{key} BETWEEN ? AND ?", (min(low, high), max(low, high))
    raise _UnreadableError(f"write a number, such as {' or '.join(EXAMPLES[key].split('  ')[:2])}")


def _amount(digits: str, scale: str) -> float:
    return float(digits.replace(",", "")) * _SCALE[scale.lower()]
