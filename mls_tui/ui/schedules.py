"""Scheduled imports while the interface is open: one schedule per connection, by the rules of ``importer.schedule``.
A due import joins the queue of the imports that the user starts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from mls_tui.domain.clock import Clock, epoch_ms
from mls_tui.domain.errors import AuthenticationError, UsageError
from mls_tui.ui.messages import Notice, WorkFailed

if TYPE_CHECKING:
    from textual.message import Message

    from mls_tui.actions import ConnectionView
    from mls_tui.domain.connection import Connection
    from mls_tui.domain.run import ImportResult

STEP_SECONDS = 30.0


@dataclass(slots=True)
class Schedule:
    """``next_at`` is epoch ms, None while the import runs. ``stopped`` says why there are no more imports, ``why`` why
    the next one is later than the schedule says."""

    connection: Connection
    task: asyncio.Task[None] | None = None
    next_at: int | None = None
    why: str = ""
    stopped: str = ""


class Schedules:
    """``follow`` the connections; ask ``of`` for what a table shows."""

    def __init__(
        self,
        post: Callable[[Message], object],
        clock: Clock,
        run_import: Callable[[Connection], Awaitable[ImportResult]],
    ) -> None:
        self._post, self._clock, self._run_import = post, clock, run_import
        self._schedules: dict[str, Schedule] = {}

    def of(self, connection_id: str) -> Schedule | None:
        return self._schedules.get(connection_id)

    def follow(self, views: Iterable[ConnectionView]) -> None:
        """Start, change and end schedules so that they agree with the connections."""
        wanted = {view.connection.connection_id: view for view in views if view.connection.schedule_minutes}
        for gone in set(self._schedules) - set(wanted):
            self.forget(gone)
        for key, view in wanted.items():
            schedule = self._schedules.get(key)
            if schedule is not None and _times(schedule.connection) == _times(view.connection):
                schedule.connection = view.connection
                continue
            self.forget(key)
            self._start(view)

    def forget(self, connection_id: str) -> None:
        """End a schedule. The next ``follow`` starts it again, as after an edit that may have brought a new token."""
        schedule = self._schedules.pop(connection_id, None)
        if schedule is not None and schedule.task is not None:
            schedule.task.cancel()

    def forget_all(self) -> None:
        for key in list(self._schedules):
            self.forget(key)

    def _start(self, view: ConnectionView) -> None:
        schedule = Schedule(view.connection)
        now = epoch_ms(self._clock.now())
        minutes = view.connection.schedule_minutes or 0
        first = self._daily(view.connection, now) or now + minutes * 60_000
        schedule.next_at = max(now, view.next_run_at or first)
        self._schedules[view.connection.connection_id] = schedule
        schedule.task = asyncio.create_task(self._guarded(schedule))

    async def _guarded(self, schedule: Schedule) -> None:
        try:
            await self._keep(schedule)
        except Exception as error:
            self._post(WorkFailed(error, lambda: None))

    async def _keep(self, schedule: Schedule) -> None:
        """Wait for the first import, then import again and again. Cancelling one import does not end the schedule."""
        from mls_tui.importer.schedule import watch

        clock = self._clock
        while not schedule.stopped:
            while schedule.next_at is not None and (left := schedule.next_at / 1000 - clock.now().timestamp()) > 0:
                await clock.sleep(min(left, STEP_SECONDS))
            if self._daily(schedule.connection, 0):
                schedule.stopped = _why_stopped(await self._once(schedule))
                schedule.next_at = self._daily(schedule.connection, epoch_ms(clock.now()))
                continue
            minutes = schedule.connection.schedule_minutes
            if minutes is None:
                return  # ``follow`` forgets a connection without a schedule
            every = 60.0 * minutes
            result = await watch(
                partial(self._once, schedule), every, clock=clock, on_wait=partial(self._waits, schedule)
            )
            schedule.stopped = _why_stopped(result)
            schedule.next_at = None if schedule.stopped else epoch_ms(clock.now()) + int(every * 1000)
        words = f"{schedule.connection.name} is no longer imported by itself: {schedule.stopped}"
        self._post(Notice(f"{words} Edit it (1, e) to start again.", title="Schedule stopped", severity="error"))

    def _daily(self, connection: Connection, after_ms: int) -> int | None:
        """When a schedule with a time of day is due next; None for one without."""
        from mls_tui.importer.schedule import next_daily

        at = connection.schedule_at if connection.schedule_minutes == 1_440 else None
        return next_daily(at, after_ms) if at else None

    async def _once(self, schedule: Schedule) -> ImportResult:
        schedule.next_at = None
        return await self._run_import(schedule.connection)

    def _waits(self, schedule: Schedule, left: float, why: str) -> None:
        schedule.next_at = epoch_ms(self._clock.now()) + int(left * 1000)
        schedule.why = why.removeprefix(": ")


def _times(connection: Connection) -> tuple[int | None, str | None]:
    return connection.schedule_minutes, connection.schedule_at


def _why_stopped(result: ImportResult) -> str:
    """Why another import cannot go better; empty if it may."""
    from mls_tui.domain.run import RunState

    if result.state is RunState.FAILED and result.exit_code in (AuthenticationError.exit_code, UsageError.exit_code):
        return result.error or "the MLS refused the credentials."
    return ""
