"""The messages between files: what screens request of the application, and what a running import reports to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message
from textual.notifications import SeverityLevel

if TYPE_CHECKING:
    from mls_tui.actions import ImportOptions
    from mls_tui.domain.connection import Connection
    from mls_tui.domain.events import Event
    from mls_tui.domain.run import ImportRun
    from mls_tui.importer.tally import Tally


@dataclass
class GoTo(Message):
    """Show one of the main screens: ``connections``, ``listings``, ``progress`` or ``history``."""

    mode: str


@dataclass
class ListingsRequested(Message):
    """Show the listings of one connection."""

    connection_name: str


@dataclass
class GoBack(Message):
    """Leave the screen on top, or return to the main screen shown before."""


@dataclass
class ImportRequested(Message):
    """Import a connection: now, or after the imports that were requested before. ``options`` None: what is new."""

    connection: Connection
    options: ImportOptions | None = None
    show: bool = True
    """Go to the progress screen."""


@dataclass
class RetryRequested(Message):
    """Import again what failed in a run."""

    run_id: str
    connection_id: str
    connection_name: str


@dataclass
class FollowRequested(Message):
    """Show a run of workers on the progress screen."""

    run: ImportRun


@dataclass
class DemoRequested(Message):
    """Open the demo in place of the user's own store."""


@dataclass
class DemoLeft(Message):
    """Go back from the demo to the user's own store. ``add``: with the form for a new connection."""

    add: bool = False


@dataclass
class WorkFailed(Message):
    """A background task raised an error. ``again`` restarts it."""

    error: BaseException
    again: Callable[[], object]


@dataclass
class Notice(Message):
    """A toast."""

    text: str
    title: str = ""
    severity: SeverityLevel = "information"


@dataclass
class ImportStateChanged(Message):
    """An import started or ended, or the queue changed."""


@dataclass
class ImportProgress(Message):
    """A snapshot of the run's counts. A newer one replaces an older one that was not handled yet, unless that is the
    last."""

    tally: Tally

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, ImportProgress) and self.tally.result is None


@dataclass
class ImportEvents(Message):
    """The events since the last message, in order. None is dropped."""

    batch: tuple[Event, ...]
