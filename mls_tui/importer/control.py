"""The reins of a running import, safe to pull from any thread: pause, resume, cancel."""

from __future__ import annotations

import asyncio
import threading


class ImportControl:
    """One per run. The engine attaches its loop; calls before that take effect when the run begins."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._go: asyncio.Event | None = None
        self._paused = False
        self._cancelled = False
        self.interrupted = False
        self.handed_over = False

    @property
    def paused(self) -> bool:
        return self._paused

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    def pause(self) -> None:
        """Start no further listing or photo; what is in flight is finished."""
        self._set(paused=True)

    def resume(self) -> None:
        self._set(paused=False)

    def cancel(self, *, interrupted: bool = False, handed_over: bool = False) -> None:
        """Stop now; what is stored stays, the rest comes with the next import. ``interrupted``: by a signal;
        ``handed_over``: another process goes on with the run."""
        with self._lock:
            self.handed_over = self.handed_over or (handed_over and not self._cancelled)
            self._cancelled = True
            self.interrupted = self.interrupted or interrupted
            loop, task = self._loop, self._task
        if loop is not None and task is not None and not loop.is_closed():
            loop.call_soon_threadsafe(task.cancel)

    def attach(self, task: asyncio.Task[None]) -> None:
        """Called by the engine, in its loop, with the task that ``cancel`` stops."""
        with self._lock:
            self._loop, self._task = asyncio.get_running_loop(), task
            self._go = asyncio.Event()
            if not self._paused:
                self._go.set()
            if self._cancelled:
                task.cancel()

    def detach(self) -> None:
        """Called by the engine when the task has ended; later calls change nothing."""
        with self._lock:
            self._loop = self._task = self._go = None

    async def permission(self) -> None:
        """Wait while paused."""
        if self._go is not None:
            await self._go.wait()

    def _set(self, *, paused: bool) -> None:
        with self._lock:
            self._paused = paused
            loop, go = self._loop, self._go
        if loop is not None and go is not None and not loop.is_closed():
            loop.call_soon_threadsafe(go.clear if paused else go.set)
