"""A whole house for imports: the demo MLS over real HTTP, a workspace over one pair of stores, a connection, and what
the stores hold, read without the stores' own code."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from mls_tui import actions
from mls_tui.actions import ConnectionForm, ImportControl, ImportOptions
from mls_tui.actions.workspace import Workspace
from mls_tui.config import Settings
from mls_tui.demo.homes import Home, Shot
from mls_tui.demo.server import DemoMLS
from mls_tui.domain.events import Event, RunFinished
from mls_tui.domain.listing import Listing
from mls_tui.domain.run import ImportResult
from tests.clocks import SwiftClock

OVERRIDES: dict[str, str | int | float | bool] = {"api_limits": "5000/1", "page_size": 6, "overlap_minutes": 5}

Dump = dict[str, Any]


@dataclass(slots=True)
class House:
    """One user's workspace and the MLS it is connected to."""

    mls: DemoMLS
    ws: Workspace
    clock: SwiftClock
    connection_id: str = ""
    events: list[Event] = field(default_factory=list)

    async def connect(self, name: str = "Lakeside", **form: Any) -> str:
        """A connection to the demo MLS; its id."""
        fields: dict[str, Any] = {
            "provider": "reso",
            "base_url": self.mls.base_url,
            "access_token": self.mls.token,
            "overrides": OVERRIDES,
        }
        answer = await actions.connect_mls(ConnectionForm(name=name, **{**fields, **form}), self.ws)
        assert answer.data is not None, answer.error
        return answer.data.connection.connection_id

    async def run(self, control: ImportControl | None = None, **options: Any) -> ImportResult:
        """Import to the end; ``events`` holds what was said."""
        self.events = []
        async for event in actions.import_events(self.connection_id, ImportOptions(**options), self.ws, control):
            self.events.append(event)
        return self.result()

    def result(self) -> ImportResult:
        last = self.events[-1]
        assert isinstance(last, RunFinished)
        return last.result

    def said(self, *kinds: type[Event]) -> list[Any]:
        """The events of these kinds."""
        return [event for event in self.events if isinstance(event, kinds)]

    async def listings(self) -> dict[str, Listing]:
        """By ListingKey."""
        found = [listing async for batch in self.ws.store.listings(self.ws.user_id) for listing in batch]
        assert len({listing.listing_id for listing in found}) == len(found)
        return {listing.mls_id: listing for listing in found}

    async def objects(self) -> set[str]:
        return {key async for batch in self.ws.photos.keys("listings/") for key in batch}

    async def whole(self) -> dict[str, Listing]:
        """The stored listings, each photo's bytes those that the MLS serves, and no photo besides."""
        found = await self.listings()
        keys: set[str] = set()
        for key, listing in found.items():
            served = self.mls.feed.photos(key)
            assert len(listing.photos) == len(served), listing.mls_number
            for photo, body in zip(listing.photos, served, strict=True):
                assert photo.key is not None, photo
                assert await self.ws.photos.get(photo.key) == body
                assert photo.sha256 == hashlib.sha256(body).hexdigest()
                keys.add(photo.key)
        assert await self.objects() == keys
        return found

    def dump(self) -> Dump:
        """Every row as it is on disk or in the table, by its key."""
        return dump_of(self.ws.settings)

    def rows(self, *kinds: str) -> Dump:
        """The rows whose sort key begins with one of ``kinds``."""
        return {key: row for key, row in self.dump().items() if key.split("|", 1)[-1].startswith(kinds)}


@functools.lru_cache(1)
def _jpeg() -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (80, 60), "seagreen").save(out, "JPEG")
    return out.getvalue()


def quick_photo(home: Home, shot: Shot) -> bytes:
    """A JPEG that says in a comment which photo it is; long enough to be cut short."""
    name = f"{home.key} {shot.number} {shot.version} ".encode() * 20
    return b"\xff\xd8\xff\xfe" + (len(name) + 2).to_bytes(2, "big") + name + _jpeg()[2:]


def dump_of(settings: Settings) -> Dump:
    if settings.storage == "aws":
        return {f"{item['PK']}|{item['SK']}": item for item in scan(settings.table)}
    found: Dump = {}
    with sqlite3.connect(f"file:{settings.database_path}?mode=ro", uri=True) as database:
        tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            columns = [row[1] for row in database.execute(f"pragma table_info({table})")]
            for values in database.execute(f"select * from {table}"):
                row = dict(zip(columns, values, strict=True))
                found[f"{table}|{row.get('SK') or row.get('sk') or json.dumps(row, default=repr)}"] = row
    return found


def scan(table: str) -> list[dict[str, Any]]:
    """Every item of the table, with bare boto3."""
    import boto3

    resource: Any = boto3.resource("dynamodb")
    found: list[dict[str, Any]] = []
    more: dict[str, Any] = {}
    while True:
        page = resource.Table(table).scan(ConsistentRead=True, **more)
        found += page["Items"]
        if "LastEvaluatedKey" not in page:
            return found
        more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


@asynccontextmanager
async def opened(settings: Settings, mls: DemoMLS, clock: SwiftClock) -> AsyncIterator[House]:
    """A house with storage made and a connection named Lakeside."""
    async with mls, Workspace(settings, clock=clock) as ws:
        await ws.store.init()
        await ws.photos.init()
        house = House(mls, ws, clock)
        house.connection_id = await house.connect()
        yield house


def stored_data(listings: dict[str, Listing]) -> dict[str, Any]:
    """Data maps by ListingKey, without when they were read and with ids without their epoch."""
    return {key: timeless(listing) for key, listing in sorted(listings.items())}


def timeless(listing: Listing) -> dict[str, Any]:
    data = listing.to_data()
    data.pop("syncedAt")
    data.pop("connectionId", None)
    data.pop("lastImport", None)
    epoch = listing.listing_id.rpartition("-")[2]
    data["photos"] = [{**photo, "url": ""} for photo in data["photos"]]
    return dict(json.loads(json.dumps(data, default=str).replace(epoch, "EPOCH")))
