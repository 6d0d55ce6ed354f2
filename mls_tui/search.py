"""The query language of the filter bar and of ``listings --search``: what the user typed, as terms.

Pure: no I/O, no interface. Parsing never raises; an unreadable term becomes ``Query.problem``, a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from mls_tui.domain.listing import Listing, ListingStatus
from mls_tui.search_terms import (
    NUMBER_KEYS,
    TEXT_KEYS,
    Absent,
    Anywhere,
    Between,
    Columns,
    Holds,
    Not,
    Status,
    Term,
    fold,
    squeeze,
)

KEYS = ("status", *NUMBER_KEYS, *TEXT_KEYS)
SYNTAX = "status:pending price:<500k beds:>=3 baths:2.5+ sqft:1500-2500 city:austin type:condo mls:N zip:787 -word"
"""Every key once, as a hint for the user."""

RAW_STATUSES = (
    "Active Under Contract", "Contingent", "Backup", "Under Contract", "Closed", "Leased", "Rented", "Withdrawn",
    "Canceled", "Cancelled", "Terminated", "Hold", "Temp Off Market", "Coming Soon", "Delayed Showings",
)  # fmt: skip
"""The feed's words that ``status:`` understands beside ours (RESO DD 2.0 StandardStatus, FIELD §4)."""

_TOKEN = re.compile(r'(?:[^\s"]|"[^"]*(?:"|$))+')
_KEYED = re.compile(r"(-?)([A-Za-z_]+):(.*)", re.DOTALL)
_AMOUNT = r"\$?\s*([0-9][0-9,]*(?:\.[0-9]*)?|\.[0-9]+)\s*([kKmM]?)"
_COMPARED = re.compile(rf"(<=|>=|<|>|=|≤|≥)?\s*{_AMOUNT}(\+?)")
_RANGE = re.compile(rf"(?:{_AMOUNT})?\s*(?:-|–|\.\.)\s*(?:{_AMOUNT})?")
_SCALE = {"": 1, "k": 1_000, "m": 1_000_000}
_NONE = {"none", "missing"}
_OPERATORS = {"<", ">", "<=", ">=", "=", "≤", "≥", "$", "-", ".."}


@dataclass(frozen=True, slots=True)
class Query:
    """A search. All terms must hold. ``problem`` is a sentence about a term that could not be read; ``unfinished`` is
    a key without a value yet (``price:``), which a filter bar overlooks while the user types."""

    text: str = ""
    terms: tuple[Term, ...] = ()
    problem: str | None = None
    unfinished: str | None = None

    @property
    def empty(self) -> bool:
        return not self.terms

    def keep(self, columns: Columns, rows: Iterable[int]) -> list[int]:
        """The rows that meet every readable term, in the order given."""
        kept = list(rows)
        for term in self.terms:
            kept = term.keep(columns, kept)
        return kept


def parse(text: str) -> Query:
    """Read a search. Words are free text; ``key:value`` compares a field; ``-`` before either excludes;
    ``"two words"`` is a phrase; ``a,b`` after a key means either."""
    terms: list[Term] = []
    problem = unfinished = None
    for token in _TOKEN.findall(text):
        keyed = None if token.startswith(('"', '-"')) else _KEYED.fullmatch(token)
        if keyed is None or keyed[3].startswith("//"):
            free = _free(token)
            terms += [free] if free else []
            continue
        key, value = keyed[2].lower(), keyed[3].replace('"', "").strip()
        if key in KEYS and (not value or (key in NUMBER_KEYS and value in _OPERATORS)):
            unfinished = unfinished or key
            continue
        read = _keyed_term(key, value)
        if isinstance(read, str):
            problem = problem or f'"{_short(token)}" cannot be read: {read}'
        else:
            terms.append(Not(read) if keyed[1] else read)
    return Query(text, tuple(sorted(terms, key=_cost)), problem, unfinished)


def search(listings: Sequence[Listing], query: Query) -> list[Listing]:
    """The listings that meet the query, in the order given."""
    if query.empty:
        return list(listings)
    return [listings[row] for row in query.keep(Columns(listings), range(len(listings)))]


def _short(token: str) -> str:
    return token if len(token) <= 40 else token[:39] + "…"


def _cost(term: Term) -> int:
    """Cheap terms first: what they drop, the free text need not read."""
    inner = term.term if isinstance(term, Not) else term
    return 1 if isinstance(inner, Anywhere) else 0


def _free(token: str) -> Term | None:
    excluded = token.startswith("-") and len(token) > 1
    needle = fold((token[1:] if excluded else token).replace('"', " "))
    if not needle:
        return None
    return Not(Anywhere(needle)) if excluded else Anywhere(needle)


def _keyed_term(key: str, value: str) -> Term | str:
    """The term, or why it cannot be read."""
    if key == "status":
        return _status(value)
    if key in NUMBER_KEYS:
        return _number(key, value)
    if key in TEXT_KEYS:
        if fold(value) in _NONE:
            return Absent(key)
        needles = tuple(needle for part in value.split(",") if (needle := fold(part)))
        return Holds(key, needles) if needles else f"write what to look for, such as {key}:…"
    close = get_close_matches(key, KEYS, n=1, cutoff=0.5)
    hint = f'did you mean "{close[0]}:"?' if close else f"the keys are {', '.join(KEYS)}."
    return f'there is no key "{_short(key)}"; {hint} To search for it as text, put it in quotes'


def _status(value: str) -> Term | str:
    ours: set[str] = set()
    raw: list[str] = []
    names = [status.value for status in ListingStatus]
    for part in value.split(","):
        word = squeeze(part)
        if not word:
            continue
        if word == "all":
            ours.update(names)
            continue
        found = [name for name in names if name.startswith(word)]
        known = any(squeeze(name).startswith(word) for name in RAW_STATUSES)
        if not found and not known:
            return f"the statuses are {', '.join(names)}, all, or the MLS's own words such as withdrawn"
        ours.update(found)
        # A word of ours stays ours: "active" must not bring in "Active Under Contract", which is pending.
        raw += [] if found else [word]
    return Status(frozenset(ours), tuple(raw)) if ours or raw else f"the statuses are {', '.join(names)}"


def _number(key: str, value: str) -> Term | str:
    if fold(value) in _NONE:
        return Absent(key)
    if compared := _COMPARED.fullmatch(value):
        amount = _amount(compared[2], compared[3])
        operator = {"≤": "<=", "≥": ">="}.get(compared[1], compared[1])
        if compared[4] and not operator:
            operator = ">="
        if operator in ("<", "<="):
            return Between(key, high=amount, open_high=operator == "<")
        if operator in (">", ">="):
            return Between(key, low=amount, open_low=operator == ">")
        return Between(key, low=amount, high=amount)
    bounds = _RANGE.fullmatch(value)
    if bounds and (bounds[1] or bounds[3]):
        low = _amount(bounds[1], bounds[2]) if bounds[1] else None
        high = _amount(bounds[3], bounds[4]) if bounds[3] else None
        if low is not None and high is not None and low > high:
            low, high = high, low
        return Between(key, low, high)
    return f"write a number, such as {_example(key)}"


def _example(key: str) -> str:
    return {
        "price": "price:<500k or price:300k-450k",
        "beds": "beds:3 or beds:>=3",
        "baths": "baths:2.5+",
        "sqft": "sqft:1500-2500",
    }[key]


def _amount(digits: str, scale: str) -> float:
    return float(digits.replace(",", "")) * _SCALE[scale.lower()]
