"""Replaces fields of a preset by a connection's overrides: flat text, numbers and switches, checked against the
field's own type. It must never let a wrong type reach the transport."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, Final
from urllib.parse import urlsplit

from mls_tui.domain.connection import AuthKind
from mls_tui.domain.errors import UsageError
from mls_tui.reso.preset_fields import Limit, MediaMode, ProviderPreset, TokenAuth

Override = str | int | float | bool

FIXED: Final = frozenset({"name", "label", "notes", "sure", "sureness"})
"""What no connection can replace: it says which preset this is and how sure its facts are, and is no fact itself."""
NOTHING: Final = "none"
"""The word for an optional field or a list that is to be empty, for where an empty text means "as the preset"."""
_MOST: Final = 1_000_000
_LONGEST: Final = 2_000
_BOUNDS: Final = {
    "page_size": (1, _MOST),
    "page_size_without_media": (1, _MOST),
    "replication_page_size": (1, _MOST),
    "keys_per_filter": (1, 1_000),
    "overlap_minutes": (0, 527_040),
    "max_watermark_age_days": (0, 36_600),
}
_RESOURCE = re.compile(r"[A-Za-z_][\w.$-]*(?:/[A-Za-z_][\w.$-]*)*", re.ASCII)
_RESOURCES: Final = frozenset(
    {"property_resource", "media_resource", "member_resource", "office_resource", "replication"}
)
_NAMES: Final = frozenset(
    {
        "media_parent_field",
        "timestamp_field",
        "key_field",
        "number_field",
        "status_field",
        "agent_field",
        "system_field",
    }
)
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+", re.ASCII)
_OURS_ALONE: Final = frozenset({"authorization", "proxy-authorization", "cookie", "host", "content-length"})
_DAY = 86_400.0
_LIMIT = re.compile(r"(\d+)\s*/\s*(\d+(?:\.\d+)?)\s*(requests|bytes)?", re.IGNORECASE)
_TRUE: Final = frozenset({"true", "yes", "on", "1"})
_FALSE: Final = frozenset({"false", "no", "off", "0"})


def apply_overrides(base: ProviderPreset, overrides: Mapping[str, Override]) -> ProviderPreset:
    """A copy of ``base`` with each named field replaced.

    Lists are text: ``headers`` is ``Name: value; Name: value``, limits are ``<limit>/<seconds> [bytes]`` separated by
    commas, ``auths``, ``media_token_hosts`` and ``required_fields`` are names separated by commas. Empty text, or
    ``none``, clears an optional field or a list. ``written`` is the reverse.

    Raises:
        UsageError: a field that does not exist, or a value of the wrong kind; says what would be right.
    """
    return replace(base, **{name: read_override(name, value) for name, value in overrides.items()})


def read_override(name: str, value: Override) -> Any:
    """The value of one field as the preset holds it. Raises UsageError as ``apply_overrides`` does."""
    kind = _TYPES.get(name)
    if kind is None or name in FIXED:
        known = ", ".join(sorted(set(_TYPES) - FIXED))
        raise UsageError(f"{name!r} is not a setting of a provider preset. Known settings: {known}.")
    reader, right = _reader(name, kind)
    try:
        empty = isinstance(value, str) and value.strip().lower() in ("", NOTHING)
        if empty and kind.endswith("| None"):
            return None
        return reader("" if empty and kind in _MAY_BE_EMPTY else value)
    except (ValueError, TypeError, OverflowError):
        raise UsageError(f"Setting {name!r} cannot be {value!r}: it must be {right}.") from None


def wanted(name: str) -> str:
    """What a field's value must be, in a few words. Raises UsageError where there is no such field."""
    return _reader(name, _TYPES[name])[1]


