"""Domain objects as items of the one table, and back (CONTRACT: "DynamoDB: one table"). Pure; both stores keep exactly
these items, so it must never know which one asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from mls_tui.domain import keys
from mls_tui.domain.connection import Connection, Cursor, Lease
from mls_tui.domain.errors import DamagedItemError, ItemTooLargeError, StorageError
from mls_tui.domain.listing import Address, LastImport, Listing, ListingStatus, Record, address_key
from mls_tui.domain.run import ImportRun, Problem
from mls_tui.storage.attributes import MAX_ITEM_BYTES, Item, check_keys, fits, item_size, plain
from mls_tui.storage.base import IndexEntry

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
"""The parts of ``Data`` that an IndexEntry is read from."""


def pk(user_id: str) -> str:
    """The partition of a user. Raises StorageError for an id that could reach outside it."""
    if not keys.valid_user_id(user_id):
        raise StorageError("The user id cannot stand in a key: letters, digits and ._:@- only, at most 128.")
    return keys.user_pk(user_id)


def upper_bound(prefix: str) -> str:
    """The highest sort key below ``prefix`` (keys sort by their UTF-8 bytes)."""
    return prefix + "\U0010ffff"


# listings ----------------------------------------------------------------------------------------------------


def listing_item(user_id: str, listing: Listing, now_ms: int) -> Item:
    """The row of a listing, made to fit 400 KB. Raises ItemTooLargeError where it cannot."""
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
        # A stored photo is found by its key; its URLs are what can be spared.
        data["photos"] = [_without(photo, dropped) for photo in data.get("photos", [])]
    return fitting(item, f"Listing {listing.mls_number}")


def _without(photo: dict[str, Any], name: str) -> dict[str, Any]:
    return {part: value for part, value in photo.items() if part != name or "key" not in photo}


def fitting(item: Item, what: str) -> Item:
    """``item`` itself, its keys and size checked. Raises ItemTooLargeError where DynamoDB would refuse it."""
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


def _mark_sk(listing: Listing) -> str:
    return keys.mark_sk(listing.mls_provider, listing.mls_id, listing.source if listing.apart else None)


def read_listing(item: Item) -> Listing:
    """The reverse of ``listing_item``; a URL that was dropped to make it fit is the key, or empty."""
    return _read(Listing, lambda: _with_urls(item["Data"]), item)


def read_data(item: Item) -> Item:
    """A listing's ``Data`` map as ``Listing.to_data`` gives it."""
    return _with_urls(item["Data"])


def _with_urls(data: Item) -> Item:
    photos = data.get("photos")
    if photos and any("url" not in photo or "originalUrl" not in photo for photo in photos):
        return {**data, "photos": [{"url": photo.get("key", ""), "originalUrl": "", **photo} for photo in photos]}
    return data


def read_entry(item: Item) -> IndexEntry:
    """The projection of a listing's row that an import compares; ``Data`` needs only ``ENTRY_DATA``."""
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
    """A listing's row cut down to what ``read_entry`` needs."""
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
    """The row of a connection. The cursor stands beside ``Data``, so that a replaced connection keeps it."""
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
    return fitting(item, f"Connection {connection.name}")


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
    """The row of a run, without its control word; errors that do not fit are left to their own items."""
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
    return fitting(item, f"Run {run.run_id}")


def read_run(item: Item) -> ImportRun:
    return _read(ImportRun, lambda: {**item["Data"], "control": item.get("Control")}, item)


def problem_item(user_id: str, run_id: str, sequence: int, problem: Problem, now_ms: int) -> Item:
    """One problem of a run; a quarantined record too large for an item is left out, and the reason says so."""
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
    return fitting(item, f"A problem of run {run_id}")


def read_problem(item: Item) -> Problem:
    return _read(Problem, lambda: item["Data"], item)


# state -------------------------------------------------------------------------------------------------------


def state_item(user_id: str, name: str, text: str, now_ms: int) -> Item:
    """A small text under a name (rate-budget windows)."""
    item = {
        "PK": pk(user_id),
        "SK": keys.state_sk(name),
        "EntityType": "State",
        "Data": {"text": plain(text)},
        "CreatedAt": now_ms,
        "UpdatedAt": now_ms,
    }
    return fitting(item, f"The state {name}")


def _read(kind: type[R], data: Callable[[], Item], item: Item) -> R:
    try:
        return kind.from_data(data())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedItemError(
            f"The stored item {item.get('SK', '?')} cannot be read ({type(error).__name__}); "
            "it was changed by another program, or written by a newer mls-tui."
        ) from error
