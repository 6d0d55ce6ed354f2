"""The imports of this session: one runs, the others wait in a queue. Screens come and go; the session stays.

What happens is posted as messages: ImportProgress, ImportEvents, ImportStateChanged, WorkFailed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mls_tui.domain.clock import Clock
from mls_tui.domain.errors import MlsTuiError, sentence
from mls_tui.ui.messages import ImportEvents, ImportProgress, ImportStateChanged, Notice, WorkFailed

if TYPE_CHECKING:
    from textual.message import Message

    from mls_tui.domain.events import Event
    from mls_tui.domain.run import ImportResult, ImportRun
    from mls_tui.importer.options import ImportControl
    from mls_tui.importer.tally import Tally
    from mls_tui.ui.import_thread import ImportThread

    Events = Callable[[ImportControl], AsyncIterator[Event]]

LOG_LENGTH = 5_000
CANCEL_PATIENCE_SECONDS = 2.0
QUIT_PATIENCE_SECONDS = 0.5


@dataclass(eq=False, slots=True)
class ImportJob:
    """One import that was requested. ``result`` is set when it has ended, or was taken out of the queue."""

    connection_id: str
    name: str
    events: Events
    result: asyncio.Future[ImportResult] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def end(self, result: ImportResult | None) -> None:
        if not self.result.done():
            from mls_tui.domain.run import ImportResult, RunState

            self.result.set_result(result or ImportResult(state=RunState.CANCELLED))


@dataclass(slots=True)
class _Followed:
    """A run of workers, read from its row."""

    task: asyncio.Task[None]
    steer: Callable[[str], Awaitable[bool | None]]
    paused: bool


class ImportSession:
    """At most one run at a time. ``log`` holds the last 5,000 events of the current or the previous run,
    oldest first."""

    def __init__(self, post: Callable[[Message], object], clock: Clock) -> None:
        self._post = post
        self._clock = clock
        self._job: ImportJob | None = None
        self._thread: ImportThread | None = None
        self._followed: _Followed | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._tally: Tally | None = None
        self.queue: list[ImportJob] = []
        self.log: deque[Event] = deque(maxlen=LOG_LENGTH)
        self.connection_id: str | None = None
        self.connection_name = ""
        self.cancelling = False
        self.tell_when_done = False

    @property
    def running(self) -> bool:
        return self._thread is not None or self._followed is not None

    @property
    def watching(self) -> bool:
        """The run that is shown is executed by workers, and continues without this program."""
        return self._followed is not None

    @property
    def paused(self) -> bool:
        if self._followed is not None:
            return self._followed.paused
        return self._thread is not None and self._thread.control.paused

    def job_of(self, connection_id: str) -> ImportJob | None:
        """The connection's import, running or queued; None if there is none."""
        jobs = [*([self._job] if self._job else []), *self.queue]
        return next((job for job in jobs if job.connection_id == connection_id), None)

    def add(self, connection_id: str, name: str, events: Events) -> ImportJob | None:
        """Start an import, or put it at the end of the queue. None if the connection's import runs or waits already."""
        if self.job_of(connection_id) is not None:
            return None
        job = ImportJob(connection_id, name, events)
        self.queue.append(job)
        self._start_next()
        self._post(ImportStateChanged())
        return job

    def drop(self, job: ImportJob) -> None:
        """Take an import out of the queue."""
        if job in self.queue:
            self.queue.remove(job)
            job.end(None)
            self._post(ImportStateChanged())

    def move(self, job: ImportJob, step: int) -> None:
        """Move an import in the queue, ``step`` places towards its end."""
        if job in self.queue:
            place = self.queue.index(job)
            self.queue.insert(max(0, min(place + step, len(self.queue) - 1)), self.queue.pop(place))
            self._post(ImportStateChanged())

    def _start_next(self) -> None:
        if self.queue and not self.running:
            from mls_tui.importer.options import ImportControl
            from mls_tui.ui.import_thread import ImportThread

            job = self.queue.pop(0)
            self._begin(job.connection_id, job.name)
            self._job, self._thread = job, ImportThread(job.events, ImportControl(), clock=self._clock)
            self._spawn(self._deliver(job, self._thread))

    def _begin(self, connection_id: str, name: str) -> None:
        from mls_tui.importer.tally import Tally

        self.log.clear()
        self.connection_id, self.connection_name, self.cancelling = connection_id, name, False
        self._tally = Tally(connection=name)
        self._post(ImportProgress(self._tally))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _deliver(self, job: ImportJob, thread: ImportThread) -> None:
        try:
            async for handover in thread.batches():
                if handover.events:
                    self.log.extend(handover.events)
                    self._post(ImportEvents(handover.events))
                tally = handover.tally
                # A run that is refused before it starts does not name its connection.
                self._tally = tally if tally.connection else replace(tally, connection=job.name)
                if handover.ended:
                    self._free(job, thread, tally.result)
                self._post(ImportProgress(self._tally))
                if handover.crash is not None:
                    self._post(WorkFailed(handover.crash, lambda: self.add(job.connection_id, job.name, job.events)))
        except Exception as error:
            self._post(WorkFailed(error, lambda: self.add(job.connection_id, job.name, job.events)))
        finally:
            self._free(job, thread, None)
            self._start_next()
            self._post(ImportStateChanged())

    def _free(self, job: ImportJob, thread: ImportThread, result: ImportResult | None) -> None:
        """Mark the import as ended, so that another may start."""
        if self._thread is thread:
            self._thread = self._job = None
        job.end(result)

    def pause(self) -> None:
        self._steer("pause")
        if self._thread is not None:
            self._thread.control.pause()

    def resume(self) -> None:
        self._steer("resume")
        if self._thread is not None:
            self._thread.control.resume()

    def cancel(self) -> None:
        """Ask the run to finish what is in flight and stop; after two seconds, abort it."""
        self._steer("cancel")
        if (thread := self._thread) is not None:
            self.cancelling = True
            thread.control.cancel()
            asyncio.get_running_loop().call_later(CANCEL_PATIENCE_SECONDS, thread.abandon)

    def quit(self, patience: float = QUIT_PATIENCE_SECONDS) -> None:
        """Stop all imports now. The store is always consistent, and the next import continues from there."""
        self.leave()
        for job in self.queue:
            job.end(None)
        self.queue.clear()
        thread, self._thread, self._job = self._thread, None, None
        if thread is not None:
            thread.abandon()
            thread.join(patience)
        for task in tuple(self._tasks):
            task.cancel()

    def interrupted_words(self) -> str:
        """The line printed in the shell after quitting during an import; empty if none runs."""
        if self._thread is None or self._tally is None:
            return ""
        counts = self._tally.counts
        of = "" if self._tally.expected is None else f" of {self._tally.expected:,}"
        return (
            f"{self.connection_name}: {counts.successful:,}{of} listings are stored; the next import continues there."
        )

    # runs that workers do ----------------------------------------------------------------------------------------

    def follow(
        self, run: ImportRun, looks: AsyncGenerator[Tally, None], steer: Callable[[str], Awaitable[bool | None]]
    ) -> bool:
        """Show a run of workers until it ends or ``leave`` is called. False if an import is shown already."""
        if self.running:
            return False
        self._begin(run.connection_id, run.connection_name)
        self._followed = _Followed(self._spawn(self._look(looks)), steer, run.paused)
        self._post(ImportStateChanged())
        return True

    async def _look(self, looks: AsyncGenerator[Tally, None]) -> None:
        try:
            async with aclosing(looks):
                async for tally in looks:
                    if self._followed is not None:
                        self._followed.paused = tally.paused
                    self._tally = tally
                    self._post(ImportProgress(tally))
        except MlsTuiError as error:
            self._post(Notice(sentence(error), title="Distributed import", severity="error"))
        except Exception as error:
            self._post(WorkFailed(error, lambda: None))
        self.leave()

    def leave(self) -> None:
        """Stop showing a run of workers. They continue."""
        followed, self._followed = self._followed, None
        if followed is not None:
            if followed.task is not asyncio.current_task():
                followed.task.cancel()
            self._start_next()
            self._post(ImportStateChanged())

    def _steer(self, word: str) -> None:
        if self._followed is not None:
            self._spawn(self._steered(self._followed, word))

    async def _steered(self, followed: _Followed, word: str) -> None:
        paused = await followed.steer(word)
        if paused is not None:
            followed.paused = paused
