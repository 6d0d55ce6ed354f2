"""Runs one import in a thread with an event loop of its own, folds its events there, and hands them to the interface
at most four times a second. The interface never waits for the importer."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from mls_tui.domain.clock import Clock, SystemClock, epoch_ms
from mls_tui.domain.errors import sentence
from mls_tui.domain.events import Event, RunFinished, RunStarted
from mls_tui.domain.run import ImportResult, RunState
from mls_tui.importer.collector import beside_an_import
from mls_tui.importer.options import ImportControl
from mls_tui.importer.tally import Tally, TallyFold
from mls_tui.storage.threads import run_loop

INTERVAL_SECONDS = 0.25
"""Between two deliveries. Faster is not seen, and a terminal behind a slow line has to read it all."""
MAX_WAITING = 5_000
"""Events that may wait for the interface; beyond that the importer waits."""

Events = Callable[[ImportControl], AsyncIterator[Event]]


@dataclass(frozen=True, slots=True)
class Handover:
    """One delivery. ``crash`` is what the iterator raised, which it should never do."""

    tally: Tally
    events: tuple[Event, ...]
    ended: bool
    crash: BaseException | None = None


class ImportThread:
    """One run. ``batches`` starts the thread and yields in the interface's loop until the run has ended."""

    def __init__(self, events: Events, control: ImportControl, *, clock: Clock | None = None) -> None:
        self.control = control
        self._events = events
        self._clock = clock or SystemClock()
        self._fold = TallyFold()
        self._lock = threading.Lock()
        self._waiting: list[Event] = []
        self._tally = Tally()
        self._ended = False
        self._finished = False
        self._crash: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._may_go_on = asyncio.Event()
        self._wake: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._run, name="import", daemon=True)

    async def batches(self) -> AsyncIterator[Handover]:
        """Deliveries, the last with ``ended``. Closing the iterator stops the run."""
        interface = asyncio.get_running_loop()
        arrived = asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the interface's loop is gone: it quit
                interface.call_soon_threadsafe(arrived.set)

        self._wake = wake
        self._thread.start()
        try:
            with beside_an_import():
                while True:
                    await arrived.wait()
                    arrived.clear()
                    handover = self._take()
                    yield handover
                    if handover.ended:
                        return
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Stop now, from any thread: the iterator is cancelled, its own clean-up runs. Does not wait."""
        self.control.cancel(interrupted=True)
        loop, task = self._loop, self._task
        if loop is not None and task is not None and not self._ended:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(task.cancel)

    def join(self, seconds: float) -> bool:
        """Wait for the end of the thread; True if it has ended."""
        if self._thread.is_alive():
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _take(self) -> Handover:
        with self._lock:
            events, self._waiting = self._waiting, []
            handover = Handover(self._tally, tuple(events), self._ended, self._crash)
        loop = self._loop
        if loop is not None and not handover.ended:
            with contextlib.suppress(RuntimeError):  # the importer's loop has just ended
                loop.call_soon_threadsafe(self._may_go_on.set)
        return handover

    def _run(self) -> None:
        try:
            run_loop(self._consume())
            cancelled = self.control.cancelled
            error = None if cancelled else "The import ended without saying how. Try again; what is stored is safe."
            self._close(RunState.CANCELLED if cancelled else RunState.FAILED, error)
        except asyncio.CancelledError:
            self._close(RunState.CANCELLED, None)
        except Exception as crash:
            self._crash = crash
            self._close(RunState.FAILED, sentence(crash))
        finally:
            self._publish(ended=True)

    async def _consume(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        ticker = asyncio.create_task(self._tick())
        events = self._events(self.control)
        try:
            async for event in events:
                await self._accept(event)
        finally:
            ticker.cancel()
            close = getattr(events, "aclose", None)
            if close is not None:
                await close()

    async def _accept(self, event: Event) -> None:
        self._fold.add(event)
        self._finished = isinstance(event, RunFinished)
        with self._lock:
            self._waiting.append(event)
        if isinstance(event, RunStarted):
            self._publish()  # at once: the user has just pressed a key
        while self._full():  # an earlier delivery may set the event late
            self._may_go_on.clear()
            self._publish()
            await self._may_go_on.wait()

    def _full(self) -> bool:
        with self._lock:
            return len(self._waiting) >= MAX_WAITING

    async def _tick(self) -> None:
        while True:
            self._publish()
            await asyncio.sleep(INTERVAL_SECONDS)

    def _publish(self, *, ended: bool = False) -> None:
        tally = self._fold.snapshot(self._clock.now(), paused=self.control.paused)
        with self._lock:
            self._tally, self._ended = tally, ended
        self._wake()

    def _close(self, state: RunState, error: str | None) -> None:
        """The end of a run that reported none, so that no screen waits for ever."""
        if self._finished:
            return
        now = self._clock.now()
        counts = self._fold.snapshot(now).counts
        result = ImportResult(state=state, counts=counts, error=error, finished_at=epoch_ms(now))
        self._fold.add(RunFinished(at=now, run=self._tally.run, result=result))
