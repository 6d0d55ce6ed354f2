"""What every command shares: settings, the workspace, signals, and errors as sentences with an exit code
(docs/contract.md, section Command line)."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from mls_tui.actions.workspace import Workspace
from mls_tui.cli.output import OutputError, plain_text, print_json, say
from mls_tui.config import Settings, load_settings
from mls_tui.domain.errors import MlsTuiError, sentence
from mls_tui.storage.threads import run_loop

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from mls_tui.actions.results import ActionResult
    from mls_tui.importer.options import ImportControl
    from mls_tui.log import Log


SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE_SECONDS = 1.9
"""Seconds until the process ends even if something hangs. The importer saves its state within 1.5 s."""

INTERRUPTED = 130


class Stop:
    """Handles SIGINT and SIGTERM while a command runs: the first stops it with its state saved, the second ends the
    process at once. A context manager inside the command's event loop; leaving it restores the earlier handlers."""

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
        """Within this, a signal cancels the import, which saves its state; outside, it cancels the command's task."""
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
            say("Stopping and saving. Press Ctrl-C again to stop at once.")
            self._control.cancel(interrupted=True)
        elif self._task is not None:
            self._task.cancel()


def listen(loop: asyncio.AbstractEventLoop, number: int, handler: Callable[[], None]) -> None:
    """Call ``handler`` in the loop on a signal."""
    try:
        loop.add_signal_handler(number, handler)
    except NotImplementedError:  # Windows
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(handler))


def end_at_once() -> None:
    """End the process now, with the cursor that a progress bar has hidden."""
    if sys.stderr.isatty():
        os.write(sys.stderr.fileno(), b"\x1b[?25h\n")
    os._exit(INTERRUPTED)


T = TypeVar("T")


def json_option(
    text: str = "Print the result as one JSON document.",
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """``--json``, as the parameter ``as_json``; ``text`` says what is printed."""
    return click.option("--json", "as_json", is_flag=True, help=text)


def settings_of(ctx: click.Context, *, as_json: bool = False, **more: Any) -> Settings:
    """The effective settings; a wrong one ends the command with exit code 2."""
    root = ctx.find_root().obj or {"flags": {}}
    try:
        return load_settings(**{**root["flags"], **more})
    except MlsTuiError as error:
        fail(sentence(error), error.exit_code, as_json=as_json)


def run(work: Coroutine[Any, Any, T], *, as_json: bool = False) -> T:
    """Run a command's coroutine; an expected error ends the command with its sentence and exit code."""
    try:
        return run_loop(work)
    except MlsTuiError as error:
        fail(sentence(error), error.exit_code, as_json=as_json)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def with_workspace(ctx: click.Context, work: Callable[[Workspace], Awaitable[T]], *, as_json: bool = False) -> T:
    """Do the work in an open workspace, and close it."""
    return stoppable(ctx, lambda workspace, _: work(workspace), as_json=as_json)


def stoppable(ctx: click.Context, work: Callable[[Workspace, Stop], Awaitable[T]], *, as_json: bool = False) -> T:
    """Do work that has something to save when it is stopped, in an open workspace."""
    settings = settings_of(ctx, as_json=as_json)
    log = log_to(ctx, settings)

    async def opened() -> T:
        with Stop() as stop:
            async with workspace_of(settings, log) as workspace:
                return await work(workspace, stop)

    return run(opened(), as_json=as_json)


def workspace_of(settings: Settings, log: Log | None) -> Workspace:
    """A workspace, not yet open, whose secrets are masked in the log and whose warnings go to stderr."""
    return Workspace(
        settings,
        on_secret=log.masker.add if log else None,
        on_warning=warn,
    )


def warn(text: str) -> None:
    """Print a warning on stderr."""
    say(f"Warning: {plain_text(text)}")


def log_to(ctx: click.Context, settings: Settings) -> Log | None:
    """Start the log for as long as the command runs. If it cannot be started, warn and go on without."""
    from mls_tui.log import setup_logging

    root = ctx.find_root()
    try:
        log = setup_logging(settings, (root.obj or {"verbose": 0})["verbose"])
    except (MlsTuiError, OSError) as error:
        say(f"Warning: no log is written: {plain_text(sentence(error))}")
        return None
    root.call_on_close(log.close)
    return log


def data_of(answer: ActionResult[T], *, as_json: bool = False) -> T:
    """The data of an action's answer; an error ends the command with its sentence and exit code."""
    if answer.error is not None or answer.data is None:
        fail(answer.error or "", answer.exit_code, as_json=as_json)
    return answer.data


def fail(text: str, exit_code: int, *, as_json: bool = False) -> NoReturn:
    """End the command: a sentence on stderr, with ``as_json`` the contract's failure document on stdout."""
    if as_json:
        print_json({"success": False, "error": text})
    say(f"Error: {plain_text(text)}")
    sys.exit(exit_code or 1)


def fail_unexpected(error: Exception) -> NoReturn:
    """End the command with a sentence for an error that no command handled. The traceback goes to the log."""
    if isinstance(error, MlsTuiError):
        fail(sentence(error), error.exit_code)
    if isinstance(error, OutputError):
        raise error
    if isinstance(error, OSError):
        fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}.", 4)
    if logging.getLogger().handlers:
        logging.getLogger("mls_tui").error("unexpected error", exc_info=error)
    fail(f"{sentence(error)}. This is a fault in mls-tui; the log has more (`mls-tui info` says where it is).", 1)


def require_terminal() -> None:
    """Exit with a sentence if there is no terminal to draw on. In a browser Textual's driver takes its place."""
    if "TEXTUAL_DRIVER" not in os.environ and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError(
            "The interface needs a terminal for its input and its output. Commands such as “mls-tui import” and "
            "“mls-tui listings” work without one; mls-tui --help lists them."
        )


def replay_keys(keys: str) -> Callable[[Pilot[object]], Coroutine[Any, Any, None]] | None:
    """An autopilot that presses the keys the user pressed while the interface was loading; None if there are none."""

    async def play(pilot: Pilot[object]) -> None:
        for key in keys:
            pilot.app.simulate_key(key)

    return play if keys else None


def leave(code: int, log: Log | None = None) -> NoReturn:
    """End the process without tearing the interpreter down, which takes seconds with 100,000 objects. Everything is
    saved and closed before."""
    if log is not None:
        log.close()
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
