"""From what a user typed to a connection that can be stored: every check, in sentences. It stores nothing, so that bad
input changes nothing."""

from __future__ import annotations

import uuid
from dataclasses import fields, replace
from typing import Any, Final
from urllib.parse import urlsplit

from mls_tui.actions.results import ConnectionEdit, ConnectionForm
from mls_tui.actions.workspace import Workspace
from mls_tui.domain.clock import epoch_ms
from mls_tui.domain.connection import AuthKind, Connection, Cursor, SecretField
from mls_tui.domain.errors import UsageError
from mls_tui.reso.presets import (
    SETTING_NAMES,
    ProviderPreset,
    for_connection,
    own_base_url,
    own_fields,
    preset,
    secret_part,
    split_own,
)

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
_ALSO: Final = {"mls": "mls_system", "agent": "agent_key", "schedule": "schedule_minutes"}
_OBTAINED = {
    AuthKind.BEARER: (),
    AuthKind.CLIENT_CREDENTIALS: (SecretField.ACCESS_TOKEN, SecretField.REFRESH_TOKEN),
    AuthKind.PASSWORD: (SecretField.ACCESS_TOKEN, SecretField.REFRESH_TOKEN),
    AuthKind.REFRESH_TOKEN: (SecretField.ACCESS_TOKEN,),
}
"""The tokens that each way of signing in obtains for what it is given."""
_CREDENTIALS = ("client_id", "username", "scope", "token_url")
_NEEDED = {
    AuthKind.BEARER: (SecretField.ACCESS_TOKEN,),
    AuthKind.CLIENT_CREDENTIALS: (SecretField.CLIENT_SECRET,),
    AuthKind.PASSWORD: (SecretField.PASSWORD,),
    AuthKind.REFRESH_TOKEN: (SecretField.REFRESH_TOKEN,),
}


def edited(stored: Connection, edit: ConnectionEdit) -> ConnectionForm:
    """The form of a stored connection with an edit made. Raises UsageError where the edit is empty or contradicts
    itself; what its values must be is checked by ``checked``."""
    unset = [_canonical(name) for name in edit.unset]
    base = preset(edit.given.get("provider") or stored.provider)
    own_of = own_fields(base)
    own, overrides = split_own(base, edit.overrides)
    given = {**own, **edit.given}
    if not (given or overrides or unset):
        raise UsageError("There is nothing to change: name what is to be another way, for example --set page_size=100.")
    twice = sorted((set(given) | set(edit.overrides)) & {*unset, *(own_of.get(name, name) for name in unset)})
    if twice:
        raise UsageError(f"{twice[0]} is given and unset at once: leave one of them out.")
    moved = base.name != stored.provider
    values = _fresh(stored) if moved else _kept(stored)
    settings: dict[str, Any] = {} if moved else dict(stored.overrides)
    for name in [*unset, *edit.overrides]:
        settings.pop(name, None)
        values[own_of.get(name, name)] = None
    values = {name: value for name, value in values.items() if name in _FORM_FIELDS} | given
    values["auth"] = given.get("auth") or _auth_given(stored, given, base)
    return ConnectionForm(**values, overrides=settings | overrides)


def _kept(stored: Connection) -> dict[str, Any]:
    """The form's fields as they are stored; the preset's own address is left to the preset."""
    values = {name: getattr(stored, name) for name in _FORM_FIELDS if hasattr(stored, name)}
    return values | {"base_url": own_base_url(stored)}


def _fresh(stored: Connection) -> dict[str, Any]:
    """The same for another provider: addresses, scope, MLS and settings of the old one do not stay."""
    return _kept(stored) | {"base_url": None, "token_url": None, "scope": None, "mls_system": None}


def _auth_given(stored: Connection, given: dict[str, Any], base: ProviderPreset) -> AuthKind:
    """How the secrets of an edit sign in where they say something new; else as before, if the provider has that."""
    new = {name: value for name, value in given.items() if name in _SECRET_NAMES}
    if stored.auth in base.auths and stored.auth is not AuthKind.BEARER:
        new.pop("client_secret", None)  # each of these has one
    before = stored.auth if base.name == stored.provider or stored.auth in base.auths else base.auths[0]
    return _auth_of(ConnectionForm(name="", provider=base.name, **new)) or before


def _canonical(name: str) -> str:
    """The field or setting that ``--unset`` names."""
    field = _ALSO.get(name.strip(), name.strip())
    if field not in _CLEARABLE and field not in SETTING_NAMES:
        known = ", ".join(sorted({*_CLEARABLE, *SETTING_NAMES}))
        raise UsageError(f"{name!r} cannot be unset. What can: {known}.")
    return field


def _normal(form: ConnectionForm) -> ConnectionForm:
    """A setting that has a field of its own stands there and nowhere else."""
    own, overrides = split_own(preset(form.provider), form.overrides)
    missing: dict[str, Any] = {name: value for name, value in own.items() if not getattr(form, name)}
    return replace(form, overrides=overrides, **missing)


async def checked(ws: Workspace, form: ConnectionForm, stored: Connection | None) -> Connection:
    """The connection a form describes, without its new secrets. Raises UsageError naming the field."""
    form = _normal(form)
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
    """The secrets that stay. One provider's are never shown to another, and tokens that another way of signing in, or
    other credentials, obtained are not what this one asks the user for."""
    if stored is None or stored.provider != connection.provider:
        return {}
    obtained: tuple[SecretField, ...] = (SecretField.ACCESS_TOKEN, SecretField.REFRESH_TOKEN)
    if stored.auth is connection.auth:
        new = set(secrets_of(form)) - {SecretField.ACCESS_TOKEN}
        same = all(getattr(stored, name) == getattr(connection, name) for name in _CREDENTIALS)
        obtained = () if same and not new else _OBTAINED[connection.auth]
    return {name: sealed for name, sealed in stored.secrets.items() if name not in obtained}


def _check_sign_in(form: ConnectionForm, connection: Connection) -> None:
    given = set(secrets_of(form)) | {SecretField(name) for name in connection.secrets}
    for needed in _NEEDED[connection.auth]:
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
    """How the given secrets sign in."""
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
        raise UsageError(f"The {what} holds {part}, and addresses are stored in the clear. {_WAY_OUT[what]}")
    return text.strip().rstrip("/")


_WAY_OUT = {
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
