"""The listings that the server serves now: generated homes, and what a test changed since.

An in-memory SQLite table for each resource holds what ``$filter`` and ``$orderby`` can name; records are made from the
homes when they are served. Of a Property only ``_CHEAP`` is filled in at first, the rest when a query reads it, so that
a feed of 100,000 homes starts in a second.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from mls_tui.demo import homes, photos, records
from mls_tui.demo.filter import read_time, sql_time
from mls_tui.demo.homes import Home, Shot
from mls_tui.demo.records import Record, stamp
from mls_tui.demo.schema import ENTITIES, MEDIA, OPEN_HOUSE, PROPERTY, EdmField, EntityType

_CHEAP = ("ListingKey", "ModificationTimestamp", "StandardStatus")
_PEOPLE = {"Member": records.members, "Office": records.offices}


class DemoFeed:
    """Listings by ListingKey, and the ways in which an MLS's listings change.

    It may be read from any thread, and changed while no request is being answered.

    Args:
        listings: how many are Active; others come on top.
        epoch: the feed's today, which generated timestamps lie before.
        now: the clock that stamps changes.
    """

    def __init__(
        self,
        listings: int,
        seed: int = 1,
        epoch: datetime = homes.EPOCH,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        total = listings + round(listings * homes.OTHERS_PER_ACTIVE)
        if not listings >= 0 or total > homes.MOST_HOMES:
            raise ValueError(f"listings must be between 0 and {int(homes.MOST_HOMES / 1.29):,}")
        self.seed, self.active, self.epoch, self.now = seed, listings, epoch, now
        self.people = records.members()
        self.photo_url: Callable[[str, Shot], str] = lambda key, shot: f"/photos/{key}/{shot.number}.jpg"
        self.database = _tables()
        self._next = total
        self._fields: dict[str, Record] = {}
        self._shots: dict[str, tuple[Shot, ...]] = {}
        self._added: set[str] = set()
        self._full = False
        self._with_media: set[str] = set()
        self._with_open_houses = False
        self._generated = lru_cache(4096)(self._generate)
        self.database.executemany(
            'INSERT INTO "Property" (number, "ListingKey", "ModificationTimestamp", "StandardStatus") '
            "VALUES (?, ?, ?, ?)",
            (
                (number, homes.key_of(number), _from_ms(self._ms(number)), homes.status_of(seed, number, listings))
                for number in range(total)
            ),
        )
        for name, people in _PEOPLE.items():
            self._insert(ENTITIES[name], people())

    def __len__(self) -> int:
        return int(self._one('SELECT COUNT(*) FROM "Property"'))

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._number(key) is not None

    # reading

    def listing_keys(self, status: str | None = None) -> list[str]:
        """Every ListingKey in order, or those with this StandardStatus."""
        where = 'WHERE "StandardStatus" = :status' if status else ""
        rows = self.database.execute(f'SELECT "ListingKey" FROM "Property" {where} ORDER BY 1', {"status": status})
        return [key for (key,) in rows]

    def home(self, key: str) -> Home:
        """The facts behind a listing. Raises KeyError."""
        number = self._number(key)
        if number is None:
            raise KeyError(key)
        home = self._generated(number)
        if key in self._added:
            fields = self._fields.get(key, {})
            home = replace(home, key=key, mls_number=str(fields.get("ListingId", home.mls_number)), status="Active")
        return home

    def record(self, key: str) -> Record:
        """The Property record as served now, without Media. Raises KeyError."""
        return records.property_record(self.home(key), self.people) | self._fields.get(key, {})

    def value(self, key: str, name: str) -> Any:
        """One field of a record. Raises KeyError."""
        return self.record(key).get(name)

    def shots(self, key: str) -> tuple[Shot, ...]:
        """A listing's photos in display order. Raises KeyError."""
        found = self._shots.get(key)
        return homes.shots_of(self.home(key)) if found is None else found

    def photos(self, key: str) -> list[bytes]:
        """The JPEG bytes of a listing's photos in display order, as the server serves them."""
        home = self.home(key)
        return [photos.draw(home, shot) for shot in self.shots(key)]

    def media(self, key: str) -> list[Record]:
        """The Media records of one listing, with URLs that work now."""
        return records.media_records(self.home(key), self.shots(key), lambda shot: self.photo_url(key, shot))

    def open_houses(self, key: str) -> list[Record]:
        """The OpenHouse records of one listing."""
        return records.open_house_records(self.home(key), self.epoch, self.people)

    # the tables

    def records_of(self, entity: EntityType, keys: list[str]) -> list[Record]:
        """The records with these keys, in their order, as served now."""
        if entity is PROPERTY:
            return [self.record(key) for key in keys]
        if entity is MEDIA:
            owners = dict.fromkeys(key.rpartition("-")[0] for key in keys)
            by_key = {item["MediaKey"]: item for owner in owners for item in self.media(owner)}
            return [by_key[key] for key in keys]
        names = ", ".join(f'"{name}"' for name in entity.fields)
        find = f'SELECT {names} FROM "{entity.name}" WHERE "{entity.key}" = ?'
        rows = (self.database.execute(find, (key,)).fetchone() for key in keys)
        return [
            {field.name: _from_column(field, value) for field, value in zip(entity.fields.values(), row, strict=True)}
            for row in rows
        ]

    def prepare(self, reads: Iterable[tuple[str, str]], listing: str | None = None) -> None:
        """Fill in the columns that a query reads; of Media only one listing's rows if it is about no other."""
        for name in {name for name, field in reads if name != "Property" or field not in _CHEAP}:
            if name == "Property" and not self._full:
                self._full = True
                for key in self.listing_keys():
                    self._store(key)
            elif name == "Media":
                for key in [listing] if listing is not None else self.listing_keys():
                    if key not in self._with_media:
                        self._with_media.add(key)
                        self._insert(MEDIA, self.media(key))
            elif name == "OpenHouse" and not self._with_open_houses:
                self._with_open_houses = True
                for key in self.listing_keys("Active"):
                    self._insert(OPEN_HOUSE, self.open_houses(key))

    def _insert(self, entity: EntityType, rows: Iterable[Record]) -> None:
        names = ", ".join(f'"{name}"' for name in entity.fields)
        marks = ", ".join("?" * len(entity.fields))
        self.database.executemany(
            f'INSERT OR REPLACE INTO "{entity.name}" ({names}) VALUES ({marks})',
            ([_to_column(field, row.get(field.name)) for field in entity.fields.values()] for row in rows),
        )

    def _store(self, key: str) -> None:
        """Write a Property's columns again: all of them, or the cheap ones if no query has needed the others."""
        record = self.record(key)
        names = [name for name in PROPERTY.fields if name != "ListingKey"] if self._full else list(_CHEAP[1:])
        values = [_to_column(PROPERTY.fields[name], record.get(name)) for name in names]
        sets = ", ".join(f'"{name}" = ?' for name in names)
        self.database.execute(f'UPDATE "Property" SET {sets} WHERE "ListingKey" = ?', (*values, key))

    def _one(self, sql: str, *values: Any) -> Any:
        row = self.database.execute(sql, values).fetchone()
        return row[0] if row else None

    def _number(self, key: str) -> int | None:
        found = self._one('SELECT number FROM "Property" WHERE "ListingKey" = ?', _text(key))
        return None if found is None else int(found)

    # changing

    def change(self, key: str, **fields: Any) -> None:
        """Set fields of a listing. ModificationTimestamp becomes later than any in the feed, unless it is given."""
        if key not in self:
            raise KeyError(key)
        stamped = fields if "ModificationTimestamp" in fields else fields | {"ModificationTimestamp": self._later()}
        self._fields[key] = self._fields.get(key, {}) | stamped
        self._store(key)

    def remove(self, key: str) -> None:
        """Take a listing out of the feed: it answers 404 from now on. Raises KeyError."""
        if key not in self:
            raise KeyError(key)
        for table, field in (("Property", "ListingKey"), ("Media", "ResourceRecordKey"), ("OpenHouse", "ListingKey")):
            self.database.execute(f'DELETE FROM "{table}" WHERE "{field}" = ?', (key,))
        self._added.discard(key)
        self._with_media.discard(key)
        self._fields.pop(key, None)
        self._shots.pop(key, None)

    def add(self, **fields: Any) -> str:
        """A new Active home, listed now, with these fields (its ListingKey too, if given). Returns its ListingKey."""
        number, self._next = self._next, self._next + 1
        key = str(fields.get("ListingKey", homes.key_of(number)))
        if key in self:
            raise ValueError(f"there is a listing {key} already")
        later = self._later()
        self._added.add(key)
        times = ("OriginalEntryTimestamp", "ModificationTimestamp", "PhotosChangeTimestamp", "StatusChangeTimestamp")
        dates: Record = dict.fromkeys(times, later) | {"DaysOnMarket": 0}
        self._fields[key] = dates | {"ListingContractDate": later[:10], "OnMarketDate": later[:10]} | fields
        self.database.execute('INSERT INTO "Property" (number, "ListingKey") VALUES (?, ?)', (number, _text(key)))
        self._store(key)
        return key

    def change_photo(self, key: str, place: int) -> None:
        """Replace the picture at ``place`` (0-based): new bytes, same MediaKey, later timestamps."""
        shots = list(self.shots(key))
        shots[place] = replace(shots[place], version=shots[place].version + 1)
        self._show(key, shots, touched=place)

    def remove_photo(self, key: str, place: int) -> None:
        """Drop the photo at ``place`` (0-based)."""
        shots = list(self.shots(key))
        del shots[place]
        self._show(key, shots)

    def add_photo(self, key: str, scene: str = "garden", caption: str | None = None) -> None:
        """Append a photo."""
        shots = list(self.shots(key))
        number = max((shot.number for shot in shots), default=0) + 1
        self._show(key, [*shots, Shot(number, scene, caption, 1, self.epoch)], touched=len(shots))

    def reorder_photos(self, key: str, order: list[int]) -> None:
        """Show the photos in this order of their present 0-based places; no picture changes."""
        shots = self.shots(key)
        self._show(key, [shots[place] for place in order])

    def caption_photo(self, key: str, place: int, caption: str | None) -> None:
        """Change a caption only."""
        shots = list(self.shots(key))
        shots[place] = replace(shots[place], caption=caption)
        self._show(key, shots)

    def _show(self, key: str, shots: list[Shot], touched: int | None = None) -> None:
        later = self._later()
        moment = datetime.fromisoformat(later)
        self._shots[key] = tuple(
            replace(shot, changed=moment) if place == touched else shot for place, shot in enumerate(shots)
        )
        self.database.execute('DELETE FROM "Media" WHERE "ResourceRecordKey" = ?', (key,))
        self._with_media.discard(key)
        self.change(key, PhotosCount=len(shots), PhotosChangeTimestamp=later, ModificationTimestamp=later)

    def _generate(self, number: int) -> Home:
        return homes.home(self.seed, number, self.active, round(self.epoch.timestamp() * 1000))

    def _ms(self, number: int) -> int:
        return homes.modified_ms(self.seed, number, self.active, round(self.epoch.timestamp() * 1000))

    def _later(self) -> str:
        """A timestamp that nothing in the feed reaches yet: now, or a millisecond past the latest."""
        latest = self._one('SELECT MAX("ModificationTimestamp") FROM "Property"')
        past = datetime.fromisoformat(latest).replace(tzinfo=UTC) + timedelta(milliseconds=1) if latest else self.epoch
        return stamp(max(self.now(), past))


