"""The facts of a preset as lines of the connection form: their groups, what each means, how each is checked as it is
typed. Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from mls_tui.domain.connection import Connection
from mls_tui.domain.errors import UsageError
from mls_tui.reso.facts import FACT_NAMES, own_base_url, own_fields
from mls_tui.reso.overrides import Override, read_override, wanted, written
from mls_tui.reso.preset_fields import ProviderPreset, Sure
from mls_tui.reso.presets import PRESETS

BRIEF: Final[Mapping[Sure, str]] = {
    Sure.A: "A provider or standard",
    Sure.B: "B second-hand",
    Sure.C: "C seen in one client",
    Sure.M: "M measured",
    Sure.OURS: "– our own choice",
}
GROUPS: Final[Mapping[str, Mapping[str, str]]] = {
    "Pages and time": {
        "page_size": "records of a page that carries photos",
        "page_size_without_media": "records of a page without photos",
        "replication": "collection for whole copies, below the server's address",
        "replication_page_size": "records of a page of that collection",
        "keys_per_filter": "keys asked for in one filter",
        "overlap_minutes": "how far before the last change an import begins",
        "max_watermark_age_days": "after so many days without an import everything is read again",
        "order_by": "whether the server takes $orderby",
        "count": "whether the server takes $count",
    },
    "Limits and headers": {
        "api_limits": "requests in so many seconds: 2/1, 7200/3600, 4000000000/3600 bytes",
        "media_limits": "the same for photos; none adapts to what the host bears",
        "headers": "Name: value; Name: value. {token} stands for the access token",
        "media_headers": "the same for photos",
    },
    "Photos": {
        "media_mode": "expand, inline (in each record) or separate (a resource)",
        "media_auth": "whether photos are asked for with the access token",
        "media_token_hosts": "photo hosts, besides the server, that the token may go to",
        "media_once": "whether a photo's address is good for one request",
        "media_resource": "the resource of photos",
        "media_parent_field": "the field of a photo that names its listing",
    },
    "Resources and fields": {
        "property_resource": "the resource of listings",
        "member_resource": "the resource of agents",
        "office_resource": "the resource of offices",
        "timestamp_field": "when a record changed",
        "key_field": "a record's key at its source",
        "number_field": "the MLS number",
        "status_field": "the status",
        "agent_field": "the listing agent's key",
        "system_field": "which MLS a record is from",
        "system": "the MLS asked for",
        "dataset": "what {dataset} in the address stands for",
        "serves_many": "whether it serves several MLSs, whose numbers may be the same",
    },
    "Signing in": {
        "auths": "bearer, client_credentials, password, refresh_token",
        "token_url": "where tokens are given",
        "token_auth": "post (in the form) or basic (HTTP Basic)",
        "scope": "OAuth2 scope",
        "revocation_url": "where tokens are revoked",
        "base_url": "the server",
        "required_fields": "what a connection must say: base_url, dataset, mls_system",
    },
}
WORDS: Final = {name: words for group in GROUPS.values() for name, words in group.items()}


def groups(hidden: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The names of the facts to show, by group; what the form asks for elsewhere is left out."""
    shown = {title: tuple(name for name in names if name not in hidden) for title, names in GROUPS.items()}
    return {title: names for title, names in shown.items() if names}


def asked_elsewhere(base: ProviderPreset, own: Collection[str]) -> frozenset[str]:
    """The facts that the form's own fields, by name, already ask for."""
    return frozenset(fact for fact, field in own_fields(base).items() if field in own)


def fact_problem(name: str, text: str) -> str | None:
    """What is wrong with a typed value, as what it must be; None where it is right or empty (the preset's)."""
    if not text.strip():
        return None
    try:
        read_override(name, text)
    except UsageError:
        return wanted(name)
    return None


def typed_facts(connection: Connection) -> dict[str, str]:
    """What the lines hold on an edit: the facts that the user has set, as text."""
    base = PRESETS.get(connection.provider)
    own = own_fields(base) if base else {}
    facts = {fact: str(getattr(connection, field)) for fact, field in own.items() if getattr(connection, field)}
    facts |= {name: _text(value) for name, value in connection.overrides.items() if name in FACT_NAMES}
    if base and not stored_base_url(connection):
        facts.pop("base_url", None)
    return facts


def stored_base_url(connection: Connection) -> str:
    """The server that the user gave; empty where it is the preset's."""
    try:
        return own_base_url(connection)
    except UsageError:
        return connection.base_url  # kept by a version with other presets: saving says what does not fit


def _text(value: Override) -> str:
    return value.strip() or written(None) if isinstance(value, str) else written(value)
