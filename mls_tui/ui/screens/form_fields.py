"""The fields of a connection form: which a provider needs, how each is checked as it is typed. Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from mls_tui.actions import ConnectionForm
from mls_tui.domain.connection import AuthKind, Connection
from mls_tui.reso.presets import ProviderPreset
from mls_tui.ui.screens.fact_fields import stored_base_url

AUTH_WORDS = {
    AuthKind.BEARER: "Access token",
    AuthKind.CLIENT_CREDENTIALS: "Client id and secret",
    AuthKind.PASSWORD: "User name and password",
    AuthKind.REFRESH_TOKEN: "Refresh token",
}
KEPT = "kept as stored; type to replace it"


@dataclass(frozen=True, slots=True)
class Field:
    """One line of the form. ``name`` is ConnectionForm's; ``secret`` fields are masked and never shown again."""

    name: str
    label: str
    hint: str = ""
    secret: bool = False
    required: bool = False


_SECRETS = {
    AuthKind.BEARER: (Field("access_token", "Access token", "from your MLS", True, True),),
    AuthKind.CLIENT_CREDENTIALS: (
        Field("client_id", "Client id", "from your MLS", required=True),
        Field("client_secret", "Client secret", "from your MLS", True, True),
    ),
    AuthKind.PASSWORD: (
        Field("username", "User name", "as at the MLS", required=True),
        Field("password", "Password", "", True, True),
        Field("client_id", "Client id", "where the MLS asks for one"),
        Field("client_secret", "Client secret", "where the MLS asks for one", True),
    ),
    AuthKind.REFRESH_TOKEN: (
        Field("refresh_token", "Refresh token", "from your MLS", True, True),
        Field("client_id", "Client id", "from your MLS", required=True),
        Field("client_secret", "Client secret", "from your MLS", True),
    ),
}


def fields_for(preset: ProviderPreset, auth: AuthKind) -> tuple[Field, ...]:
    """Every field of a provider with this way to sign in, in the order of the form."""
    fields = [Field("name", "Name", "what you call it", required=True)]
    own_server = "base_url" in preset.required_fields
    hint = "https://…, the folder of Property" if own_server else preset.base_url
    fields.append(Field("base_url", "Server", hint, required=own_server))
    fields += _SECRETS[auth]
    if auth is not AuthKind.BEARER:
        token_hint = preset.token_url or "https://…, where tokens are given"
        fields.append(Field("token_url", "Token address", token_hint, required=preset.token_url is None))
    if "dataset" in preset.required_fields:
        fields.append(Field("mls_system", "Dataset", "for example actris", required=True))
    elif preset.serves_many:
        needed = "mls_system" in preset.required_fields
        hint = "OriginatingSystemName" if needed else "all that the credentials allow"
        fields.append(Field("mls_system", "MLS", hint, required=needed))
    fields.append(Field("agent_key", "Agent", "your member key; empty for all"))
    fields.append(Field("schedule", "Import", "by hand, or every 15 minutes"))
    return tuple(fields)


def problem(field: Field, value: str, *, stored: bool = False) -> str | None:
    """What is wrong with a value, in a few words; None where it is right. ``stored``: an absent secret is kept."""
    text = value.strip()
    if not text:
        return "needed" if field.required and not (field.secret and stored) else None
    if field.name in ("base_url", "token_url"):
        return _address_problem(text)
    if field.name == "schedule":
        try:
            schedule_minutes(text)
        except ValueError as wanted:
            return str(wanted)
    if field.name == "name" and len(text) > 60:
        return "60 characters at most"
    if field.secret and any(character.isspace() for character in text):
        return "has a space in it: was it copied whole?"
    return None


def _address_problem(text: str) -> str | None:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "not an address"
    if parts.scheme not in ("https", "http"):
        return "begins with https://"
    if not host:
        return "has no server in it"
    if parts.username or parts.password:
        return "no user name or password in here"
    if parts.query or parts.fragment:
        return "nothing after the path, please"
    return None


_EVERY = re.compile(r"(?:every\s+)?(\d{0,5})\s*(m|min|mins|minutes?|h|hours?|d|days?)?", re.IGNORECASE)
_MINUTES = {"m": 1, "h": 60, "d": 1_440}


def schedule_minutes(text: str) -> int | None:
    """``every 15 minutes``, ``2 h``, ``every day``; None for ``by hand``. Raises ValueError with what to write."""
    words = text.strip().lower()
    if words in ("", "by hand", "never", "no", "off"):
        return None
    match = _EVERY.fullmatch(words)
    if match is None or not (match[1] or match[2]):
        raise ValueError("write “every 15 minutes”, “2 hours” or “by hand”")
    minutes = int(match[1] or 1) * _MINUTES[(match[2] or "m")[0]]
    if not 1 <= minutes <= 30 * 1_440:
        raise ValueError("between 1 minute and 30 days")
    return minutes


def to_form(provider: str, auth: AuthKind, values: dict[str, str], facts: dict[str, str]) -> ConnectionForm:
    """What was typed, as the actions want it: empty is absent, an absent secret keeps the stored one. ``facts`` are
    those of the preset that the user has set."""
    given = {name: value.strip() for name, value in values.items() if value.strip()}
    schedule = given.pop("schedule", "")
    name = given.pop("name", "")
    return ConnectionForm(
        name=name,
        provider=provider,
        auth=auth,
        schedule_minutes=schedule_minutes(schedule),
        overrides=dict(facts),
        **given,
    )


def from_connection(connection: Connection) -> dict[str, str]:
    """What the form starts with on an edit. No secret is among it."""
    from mls_tui.ui.widgets.numbers import every

    return {
        "name": connection.name,
        "base_url": stored_base_url(connection),
        "token_url": connection.token_url or "",
        "client_id": connection.client_id or "",
        "username": connection.username or "",
        "mls_system": connection.mls_system or "",
        "agent_key": connection.agent_key or "",
        "schedule": every(connection.schedule_minutes),
    }
