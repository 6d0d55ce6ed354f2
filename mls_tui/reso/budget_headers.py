"""What a provider's headers say about its limits: X-RateLimit-*, RateLimit-* (IETF drafts), Bridge's Application- and
Burst-RateLimit-*, Trestle's Hour- and Minute-Quota-*, read leniently. It must never trust an absurd number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from mls_tui.reso.answers import seconds_until

_NAME = re.compile(r"^(?:x-)?(?P<scope>[a-z]+(?:-[a-z]+)?-)??(?:rate-?limit|quota)(?:-(?P<rest>[a-z-]+))?$")
_WINDOW = re.compile(r"\bw(?:indow)?\s*=\s*(\d+)")
_PART = re.compile(r"\b(limit|remaining|reset|q|r|t)\s*=\s*(\d+)")
_PERIODS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}
# Bridge names its two windows by what they are for: 5,000 an hour for the application, a fifteenth of it a minute.
_SCOPES = {**_PERIODS, "application": 3600.0, "burst": 60.0}
_LEFT = ("remaining", "available", "left")
_LONGEST = 3600.0
_MOST = 100_000_000


@dataclass(frozen=True, slots=True)
class Announced:
    """One limit as a server announces it; each part may be missing. ``reset`` and ``seconds`` are in seconds."""

    name: str
    limit: int | None = None
    remaining: int | None = None
    reset: float | None = None
    seconds: float | None = None


def announced(headers: Mapping[str, str], now: datetime) -> list[Announced]:
    """Every limit that these headers (names in lower case) speak of."""
    found: dict[str, Announced] = {}
    for name, value in headers.items():
        if "limit" not in name and "quota" not in name:
            continue  # nearly every header of nearly every answer
        match = _NAME.match(name)
        if match is None or "byte" in name:
            continue
        words = [word for word in (match["rest"] or "").split("-") if word]
        scope = (match["scope"] or "").rstrip("-")
        period = next((word for word in words if word in _PERIODS), "")
        key = period or scope
        entry = found.get(key) or Announced(key, seconds=_SCOPES.get(key))
        found[key] = _with(entry, [word for word in words if word != period], value, now)
    return [each for each in found.values() if each.limit is not None or each.remaining is not None]


def _with(entry: Announced, words: list[str], value: str, now: datetime) -> Announced:
    window = _WINDOW.search(value)
    if window and 0 < int(window[1][:9]) <= _PERIODS["day"]:
        entry = replace(entry, seconds=float(window[1]))
    if not words or words == ["policy"]:
        parts = {name[0]: text for name, text in _PART.findall(value.replace("reset", "t").replace("remaining", "r"))}
        limit = _number(parts.get("l") or parts.get("q") or (value if words and not parts else ""))
        left, reset = _number(parts.get("r", "")), seconds_until(parts.get("t"), now)
        return replace(
            entry,
            limit=entry.limit if limit is None else limit,
            remaining=entry.remaining if left is None else left,
            reset=entry.reset if reset is None else _bounded(reset),
        )
    if "limit" in words:
        return replace(entry, limit=_number(value))
    if any(word in _LEFT for word in words):
        return replace(entry, remaining=_number(value))
    if any(word.startswith("reset") for word in words):
        return replace(entry, reset=_bounded(seconds_until(value, now)))
    return entry


def _number(text: str) -> int | None:
    match = re.match(r"\s*(\d{1,9})(?:\.0*)?\b", text)
    return min(int(match[1]), _MOST) if match else None


def _bounded(seconds: float | None) -> float | None:
    return None if seconds is None else min(max(seconds, 0.0), _LONGEST)
