"""Ctrl-C and SIGTERM: the first asks the command to stop with its state saved, the second ends the process at once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from mls_tui.cli.text import say
from mls_tui.importer.control import ImportControl

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE_SECONDS = 1.9
"""After this the process ends whatever still hangs; what is to be saved is saved within 1.5 s (importer.engine)."""

INTERRUPTED = 130


class Stop:
    """As a context manager around a command's work, inside its event loop; restores what was before."""

    def __init__(self) -> None:
        self._asked = 0
        self._control: ImportControl | None = None
        self._task: asyncio.Task[Any] | None = None
        self._former: dict[int, Any] = {}

    def __enter__(self) -> Stop:
        self._task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            try:
                former = signal.getsignal(number)
                listen(loop, number, self._stop)
                self._former[number] = former or signal.SIG_DFL
            except (RuntimeError, ValueError):
                pass  # not in the main thread: signals are not ours
        return self

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for number, former in self._former.items():
            with suppress(NotImplementedError):
                loop.remove_signal_handler(number)
            signal.signal(number, former)

    @contextmanager
    def importing(self, control: ImportControl) -> Iterator[None]:
        """While an import runs a signal cancels that, so that its end is told and saved; else the command's task."""
        self._control = control
        if self._asked:
            control.cancel(interrupted=True)
        try:
            yield
        finally:
            self._control = None

    def _stop(self) -> None:
        self._asked += 1
        if self._asked > 1:
            end_at_once()
        backstop = threading.Timer(PATIENCE_SECONDS, end_at_once)
        backstop.daemon = True
        backstop.start()
        if self._control is not None:
            say("Stopping: saving what is done. Once more stops at once.")
            self._control.cancel(interrupted=True)
        elif self._task is not None:
            self._task.cancel()


def listen(loop: asyncio.AbstractEventLoop, number: int, handler: Callable[[], None]) -> None:
    """Have a signal call ``handler`` in the loop."""
    try:
        loop.add_signal_handler(number, handler)
    except NotImplementedError:  # Windows
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(handler))


def end_at_once() -> None:
    """Leave now, with the cursor of the terminal as a progress bar found it."""
    if sys.stderr.isatty():
        os.write(sys.stderr.fileno(), b"\x1b[?25h\n")
    os._exit(INTERRUPTED)
