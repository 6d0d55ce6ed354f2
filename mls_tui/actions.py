"""The verbs of the contract. The only door that screens and commands use; each answers an ActionResult and raises
nothing that a user could cause. Every action acts for one user: the workspace's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from mls_tui.domain.connection import AuthKind, Connection, Member
from mls_tui.domain.events import Event
from mls_tui.domain.listing import Listing, ListingStatus
from mls_tui.domain.run import ImportResult, ImportRun, Problem

if TYPE_CHECKING:
    from mls_tui.mls.base import Window
    from mls_tui.workspace import Workspace

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ActionResult(Generic[T]):
    """``error`` is a sentence for the user where ``success`` is False; ``exit_code`` is the command line's."""

    success: bool
    message: str = ""
    data: T | None = None
    error: str | None = None
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class ConnectionForm:
    """What a user types to connect. Secrets are in the clear here and nowhere else; ``repr`` does not show them.

    ``overrides`` replaces preset fields by name. An absent secret on an edit keeps the stored one.
    """

    name: str
    provider: str
    base_url: str | None = None
    auth: AuthKind | None = None
    token_url: str | None = None
    client_id: str | None = None
    username: str | None = None
    scope: str | None = None
    mls_system: str | None = None
    agent_key: str | None = None
    access_token: str | None = field(default=None, repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    client_secret: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    schedule_minutes: int | None = None
    overrides: dict[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """A connection as a list shows it. ``connection.secrets`` is empty here. Times are epoch ms.

    ``state``: ``never imported``, ``connected``, ``expires soon``, ``expired`` or ``importing``.
    """

    connection: Connection
    state: str
    listings: int | None = None
    last_run: ImportRun | None = None
    next_run_at: int | None = None


@dataclass(frozen=True, slots=True)
class ConnectionTest:
    """What a test of a connection found. ``waiting`` is how many listings an import would ask for."""

    member: Member
    waiting: int | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The flags of ``mls-tui import``. ``statuses`` widens the default scope, which is active listings."""

    full: bool = False
    only: tuple[str, ...] = ()
    statuses: frozenset[ListingStatus] = frozenset()
    photos: bool = True
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that an import would change; values as they would print."""

    field: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One listing of a dry run. ``change``: ``new``, ``changed``, ``unchanged``, ``gone`` or ``quarantined``."""

    mls_number: str
    listing_key: str
    change: str
    address: str = ""
    price: int | float | None = None
    photos: int = 0
    differences: tuple[Difference, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """A dry run: what an import would do. Nothing was written."""

    rows: tuple[PreviewRow, ...]
    warnings: dict[str, int] = field(default_factory=dict)

    def count(self, change: str) -> int:
        return sum(1 for row in self.rows if row.change == change)


@dataclass(frozen=True, slots=True)
class Deletion:
    """What a deletion did; hand it to ``undo_deletion`` to bring ``deleted`` back. ``failures``: listing id -> why."""

    deleted: tuple[Listing, ...]
    failures: dict[str, str] = field(default_factory=dict)
    photos: int = 0
    undoable: bool = False


class ImportControl:
    """The reins of a running import: pause, resume and cancel, from any thread."""


async def get_connections(workspace: Workspace | None = None) -> ActionResult[list[ConnectionView]]:
    """Every connection of the user, by name."""
    raise NotImplementedError


async def connect_mls(form: ConnectionForm, workspace: Workspace | None = None) -> ActionResult[ConnectionView]:
    """Check the form, encrypt its secrets, store the connection. Does not ask the MLS; ``try_connection`` does."""
    raise NotImplementedError


async def update_connection(
    connection_id: str, form: ConnectionForm, workspace: Workspace | None = None
) -> ActionResult[ConnectionView]:
    raise NotImplementedError


async def try_connection(
    form: ConnectionForm, workspace: Workspace | None = None, *, connection_id: str | None = None
) -> ActionResult[ConnectionTest]:
    """Sign in with what the form holds (absent secrets: those stored) and say what was found; stores nothing."""
    raise NotImplementedError


async def disconnect_mls(connection_id: str, workspace: Workspace | None = None) -> ActionResult[Connection]:
    """Revoke where the provider can, then forget the connection and its secrets. Its listings stay."""
    raise NotImplementedError


def import_events(
    connection_id: str,
    options: ImportOptions,
    workspace: Workspace,
    control: ImportControl | None = None,
) -> AsyncIterator[Event]:
    """Run an import and yield its events; the last is RunFinished, always, whatever happened.

    Closing the iterator cancels the run and leaves a consistent store.
    """
    raise NotImplementedError


async def import_mls_listings(
    connection_id: str, options: ImportOptions | None = None, workspace: Workspace | None = None
) -> ActionResult[ImportResult]:
    """Import to the end."""
    raise NotImplementedError


async def preview_import(
    connection_id: str, options: ImportOptions | None = None, workspace: Workspace | None = None
) -> ActionResult[Preview]:
    """What an import would change; writes nothing, asks for no photo."""
    raise NotImplementedError


def retry_events(run_id: str, workspace: Workspace, control: ImportControl | None = None) -> AsyncIterator[Event]:
    """Import again only what failed or was quarantined in a run; events as of ``import_events``."""
    raise NotImplementedError


async def get_imported_listings(workspace: Workspace | None = None) -> ActionResult[list[Listing]]:
    """All stored listings of the user."""
    raise NotImplementedError


def stream_listings(workspace: Workspace) -> AsyncIterator[list[Listing]]:
    """All stored listings, batch by batch, so that a table can show the first at once. Raises StorageError."""
    raise NotImplementedError


async def get_listing(listing: str, workspace: Workspace | None = None) -> ActionResult[Listing]:
    """By listing id or MLS number; an MLS number that two MLSs share is refused with both ids."""
    raise NotImplementedError


async def get_photo(key: str, workspace: Workspace) -> ActionResult[bytes]:
    """The stored bytes of one photo."""
    raise NotImplementedError


async def refetch_photos(listing_id: str, workspace: Workspace | None = None) -> ActionResult[Listing]:
    """Try again the photos of a listing that could not be had."""
    raise NotImplementedError


async def delete_listing(listing_id: str, workspace: Workspace | None = None) -> ActionResult[Deletion]:
    """Delete one listing: its row, its mark, its photos."""
    raise NotImplementedError


async def delete_listings(
    listing_ids: Sequence[str], workspace: Workspace | None = None, *, undoable: bool = False
) -> ActionResult[Deletion]:
    """Delete several; one that fails does not stop the others."""
    raise NotImplementedError


async def undo_deletion(deletion: Deletion, workspace: Workspace) -> ActionResult[int]:
    """Bring back what an undoable deletion took; the number of listings that are back."""
    raise NotImplementedError


async def export_listings(
    listing_ids: Sequence[str], path: str, file_format: str, workspace: Workspace, *, overwrite: bool = False
) -> ActionResult[int]:
    """Write listings to a file, in the order given: ``csv``, ``json`` (an array of ``Data`` maps) or ``parquet``.

    ``path`` may begin with ``~``. A file that exists is refused unless ``overwrite``; whole or not at all.
    ``data`` is how many were written.
    """
    raise NotImplementedError


async def get_import_history(workspace: Workspace | None = None) -> ActionResult[list[ImportRun]]:
    """Past runs, newest first."""
    raise NotImplementedError


async def get_run_problems(run_id: str, workspace: Workspace | None = None) -> ActionResult[list[Problem]]:
    """Every failure, photo failure and quarantined record of a run."""
    raise NotImplementedError


async def get_budget(connection_id: str, workspace: Workspace) -> ActionResult[list[Window]]:
    """The provider's rate windows as they stand, for the gauge; asks nobody."""
    raise NotImplementedError
