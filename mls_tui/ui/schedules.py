"""The imports that begin by themselves while the interface is open: one watch per connection with a schedule, by the
rules of ``importer.schedule``. It starts imports through ``Imports`` and so never two at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from mls_tui.domain.clock import epoch_ms
from mls_tui.domain.errors import AuthenticationError, UsageError
from mls_tui.ui.widgets.background import begin

if TYPE_CHECKING:
    from textual.worker import Worker

    from mls_tui.actions import ConnectionView
    from mls_tui.domain.connection import Connection
    from mls_tui.domain.run import ImportResult
    from mls_tui.ui.app import MlsTuiApp

GROUP = "schedule"
STEP_SECONDS = 30.0


@dataclass(slots=True)
class Watch:
    """One connection's. ``next_at`` is epoch ms; ``stopped`` says why nothing follows any more."""

    connection: Connection
    worker: Worker[None] | None = None
    next_at: int | None = None
    why: str = ""
    stopped: str = ""


class Schedules:
    """``follow`` what the connections say; ask ``of`` for what a table should show."""

    def __init__(self, app: MlsTuiApp) -> None:
        self._app = app
        self._watches: dict[str, Watch] = {}

    def of(self, connection_id: str) -> Watch | None:
        return self._watches.get(connection_id)

    def follow(self, views: Iterable[ConnectionView]) -> None:
        """Begin, change and end watches so that they agree with the connections. Nothing in a read-only session."""
        wanted = {view.connection.connection_id: view for view in views if view.connection.schedule_minutes}
        if self._app.read_only:
            wanted = {}
        for gone in set(self._watches) - set(wanted):
            self.forget(gone)
        for key, view in wanted.items():
            watch = self._watches.get(key)
            if watch is not None and watch.connection.schedule_minutes == view.connection.schedule_minutes:
                watch.connection = view.connection
                continue
            self.forget(key)
            self._begin(view)

    def forget(self, connection_id: str) -> None:
        """End a watch; the next ``follow`` begins it anew, as after an edit that may have brought new credentials."""
        watch = self._watches.pop(connection_id, None)
        if watch is not None and watch.worker is not None:
            watch.worker.cancel()

    def forget_all(self) -> None:
        for key in list(self._watches):
            self.forget(key)

    def _begin(self, view: ConnectionView) -> None:
        watch = Watch(view.connection)
        now = epoch_ms(self._app.clock.now())
        minutes = view.connection.schedule_minutes or 0
        watch.next_at = max(now, view.next_run_at or now + minutes * 60_000)
        self._watches[view.connection.connection_id] = watch
        watch.worker = begin(self._app, partial(self._keep, watch), GROUP, exclusive=False)

    async def _keep(self, watch: Watch) -> None:
        """Wait for the first, then import again and again; one that the user cancelled ends only itself."""
        from mls_tui.importer import schedule

        clock = self._app.clock
        while not watch.stopped:
            while watch.next_at is not None and (left := watch.next_at / 1000 - clock.now().timestamp()) > 0:
                await clock.sleep(min(left, STEP_SECONDS))
            every = 60.0 * (watch.connection.schedule_minutes or 15)
            result = await schedule.watch(
                partial(self._once, watch), every, clock=clock, on_wait=partial(self._waits, watch)
            )
            watch.stopped = _why_stopped(result)
            watch.next_at = None if watch.stopped else epoch_ms(clock.now()) + int(every * 1000)
        self._app.notify(
            f"{watch.connection.name} is no longer imported by itself: {watch.stopped} Edit it (1, e) to begin again.",
            title="Schedule stopped",
            severity="error",
            timeout=30,
        )

    async def _once(self, watch: Watch) -> ImportResult:
        watch.next_at = None
        return await self._app.imports.run(watch.connection)

    def _waits(self, watch: Watch, left: float, why: str) -> None:
        watch.next_at = epoch_ms(self._app.clock.now()) + int(left * 1000)
        watch.why = why.removeprefix(": ")


def _why_stopped(result: ImportResult) -> str:
    """Empty where another import may go better."""
    from mls_tui.domain.run import RunState

    if result.state is RunState.FAILED and result.exit_code in (AuthenticationError.exit_code, UsageError.exit_code):
        return result.error or "the MLS refused the credentials."
    return ""
