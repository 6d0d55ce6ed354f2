"""The options of an import, and the control that pauses, resumes and cancels it while it runs."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass

from mls_tui.domain.listing import ListingStatus


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """The flags of ``mls-tui import``. ``statuses`` are added to the default scope, which is active listings.

    ``only`` are MLS numbers and ``keys`` are ListingKeys (a retry). Either of them, or ``limit``, makes the import
    selective: it neither uses nor moves the connection's cursor. ``resumed`` continues this run's unfinished sweep,
    even if it is ``full``.
    """

    full: bool = False
    only: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    statuses: frozenset[ListingStatus] = frozenset()
    photos: bool = True
    limit: int | None = None
    resumed: bool = False

    @property
    def selective(self) -> bool:
        return bool(self.only or self.keys) or self.limit is not None

    @property
    def everything(self) -> bool:
        """True for ``--status all``, which includes Coming Soon records."""
        return self.statuses == frozenset(ListingStatus)

    @property
    def scope(self) -> frozenset[ListingStatus]:
        """The statuses to import (docs/contract.md, section Command line: ``--status`` widens Active)."""
        return frozenset({ListingStatus.ACTIVE}) | self.statuses


class ImportControl:
    """Pauses, resumes and cancels one import, from any thread. Calls made before it starts take effect when it does."""

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
        """Start no further listing or photo. Those in flight are finished."""
        self._set(paused=True)

    def resume(self) -> None:
        self._set(paused=False)

    def cancel(self, *, interrupted: bool = False, handed_over: bool = False) -> None:
        """Stop now. What is stored stays, and the next import continues from there. ``interrupted``: by a signal.
        ``handed_over``: another process continues this run."""
        with self._lock:
            self.handed_over = self.handed_over or (handed_over and not self._cancelled)
            self._cancelled = True
            self.interrupted = self.interrupted or interrupted
            loop, task = self._loop, self._task
        if loop is not None and task is not None and not loop.is_closed():
            loop.call_soon_threadsafe(task.cancel)

    def attach(self, task: asyncio.Task[None]) -> None:
        """The importer calls this, in its event loop, with the task that ``cancel`` cancels."""
        with self._lock:
            self._loop, self._task = asyncio.get_running_loop(), task
            self._go = asyncio.Event()
            if not self._paused:
                self._go.set()
            if self._cancelled:
                task.cancel()

    def detach(self) -> None:
        """The importer calls this when the task has ended. Later calls of the other methods do nothing."""
        with self._lock:
            self._loop = self._task = self._go = None

    async def wait_while_paused(self) -> None:
        """Wait while paused."""
        if self._go is not None:
            await self._go.wait()

    def _set(self, *, paused: bool) -> None:
        with self._lock:
            self._paused = paused
            loop, go = self._loop, self._go
        if loop is not None and go is not None and not loop.is_closed():
            loop.call_soon_threadsafe(go.clear if paused else go.set)
