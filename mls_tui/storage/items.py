"""Domain objects as items of the one table, and back (docs/contract.md, section DynamoDB). Pure. Both listing stores
keep these items."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar

import orjson

from mls_tui.domain import keys
from mls_tui.domain.connection import Connection, Cursor, Lease
from mls_tui.domain.errors import DamagedItemError, ItemTooLargeError, StorageError
from mls_tui.domain.listing import Address, LastImport, Listing, ListingStatus, Record, address_key
from mls_tui.domain.run import ImportRun, Problem
from mls_tui.storage.base import IndexEntry

# values as DynamoDB keeps them, in both stores ------------------------------------------------------------------

Item: TypeAlias = dict[str, Any]
"""One item: attribute name -> plain value (str, int, float, bool, None, list, dict)."""

MAX_ITEM_BYTES = 400_000
"""DynamoDB's limit on one item, names and values together: 400 KB, with the smaller KB to be safe."""

_MAX_SORT_KEY_BYTES = 1024
_MAX_PARTITION_KEY_BYTES = 2048
_LARGEST_NUMBER = 9.9e125
_SMALLEST_NUMBER = 1e-130
_NUMBER_BYTES = 21
_NESTING_BYTES = 3


def plain(value: Any) -> Any:
    """``value`` as a store returns it later: 5.0 is 5, Decimal is int or float, lone surrogates are U+FFFD.

    Raises:
        StorageError: a number DynamoDB cannot hold (infinite, not a number, out of 1e-130 … 9.9e125).
    """
    if isinstance(value, str):
        return value if value.isascii() else _without_surrogates(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float, Decimal)):
        return _number(value)
    if isinstance(value, dict):
        return {name if name.isascii() else _without_surrogates(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    raise StorageError(f"A value of type {type(value).__name__} cannot be stored.")


def _without_surrogates(text: str) -> str:
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
    """Bytes of a value by DynamoDB's rules (Developer Guide, "Item sizes and formats"), rounded up."""
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
    """Bytes of a whole item, names and values."""
    return sum(len(name.encode()) + size_of(value) for name, value in item.items())


def fits(item: Item) -> bool:
    """Whether the item is within DynamoDB's limit. The exact size is never twice the length of its JSON, which is quick
    to make, so it is only counted for large items."""
    return 2 * len(orjson.dumps(item)) <= MAX_ITEM_BYTES or item_size(item) <= MAX_ITEM_BYTES


def check_keys(item: Item) -> None:
    """Raises ItemTooLargeError if a key is longer than DynamoDB allows."""
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
    """The reverse of ``to_attribute``. Sets and binary, which only other programs write, become lists and bytes."""
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
    return {name: to_attribute(value) for name, value in item.items()}


def from_attributes(attributes: dict[str, Any]) -> Item:
    return {name: from_attribute(value) for name, value in attributes.items()}


# items ----------------------------------------------------------------------------------------------------------

R = TypeVar("R", bound=Record)

ENTRY_DATA = (
    "mlsProvider",
    "mlsNumber",
    "mlsId",
    "connectionId",
    "source",
    "status",
    "contentHash",
    "address",
    "lastImport",
)
"""The keys of ``Data`` that an IndexEntry is read from."""


def pk(user_id: str) -> str:
    """The partition key of a user. Raises StorageError for an id that could name another user's partition."""
    if not keys.valid_user_id(user_id):
        raise StorageError("The user id cannot stand in a key: letters, digits and ._:@- only, at most 128.")
    return keys.user_pk(user_id)


def upper_bound(prefix: str) -> str:
    """The highest sort key that begins with ``prefix`` (keys sort by their UTF-8 bytes)."""
    return prefix + "\U0010ffff"


# listings ----------------------------------------------------------------------------------------------------


def listing_item(user_id: str, listing: Listing, now_ms: int) -> Item:
    """The row of a listing. If it has more than 400 KB, URLs of stored photos are left out.

    Raises:
        ItemTooLargeError: it is still too large.
    """
    data = plain(listing.to_data())
    item: Item = {
        "PK": pk(user_id),
        "SK": keys.listing_sk(listing.listing_id),
        "GSI1PK": keys.gsi1_pk(listing.mls_provider, listing.mls_number),
        "GSI1SK": keys.gsi1_sk(listing.status.value),
        "EntityType": "Listing",
        "Data": data,
        "CreatedAt": now_ms,
        "UpdatedAt": now_ms,
        "Version": listing.version,
        "Mark": _mark_sk(listing),
        "PhotosMissing": listing.photos_missing,
        "PhotosStored": listing.photos_stored,
        "PhotosTotal": len(listing.photos),
    }
    check_keys(item)
    for dropped in ("originalUrl", "url"):
        if fits(item):
            return item
        # A stored photo is found by its key, so its URLs are not needed.
        data["photos"] = [_without(photo, dropped) for photo in data.get("photos", [])]
    return checked(item, f"Listing {listing.mls_number}")


def _without(photo: dict[str, Any], name: str) -> dict[str, Any]:
    return {part: value for part, value in photo.items() if part != name or "key" not in photo}


def checked(item: Item, what: str) -> Item:
    """``item`` itself. Raises ItemTooLargeError if DynamoDB would refuse its keys or its size."""
    check_keys(item)
    if not fits(item):
        size, most = item_size(item) // 1000, MAX_ITEM_BYTES // 1000
        raise ItemTooLargeError(f"{what} is too large to store: {size} KB, and an item may have {most} KB.")
    return item


def mark_item(user_id: str, listing: Listing) -> Item:
    """The uniqueness mark of a (user, MLS, ListingKey)."""
    return {
        "PK": pk(user_id),
        "SK": _mark_sk(listing),
        "EntityType": "ListingKey",
        "listingId": listing.listing_id,
        "mlsNumber": listing.mls_number,
    }


def owner_of(mark: Item | None, default: str) -> str:
    """The id of the listing that a mark is for; ``default`` if there is no mark or it does not say."""
    owner = (mark or {}).get("listingId")
    return owner if isinstance(owner, str) and owner else default


def has_mark_of(stored: Item, item: Item) -> bool:
    """Whether a stored listing is the one that ``item`` is to replace. A damaged row is."""
    mark = stored.get("Mark")
    return not isinstance(mark, str) or mark == item["Mark"]


def is_newer(stored: Item, item: Item) -> bool:
    version = stored.get("Version")
    return isinstance(version, str) and version > item["Version"]


def _mark_sk(listing: Listing) -> str:
    return keys.mark_sk(listing.mls_provider, listing.mls_id, listing.source if listing.apart else None)


def read_listing(item: Item) -> Listing:
    """The reverse of ``listing_item``. For a URL that was left out, ``url`` is the key and ``originalUrl`` is empty."""
    return _read(Listing, lambda: _with_urls(item["Data"]), item)


def read_data(item: Item) -> Item:
    """A listing's ``Data`` map as ``Listing.to_data`` gives it."""
    data = _with_urls(item["Data"])
    if not isinstance(data["listingId"], str):
        raise TypeError("listingId")
    return data


def _with_urls(data: Item) -> Item:
    photos = data.get("photos")
    if photos and any("url" not in photo or "originalUrl" not in photo for photo in photos):
        return {**data, "photos": [{"url": photo.get("key", ""), "originalUrl": "", **photo} for photo in photos]}
    return data


def read_entry(item: Item) -> IndexEntry:
    """The IndexEntry of a listing's row. ``Data`` needs only the keys in ``ENTRY_DATA``."""
    data = item["Data"]
    return IndexEntry(
        listing_id=item["SK"].removeprefix(keys.LISTING_PREFIX),
        provider=data["mlsProvider"],
        mls_number=data["mlsNumber"],
        mls_id=data["mlsId"],
        connection_id=data.get("connectionId"),
        source=data.get("source"),
        status=ListingStatus(data["status"]),
        version=item.get("Version", ""),
        content_hash=data.get("contentHash"),
        photos_missing=int(item.get("PhotosMissing", 0)),
        address_key=address_key(Address.model_construct(**data.get("address", {}))),
        last_import=LastImport.from_data(data["lastImport"]) if "lastImport" in data else None,
    )


def entry_item(item: Item) -> Item:
    """The part of a listing's row that ``read_entry`` needs."""
    data = item["Data"]
    return {
        "PK": item["PK"],
        "SK": item["SK"],
        "Version": item["Version"],
        "Mark": item["Mark"],
        "PhotosMissing": item["PhotosMissing"],
        "CreatedAt": item["CreatedAt"],
        "Data": {name: data[name] for name in ENTRY_DATA if name in data},
    }


# connections -------------------------------------------------------------------------------------------------


def connection_item(user_id: str, connection: Connection, now_ms: int) -> Item:
    """The row of a connection. The cursor is an attribute beside ``Data``, so that replacing ``Data`` keeps it."""
    data = plain(connection.to_data())
    cursor = data.pop("cursor", {})
    item = {
        "PK": pk(user_id),
        "SK": keys.connection_sk(connection.connection_id),
        "EntityType": "MLSConnection",
        "Data": data,
        "Cursor": cursor,
        "CreatedAt": now_ms,
        "UpdatedAt": now_ms,
    }
    return checked(item, f"Connection {connection.name}")


def read_connection(item: Item) -> Connection:
    return _read(Connection, lambda: {**item["Data"], "cursor": item.get("Cursor", {})}, item)


def cursor_data(cursor: Cursor) -> Item:
    data: Item = plain(cursor.to_data())
    return data


def lease_data(lease: Lease) -> Item:
    data: Item = plain(lease.to_data())
    return data


# runs --------------------------------------------------------------------------------------------------------


def run_item(user_id: str, run: ImportRun, now_ms: int) -> Item:
    """The row of a run, without its control word. Errors that do not fit are left out; each has an item of its own."""
    data = plain(run.to_data())
    data.pop("control", None)
    item = {
        "PK": pk(user_id),
        "SK": keys.run_sk(run.started_at, run.run_id),
        "EntityType": "ImportRun",
        "Data": data,
        "CreatedAt": run.started_at,
        "UpdatedAt": now_ms,
    }
    errors = item["Data"].get("errors", [])
    while errors and not fits(item):
        del errors[len(errors) // 2 :]
    return checked(item, f"Run {run.run_id}")


def read_run(item: Item) -> ImportRun:
    return _read(ImportRun, lambda: {**item["Data"], "control": item.get("Control")}, item)


def problem_item(user_id: str, run_id: str, sequence: int, problem: Problem, now_ms: int) -> Item:
    """One problem of a run. A quarantined record that is too large is left out, and ``error`` says so."""
    data = plain(problem.to_data())
    item = {
        "PK": pk(user_id),
        "SK": keys.problem_sk(run_id, sequence),
        "EntityType": "ImportProblem",
        "Data": data,
        "CreatedAt": problem.at or now_ms,
        "UpdatedAt": problem.at or now_ms,
    }
    if not fits(item) and data.pop("raw", None) is not None:
        data["error"] = f"{data['error'][:10_000]} (the record itself was too large to keep)"
    return checked(item, f"A problem of run {run_id}")


def read_problem(item: Item) -> Problem:
    return _read(Problem, lambda: item["Data"], item)


# state -------------------------------------------------------------------------------------------------------


def state_item(user_id: str, name: str, text: str, now_ms: int) -> Item:
    """The row of a small text under a name."""
    item = {
        "PK": pk(user_id),
        "SK": keys.state_sk(name),
        "EntityType": "State",
        "Data": {"text": plain(text)},
        "CreatedAt": now_ms,
        "UpdatedAt": now_ms,
    }
    return checked(item, f"The state {name}")


def _read(kind: type[R], data: Callable[[], Item], item: Item) -> R:
    with reading(f"The stored item {item.get('SK', '?')}"):
        return kind.from_data(data())


@contextmanager
def reading(what: str = "A stored item that this belongs to") -> Iterator[None]:
    """A value of another type than this program writes is a sentence. Also a decorator.

    Raises:
        DamagedItemError
    """
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise DamagedItemError(
            f"{what} cannot be read ({type(error).__name__}); "
            "it was changed by another program, or written by a newer mls-tui."
        ) from error
