"""A pool of daemon threads for blocking calls, and the event loop that commands and imports run on.

concurrent.futures joins its threads at exit, so quitting would wait for a hanging AWS call. Each store has a pool of
its own, so that slow photo uploads cannot delay rows.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

from mls_tui.domain.errors import StorageError

T = TypeVar("T")

_Job = tuple["Future[Any]", Callable[[], Any]]


class DaemonPool:
    """At most ``size`` threads, started when needed. Results may be awaited from any event loop."""

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._lock = threading.Lock()
        self._closed = False

    def submit(self, job: Callable[[], T]) -> Future[T]:
        """Run ``job`` in one of the threads. Raises StorageError after ``close``."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise StorageError("The store is closed; open it again.")
            self._jobs.put((future, job))
            if self._idle == 0 and len(self._threads) < self._size:
                thread = threading.Thread(target=self._work, name=f"{self._name}-{len(self._threads)}", daemon=True)
                self._threads.append(thread)
                thread.start()
            elif self._idle:
                self._idle -= 1
        return future

    async def run(self, job: Callable[[], T]) -> T:
        """Run ``job`` and return its result. If the caller is cancelled, a job that has begun still runs to its end."""
        return await asyncio.wrap_future(self.submit(job))

    def close(self, seconds: float) -> None:
        """Refuse new jobs, finish those accepted, and wait at most ``seconds`` for them."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            threads = list(self._threads)
        for _ in threads:
            self._jobs.put(None)
        share = seconds / max(1, len(threads))
        for thread in threads:
            thread.join(share)

    def _work(self) -> None:
        while (entry := self._jobs.get()) is not None:
            run_job(*entry)
            # Frees the result of the finished job now, not when the next job arrives.
            del entry
            with self._lock:
                self._idle += 1


def run_job(future: Future[Any], job: Callable[[], Any]) -> None:
    """Run one job and set its future's result; a job whose future was cancelled is skipped."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = job()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)


def run_loop(work: Coroutine[Any, Any, T]) -> T:
    """``asyncio.run`` for any thread, with uvloop if it is installed: a sixth less CPU for a photo."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(work)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # not available for Windows
        return None
    return uvloop.new_event_loop
