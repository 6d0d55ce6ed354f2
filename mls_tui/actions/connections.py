"""Add, list, edit, test and remove MLS connections, and encrypt their secrets with a new key."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from dataclasses import fields, replace
from typing import Any, Final
from urllib.parse import urlsplit

from mls_tui.actions.connector import clear_secrets, connected, rate_limits, seal
from mls_tui.actions.results import (
    ActionResult,
    ConnectionEdit,
    ConnectionForm,
    ConnectionTest,
    ConnectionView,
    action,
    opened,
)
from mls_tui.actions.workspace import Workspace
from mls_tui.domain.clock import epoch_ms
from mls_tui.domain.connection import AuthKind, Connection, Cursor, SecretField
from mls_tui.domain.errors import AuthenticationError, MLSError, NotFoundError, SecretError, UsageError, sentence
from mls_tui.domain.listing import ListingStatus
from mls_tui.domain.run import ImportRun, RunState
from mls_tui.importer.schedule import next_daily
from mls_tui.reso.base import FeedQuery, Window
from mls_tui.reso.presets import (
    ANOTHER_FEED,
    SETTING_NAMES,
    ProviderPreset,
    feed_identity,
    for_connection,
    own_base_url,
    own_fields,
    preset,
    secret_part,
    settings_of,
    split_own,
    with_valid_cursor,
)

EXPIRES_SOON_MS = 24 * 3_600_000
STALE_RUN_MS = 90_000


async def find_connection(workspace: Workspace, name_or_id: str) -> Connection:
    """By id or by name. Raises NotFoundError that lists the known names."""
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


@action
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


@action
async def connect_mls(form: ConnectionForm, workspace: Workspace | None = None) -> ActionResult[ConnectionView]:
    """Store a new connection. The MLS is not asked; ``try_connection`` does that."""
    async with opened(workspace) as ws:
        ws.writable()
        return await _save(ws, form, None)


@action
async def update_connection(
    connection_id: str, form: ConnectionForm, workspace: Workspace | None = None
) -> ActionResult[ConnectionView]:
    """Change a connection; a secret that the form leaves out stays as it is."""
    async with opened(workspace) as ws:
        ws.writable()
        return await _save(ws, form, await find_connection(ws, connection_id))


@action
async def edit_connection(
    connection_id: str, edit: ConnectionEdit, workspace: Workspace | None = None
) -> ActionResult[ConnectionView]:
    """Change only what ``edit`` names."""
    async with opened(workspace) as ws:
        ws.writable()
        stored = await find_connection(ws, connection_id)
        return await _save(ws, apply_edit(stored, edit), stored)


@action
async def show_connection(connection_id: str, workspace: Workspace | None = None) -> ActionResult[ConnectionView]:
    """A stored connection with all settings that its imports use."""
    async with opened(workspace) as ws:
        stored = await find_connection(ws, connection_id)
        runs = await ws.store.runs(ws.user_id, limit=200)
        last = next((run for run in runs if run.connection_id == stored.connection_id), None)
        view = _view(stored, last, None, epoch_ms(ws.clock.now()))
        view = replace(view, settings=settings_of(stored), stored_secrets=tuple(sorted(stored.secrets)))
        return ActionResult(True, stored.name, view)


@action
async def try_connection(
    form: ConnectionForm, workspace: Workspace | None = None, *, connection_id: str | None = None
) -> ActionResult[ConnectionTest]:
    """Sign in with the form's values, and with the stored secrets for those it lacks. Stores nothing."""
    async with opened(workspace) as ws:
        stored = await find_connection(ws, connection_id) if connection_id else None
        connection = await validated(ws, form, stored)
        kept = await clear_secrets(ws, stored) if stored else {}
        kept = {field: clear for field, clear in kept.items() if field.value in connection.secrets}
        given = secrets_of(form)
        as_stored = stored is not None and stored.secrets == connection.secrets and not given
        return await _test(ws, connection, None if as_stored else kept | given)


@action
async def check_connection(connection_id: str, workspace: Workspace | None = None) -> ActionResult[ConnectionTest]:
    """As ``try_connection``, for a stored connection."""
    async with opened(workspace) as ws:
        connection = await find_connection(ws, connection_id)
        return await _test(ws, connection)


@action
async def disconnect_mls(connection_id: str, workspace: Workspace | None = None) -> ActionResult[Connection]:
    """Revoke its token, if the provider can, and delete the connection with its secrets. Its listings stay."""
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


