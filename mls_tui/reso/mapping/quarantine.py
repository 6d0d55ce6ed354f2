"""Reduces a record that cannot be imported to text that may be stored: small, without secrets and private fields."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from mls_tui.domain.masking import is_secret_name, mask_by_shape
from mls_tui.reso.mapping.text import clean_block, clean_line, cut

MAX_BYTES = 16_384
"""Bytes of UTF-8 of a scrubbed record."""

_FIRST = ("ListingKey", "ListingId", "StandardStatus", "MlsStatus", "ModificationTimestamp", "OriginatingSystemName")
_PRIVATE = re.compile(
    r"private|showing|lockbox|keybox|gatecode|accesscode|alarm|doorcode|entrycode|combination"
    r"|^owner(?!ship)|occupant|tenantname|tenantphone|sellername|sellerphone|contactphone"
)
_URL = re.compile(r"(?P<scheme>\b[a-z][a-z0-9+.-]{1,20}://)(?P<rest>[^\s\"'<>]*)", re.IGNORECASE)
_QUERY = re.compile(r"[?#]")
_LEFT_OUT = "(left out)"


def scrub(record: object, max_bytes: int = MAX_BYTES) -> str:
    """The record as valid JSON text of at most ``max_bytes`` bytes.

    Without private fields (PrivateRemarks, tokens, lockbox and gate codes, showing instructions, owners) and without
    user and query of URLs. Long values and lists are shortened.
    """
    for width, items in ((2_000, 60), (500, 20), (200, 8), (80, 3)):
        text = _dump(_clean(record, width, items, 6))
        if len(text.encode()) <= max_bytes:
            return text
    return _essentials(record, max_bytes)


def _essentials(record: object, max_bytes: int) -> str:
    """As many fields as fit, identifying ones first."""
    kept: dict[str, Any] = {}
    size = 40
    if isinstance(record, Mapping):
        for name, value in _clean(record, 80, 3, 2).items():
            size += len(_dump({name: value}).encode()) + 2
            if size > max_bytes:
                break
            kept[name] = value
    return _dump({**kept, "…": _LEFT_OUT})


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _clean(value: object, width: int, items: int, depth: int) -> Any:
    if isinstance(value, str):
        return _clean_text(value, width)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float)):
        return _clean_number(value)
    if depth == 0:
        return _LEFT_OUT
    if isinstance(value, Mapping):
        return _clean_fields(value, width, items, depth)
    if isinstance(value, (list, tuple)):
        rest = [f"({len(value) - items} more)"] if len(value) > items else []
        return [_clean(item, width, items, depth - 1) for item in value[:items]] + rest
    return _LEFT_OUT


def _clean_fields(value: Mapping[Any, Any], width: int, items: int, depth: int) -> dict[str, Any]:
    names = sorted(value, key=lambda name: name not in _FIRST)[:1_000]
    kept = {}
    for name in names:
        label = clean_line(str(name), 100)
        if not _is_private(label) and value[name] not in (None, "", []):
            kept[_clean_text(label, 100)] = _clean(value[name], width, items, depth - 1)
    return kept


def _is_private(name: str) -> bool:
    return is_secret_name(name) or _PRIVATE.search(re.sub(r"[^a-z]", "", name.lower())) is not None


def _clean_text(text: str, width: int) -> str:
    plain = clean_block(text[: 8 * width], 8 * width)
    return cut(mask_by_shape(_URL.sub(_bare_url, plain)), width)


def _bare_url(match: re.Match[str]) -> str:
    host, slash, path = _QUERY.split(match["rest"], maxsplit=1)[0].partition("/")
    return f"{match['scheme']}{host.rpartition('@')[2]}{slash}{path}"


def _clean_number(number: float) -> int | float | str:
    if isinstance(number, int):
        return number if abs(number) < 10**36 else _LEFT_OUT
    return number if abs(number) < 1e308 else str(number)
