"""Alice and Bob over one pair of stores, the same MLS numbers on both sides, and every verb as either may call it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mls_tui import actions
from mls_tui.actions import ActionResult, ConnectionEdit, ConnectionForm, Deletion, ImportOptions
from mls_tui.actions.workspace import Workspace
from mls_tui.config import Settings
from mls_tui.demo.server import DemoMLS
from mls_tui.domain.errors import MlsTuiError
from mls_tui.domain.listing import Listing
from mls_tui.storage.summaries import Selection
from mls_tui.users.base import User
from tests.clocks import SwiftClock
from tests.e2e.house import OVERRIDES, scan
from tests.promises.house import cheap_photos

LISTINGS = 3
FULL = ImportOptions(full=True)


class OneUser:
    """A source of users that has signed one in."""

    def __init__(self, user_id: str) -> None:
        self._user = User(user_id, user_id)

    def current(self) -> User:
        return self._user

    def sign_in(self, username: str, password: str) -> User:
        return self._user

    def answer(self, challenge: object, text: str) -> User:
        return self._user

    def sign_out(self) -> None: ...

    def needs_password(self) -> bool:
        return False

    def boto3_session(self) -> Any:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Names:
    """What a user's verbs can be called with: ids and values of things that belong to one of the two."""

    listing: Listing
    connection_id: str
    run_id: str
    deletion: Deletion
    folder: Path

    @property
    def photo_key(self) -> str:
        key = self.listing.photos[0].key
        assert key is not None
        return key


@dataclass(slots=True)
class Person:
    """One user with an MLS of their own, whose numbers are those of the other's too."""

    ws: Workspace
    mls: DemoMLS
    folder: Path
    name: str

    async def settle(self) -> Names:
        """Connect and import what is missing; an undoable deletion of one listing is part of what there is."""
        found = await self._connection()
        result = await actions.import_mls_listings(found, FULL, self.ws)
        assert result.success, result.error
        listings = (await actions.get_imported_listings(self.ws)).data or []
        assert len(listings) == LISTINGS
        taken = await actions.delete_listings([listings[-1].listing_id], self.ws, undoable=True)
        assert taken.data is not None
        run = ((await actions.get_import_history(self.ws)).data or [])[0]
        return Names(listings[0], found, run.run_id, taken.data, self.folder)

    async def _connection(self) -> str:
        views = (await actions.get_connections(self.ws)).data or []
        if views:
            return views[0].connection.connection_id
        made = await actions.connect_mls(self.form(), self.ws)
        assert made.data is not None, made.error
        return made.data.connection.connection_id

    def form(self, name: str | None = None) -> ConnectionForm:
        return ConnectionForm(
            name=name or self.name,
            provider="reso",
            base_url=self.mls.base_url,
            access_token=self.mls.token,
            overrides=OVERRIDES,
        )

    async def belongings(self) -> tuple[str, dict[str, bytes]]:
        """Every item and every object of this user, byte for byte."""
        rows = _rows_of(self.ws.settings, f"USER#{self.ws.user_id}")
        keys = [key async for batch in self.ws.photos.keys(f"listings/{self.ws.user_id}/") for key in batch]
        objects = {key: await self.ws.photos.get(key) or b"" for key in keys}
        assert objects, "what is theirs stands below their own prefix"
        return json.dumps(rows, default=str), objects

    async def secrets(self) -> set[str]:
        """Words that nobody but this user may read: of the connection, the homes and the photos."""
        listings = (await actions.get_imported_listings(self.ws)).data or []
        homes = {listing.address.one_line for listing in listings}
        digests = {photo.sha256 or "" for listing in listings for photo in listing.photos}
        return {word for word in {self.name, self.mls.token, *homes, *digests} if word}


def _rows_of(settings: Settings, partition: str) -> list[Any]:
    """As they are in the file or the table, read without the stores' own code."""
    if settings.storage == "aws":
        rows = [sorted(row.items()) for row in scan(settings.table) if row["PK"] == partition]
        return sorted(rows, key=str)
    with sqlite3.connect(f"file:{settings.database_path}?mode=ro", uri=True) as database:
        return database.execute("select * from items where pk = ? order by sk", (partition,)).fetchall()


@asynccontextmanager
async def alice_and_bob(settings: Settings, folder: Path) -> AsyncIterator[tuple[Person, Person]]:
    """Two people in one house: ids of which one begins with the other."""
    clock = SwiftClock()
    with cheap_photos(2):
        async with (
            DemoMLS(listings=LISTINGS, seed=1, now=clock.now) as first,
            DemoMLS(listings=LISTINGS, seed=2, now=clock.now) as second,
            Workspace(settings, clock=clock, users=OneUser("alice")) as hers,
            Workspace(settings, clock=clock, users=OneUser("alice.b")) as his,
        ):
            await hers.store.init()
            await hers.photos.init()
            yield Person(hers, first, folder, "Alices Lakeside"), Person(his, second, folder, "Bobs Hillside")


