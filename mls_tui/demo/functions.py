"""The functions that ``$filter`` knows (RESO Web API Core 2.0 §2.4.4 and the rest of OData's everyday ones)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Function:
    """``takes``: the kinds allowed for each argument. ``compute`` is never called with a None."""

    takes: tuple[tuple[str, ...], ...]
    gives: str
    compute: Callable[..., Any]


_TEXT = (("string",), ("string",))
_DAY = (("date", "datetime"),)
_CLOCK = (("datetime", "time"),)
_NUMBER = (("number",),)


def _utc(moment: Any) -> Any:
    return moment.astimezone(UTC) if isinstance(moment, datetime) else moment


def _round(number: float) -> float:
    """OData rounds halves away from zero."""
    return math.copysign(math.floor(abs(number) + 0.5), number)


FUNCTIONS: dict[str, Function] = {
    "contains": Function(_TEXT, "bool", lambda text, part: part in text),
    "startswith": Function(_TEXT, "bool", lambda text, part: text.startswith(part)),
    "endswith": Function(_TEXT, "bool", lambda text, part: text.endswith(part)),
    "indexof": Function(_TEXT, "number", lambda text, part: text.find(part)),
    "concat": Function(_TEXT, "string", lambda text, part: text + part),
    "length": Function(_TEXT[:1], "number", len),
    "tolower": Function(_TEXT[:1], "string", str.lower),
    "toupper": Function(_TEXT[:1], "string", str.upper),
    "trim": Function(_TEXT[:1], "string", str.strip),
    "substring": Function(
        (("string",), ("number",), ("number",)),
        "string",
        lambda text, start, length=None: text[int(start) :][: None if length is None else int(length)],
    ),
    "year": Function(_DAY, "number", lambda day: _utc(day).year),
    "month": Function(_DAY, "number", lambda day: _utc(day).month),
    "day": Function(_DAY, "number", lambda day: _utc(day).day),
    "hour": Function(_CLOCK, "number", lambda moment: _utc(moment).hour),
    "minute": Function(_CLOCK, "number", lambda moment: _utc(moment).minute),
    "second": Function(_CLOCK, "number", lambda moment: _utc(moment).second),
    "fractionalseconds": Function(_CLOCK, "number", lambda moment: moment.microsecond / 1_000_000),
    "date": Function((("datetime",),), "date", lambda moment: _utc(moment).date()),
    "time": Function((("datetime",),), "time", lambda moment: _utc(moment).time()),
    "round": Function(_NUMBER, "number", _round),
    "floor": Function(_NUMBER, "number", math.floor),
    "ceiling": Function(_NUMBER, "number", math.ceil),
}
