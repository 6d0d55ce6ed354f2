"""The interface's one import: started, paused and cancelled here, whatever screen is shown. It keeps the latest events
for screens that come back, and never touches a widget."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from mls_tui.ui.widgets.background import begin

if TYPE_CHECKING:
    from mls_tui.actions import ImportOptions
    from mls_tui.domain.connection import Connection
    from mls_tui.domain.events import Event
    from mls_tui.domain.run import ImportResult, ImportRun
    from mls_tui.importer.tally import Tally
    from mls_tui.ui.app import MlsTuiApp
    from mls_tui.ui.watched_run import WatchedRun
    from mls_tui.ui.worker import Events, ImportBridge

LOG_LENGTH = 5_000
CANCEL_PATIENCE_SECONDS = 2.0
QUIT_PATIENCE_SECONDS = 0.3


class Imports:
    """At most one run at a time. ``log`` holds the latest events of the present or last run, oldest first."""

    def __init__(self, app: MlsTuiApp) -> None:
        self._app = app
        self._bridge: ImportBridge | None = None
        self._watched: WatchedRun | None = None
        self._again: Callable[[], None] = lambda: None
        self._idle = asyncio.Event()
        self._idle.set()
        self._result: ImportResult | None = None
        self.log: deque[Event] = deque(maxlen=LOG_LENGTH)
        self.connection_id: str | None = None
        self.connection_name = ""
        self.cancelling = False
        self.tell_when_done = False

    @property
    def running(self) -> bool:
        return self._bridge is not None or self._watched is not None

    @property
    def watching(self) -> bool:
        """Whether the import that is shown is done by workers, and goes on without us."""
        return self._watched is not None

    @property
    def paused(self) -> bool:
        if self._watched is not None:
            return self._watched.paused
        return self._bridge is not None and self._bridge.control.paused

    def start(self, connection: Connection, options: ImportOptions) -> None:
        """Import a connection. Says so where an import is running already."""
        actions, workspace = self._app.actions, self._app.workspace
        self._begin(
            connection.connection_id,
            connection.name,
            lambda control: actions.import_events(connection.connection_id, options, workspace, control),
        )

    async def run(self, connection: Connection) -> ImportResult:
        """Import once no other import runs, and answer with the end of it; for the schedule, which has no screen."""
        from mls_tui.domain.run import ImportResult, RunState
        from mls_tui.importer.options import ImportOptions

        while self.running:
            await self._idle.wait()
        self.start(connection, ImportOptions())
        await self._idle.wait()
        return self._result or ImportResult(state=RunState.CANCELLED)

    def retry(self, run_id: str, connection_id: str, connection_name: str) -> None:
        """Import again what failed in a run."""
        actions, workspace = self._app.actions, self._app.workspace
        self._begin(connection_id, connection_name, lambda control: actions.retry_events(run_id, workspace, control))

    def retry_run(self, run: ImportRun) -> None:
        self.retry(run.run_id, run.connection_id, run.connection_name)

    def watch(self, run: ImportRun) -> None:
        """Follow a distributed run, as it stands in its row, until it ends or is left."""
        if self._refused():
            return
        from mls_tui.ui.watched_run import WatchedRun
        from mls_tui.ui.worker import ImportProgress

        self._clear(run.connection_id, run.connection_name)

        def seen(tally: Tally) -> None:
            self._app.post_message(ImportProgress(tally))

        self._watched = WatchedRun(self._app, run, seen, self.leave)
        self._watched.start()
        self._app.refresh_bindings()

    def leave(self) -> None:
        """Follow a distributed run no further; its workers go on."""
        watched, self._watched = self._watched, None
        if watched is not None:
            watched.leave()
            self._app.refresh_bindings()

    def _refused(self) -> bool:
        if self.running:
            self._app.notify(
                f"{self.connection_name} is being imported. Wait for its end, or cancel it first (3, then x).",
                severity="warning",
            )
        return self.running

    def _clear(self, connection_id: str, name: str) -> None:
        self.log.clear()
        self.connection_id, self.connection_name, self.cancelling = connection_id, name, False
        self._app.tally = None
        self._result = None

    def _begin(self, connection_id: str, name: str, events: Events) -> None:
        if self._refused():
            return
        from mls_tui.importer.control import ImportControl
        from mls_tui.ui.worker import ImportBridge

        self._clear(connection_id, name)
        self._again = partial(self._begin, connection_id, name, events)
        self._bridge = ImportBridge(events, ImportControl(), clock=self._app.clock)
        self._idle.clear()
        begin(self._app, partial(self._follow, self._bridge), "import")
        self._app.refresh_bindings()

    async def _follow(self, bridge: ImportBridge) -> None:
        from mls_tui.ui.worker import ImportEvents, ImportProgress

        try:
            async for handover in bridge.batches():
                if handover.events:
                    self.log.extend(handover.events)
                    self._app.post_message(ImportEvents(handover.events))
                if handover.ended:
                    self._result = handover.tally.result
                    self._free(bridge)
                self._app.post_message(ImportProgress(self._named(handover.tally)))
                if handover.crash is not None:
                    self._app.failed(handover.crash, self._again)
        finally:
            self._free(bridge)

    def _named(self, tally: Tally) -> Tally:
        """A run that is refused before it starts does not say whose it is."""
        return tally if tally.connection else replace(tally, connection=self.connection_name)

    def _free(self, bridge: ImportBridge) -> None:
        """Another import may begin. One that has begun already is left alone."""
        if self._bridge in (bridge, None):
            self._bridge = None
            self._idle.set()

    def pause(self) -> None:
        if self._watched is not None:
            self._watched.steer("pause")
        if self._bridge is not None:
            self._bridge.control.pause()

    def resume(self) -> None:
        if self._watched is not None:
            self._watched.steer("resume")
        if self._bridge is not None:
            self._bridge.control.resume()

    def cancel(self) -> None:
        """Ask the run to stop where it is consistent; after two seconds, stop it there."""
        if self._watched is not None:
            self._watched.steer("cancel")
        bridge = self._bridge
        if bridge is None:
            return
        self.cancelling = True
        bridge.control.cancel()
        self._app.set_timer(CANCEL_PATIENCE_SECONDS, bridge.abandon)

    def quit(self) -> None:
        """Stop for good, at once: the store is consistent at any moment, the next import goes on from there."""
        if self._watched is not None:
            self._watched.leave()
        bridge, self._bridge = self._bridge, None
        if bridge is not None:
            bridge.abandon()
            bridge.join(QUIT_PATIENCE_SECONDS)
