"""The list of listings: a row of plain columns for each listing, which SQL sorts, filters and counts.

The tables of ``SCHEMA`` are in the embedded store's file, where a summary is written in the transaction of its item,
and in a cache file per user for DynamoDB.

To add a column, add it to ``SCHEMA``, ``_COLUMNS`` and ``_row``, and to ``Summary`` if it is shown. A file whose tables
were made by other statements gets new ones, filled from the items, when it is opened.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import orjson

from mls_tui.domain import keys
from mls_tui.search import STATUSES, Query, fold, squeeze

T = TypeVar("T")

SCHEMA = (
    # AUTOINCREMENT never uses the number of a deleted row again: a selected row can't become another listing.
    """CREATE TABLE summaries (
         row INTEGER PRIMARY KEY AUTOINCREMENT, pk TEXT NOT NULL, listing_id TEXT NOT NULL, updated INTEGER,
         connection_id TEXT, mls_number TEXT NOT NULL, status TEXT NOT NULL, raw_status TEXT NOT NULL,
         price REAL, per TEXT NOT NULL, beds REAL, baths REAL, sqft REAL, street TEXT, city TEXT, state TEXT, zip TEXT,
         kind TEXT, list_date TEXT, photos INTEGER NOT NULL, photos_total INTEGER NOT NULL, synced INTEGER NOT NULL,
         street_key TEXT, city_key TEXT, zip_key TEXT, kind_key TEXT, mls_key TEXT, types TEXT, source TEXT) STRICT""",
    "CREATE UNIQUE INDEX summaries_id ON summaries (pk, listing_id)",
    # A table of its own: sorting a million rows reads half a gigabyte less.
    "CREATE TABLE summary_texts (row INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",
)
# No index on a column that is sorted by: with one, `price:<500k beds:>=3` took nine times as long, and each costs every
# import a write. Sorting 600,000 row numbers without one took 0.3 to 0.6 s, 100,000 under 0.1 s.

_STATUS_RANK = "CASE status " + " ".join(f"WHEN '{name}' THEN {rank}" for rank, name in enumerate(STATUSES)) + " END"
SORTS = {
    "status": _STATUS_RANK, "price": "price", "beds": "beds", "baths": "baths", "sqft": "sqft", "address": "street_key",
    "city": "city_key", "type": "kind_key", "mls": "mls_key", "listed": "list_date", "photos": "photos",
    "synced": "synced", "id": "listing_id",
}  # fmt: skip
"""What each column of the table is sorted by. Absent values are last in both directions."""

_KINDS = {
    "singlefamilyresidence": "Single", "singlefamily": "Single", "condominium": "Condo", "townhouse": "Town",
    "apartment": "Apt", "duplex": "Duplex", "triplex": "Triplex", "quadruplex": "Fourplex", "multifamily": "Multi",
    "residentialincome": "Multi", "manufacturedhome": "Mobile", "manufacturedonland": "Mobile",
    "manufacturedinpark": "Mobile", "mobilehome": "Mobile", "unimprovedland": "Land", "land": "Land", "farm": "Farm",
    "ranch": "Ranch", "agriculture": "Farm", "cabin": "Cabin", "stockcooperative": "Co-op", "ownyourown": "Co-op",
    "timeshare": "Share", "boatslip": "Slip", "deededparking": "Parking", "businessopportunity": "Business",
    "commercialsale": "Comm", "commerciallease": "Comm", "hotelmotel": "Hotel", "mixeduse": "Mixed",
    "warehouse": "Storage", "residential": "Home", "residentiallease": "Rental",
}  # fmt: skip
"""Short names of PropertySubType and PropertyType (RESO DD 2.0), which are spelled as ``squeeze`` does."""

_PERIODS = {
    "monthly": "/mo", "month": "/mo", "permonth": "/mo", "weekly": "/wk", "week": "/wk", "perweek": "/wk",
    "annually": "/yr", "annual": "/yr", "yearly": "/yr", "year": "/yr", "peryear": "/yr", "daily": "/day",
    "day": "/day", "perday": "/day", "seasonal": "/season", "seasonally": "/season",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Summary:
    """A listing in a list. ``row`` is its number; ``synced`` is in epoch ms; ``per`` follows the price: ``/mo``."""

    row: int
    listing_id: str
    mls_number: str
    status: str
    price: float | None
    per: str
    beds: float | None
    baths: float | None
    sqft: float | None
    street: str | None
    city: str | None
    state: str | None
    zip: str | None
    kind: str | None
    list_date: str | None
    photos: int
    photos_total: int
    synced: int


_SUMMARY_COLUMNS = ", ".join(Summary.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Selection:
    """A filter and an order. Empty ``statuses`` mean all; ``sort`` is a key of SORTS."""

    query: Query = field(default_factory=Query)
    statuses: tuple[str, ...] = ()
    sort: str = "listed"
    descending: bool = True


@dataclass(frozen=True, slots=True)
class Selected:
    """``rows``: the row numbers in order. ``counts``: the rows of each status that match the query. ``total``: all
    rows. ``version`` changes with every write; ``counted`` is the condition that ``counts`` belong to."""

    rows: array[int]
    counts: dict[str, int]
    total: int
    version: int = 0
    counted: tuple[str, tuple[str | float, ...]] = ("", ())


class Readable(Protocol):
    """A database that can be read: ``read_list`` is for queries that may take a second; see sqlite.database."""

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T: ...

    async def read_list(self, work: Callable[[sqlite3.Connection], T]) -> T: ...


class Summaries:
    """The summaries of one user."""

    cached = False
    """Whether they are a cached copy, which ``refresh`` updates."""
    as_of: int | None = None
    """When a cached copy was last updated (epoch ms)."""

    def __init__(self, database: Readable, pk: str) -> None:
        self._database = database
        self._pk = pk
        self._before: Selected | None = None

    async def select(self, wanted: Selection) -> Selected:
        before = self._before
        self._before = await self._database.read_list(lambda db: select(db, self._pk, wanted, before))
        return self._before

    async def read(self, rows: Sequence[int]) -> list[Summary]:
        """The summaries of these rows, in this order; rows that are gone are left out."""
        return await self._database.read(lambda db: read(db, self._pk, rows))

    async def ids(self, rows: Sequence[int]) -> list[str]:
        """The listing ids of these rows, in this order; rows that are gone are left out."""
        return await self._database.read(lambda db: read_ids(db, self._pk, rows))

    async def living(self, rows: Iterable[int]) -> set[int]:
        """The rows among these that still exist."""
        return await self._database.read(lambda db: living(db, self._pk, rows))

    async def row_of(self, listing_id: str) -> int | None:
        return await self._database.read(lambda db: row_of(db, self._pk, listing_id))

    async def version(self) -> int:
        """Differs from the version of a Selected if any process has written since."""
        return await self._database.read_list(data_version)

    async def stale(self) -> bool:
        """Whether an import has begun or ended elsewhere since a cached copy was updated."""
        return False

    async def refresh(self) -> None:
        """Update a cached copy."""


def short_type(property_type: str | None, property_sub_type: str | None) -> str | None:
    """``Single``, ``Condo``, ``Town``, ``Land`` …; a type that is not in the RESO Data Dictionary is kept as it is."""
    for word in (property_sub_type, property_type):
        if word and (known := _KINDS.get(squeeze(word))):
            return known
    return property_sub_type or property_type


def per(period: str | None, unit: str | None) -> str:
    """The suffix of a price per period or per unit: ``/mo``, ``/Sq Ft Net/yr``."""
    known = _PERIODS.get(squeeze(period), f"/{period}") if period else ""
    return (f"/{unit}" if unit else "") + known


def put(db: sqlite3.Connection, items: Sequence[Mapping[str, Any]]) -> None:
    """Add or replace the summaries of these items. A listing keeps its row number."""
    db.executemany(_UPSERT, map(_row, items))
    db.executemany(
        "INSERT INTO summary_texts (row, text) SELECT row, ? FROM summaries WHERE pk = ? AND listing_id = ?"
        " ON CONFLICT (row) DO UPDATE SET text = excluded.text",
        ((_text(item["Data"]), item["PK"], id_of(item)) for item in items),
    )


def remove(db: sqlite3.Connection, pk: str, listing_ids: Iterable[str]) -> None:
    for listing_id in listing_ids:
        db.execute(
            "DELETE FROM summary_texts WHERE row = (SELECT row FROM summaries WHERE pk = ? AND listing_id = ?)",
            (pk, listing_id),
        )
        db.execute("DELETE FROM summaries WHERE pk = ? AND listing_id = ?", (pk, listing_id))


def select(db: sqlite3.Connection, pk: str, wanted: Selection, before: Selected | None = None) -> Selected:
    """The row numbers in order, the counts and the total, as of one moment. Nothing is counted again if ``before``
    counted the same query and nothing was written since.

    SQLite makes one text of all row numbers, in the order of the inner query, without the interpreter's lock. A row at
    a time would take and release that lock for each, and wait for the interface each time.
    """
    query, counted = wanted.query, (wanted.query.where, wanted.query.values)
    kept = ", ".join(f"'{status}'" for status in STATUSES if status in (wanted.statuses or STATUSES))
    order = f"{SORTS[wanted.sort]}{' DESC' if wanted.descending else ''} NULLS LAST, row"
    # `+pk`: a walk through the table is quicker than the index on pk, which would read it in another order.
    rows = f"SELECT row, status FROM summaries WHERE +pk = ?{_and_where(query)}"  # noqa: S608 - our words
    db.execute("BEGIN")
    try:
        version = data_version(db)
        if before and before.version == version and before.counted == counted:
            counts, total = before.counts, before.total
            only = f" AND status IN ({kept})" if wanted.statuses else ""
            sql = f"SELECT group_concat(row) FROM ({rows}{only} ORDER BY {order})"  # noqa: S608 - our words
            (text,) = db.execute(sql, (pk, *query.values)).fetchone()
        else:
            each = ", ".join(f"count(*) FILTER (WHERE status = '{status}')" for status in STATUSES)
            sql = f"SELECT group_concat(row) FILTER (WHERE status IN ({kept})), {each} FROM ({rows} ORDER BY {order})"  # noqa: S608 - our words
            text, *numbers = db.execute(sql, (pk, *query.values)).fetchone()
            counts = dict(zip(STATUSES, numbers, strict=True))
            (total,) = db.execute("SELECT count(*) FROM summaries WHERE pk = ?", (pk,)).fetchone()
    finally:
        db.execute("COMMIT")
    return Selected(array("q", orjson.loads(f"[{text or ''}]")), counts, total, version, counted)


def data_version(db: sqlite3.Connection) -> int:
    (version,) = db.execute("PRAGMA data_version").fetchone()
    return int(version)


def read(db: sqlite3.Connection, pk: str, rows: Sequence[int]) -> list[Summary]:
    """The summaries of these rows, in this order; rows that are gone are left out."""
    found: dict[int, Summary] = {}
    for first in range(0, len(rows), 500):
        part = rows[first : first + 500]
        sql = f"SELECT {_SUMMARY_COLUMNS} FROM summaries WHERE pk = ? AND row IN ({', '.join('?' * len(part))})"  # noqa: S608 - our words
        for values in db.execute(sql, (pk, *part)):
            found[values[0]] = Summary(*values)
    return [found[row] for row in rows if row in found]


def read_ids(db: sqlite3.Connection, pk: str, rows: Sequence[int]) -> list[str]:
    """The listing ids of these rows, in this order; rows that are gone are left out."""
    found: dict[int, str] = {}
    for first in range(0, len(rows), 500):
        part = rows[first : first + 500]
        sql = f"SELECT row, listing_id FROM summaries WHERE pk = ? AND row IN ({', '.join('?' * len(part))})"  # noqa: S608 - our words
        found.update(db.execute(sql, (pk, *part)))
    return [found[row] for row in rows if row in found]


def living(db: sqlite3.Connection, pk: str, rows: Iterable[int]) -> set[int]:
    sql = "SELECT row FROM summaries WHERE pk = ? AND row IN (SELECT value FROM json_each(?))"
    return {row for (row,) in db.execute(sql, (pk, orjson.dumps(list(rows)).decode()))}


def ids_between(db: sqlite3.Connection, pk: str, after: str, last: str | None) -> list[str]:
    """Listing ids with ``after`` < id <= ``last``; None is the end."""
    sql = "SELECT listing_id FROM summaries WHERE pk = ? AND listing_id > ?"
    values = (pk, after) if last is None else (pk, after, last)
    return [each for (each,) in db.execute(sql if last is None else f"{sql} AND listing_id <= ?", values)]


def row_of(db: sqlite3.Connection, pk: str, listing_id: str) -> int | None:
    found = db.execute("SELECT row FROM summaries WHERE pk = ? AND listing_id = ?", (pk, listing_id)).fetchone()
    return None if found is None else int(found[0])


def _and_where(query: Query) -> str:
    return f" AND {query.where}" if query.where else ""


def id_of(item: Mapping[str, Any]) -> str:
    return str(item["SK"]).removeprefix(keys.LISTING_PREFIX)


_TEXTS = (
    "mlsNumber", "description", "propertyType", "propertySubType", "status", "standardStatus", "mlsStatus", "county",
    "subdivision", "listOfficeName", "listAgentName", "originatingSystemName", "mlsProvider", "mlsId", "listingId",
)  # fmt: skip
ITEM_PARTS = ("PK", "SK", "EntityType", "UpdatedAt", "PhotosStored", "PhotosTotal")
DATA_PARTS = (
    *_TEXTS, "connectionId", "price", "pricePeriod", "priceUnit", "bedrooms", "bathrooms", "squareFeet", "address",
    "listDate", "syncedAt", "features",
)  # fmt: skip
"""The keys of ``Data`` that a summary is made from; ITEM_PARTS are those of the item."""

_COLUMNS = (
    "pk", "listing_id", "updated", "connection_id", "mls_number", "status", "raw_status", "price", "per", "beds",
    "baths", "sqft", "street", "city", "state", "zip", "kind", "list_date", "photos", "photos_total", "synced",
    "street_key", "city_key", "zip_key", "kind_key", "mls_key", "types", "source",
)  # fmt: skip
_UPSERT = (
    f"INSERT INTO summaries ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608 - our words
    f" ON CONFLICT (pk, listing_id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS[2:])}"
)


def _row(item: Mapping[str, Any]) -> tuple[Any, ...]:
    data = item["Data"]
    address = data.get("address") or {}
    street, city, zip_code = address.get("street"), address.get("city"), address.get("zip")
    kinds = data.get("propertyType"), data.get("propertySubType")
    kind = short_type(*kinds)
    raw = (squeeze(word) for word in (data.get("standardStatus"), data.get("mlsStatus")) if word)
    source = (data.get("originatingSystemName"), data.get("mlsProvider"), data.get("connectionId"))
    return (
        item["PK"], id_of(item), item.get("UpdatedAt"), data.get("connectionId"), data["mlsNumber"], data["status"],
        "".join(f"|{word}" for word in raw), data.get("price"), per(data.get("pricePeriod"), data.get("priceUnit")),
        data.get("bedrooms"), data.get("bathrooms"), data.get("squareFeet"), street or None, city or None,
        address.get("state"), zip_code, kind, data.get("listDate") or None,
        item.get("PhotosStored", 0), item.get("PhotosTotal", 0),
        data["syncedAt"], _sort_key(street), _sort_key(city), _sort_key(zip_code), _sort_key(kind),
        _sort_key(data["mlsNumber"]), _sort_key(" ".join(word for word in (*kinds, kind) if word)), _lines(source),
    )  # fmt: skip


def _sort_key(text: str | None) -> str | None:
    """None instead of an empty text, as NULL is sorted last."""
    return fold(text or "") or None


def _lines(parts: Iterable[str | None]) -> str:
    """Each part folded, on a line of its own, so that a phrase cannot match across two fields."""
    return "\n".join(fold(part) for part in parts if part)


def _text(data: dict[str, Any]) -> str:
    """The text of a listing that free-text search looks in."""
    address = data.get("address") or {}
    region = " ".join(part for part in (address.get("state"), address.get("zip")) if part)
    return _lines(
        (
            ", ".join(part for part in (address.get("street"), address.get("city"), region) if part),
            *(data.get(name) for name in _TEXTS),
            *(data.get("features") or ()),
        )
    )