Call = Callable[[Person, Names], Awaitable[ActionResult[Any] | list[Any]]]


async def _listed(batches: AsyncIterator[Any]) -> list[Any]:
    return [batch async for batch in batches]


async def _followed(me: Person, run_id: str) -> ActionResult[Any]:
    try:
        return ActionResult(True, data=[str(tally) async for tally in actions.follow_run(run_id, me.ws, 0.0)])
    except MlsTuiError as error:
        return ActionResult(False, error=str(error))


async def _stopped_worker(me: Person) -> ActionResult[Any]:
    """A worker works for every user, by its machine's rights, and is told no name; it only begins here."""
    stop = asyncio.Event()
    stop.set()
    return await actions.run_worker(me.ws, stop=stop)


async def _export(me: Person, it: Names) -> ActionResult[int]:
    """Rows of the list that are not one's own."""
    mine = (await (await actions.open_summaries(me.ws)).select(Selection())).rows
    rows = sorted({*range(1, 30)} - {*mine})
    return await actions.export_listings(rows, _file(it, "json"), "json", me.ws, overwrite=True)


async def _summaries(me: Person) -> list[Any]:
    """Every line of the list, and row numbers that are another's."""
    summaries = await actions.open_summaries(me.ws)
    chosen = await summaries.select(Selection())
    return [*await summaries.read(chosen.rows), *await summaries.read(range(20)), *await summaries.ids(range(20))]


def _file(names: Names, kind: str) -> str:
    return str(names.folder / f"export.{kind}")


VERBS: dict[str, Call] = {
    "get_imported_listings": lambda me, it: actions.get_imported_listings(me.ws),
    "open_summaries": lambda me, it: _summaries(me),
    "listing_data": lambda me, it: _listed(actions.listing_data(me.ws)),
    "get_listings": lambda me, it: actions.get_listings([it.listing.listing_id], me.ws),
    "get_listing": lambda me, it: actions.get_listing(it.listing.listing_id, me.ws),
    "get_photo": lambda me, it: actions.get_photo(it.photo_key, me.ws),
    "export_listings": lambda me, it: _export(me, it),
    "get_connections": lambda me, it: actions.get_connections(me.ws),
    "check_connection": lambda me, it: actions.check_connection(it.connection_id, me.ws),
    "edit_connection": lambda me, it: actions.edit_connection(it.connection_id, ConnectionEdit({"name": "M"}), me.ws),
    "show_connection": lambda me, it: actions.show_connection(it.connection_id, me.ws),
    "try_connection": lambda me, it: actions.try_connection(me.form("x"), me.ws, connection_id=it.connection_id),
    "connect_mls": lambda me, it: actions.connect_mls(me.form("Another"), me.ws),
    "update_connection": lambda me, it: actions.update_connection(it.connection_id, me.form("Mine"), me.ws),
    "preview_import": lambda me, it: actions.preview_import(it.connection_id, None, me.ws),
    "import_mls_listings": lambda me, it: actions.import_mls_listings(
        it.connection_id, ImportOptions(full=True), me.ws
    ),
    "import_events": lambda me, it: _listed(actions.import_events(it.connection_id, ImportOptions(), me.ws)),
    "retry_run": lambda me, it: actions.retry_run(it.run_id, me.ws),
    "retry_events": lambda me, it: _listed(actions.retry_events(it.run_id, me.ws)),
    "refetch_photos": lambda me, it: actions.refetch_photos(it.listing.listing_id, me.ws),
    "start_distributed": lambda me, it: actions.start_distributed([it.connection_id], FULL, me.ws),
    "steer_run": lambda me, it: actions.steer_run(it.run_id, "cancel", me.ws),
    "follow_run": lambda me, it: _followed(me, it.run_id),
    "run_worker": lambda me, it: _stopped_worker(me),
    "get_import_history": lambda me, it: actions.get_import_history(me.ws),
    "get_run_problems": lambda me, it: actions.get_run_problems(it.run_id, me.ws),
    "get_budget": lambda me, it: actions.get_budget(it.connection_id, me.ws),
    "init_storage": lambda me, it: actions.init_storage(me.ws),
    "check_storage": lambda me, it: actions.check_storage(me.ws, photos=True, repair=True),
    "rotate_keys": lambda me, it: actions.rotate_keys(me.ws),
    "run_doctor": lambda me, it: actions.run_doctor(me.ws, it.connection_id),
    "undo_deletion": lambda me, it: actions.undo_deletion(it.deletion, me.ws),
    "delete_listing": lambda me, it: actions.delete_listing(it.listing.listing_id, me.ws),
    "delete_listings": lambda me, it: actions.delete_listings([it.listing.listing_id], me.ws, undoable=True),
    "delete_named": lambda me, it: actions.delete_named([it.listing.listing_id, it.listing.mls_number], me.ws),
    "disconnect_mls": lambda me, it: actions.disconnect_mls(it.connection_id, me.ws),
}
