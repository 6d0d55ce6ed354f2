"""Values as DynamoDB keeps them: numbers, sizes and typed attributes. Both stores use it, so that one holds what the
other would; it must never lose a digit that DynamoDB keeps."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, TypeAlias

import orjson

from mls_tui.domain.errors import ItemTooLargeError, StorageError

Item: TypeAlias = dict[str, Any]
"""One item: attribute name -> plain value (str, int, float, bool, None, list, dict)."""

MAX_ITEM_BYTES = 400_000
"""DynamoDB's limit on one item, names and values together: 400 KB, in the smaller reading of KB, to be safe."""

_MAX_SORT_KEY_BYTES = 1024
_MAX_PARTITION_KEY_BYTES = 2048
_LARGEST_NUMBER = 9.9e125
_SMALLEST_NUMBER = 1e-130
_NUMBER_BYTES = 21
_NESTING_BYTES = 3


def plain(value: Any) -> Any:
    """``value`` as both stores give it back: 5.0 is 5, Decimal is int or float, lone surrogates are U+FFFD.

    Raises:
        StorageError: a number DynamoDB cannot hold (infinite, not a number, out of 1e-130 … 9.9e125).
    """
    if isinstance(value, str):
        return value if value.isascii() else _clean(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float, Decimal)):
        return _number(value)
    if isinstance(value, dict):
        return {name if name.isascii() else _clean(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    raise StorageError(f"A value of type {type(value).__name__} cannot be stored.")


def _clean(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _number(value: int | float | Decimal) -> int | float:
    if isinstance(value, int):
        if abs(value) >= 2**63:
            raise StorageError(f"A number of {len(str(value))} digits cannot be stored.")
        return value
    number = float(value)
    if not math.isfinite(number) or abs(number) > _LARGEST_NUMBER or 0 < abs(number) < _SMALLEST_NUMBER:
        raise StorageError(f"The number {value} is out of the range that a store keeps.")
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def size_of(value: Any) -> int:
    """Bytes of a value by DynamoDB's rules, never less than it counts."""
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, bool) or value is None:
        return 1
    if isinstance(value, int | float):
        return min(_NUMBER_BYTES, len(repr(value)) // 2 + 2)
    if isinstance(value, dict):
        return _NESTING_BYTES + sum(len(name.encode()) + size_of(inner) + 1 for name, inner in value.items())
    return _NESTING_BYTES + sum(size_of(inner) + 1 for inner in value)


def item_size(item: Item) -> int:
    """Bytes of a whole item: names and values."""
    return sum(len(name.encode()) + size_of(value) for name, value in item.items())


def fits(item: Item) -> bool:
    """Whether DynamoDB takes an item of this size. Counted only where it is in doubt: the count is never twice the
    length of the same item as JSON."""
    return 2 * len(orjson.dumps(item)) <= MAX_ITEM_BYTES or item_size(item) <= MAX_ITEM_BYTES


def check_keys(item: Item) -> None:
    """Raises ItemTooLargeError where a key is longer than DynamoDB allows."""
    for name, limit in (
        ("PK", _MAX_PARTITION_KEY_BYTES),
        ("SK", _MAX_SORT_KEY_BYTES),
        ("GSI1PK", _MAX_PARTITION_KEY_BYTES),
        ("GSI1SK", _MAX_SORT_KEY_BYTES),
    ):
        length = len(item.get(name, "").encode())
        if length > limit:
            raise ItemTooLargeError(f"The {name} of an item would have {length} bytes; {limit} is the limit.")


def to_attribute(value: Any) -> dict[str, Any]:
    """A plain value as a typed DynamoDB attribute (``{"S": …}``, ``{"N": …}``, …)."""
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, bool):
        return {"BOOL": value}
    if value is None:
        return {"NULL": True}
    if isinstance(value, int | float):
        return {"N": repr(value)}
    if isinstance(value, dict):
        return {"M": {name: to_attribute(inner) for name, inner in value.items()}}
    return {"L": [to_attribute(inner) for inner in value]}


def from_attribute(attribute: dict[str, Any]) -> Any:
    """The reverse of ``to_attribute``; sets and binary of other writers become lists and bytes."""
    ((kind, value),) = attribute.items()
    if kind == "N":
        return _parse_number(value)
    if kind == "NULL":
        return None
    if kind == "M":
        return {name: from_attribute(inner) for name, inner in value.items()}
    if kind == "L":
        return [from_attribute(inner) for inner in value]
    if kind == "NS":
        return [_parse_number(inner) for inner in value]
    return list(value) if kind in ("SS", "BS") else value


def _parse_number(text: str) -> int | float:
    try:
        whole = int(text)
    except ValueError:
        number = float(text)
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    return whole if abs(whole) < 2**63 else float(text)


def to_attributes(item: Item) -> dict[str, Any]:
    """A whole item for DynamoDB."""
    return {name: to_attribute(value) for name, value in item.items()}


def from_attributes(attributes: dict[str, Any]) -> Item:
    """A whole item from DynamoDB."""
    return {name: from_attribute(value) for name, value in attributes.items()}