async def _test(
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


async def _save(ws: Workspace, form: ConnectionForm, stored: Connection | None) -> ActionResult[ConnectionView]:
    connection, given = await validated(ws, form, stored), secrets_of(form)
    sealed = await asyncio.to_thread(seal, ws, connection.connection_id, given)
    update: dict[str, object] = {"secrets": {**connection.secrets, **sealed}}
    if given:
        update["token_expires_at"] = None
    connection = connection.model_copy(update=update)
    await ws.store.put_connection(ws.user_id, connection)
    view = _view(connection, None, None, epoch_ms(ws.clock.now()))
    note = ANOTHER_FEED if stored is not None and _changes_feed(stored, connection) else ""
    verb = "Connected" if stored is None else "Saved"
    return ActionResult(True, f"{verb}: {connection.name}", replace(view, note=note))


def _changes_feed(before: Connection, after: Connection) -> bool:
    """Whether an edit names another feed, and an import of the old one has begun."""
    begun = before.cursor.watermark is not None
    return begun and with_valid_cursor(before).cursor.feed != feed_identity(after)


def _view(connection: Connection, run: ImportRun | None, listings: int | None, now: int) -> ConnectionView:
    next_run = None
    if connection.schedule_minutes and run is not None:
        next_run = run.started_at + connection.schedule_minutes * 60_000
        if connection.schedule_at and connection.schedule_minutes == 1_440:
            next_run = next_daily(connection.schedule_at, run.started_at)
    connection = with_valid_cursor(connection)
    return ConnectionView(_without_secrets(connection), _state(connection, run, now), listings, run, next_run)


def _state(connection: Connection, run: ImportRun | None, now: int) -> str:
    if run is not None and run.state is RunState.RUNNING and now - run.updated_at < STALE_RUN_MS:
        return "importing"
    expires = connection.token_expires_at
    renewable = connection.auth is not AuthKind.BEARER
    if expires is not None and not renewable:
        if expires <= now:
            return "expired"
        if expires - now < EXPIRES_SOON_MS:
            return "expires soon"
    return "never imported" if run is None else "connected"


def _without_secrets(connection: Connection) -> Connection:
    return connection.model_copy(update={"secrets": {}})


_FORM_FIELDS: Final = frozenset(each.name for each in fields(ConnectionForm)) - {"overrides"}
_CLEARABLE: Final = frozenset(
    {
        "base_url",
        "token_url",
        "client_id",
        "username",
        "scope",
        "mls_system",
        "agent_key",
        "schedule_minutes",
        "schedule_at",
    }
)
_SECRET_NAMES: Final = frozenset(field.value for field in SecretField)
_ALIASES: Final = {"mls": "mls_system", "agent": "agent_key", "schedule": "schedule_minutes"}
_OBTAINED_TOKENS = {
    AuthKind.BEARER: (),
    AuthKind.CLIENT_CREDENTIALS: (SecretField.ACCESS_TOKEN, SecretField.REFRESH_TOKEN),
    AuthKind.PASSWORD: (SecretField.ACCESS_TOKEN, SecretField.REFRESH_TOKEN),
    AuthKind.REFRESH_TOKEN: (SecretField.ACCESS_TOKEN,),
}
"""The tokens that each way of signing in obtains by itself."""
_CREDENTIAL_FIELDS = ("client_id", "username", "scope", "token_url")
_REQUIRED_SECRETS = {
    AuthKind.BEARER: (SecretField.ACCESS_TOKEN,),
    AuthKind.CLIENT_CREDENTIALS: (SecretField.CLIENT_SECRET,),
    AuthKind.PASSWORD: (SecretField.PASSWORD,),
    AuthKind.REFRESH_TOKEN: (SecretField.REFRESH_TOKEN,),
}


def apply_edit(stored: Connection, edit: ConnectionEdit) -> ConnectionForm:
    """The form of a stored connection with the edit applied; ``validated`` checks its values.

    Raises:
        UsageError: the edit is empty, or contradicts itself.
    """
    unset = [_canonical(name) for name in edit.unset]
    base = preset(edit.given.get("provider") or stored.provider)
    own_of = own_fields(base)
    own, overrides = split_own(base, edit.overrides)
    given = {**own, **edit.given}
    if not (given or overrides or unset):
        raise UsageError("There is nothing to change. Say what to change, for example --set page_size=100.")
    twice = sorted((set(given) | set(edit.overrides)) & {*unset, *(own_of.get(name, name) for name in unset)})
    if twice:
        raise UsageError(f"{twice[0]} is given and unset at once: leave one of them out.")
    moved = base.name != stored.provider
    values = _values_for_another_provider(stored) if moved else _form_values(stored)
    settings: dict[str, Any] = {} if moved else dict(stored.overrides)
    for name in [*unset, *edit.overrides]:
        settings.pop(name, None)
        values[own_of.get(name, name)] = None
    values = {name: value for name, value in values.items() if name in _FORM_FIELDS} | given
    values["auth"] = given.get("auth") or _auth_given(stored, given, base)
    return ConnectionForm(**values, overrides=settings | overrides)


def _form_values(stored: Connection) -> dict[str, Any]:
    """The stored values of the form's fields; ``base_url`` is None if it is the preset's."""
    values = {name: getattr(stored, name) for name in _FORM_FIELDS if hasattr(stored, name)}
    return values | {"base_url": own_base_url(stored)}


def _values_for_another_provider(stored: Connection) -> dict[str, Any]:
    """As ``_form_values``, without what belongs to the old provider: addresses, scope and MLS."""
    return _form_values(stored) | {"base_url": None, "token_url": None, "scope": None, "mls_system": None}


def _auth_given(stored: Connection, given: dict[str, Any], base: ProviderPreset) -> AuthKind:
    """How to sign in after an edit: by its new secrets, else as before, if the provider allows that."""
    new = {name: value for name, value in given.items() if name in _SECRET_NAMES}
    if stored.auth in base.auths and stored.auth is not AuthKind.BEARER:
        new.pop("client_secret", None)  # each of these has one
    before = stored.auth if base.name == stored.provider or stored.auth in base.auths else base.auths[0]
    return _auth_of(ConnectionForm(name="", provider=base.name, **new)) or before


def _canonical(name: str) -> str:
    """The field or setting that ``--unset`` names."""
    field = _ALIASES.get(name.strip(), name.strip())
    if field not in _CLEARABLE and field not in SETTING_NAMES:
        known = ", ".join(sorted({*_CLEARABLE, *SETTING_NAMES}))
        raise UsageError(f"{name!r} cannot be unset. What can: {known}.")
    return field


def _normalized(form: ConnectionForm) -> ConnectionForm:
    """Move settings that have a field in the form, such as base_url, from ``overrides`` to that field."""
    own, overrides = split_own(preset(form.provider), form.overrides)
    missing: dict[str, Any] = {name: value for name, value in own.items() if not getattr(form, name)}
    return replace(form, overrides=overrides, **missing)


async def validated(ws: Workspace, form: ConnectionForm, stored: Connection | None) -> Connection:
    """The connection a form describes, without its new secrets. Raises UsageError naming the field."""
    form = _normalized(form)
    name = await _free_name(ws, form.name.strip(), stored)
    provider = preset(form.provider)
    auth = form.auth or _auth_of(form) or (stored.auth if stored else provider.auths[0])
    now = epoch_ms(ws.clock.now())
    connection = Connection(
        connection_id=stored.connection_id if stored else uuid.uuid4().hex[:12],
        user_id=ws.user_id,
        name=name,
        provider=provider.name,
        base_url=_url(form.base_url, "base URL") or "",
        auth=auth,
        token_url=_url(form.token_url, "token URL"),
        client_id=form.client_id or None,
        username=form.username or None,
        scope=form.scope or None,
        mls_system=form.mls_system or None,
        agent_key=form.agent_key or None,
        token_expires_at=stored.token_expires_at if stored and stored.auth is auth else None,
        overrides=form.overrides,
        schedule_minutes=form.schedule_minutes,
        schedule_at=form.schedule_at,
        member=stored.member if stored and stored.provider == provider.name else None,
        cursor=stored.cursor if stored else Cursor(),
        created_at=stored.created_at if stored else now,
        updated_at=now,
    )
    connection = connection.model_copy(update={"secrets": _kept_secrets(stored, connection, form)})
    _check_sign_in(form, connection)
    effective = for_connection(connection)
    return connection.model_copy(update={"base_url": effective.base_url})


async def _free_name(ws: Workspace, name: str, stored: Connection | None) -> str:
    if not name:
        raise UsageError("A connection needs a name.")
    for other in await ws.store.connections(ws.user_id):
        same = other.name.casefold() == name.casefold()
        if same and (stored is None or other.connection_id != stored.connection_id):
            raise UsageError(f"There is already a connection named {other.name!r}: choose another name.")
    return name


def _kept_secrets(stored: Connection | None, connection: Connection, form: ConnectionForm) -> dict[str, str]:
    """The stored secrets that an edit keeps: none for another provider, and no tokens that were obtained in another way
    or with other credentials."""
    if stored is None or stored.provider != connection.provider:
        return {}
    obtained: tuple[SecretField, ...] = (SecretField.ACCESS_TOKEN, SecretField.REFRESH_TOKEN)
    if stored.auth is connection.auth:
        new = set(secrets_of(form)) - {SecretField.ACCESS_TOKEN}
        same = all(getattr(stored, name) == getattr(connection, name) for name in _CREDENTIAL_FIELDS)
        obtained = () if same and not new else _OBTAINED_TOKENS[connection.auth]
    return {name: sealed for name, sealed in stored.secrets.items() if name not in obtained}


def _check_sign_in(form: ConnectionForm, connection: Connection) -> None:
    given = set(secrets_of(form)) | {SecretField(name) for name in connection.secrets}
    for needed in _REQUIRED_SECRETS[connection.auth]:
        if needed not in given:
            words = needed.value.replace("_", " ")
            article = "an" if words[0] in "aeiou" else "a"
            raise UsageError(f"Signing in by {connection.auth.value.replace('_', ' ')} needs {article} {words}.")
    if connection.auth is not AuthKind.BEARER:
        if not (connection.token_url or preset(connection.provider).token_url):
            raise UsageError("This way of signing in needs the token URL of the MLS.")
        if not connection.client_id and connection.auth is AuthKind.CLIENT_CREDENTIALS:
            raise UsageError("Signing in by client credentials needs a client id.")
    if connection.auth is AuthKind.PASSWORD and not connection.username:
        raise UsageError("Signing in by password needs a username.")


def _auth_of(form: ConnectionForm) -> AuthKind | None:
    """The way of signing in that the form's secrets belong to."""
    if form.password or form.username:
        return AuthKind.PASSWORD
    if form.refresh_token:
        return AuthKind.REFRESH_TOKEN
    if form.client_secret:
        return AuthKind.CLIENT_CREDENTIALS
    return AuthKind.BEARER if form.access_token else None


def _url(text: str | None, what: str) -> str | None:
    if text is None or not text.strip():
        return None
    try:
        parts = urlsplit(text.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(f"The {what} is not a web address: write it as https://host/path.")
    part = secret_part(text.strip())
    if part is None and what == "base URL" and parts.query:
        part = "a query"
    if part is not None:
        raise UsageError(f"The {what} holds {part}, and addresses are stored in the clear. {_URL_ADVICE[what]}")
    return text.strip().rstrip("/")


_URL_ADVICE = {
    "base URL": (
        "Leave it out: give a token by --token-env, a user and password by --username and --password-env; what the "
        "server wants in the query of each request is the setting query_parameters, "
        "as in --set 'query_parameters=access_token={token}; Class=Residential'."
    ),
    "token URL": (
        "Leave it out: give a client's secret by --client-secret-env, a password by --password-env; what else the "
        "server wants is the setting token_parameters, as in --set 'token_parameters=key={client_secret}'."
    ),
}


def secrets_of(form: ConnectionForm) -> dict[SecretField, str]:
    return {field: value for field in SecretField if (value := getattr(form, field.value))}


@action
async def get_budget(connection_id: str, workspace: Workspace) -> ActionResult[list[Window]]:
    """The rate-limit windows of a connection's host and credential: as an import in this process counts them, else as
    stored."""
    async with opened(workspace) as ws:
        connection = await find_connection(ws, connection_id)
        limits = await rate_limits(ws, connection, await clear_secrets(ws, connection))
        windows = limits.windows()
        return ActionResult(True, f"{len(windows)} windows", windows)


@action
async def rotate_keys(workspace: Workspace | None = None) -> ActionResult[int]:
    """Make a new key and encrypt every stored secret of the user with it; ``data`` is the number of secrets."""
    from mls_tui.users.cognito import reseal_session

    async with opened(workspace) as ws:
        ws.writable()
        key_id = await asyncio.to_thread(ws.vault.rotate)
        done = await asyncio.to_thread(reseal_session, ws.settings)
        for connection in await ws.store.connections(ws.user_id):
            fresh = await asyncio.to_thread(
                ws.vault.reencrypt, connection.secrets, user=ws.user_id, connection=connection.connection_id
            )
            await ws.store.put_connection(ws.user_id, connection.model_copy(update={"secrets": fresh}))
            done += len(fresh)
        return ActionResult(True, f"{done} secrets are encrypted under the new key {key_id}.", done)
