"""Actions in memory for the interface's tests: connections, listings, and imports that follow a script. They reach no
network and no disk."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from mls_tui.actions import (
    ActionResult,
    ConnectionForm,
    ConnectionTest,
    ConnectionView,
    Deletion,
    ImportOptions,
    Preview,
)
from mls_tui.actions.service import BackgroundService
from mls_tui.domain.connection import Connection, Member
from mls_tui.domain.errors import StorageError
from mls_tui.domain.events import Event
from mls_tui.domain.keys import listing_sk
from mls_tui.domain.listing import Listing
from mls_tui.domain.run import ImportRun, Problem
from mls_tui.importer.options import ImportControl
from mls_tui.importer.tally import Tally, tally_of
from mls_tui.reso.base import Window
from mls_tui.storage import items, summaries
from mls_tui.storage.items import plain
from mls_tui.storage.summaries import Selected, Selection, Summaries
from tests.ui.workspaces import NOW, NOW_MS, FrozenClock, a_connection, a_view, fake_workspace

if TYPE_CHECKING:
    from mls_tui.actions.workspace import Workspace
    from mls_tui.storage.sqlite.database import Database

T = TypeVar("T")

__all__ = [
    "NOW", "NOW_MS", "FakeActions", "FrozenClock", "Gate", "Step", "a_connection", "a_view", "an_item",
    "fake_workspace", "gate",
]  # fmt: skip


class Gate(Future[None]):
    """A step of an import script that waits until the test calls ``set``, or the run is cancelled."""

    def set(self) -> None:
        if not self.done():
            self.set_result(None)


def gate() -> Gate:
    return Gate()


Step = Event | Gate | BaseException


class FakeSummaries(Summaries):
    """The summaries of ``FakeActions.listings``, by the store's own SQL in memory. ``error`` is what reading fails
    with."""

    def __init__(self, actions: FakeActions) -> None:
        self.error: str | None = None
        self._actions = actions
        self._shown: dict[str, Listing] = {}
        self._memory = sqlite3.connect(":memory:", isolation_level=None)
        for statement in summaries.SCHEMA:
            self._memory.execute(statement)
        super().__init__(cast("Database", self), items.pk("local"))

    async def read(self, rows: Any) -> Any:
        """As a Database, and as Summaries: a function of the connection, or rows."""
        if callable(rows):
            return await self.read_list(rows)
        return await self.read_list(lambda db: summaries.read(db, items.pk("local"), rows))

    async def read_list(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self.error is not None:
            raise StorageError(self.error)
        stored = self._actions.listings
        summaries.remove(self._memory, items.pk("local"), [each for each in self._shown if each not in stored])
        changed = [home for home in stored.values() if self._shown.get(home.listing_id) is not home]
        summaries.put(self._memory, [an_item(home) for home in changed])
        self._shown = dict(stored)
        return work(self._memory)

    async def version(self) -> int:
        await self.read_list(lambda _: None)
        return self._memory.total_changes

    async def select(self, wanted: Selection) -> Selected:
        self._before = None  # this connection writes too, and so does not see a change of its data_version
        return replace(await super().select(wanted), version=await self.version())


def an_item(home: Listing) -> dict[str, Any]:
    """The item of a home, also of one that no store would take."""
    photos = {"PhotosStored": home.photos_stored, "PhotosTotal": len(home.photos)}
    return {"PK": items.pk("local"), "SK": listing_sk(home.listing_id), "Data": plain(home.to_data()), **photos}


class FakeActions:
    """Satisfies ActionsPort. ``errors`` maps an action's name to the sentence it fails with; ``calls`` records."""

    def __init__(
        self,
        *,
        connections: Sequence[ConnectionView] = (),
        listings: Sequence[Listing] = (),
        history: Sequence[ImportRun] = (),
        script: Sequence[Step] = (),
    ) -> None:
        self.connections = {view.connection.connection_id: view for view in connections}
        self.listings = {listing.listing_id: listing for listing in listings}
        self.history = list(history)
        self.problems: dict[str, list[Problem]] = {}
        self.script: list[Step] = list(script)
        self.preview = Preview(rows=())
        self.photos: dict[str, bytes] = {}
        self.windows: list[Window] = []
        self.found = ConnectionTest(member=Member(member_name="Ana Lake", office_name="Lakeside Realty"), waiting=300)
        self.errors: dict[str, str] = {}
        self.cannot_delete: dict[str, str] = {}
        self.calls: list[tuple[object, ...]] = []
        self.summaries = FakeSummaries(self)
        self.looks: list[ImportRun | Gate] = []
        self.controls: list[ImportControl] = []
        self.service = BackgroundService("systemd")

    def _refused(self, action: str, *arguments: object) -> str | None:
        self.calls.append((action, *arguments))
        return self.errors.get(action)

    async def get_connections(self, workspace: Workspace | None = None) -> ActionResult[list[ConnectionView]]:
        if error := self._refused("get_connections"):
            return ActionResult(success=False, error=error)
        rows = sorted(self.connections.values(), key=lambda view: view.connection.name)
        return ActionResult(success=True, data=rows)

    async def connect_mls(
        self, form: ConnectionForm, workspace: Workspace | None = None
    ) -> ActionResult[ConnectionView]:
        if error := self._refused("connect_mls", form):
            return ActionResult(success=False, error=error)
        view = a_view(self._from_form(form, a_connection(form.name, form.provider)))
        self.connections[view.connection.connection_id] = view
        return ActionResult(success=True, message=f"Connected {form.name}.", data=view)

    def _from_form(self, form: ConnectionForm, base: Connection) -> Connection:
        return base.model_copy(
            update={
                "name": form.name,
                "provider": form.provider,
                "base_url": form.base_url or base.base_url,
                "schedule_minutes": form.schedule_minutes,
                "username": form.username,
                "client_id": form.client_id,
                "mls_system": form.mls_system,
            }
        )

    async def update_connection(
        self, connection_id: str, form: ConnectionForm, workspace: Workspace | None = None
    ) -> ActionResult[ConnectionView]:
        if error := self._refused("update_connection", connection_id, form):
            return ActionResult(success=False, error=error)
        old = self.connections[connection_id]
        view = replace(old, connection=self._from_form(form, old.connection))
        self.connections[connection_id] = view
        return ActionResult(success=True, data=view)

    async def try_connection(
        self, form: ConnectionForm, workspace: Workspace | None = None, *, connection_id: str | None = None
    ) -> ActionResult[ConnectionTest]:
        if error := self._refused("try_connection", form, connection_id):
            return ActionResult(success=False, error=error, exit_code=3)
        return ActionResult(success=True, data=self.found)

    async def disconnect_mls(self, connection_id: str, workspace: Workspace | None = None) -> ActionResult[Connection]:
        if error := self._refused("disconnect_mls", connection_id):
            return ActionResult(success=False, error=error)
        return ActionResult(success=True, data=self.connections.pop(connection_id).connection)

    async def import_events(
        self, connection_id: str, options: ImportOptions, workspace: Workspace, control: ImportControl | None = None
    ) -> AsyncIterator[Event]:
        self._refused("import_events", connection_id, options)
        async for event in self._play(control):
            yield event

    async def retry_events(
        self, run_id: str, workspace: Workspace, control: ImportControl | None = None
    ) -> AsyncIterator[Event]:
        self._refused("retry_events", run_id)
        async for event in self._play(control):
            yield event

    async def _play(self, control: ImportControl | None) -> AsyncIterator[Event]:
        task = asyncio.current_task()
        if control is not None:
            self.controls.append(control)
        if control is not None and task is not None:
            control.attach(task)
        for step in list(self.script):
            if isinstance(step, BaseException):
                raise step
            if isinstance(step, Gate):
                await asyncio.wrap_future(step)
            else:
                yield step

    async def preview_import(
        self, connection_id: str, options: ImportOptions | None = None, workspace: Workspace | None = None
    ) -> ActionResult[Preview]:
        if error := self._refused("preview_import", connection_id, options):
            return ActionResult(success=False, error=error)
        return ActionResult(success=True, data=self.preview)

    async def follow_run(self, run_id: str, workspace: Workspace) -> AsyncGenerator[Tally, None]:
        tally: Tally | None = None
        for look in self.looks:
            if isinstance(look, Gate):
                await asyncio.wrap_future(look)
                continue
            tally = tally_of(look, NOW, tally)
            yield tally

    async def steer_run(self, run_id: str, word: str, workspace: Workspace | None = None) -> ActionResult[ImportRun]:
        if error := self._refused("steer_run", run_id, word):
            return ActionResult(success=False, error=error)
        control = "pause" if word == "pause" else None
        run = next(run for run in self.history if run.run_id == run_id)
        return ActionResult(success=True, data=run.model_copy(update={"control": control}))

    async def get_imported_listings(self, workspace: Workspace | None = None) -> ActionResult[list[Listing]]:
        if error := self._refused("get_imported_listings"):
            return ActionResult(success=False, error=error)
        return ActionResult(success=True, data=list(self.listings.values()))

    async def open_summaries(self, workspace: Workspace) -> Summaries:
        if error := self._refused("open_summaries"):
            raise StorageError(error)
        return self.summaries

    async def get_listing(self, listing: str, workspace: Workspace | None = None) -> ActionResult[Listing]:
        self._refused("get_listing", listing)
        found = self.listings.get(listing)
        if found is None:
            return ActionResult(success=False, error=f"There is no listing {listing!r}.", exit_code=2)
        return ActionResult(success=True, data=found)

    async def get_listings(
        self, listing_ids: Sequence[str], workspace: Workspace | None = None
    ) -> ActionResult[list[Listing]]:
        if error := self._refused("get_listings", tuple(listing_ids)):
            return ActionResult(success=False, error=error)
        return ActionResult(success=True, data=[self.listings[each] for each in listing_ids if each in self.listings])

    async def get_photo(self, key: str, workspace: Workspace) -> ActionResult[bytes]:
        self._refused("get_photo", key)
        if key not in self.photos:
            return ActionResult(success=False, error="The photo is not in the store.")
        return ActionResult(success=True, data=self.photos[key])

    async def refetch_photos(self, listing_id: str, workspace: Workspace | None = None) -> ActionResult[Listing]:
        if error := self._refused("refetch_photos", listing_id):
            return ActionResult(success=False, error=error)
        return ActionResult(success=True, data=self.listings[listing_id])

    async def delete_listing(self, listing_id: str, workspace: Workspace | None = None) -> ActionResult[Deletion]:
        return await self.delete_listings([listing_id], workspace, undoable=True)

    async def delete_listings(
        self, listing_ids: Sequence[str], workspace: Workspace | None = None, *, undoable: bool = False
    ) -> ActionResult[Deletion]:
        if error := self._refused("delete_listings", tuple(listing_ids), undoable):
            return ActionResult(success=False, error=error)
        failures = {each: self.cannot_delete[each] for each in listing_ids if each in self.cannot_delete}
        gone = tuple(self.listings.pop(each) for each in listing_ids if each not in failures and each in self.listings)
        photos = sum(listing.photos_stored for listing in gone)
        return ActionResult(success=not failures, data=Deletion(gone, failures, photos, undoable))

    async def undo_deletion(self, deletion: Deletion, workspace: Workspace) -> ActionResult[int]:
        if error := self._refused("undo_deletion", deletion):
            return ActionResult(success=False, error=error)
        self.listings |= {listing.listing_id: listing for listing in deletion.deleted}
        return ActionResult(success=True, data=len(deletion.deleted))

    async def export_listings(
        self, rows: Sequence[int], path: str, file_format: str, workspace: Workspace, *, overwrite: bool = False
    ) -> ActionResult[int]:
        ids = await self.summaries.ids(rows)
        if error := self._refused("export_listings", tuple(ids), path, file_format, overwrite):
            return ActionResult(success=False, error=error)
        return ActionResult(success=True, message=f"Wrote {len(ids)} listings to {path}.", data=len(ids))

    async def get_import_history(self, workspace: Workspace | None = None) -> ActionResult[list[ImportRun]]:
        if error := self._refused("get_import_history"):
            return ActionResult(success=False, error=error)
        return ActionResult(success=True, data=list(self.history))

    async def get_run_problems(self, run_id: str, workspace: Workspace | None = None) -> ActionResult[list[Problem]]:
        if error := self._refused("get_run_problems", run_id):
            return ActionResult(success=False, error=error)
        return ActionResult(success=True, data=list(self.problems.get(run_id, [])))

    async def service_status(self) -> ActionResult[BackgroundService]:
        return ActionResult(success=True, data=self.service)

    async def install_service(self, settings: object, every: str = "15m") -> ActionResult[BackgroundService]:
        self.calls.append(("install_service", every))
        self.service = BackgroundService("systemd", seconds=900)
        return ActionResult(success=True, message="Every connection is imported every 15 minutes.", data=self.service)

    async def remove_service(self) -> ActionResult[BackgroundService]:
        self.calls.append(("remove_service",))
        self.service = BackgroundService("systemd")
        return ActionResult(success=True, message="The service is removed.", data=self.service)

    async def get_budget(self, connection_id: str, workspace: Workspace) -> ActionResult[list[Window]]:
        return ActionResult(success=True, data=list(self.windows))
