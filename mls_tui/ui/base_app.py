"""The base of the application, as screens and widgets see it: workspace, actions, imports of this session.

It imports no screen, so that screens can import it; ``app.py`` adds them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.app import App
from textual.notifications import SeverityLevel
from textual.reactive import reactive
from textual.signal import Signal

from mls_tui.domain.clock import Clock, SystemClock
from mls_tui.domain.errors import AuthenticationError
from mls_tui.ui.import_session import ImportJob, ImportSession
from mls_tui.ui.schedules import Schedules
from mls_tui.ui.text import clean

if TYPE_CHECKING:
    from mls_tui.actions import ImportOptions
    from mls_tui.actions.workspace import Workspace
    from mls_tui.domain.connection import Connection
    from mls_tui.domain.events import Event
    from mls_tui.domain.run import ImportResult
    from mls_tui.importer.tally import Tally
    from mls_tui.ui.actions_port import ActionsPort
    from mls_tui.ui.terminal import Graphics

DEMO_OPEN = "The demo is open already. L leaves it."


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the command that starts the interface provides.

    ``start_demo`` starts the demo and returns its workspace; ``own_workspace`` opens the user's own after the demo.
    ``graphics`` is how this terminal shows photos, ``light`` whether its background is light.
    """

    start_demo: Callable[[], Awaitable[Workspace]] | None = None
    own_workspace: Callable[[], Workspace] | None = None
    graphics: Graphics | None = None
    light: bool = False


class BaseApp(App[None]):
    """``tally`` has the counts of the current or the previous import; watch it. ``import_events`` publishes its events
    in batches."""

    tally: reactive[Tally | None] = reactive(None, repaint=False)
    queued: reactive[tuple[str, ...]] = reactive((), repaint=False)
    """The names of the connections in the import queue, in order."""
    demo: reactive[bool] = reactive(False, repaint=False)
    """The workspace is the demo's."""

    def __init__(
        self,
        workspace: Workspace,
        actions: ActionsPort | None = None,
        *,
        hooks: Hooks | None = None,
        clock: Clock | None = None,
        demo: bool = False,
    ) -> None:
        super().__init__()
        self.workspace = workspace
        self.hooks = hooks or Hooks()
        self.clock: Clock = clock or SystemClock()
        self.imports = ImportSession(self.post_message, self.clock)
        self.schedules = Schedules(self.post_message, self.clock, self.import_and_wait)
        self.import_events: Signal[tuple[Event, ...]] = Signal(self, "import-events")
        self.set_reactive(BaseApp.demo, demo)
        self._actions = actions
        self._open = asyncio.Event()

    @property
    def actions(self) -> ActionsPort:
        """The verbs of ``mls_tui.actions``, or those that a test gave."""
        if self._actions is None:
            from mls_tui import actions

            self._actions = actions
        return self._actions

    @property
    def read_only(self) -> bool:
        return self.workspace.read_only

    @property
    def place(self) -> str:
        """The user and the store, as shown at the top right."""
        stored = "DynamoDB + S3" if self.workspace.settings.storage == "aws" else "embedded store"
        try:
            user = self.workspace.user_id
        except AuthenticationError:
            user = "not signed in"
        return " · ".join([user, stored, *(["read-only"] if self.read_only else [])])

    async def opened(self) -> bool:
        """Waits until the stores are open."""
        await self._open.wait()
        return True

    def add_import(self, connection: Connection, options: ImportOptions | None = None) -> ImportJob | None:
        """Import a connection now, or at the end of the queue; None if it is running or queued already."""
        from mls_tui.importer.options import ImportOptions

        chosen, actions, workspace = options or ImportOptions(), self.actions, self.workspace
        identity = connection.connection_id
        return self.imports.add(
            identity,
            connection.name,
            lambda control: actions.import_events(identity, chosen, workspace, control),
        )

    async def import_and_wait(self, connection: Connection) -> ImportResult:
        """Import a connection and wait for the result. For the schedules."""
        job = self.add_import(connection) or self.imports.job_of(connection.connection_id)
        if job is None:
            raise RuntimeError("an import that cannot be added runs already")
        return await asyncio.shield(job.result)

    def write_sequence(self, text: str) -> None:
        """Send the terminal a control sequence of ours, never feed text."""
        if self._driver is not None and not self.is_headless and not self.is_web:
            self._driver.write(text)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """A toast, unless the same one is on the screen. Its text may come from a feed and is never markup."""
        text, heading = clean(message)[:600], clean(title)
        if not any((each.message, each.title) == (text, heading) for each in self._notifications):
            super().notify(text, title=heading, severity=severity, timeout=timeout, markup=False)
