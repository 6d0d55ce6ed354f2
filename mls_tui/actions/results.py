"""The values that actions take and return, and the decorator that turns their errors into results."""

from __future__ import annotations

import functools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from mls_tui.actions.workspace import Workspace
from mls_tui.config import load_settings
from mls_tui.domain.connection import AuthKind, Connection, Member
from mls_tui.domain.errors import MlsTuiError, sentence
from mls_tui.domain.listing import Listing
from mls_tui.domain.run import ImportRun

if TYPE_CHECKING:
    from mls_tui.reso.presets import Setting

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ActionResult(Generic[T]):
    """If ``success`` is False, ``error`` is a sentence for the user. ``exit_code`` is that of the command."""

    success: bool
    message: str = ""
    data: T | None = None
    error: str | None = None
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class ConnectionForm:
    """What a user enters to connect. The secrets are not encrypted; ``repr`` does not show them.

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
    schedule_at: str | None = None
    overrides: dict[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConnectionEdit:
    """Changes of a stored connection.

    ``given`` holds fields of ConnectionForm by name, ``overrides`` settings of the preset to replace. ``unset``
    names either kind: a setting goes back to the preset's value, a field of the connection's own becomes empty.
    """

    given: Mapping[str, Any] = field(default_factory=dict, repr=False)
    overrides: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    unset: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """A connection as the list of connections shows it, without secrets. Times are in epoch ms.

    ``state``: ``never imported``, ``connected``, ``expires soon``, ``expired`` or ``importing``.
    """

    connection: Connection
    state: str
    listings: int | None = None
    last_run: ImportRun | None = None
    next_run_at: int | None = None
    note: str = ""
    """What an edit means for the next import, as a sentence."""
    settings: tuple[Setting, ...] = ()
    """The provider's settings as an import uses them; only ``show_connection`` gives them."""
    stored_secrets: tuple[str, ...] = ()
    """The names of the secrets that are stored (never their values); only ``show_connection`` gives them."""


@dataclass(frozen=True, slots=True)
class ConnectionTest:
    """What a test of a connection found. ``waiting``: the number of listings that an import would request."""

    member: Member
    waiting: int | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that an import would change, with its values as text."""

    field: str
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """A listing in a dry run. ``change``: ``new``, ``changed``, ``unchanged``, ``gone`` or ``quarantined``."""

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
    """The result of a dry run."""

    rows: tuple[PreviewRow, ...]
    warnings: dict[str, int] = field(default_factory=dict)

    def count(self, change: str) -> int:
        return sum(1 for row in self.rows if row.change == change)


@dataclass(frozen=True, slots=True)
class Deletion:
    """What was deleted; ``undo_deletion`` brings it back.

    ``failures``: listing id -> reason; ``copies``: listing id -> keys of the smaller copies of its photos.
    """

    deleted: tuple[Listing, ...]
    failures: dict[str, str] = field(default_factory=dict)
    photos: int = 0
    undoable: bool = False
    copies: dict[str, tuple[str, ...]] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    """Photos of deleted listings that could not be deleted: key -> reason. The next import tries again."""


P = ParamSpec("P")

log = logging.getLogger("mls_tui")


def action(
    verb: Callable[P, Awaitable[ActionResult[T]]],
) -> Callable[P, Awaitable[ActionResult[T]]]:
    """Decorator: an action returns its errors as an ActionResult."""

    @functools.wraps(verb)
    async def answer(*args: P.args, **kwargs: P.kwargs) -> ActionResult[T]:
        try:
            return await verb(*args, **kwargs)
        except Exception as error:
            return refusal(error)

    return answer


def refusal(error: Exception) -> ActionResult[T]:
    """An error as an ActionResult. One that is a fault of the program is logged with its traceback."""
    if isinstance(error, MlsTuiError):
        return ActionResult(False, error=sentence(error), exit_code=error.exit_code)
    log.error("unexpected error", exc_info=error)
    return ActionResult(False, error=f"{sentence(error)}. This is a fault in mls-tui; the log has more.", exit_code=1)


@asynccontextmanager
async def opened(workspace: Workspace | None) -> AsyncIterator[Workspace]:
    """The given workspace, opened; without one, a workspace of the configuration, closed at the end of the block."""
    if workspace is not None:
        await workspace.open()
        yield workspace
        return
    async with Workspace(load_settings()) as own:
        yield own
