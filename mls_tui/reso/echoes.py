"""Secrets that a server repeats in its answers: masked before anything is made of a record, so that none comes to be
stored, shown or exported as a listing's text. Addresses that are asked for stay whole, or they would lead nowhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mls_tui.reso.answers import Masker

_ADDRESSES = re.compile(r"(?i)media_?url|uri(large|thumb|\d+)|nextlink|__next")
"""Fields of a record or an envelope that hold an address to be asked for."""
_DEEPEST = 60


def without_echoes(body: Any, raw: bytes, mask: Masker) -> Any:
    """The parsed ``body`` of ``raw`` without the secrets that ``mask`` knows; the same object where there are none."""
    return _cleaned(body, mask, 0) if mask.echoed(raw) else body


def _cleaned(value: Any, mask: Masker, depth: int) -> Any:
    if isinstance(value, str):
        return mask.known(value)
    if depth > _DEEPEST:
        return None
    if isinstance(value, Mapping):
        return {mask.known(str(name)): _field(str(name), each, mask, depth) for name, each in value.items()}
    if isinstance(value, list):
        return [_cleaned(each, mask, depth + 1) for each in value]
    return value


def _field(name: str, value: Any, mask: Masker, depth: int) -> Any:
    if isinstance(value, str) and _ADDRESSES.fullmatch(name.rpartition(".")[2].lstrip("@")):
        return value
    return _cleaned(value, mask, depth + 1)
