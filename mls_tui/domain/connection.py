"""A user's connection to one MLS: its address, its sign-in, and how far imports have come. Holds no clear secret."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from mls_tui.domain.listing import Record


class AuthKind(StrEnum):
    """How a connection signs in (docs/reso-feeds.md, section 2)."""

    BEARER = "bearer"
    CLIENT_CREDENTIALS = "client_credentials"
    PASSWORD = "password"  # noqa: S105 - a name
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - a name


class SecretField(StrEnum):
    """The fields of a connection that are encrypted at rest; the names are part of the associated data."""

    ACCESS_TOKEN = "access_token"  # noqa: S105 - a name
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - a name
    CLIENT_SECRET = "client_secret"  # noqa: S105 - a name
    PASSWORD = "password"  # noqa: S105 - a name


class Member(Record):
    """The agent and office that the credentials belong to, if the MLS says so."""

    member_key: str | None = None
    member_name: str | None = None
    office_key: str | None = None
    office_name: str | None = None


class Cursor(Record):
    """How far a connection's imports have come. Moves only after everything before it is stored.

    ``watermark`` and ``last_key`` are the (ModificationTimestamp, ListingKey) of the last stored record, raw as served.
    ``swept``: the first sweep of this scope reached its end. Until then the next import resumes it.
    ``statuses`` is the scope (ListingStatus values) that was swept. ``failed_keys`` are tried again by the next
    import. ``epoch`` is the epoch ms that new listing ids end with while an import runs (0: none runs). It is kept so
    that a resumed import gives the same ids, and overwrites its own photos instead of leaving orphans.
    ``feed`` is the identity of the feed that all this was read from (``reso.presets.feed_identity``).
    """

    watermark: str | None = None
    last_key: str | None = None
    swept: bool = False
    statuses: tuple[str, ...] = ()
    failed_keys: tuple[str, ...] = ()
    epoch: int = 0
    feed: str | None = None
    updated_at: int = 0


class Connection(Record):
    """One MLS connection. ``secrets`` holds ciphertexts only (SecretField -> text); times are epoch ms.

    ``overrides`` replaces fields of the provider preset by name (page size, limits, headers, resources …).
    """

    connection_id: str
    user_id: str
    name: str
    provider: str
    base_url: str
    auth: AuthKind = AuthKind.BEARER
    token_url: str | None = None
    client_id: str | None = None
    username: str | None = None
    scope: str | None = None
    mls_system: str | None = None
    agent_key: str | None = None
    secrets: dict[str, str] = Field(default_factory=dict, repr=False)
    token_expires_at: int | None = None
    overrides: dict[str, str | int | float | bool] = Field(default_factory=dict)
    schedule_minutes: int | None = None
    schedule_at: str | None = None
    """The local time of day, ``06:00``, of a schedule of 1,440 minutes; ignored with any other."""
    member: Member | None = None
    cursor: Cursor = Cursor()
    created_at: int = 0
    updated_at: int = 0


class Lease(Record):
    """Who is importing a connection now. A run renews it. It is free after ``expires_at`` (epoch ms).

    ``holder`` is unique to the process and import that took it: the same run delivered twice has two holders.
    """

    run_id: str
    holder: str = ""
    host: str
    pid: int
    process_started: str = ""
    expires_at: int