def written(value: Any) -> str:
    """A preset's value as text that ``apply_overrides`` reads back: what a form shows and ``--set`` takes."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value == () or value == {}:
        return NOTHING
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {content}" for name, content in value.items())
    if isinstance(value, tuple):
        return ", ".join(_limit_text(each) if isinstance(each, Limit) else str(each) for each in value)
    return str(value)


def _limit_text(limit: Limit) -> str:
    unit = "" if limit.unit == "requests" else f" {limit.unit}"
    return f"{limit.limit}/{limit.seconds:g}{unit}"


def _reader(name: str, kind: str) -> tuple[Callable[[Override], Any], str]:
    if name in _RESOURCES:
        return _matching(_RESOURCE), "the name of a resource, such as Property"
    if name in _NAMES:
        return _matching(_RESOURCE), "the name of a field, such as ListingKey"
    if name in _BOUNDS:
        least, most = _BOUNDS[name]
        return _between(least, most), f"a whole number from {least} to {most:,}"
    if name == "media_token_hosts":
        return _hosts, "host names separated by commas, such as media.example.org"
    if name in ("base_url", "token_url", "revocation_url"):
        return _address, "an address such as https://api.example.org/odata"
    return _READERS[kind]


def _text(value: Override) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST or any(ord(char) < 32 or ord(char) == 127 for char in value):
        raise ValueError
    return value.strip()


def _matching(pattern: re.Pattern[str]) -> Callable[[Override], str]:
    def read(value: Override) -> str:
        text = _text(value)
        if pattern.fullmatch(text) is None or text.lower() == NOTHING:
            raise ValueError
        return text

    return read


def _between(least: int, most: int) -> Callable[[Override], int]:
    def read(value: Override) -> int:
        number = float("nan") if isinstance(value, bool) else float(value)
        if number != int(number) or not least <= number <= most:
            raise ValueError
        return int(number)

    return read


def _hosts(value: Override) -> tuple[str, ...]:
    hosts = tuple(word.lower() for word in _words(value))
    if not all(_HOST.fullmatch(host) for host in hosts):
        raise ValueError
    return hosts


def _address(value: Override) -> str:
    text = _text(value)
    parts = urlsplit(text.replace("{dataset}", "dataset"))
    if text and (parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0 or parts.username):
        raise ValueError
    return text


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
    """No header that this program sets itself, or that would carry a secret in the clear: {token} stands for it."""
    headers: dict[str, str] = {}
    for part in _text(value).split(";"):
        if not part.strip():
            continue
        name, colon, content = (piece.strip() for piece in part.partition(":"))
        if not colon or re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name) is None or name.lower() in _OURS_ALONE:
            raise ValueError
        if not content.isascii() or not content.isprintable():
            raise ValueError
        headers[name] = content
    return headers


def _limits(value: Override) -> tuple[Limit, ...]:
    limits = []
    for part in _words(value):
        match = _LIMIT.fullmatch(part)
        if match is None or int(match[1]) < 1 or not 0 < float(match[2]) <= _DAY:
            raise ValueError
        limits.append(Limit(int(match[1]), float(match[2]), (match[3] or "requests").lower()))
    return tuple(limits)


_TYPES: Final = {each.name: str(each.type) for each in fields(ProviderPreset)}
_MAY_BE_EMPTY: Final = frozenset({"tuple[Limit, ...]", "tuple[str, ...]", "Mapping[str, str]"})
_READERS: Final[dict[str, tuple[Callable[[Override], Any], str]]] = {
    "str": (_text, "text on one line"),
    "str | None": (_text, "text on one line"),
    "bool": (_switch, "yes or no"),
    "MediaMode": (lambda value: MediaMode(_text(value).lower()), "expand, inline or separate"),
    "TokenAuth": (lambda value: TokenAuth(_text(value).lower()), "post or basic"),
    "tuple[AuthKind, ...]": (_auths, f"one or more of {', '.join(AuthKind)}, separated by commas"),
    "tuple[Limit, ...]": (_limits, "limits such as 2/1, 7200/3600, 4000000000/3600 bytes"),
    "tuple[str, ...]": (_words, "names separated by commas"),
    "Mapping[str, str]": (_headers, "headers such as User-Agent: MyFeed/1.0; X-Feed: idx; no Authorization or Cookie"),
}
