"""Connect, list, change, test and forget MLS connections. Secrets are encrypted before they reach a store."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

from mls_tui.actions.answering import answering, opened
from mls_tui.actions.forming import checked, edited, secrets_of
from mls_tui.actions.results import (
    ActionResult,
    ConnectionEdit,
    ConnectionForm,
    ConnectionTest,
    ConnectionView,
)
from mls_tui.actions.session import clear_secrets, connected, seal
from mls_tui.actions.workspace import Workspace
from mls_tui.domain.clock import epoch_ms
from mls_tui.domain.connection import AuthKind, Connection, SecretField
from mls_tui.domain.errors import AuthenticationError, MLSError, NotFoundError, SecretError, UsageError, sentence
from mls_tui.domain.listing import ListingStatus
from mls_tui.domain.run import ImportRun, RunState
from mls_tui.importer.schedule import next_daily
from mls_tui.reso.base import FeedQuery
from mls_tui.reso.presets import ANOTHER_FEED, at_its_feed, feed_identity, for_connection, settings_of

SOON_MS = 24 * 3_600_000
STALE_RUN_MS = 90_000


async def find_connection(workspace: Workspace, name_or_id: str) -> Connection:
    """By id or by name. Raises NotFoundError that lists the names there are."""
    found = await workspace.store.get_connection(workspace.user_id, name_or_id)
    if found is not None:
        return found
    every = await workspace.store.connections(workspace.user_id)
    for connection in every:
        if connection.name.casefold() == name_or_id.casefold():
            return connection
    known = ", ".join(sorted(connection.name for connection in every))
    advice = f"Known: {known}." if known else "There is none yet: `mls-tui connections add` makes one."
    raise NotFoundError(f"There is no connection {name_or_id!r}. {advice}")


@answering
async def get_connections(workspace: Workspace | None = None) -> ActionResult[list[ConnectionView]]:
    """Every connection of the user, by name."""
    async with opened(workspace) as ws:
        connections = await ws.store.connections(ws.user_id)
        counts = Counter([entry.connection_id async for entry in ws.store.index(ws.user_id)]) if connections else {}
        last: dict[str, ImportRun] = {}
        for run in await ws.store.runs(ws.user_id, limit=200) if connections else []:
            last.setdefault(run.connection_id, run)
        now = epoch_ms(ws.clock.now())
        views = [
            _view(connection, last.get(connection.connection_id), counts.get(connection.connection_id, 0), now)
            for connection in sorted(connections, key=lambda each: each.name.casefold())
        ]
        return ActionResult(True, f"{len(views)} connections", views)


@answering
async def connect_mls(form: ConnectionForm, workspace: Workspace | None = None) -> ActionResult[ConnectionView]:
    """Check the form, encrypt its secrets, store the connection. Does not ask the MLS; ``try_connection`` does."""
    async with opened(workspace) as ws:
        ws.writable()
        return await _saved(ws, form, None)


@answering
async def update_connection(
    connection_id: str, form: ConnectionForm, workspace: Workspace | None = None
) -> ActionResult[ConnectionView]:
    """Change a connection; a secret that the form leaves out stays as it is."""
    async with opened(workspace) as ws:
        ws.writable()
        return await _saved(ws, form, await find_connection(ws, connection_id))


@answering
async def edit_connection(
    connection_id: str, edit: ConnectionEdit, workspace: Workspace | None = None
) -> ActionResult[ConnectionView]:
    """Change only what ``edit`` names; all else, secrets included, stays as it is."""
    async with opened(workspace) as ws:
        ws.writable()
        stored = await find_connection(ws, connection_id)
        return await _saved(ws, edited(stored, edit), stored)


@answering
async def show_connection(connection_id: str, workspace: Workspace | None = None) -> ActionResult[ConnectionView]:
    """A connection as it stands, with every fact that an import of it goes by."""
    async with opened(workspace) as ws:
        stored = await find_connection(ws, connection_id)
        runs = await ws.store.runs(ws.user_id, limit=200)
        last = next((run for run in runs if run.connection_id == stored.connection_id), None)
        view = _view(stored, last, None, epoch_ms(ws.clock.now()))
        view = replace(view, settings=settings_of(stored), stored_secrets=tuple(sorted(stored.secrets)))
        return ActionResult(True, stored.name, view)


@answering
async def try_connection(
    form: ConnectionForm, workspace: Workspace | None = None, *, connection_id: str | None = None
) -> ActionResult[ConnectionTest]:
    """Sign in with what the form holds (absent secrets: those stored) and say what was found; stores nothing."""
    async with opened(workspace) as ws:
        stored = await find_connection(ws, connection_id) if connection_id else None
        connection = await checked(ws, form, stored)
        kept = await clear_secrets(ws, stored) if stored else {}
        kept = {field: clear for field, clear in kept.items() if field.value in connection.secrets}
        given = secrets_of(form)
        as_stored = stored is not None and stored.secrets == connection.secrets and not given
        return await _tested(ws, connection, None if as_stored else kept | given)


@answering
async def check_connection(connection_id: str, workspace: Workspace | None = None) -> ActionResult[ConnectionTest]:
    """The same for a stored connection, as it stands."""
    async with opened(workspace) as ws:
        connection = await find_connection(ws, connection_id)
        return await _tested(ws, connection)


@answering
async def disconnect_mls(connection_id: str, workspace: Workspace | None = None) -> ActionResult[Connection]:
    """Revoke where the provider can, then forget the connection and its secrets. Its listings stay."""
    async with opened(workspace) as ws:
        ws.writable()
        connection = await find_connection(ws, connection_id)
        note = ""
        try:
            async with connected(ws, connection) as connector:
                await connector.disconnect()
        except (MLSError, AuthenticationError, UsageError, SecretError) as error:
            note = f" Its token could not be revoked: {sentence(error)}"
        await ws.store.delete_connection(ws.user_id, connection.connection_id)
        return ActionResult(True, f"Removed {connection.name}; its listings stay.{note}", _without_secrets(connection))


async def _tested(
    ws: Workspace, connection: Connection, secrets: dict[SecretField, str] | None = None
) -> ActionResult[ConnectionTest]:
    async with connected(ws, connection, secrets) as connector:
        await connector.authenticate()
        member = await connector.member()
        waiting = await connector.count(FeedQuery(statuses=frozenset({ListingStatus.ACTIVE})))
    notes = for_connection(connection).notes
    found = "the MLS did not say how many listings wait" if waiting is None else f"{waiting} listings waiting"
    who = ", ".join(part for part in (member.member_name, member.office_name) if part) or "member not named"
    return ActionResult(True, f"Signed in: {who}; {found}.", ConnectionTest(member, waiting, notes))


async def _saved(ws: Workspace, form: ConnectionForm, stored: Connection | None) -> ActionResult[ConnectionView]:
    connection, given = await checked(ws, form, stored), secrets_of(form)
    sealed = await asyncio.to_thread(seal, ws, connection.connection_id, given)
    update: dict[str, object] = {"secrets": {**connection.secrets, **sealed}}
    if given:
        update["token_expires_at"] = None
    connection = connection.model_copy(update=update)
    await ws.store.put_connection(ws.user_id, connection)
    view = _view(connection, None, None, epoch_ms(ws.clock.now()))
    note = ANOTHER_FEED if stored is not None and _moved(stored, connection) else ""
    verb = "Connected" if stored is None else "Saved"
    return ActionResult(True, f"{verb}: {connection.name}", replace(view, note=note))


def _moved(before: Connection, after: Connection) -> bool:
    """Whether an edit pointed the connection at another feed, with something to lose by it."""
    begun = before.cursor.watermark is not None
    return begun and at_its_feed(before).cursor.feed != feed_identity(after)


def _view(connection: Connection, run: ImportRun | None, listings: int | None, now: int) -> ConnectionView:
    next_run = None
    if connection.schedule_minutes and run is not None:
        next_run = run.started_at + connection.schedule_minutes * 60_000
        if connection.schedule_at and connection.schedule_minutes == 1_440:
            next_run = next_daily(connection.schedule_at, run.started_at)
    connection = at_its_feed(connection)
    return ConnectionView(_without_secrets(connection), _state(connection, run, now), listings, run, next_run)


def _state(connection: Connection, run: ImportRun | None, now: int) -> str:
    if run is not None and run.state is RunState.RUNNING and now - run.updated_at < STALE_RUN_MS:
        return "importing"
    expires = connection.token_expires_at
    renewable = connection.auth is not AuthKind.BEARER
    if expires is not None and not renewable:
        if expires <= now:
            return "expired"
        if expires - now < SOON_MS:
            return "expires soon"
    return "never imported" if run is None else "connected"


def _without_secrets(connection: Connection) -> Connection:
    return connection.model_copy(update={"secrets": {}})
