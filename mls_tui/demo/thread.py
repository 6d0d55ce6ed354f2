"""The demo MLS in a daemon thread with an event loop of its own, for callers that have another loop or none."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Any, Self

from mls_tui.demo.server import DemoMLS


class RunningDemo:
    """A handle on a demo MLS in its thread: ``mls`` to read from, ``stop()`` to end it. Also a context manager."""

    def __init__(self, mls: DemoMLS) -> None:
        self.mls = mls
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="demo-mls", daemon=True)

    def start(self) -> Self:
        """Start the thread and wait until the server listens. Raises OSError where the port is taken."""
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure
        return self

    def stop(self) -> None:
        """End the server and its thread. Safe to call twice."""
        if self._loop is not None and self._ended is not None and not self._loop.is_closed():
            try:
                self._loop.call_soon_threadsafe(self._ended.set)
            except RuntimeError:
                return
        self._thread.join(timeout=5)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        async with self.mls:
            self._ready.set()
            await self._ended.wait()


def start_in_thread(**options: Any) -> RunningDemo:
    """Start a ``DemoMLS(**options)`` in a thread; returns once it listens. The feed may be read from other threads,
    and changed while no request is under way."""
    return RunningDemo(DemoMLS(**options)).start()