def _tables() -> sqlite3.Connection:
    """An empty table for each resource. Functions whose meaning depends on how SQLite was built are Python's."""
    database = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
    for name, function in (("LOWER", str.lower), ("UPPER", str.upper), ("FLOOR", math.floor), ("CEILING", math.ceil)):
        database.create_function(
            name, 1, lambda value, call=function: None if value is None else call(value), deterministic=True
        )
    for entity in ENTITIES.values():
        columns = ", ".join(f'"{name}"' for name in entity.fields if name != entity.key)
        number = "number, " if entity is PROPERTY else ""
        database.execute(f'CREATE TABLE "{entity.name}" ({number}"{entity.key}" TEXT PRIMARY KEY, {columns})')
    database.execute('CREATE INDEX "by time" ON "Property" ("ModificationTimestamp", "ListingKey")')
    database.execute('CREATE INDEX "by listing" ON "Media" ("ResourceRecordKey")')
    return database


def _from_ms(milliseconds: int) -> str:
    return sql_time(datetime.fromtimestamp(milliseconds / 1000, UTC))


def _text(value: str) -> str:
    return value.encode(errors="replace").decode()


def _to_column(field: EdmField, value: Any) -> Any:
    """A JSON value as its column holds it; what a test served against its type becomes text or null."""
    if field.collection:
        return json.dumps(value or [])
    if field.edm == "DateTimeOffset" and value is not None:
        with suppress(ValueError, TypeError, AttributeError, OverflowError):
            return sql_time(read_time(value))
        return None
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int) and abs(value) >= 1 << 63:
        return str(value)
    return value if value is None or isinstance(value, int | float) else json.dumps(value)


def _from_column(field: EdmField, value: Any) -> Any:
    if value is None:
        return None
    if field.edm == "DateTimeOffset":
        return stamp(datetime.fromisoformat(value).replace(tzinfo=UTC))
    return json.loads(value) if field.collection else bool(value) if field.edm == "Boolean" else value
