"""Replaces fields of a preset by a connection's overrides: flat text, numbers and switches, checked against the
field's own type. It must never let a wrong type reach the transport."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, Final

from mls_tui.domain.connection import AuthKind
from mls_tui.domain.errors import UsageError
from mls_tui.mls.preset_fields import Limit, MediaMode, ProviderPreset, Sure, TokenAuth

Override = str | int | float | bool

_FIXED: Final = frozenset({"name"})
_AT_LEAST_ONE: Final = frozenset({"page_size", "page_size_without_media", "replication_page_size", "keys_per_filter"})
_LIMIT = re.compile(r"(\d+)\s*/\s*(\d+(?:\.\d+)?)\s*(requests|bytes)?", re.IGNORECASE)
_TRUE: Final = frozenset({"true", "yes", "on", "1"})
_FALSE: Final = frozenset({"false", "no", "off", "0"})


def apply_overrides(base: ProviderPreset, overrides: Mapping[str, Override]) -> ProviderPreset:
    """A copy of ``base`` with each named field replaced.

    Lists are text: ``headers`` is ``Name: value; Name: value``, limits are ``<limit>/<seconds> [bytes]`` separated by
    commas, ``auths``, ``notes`` and ``required_fields`` are names separated by commas. Empty text clears an optional
    field.

    Raises:
        UsageError: a field that does not exist, or a value of the wrong kind; says what would be right.
    """
    types = {each.name: str(each.type) for each in fields(ProviderPreset)}
    changes: dict[str, Any] = {}
    for name, value in overrides.items():
        if name not in types or name in _FIXED:
            known = ", ".join(sorted(set(types) - _FIXED))
            raise UsageError(f"{name!r} is not a setting of a provider preset. Known settings: {known}.")
        changes[name] = _read(name, types[name], value)
    return replace(base, **changes)


def _read(name: str, kind: str, value: Override) -> Any:
    reader, wanted = _READERS[kind]
    if isinstance(value, str) and not value.strip() and kind.endswith("| None"):
        return None
    try:
        read = reader(value)
        if name in _AT_LEAST_ONE and read < 1:
            raise ValueError
    except (ValueError, TypeError, OverflowError):
        raise UsageError(f"Setting {name!r} cannot be {value!r}: it must be {wanted}.") from None
    return read


def _text(value: Override) -> str:
    if not isinstance(value, str) or any(ord(char) < 32 for char in value):
        raise ValueError
    return value.strip()


def _whole(value: Override) -> int:
    if isinstance(value, bool):
        raise ValueError
    number = float(value)
    if number != int(number) or number < 0:
        raise ValueError
    return int(number)


def _switch(value: Override) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError
    return word in _TRUE


def _words(value: Override) -> tuple[str, ...]:
    return tuple(word.strip() for word in _text(value).split(",") if word.strip())


def _auths(value: Override) -> tuple[AuthKind, ...]:
    kinds = tuple(AuthKind(word.lower()) for word in _words(value))
    if not kinds:
        raise ValueError
    return kinds


def _headers(value: Override) -> dict[str, str]:
    headers: dict[str, str] = {}
    for part in _text(value).split(";"):
        if not part.strip():
            continue
        name, colon, content = part.partition(":")
        if not colon or re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name.strip()) is None:
            raise ValueError
        headers[name.strip()] = content.strip()
    return headers


def _limits(value: Override) -> tuple[Limit, ...]:
    limits = []
    for part in _words(value):
        match = _LIMIT.fullmatch(part)
        if match is None or int(match[1]) < 1 or float(match[2]) <= 0:
            raise ValueError
        limits.append(Limit(int(match[1]), float(match[2]), (match[3] or "requests").lower()))
    return tuple(limits)


_READERS: Final[dict[str, tuple[Callable[[Override], Any], str]]] = {
    "str": (_text, "text on one line"),
    "str | None": (_text, "text on one line"),
    "int": (_whole, "a whole number that makes sense for it"),
    "int | None": (_whole, "a whole number"),
    "bool": (_switch, "true or false"),
    "Sure": (lambda value: Sure(_text(value).upper()), "A, B or C"),
    "MediaMode": (lambda value: MediaMode(_text(value).lower()), "expand, inline or separate"),
    "TokenAuth": (lambda value: TokenAuth(_text(value).lower()), "post or basic"),
    "tuple[AuthKind, ...]": (_auths, f"one or more of {', '.join(AuthKind)}, separated by commas"),
    "tuple[Limit, ...]": (_limits, "limits such as 2/1, 7200/3600, 4000000000/3600 bytes"),
    "tuple[str, ...]": (_words, "names separated by commas"),
    "Mapping[str, str]": (_headers, "headers such as User-Agent: MyFeed/1.0; X-Feed: idx"),
}
