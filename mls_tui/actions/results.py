"""What the verbs answer with and take: plain frozen values, for screens and commands alike."""

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
    schedule_at: str | None = None
    overrides: dict[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConnectionEdit:
    """What to change of a stored connection, and nothing else.

    ``given`` holds fields of ConnectionForm by name, ``overrides`` settings of the preset to replace. ``unset``
    names either kind: a setting goes back to the preset's value, a field of the connection's own becomes empty.
    """

    given: Mapping[str, Any] = field(default_factory=dict, repr=False)
    overrides: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    unset: tuple[str, ...] = ()


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
    note: str = ""
    """What an edit means for the next import, as a sentence."""
    settings: tuple[Setting, ...] = ()
    """The provider's settings as an import uses them; only ``show_connection`` gives them."""
    stored_secrets: tuple[str, ...] = ()
    """The names of the secrets that are stored (never their values); only ``show_connection`` gives them."""


@dataclass(frozen=True, slots=True)
class ConnectionTest:
    """What a test of a connection found. ``waiting`` is how many listings an import would ask for."""

    member: Member
    waiting: int | None
    notes: tuple[str, ...] = ()


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
    """What a deletion did; hand it to ``undo_deletion`` to bring ``deleted`` back. ``failures``: listing id -> why;
    ``copies``: listing id -> keys of the smaller copies of its photos."""

    deleted: tuple[Listing, ...]
    failures: dict[str, str] = field(default_factory=dict)
    photos: int = 0
    undoable: bool = False
    copies: dict[str, tuple[str, ...]] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    """Photos that are still stored though their listing is gone: key -> why. The next import tries again."""


P = ParamSpec("P")

log = logging.getLogger("mls_tui")


def action(
    verb: Callable[P, Awaitable[ActionResult[T]]],
) -> Callable[P, Awaitable[ActionResult[T]]]:
    """Turn errors into answers."""

    @functools.wraps(verb)
    async def answer(*args: P.args, **kwargs: P.kwargs) -> ActionResult[T]:
        try:
            return await verb(*args, **kwargs)
        except Exception as error:
            return refusal(error)

    return answer


def refusal(error: Exception) -> ActionResult[T]:
    """The answer to an error, as a sentence. One that nobody foresaw is ours: the whole of it goes to the log."""
    if isinstance(error, MlsTuiError):
        return ActionResult(False, error=sentence(error), exit_code=error.exit_code)
    log.error("unforeseen error", exc_info=error)
    return ActionResult(False, error=f"{sentence(error)}. This is a fault in mls-tui; the log has more.", exit_code=1)


@asynccontextmanager
async def opened(workspace: Workspace | None) -> AsyncIterator[Workspace]:
    """The given workspace, open, or the configured one for the length of the block."""
    if workspace is not None:
        await workspace.open()
        yield workspace
        return
    async with Workspace(load_settings()) as own:
        yield own
