"""What every command shares: settings from the flags, one workspace, answers to stdout, errors as sentences to stderr
with the contract's exit code."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from mls_tui import loops
from mls_tui.actions.workspace import Workspace
from mls_tui.cli.stopping import Stop
from mls_tui.cli.text import plain_text, print_json, say
from mls_tui.config import Settings, load_settings
from mls_tui.domain.errors import MlsTuiError, sentence

if TYPE_CHECKING:
    from mls_tui.actions.results import ActionResult
    from mls_tui.log import Log

T = TypeVar("T")


def json_option(
    text: str = "Print the result as one JSON document.",
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """``--json``, as the parameter ``as_json``; ``text`` says what is printed."""
    return click.option("--json", "as_json", is_flag=True, help=text)


def settings_of(ctx: click.Context, *, as_json: bool = False, **more: Any) -> Settings:
    """The effective settings of this call; a wrong one ends the command with exit code 2."""
    root = ctx.find_root().obj or {"flags": {}}
    try:
        return load_settings(**{**root["flags"], **more})
    except MlsTuiError as error:
        fail(sentence(error), error.exit_code, as_json=as_json)


def run(work: Coroutine[Any, Any, T], *, as_json: bool = False) -> T:
    """Run a command's coroutine; an expected error ends the command with its sentence and exit code."""
    try:
        return loops.run(work)
    except MlsTuiError as error:
        fail(sentence(error), error.exit_code, as_json=as_json)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def with_workspace(ctx: click.Context, work: Callable[[Workspace], Awaitable[T]], *, as_json: bool = False) -> T:
    """Open the workspace, do the work, close it, whatever happens."""
    return stoppable(ctx, lambda workspace, _: work(workspace), as_json=as_json)


def stoppable(ctx: click.Context, work: Callable[[Workspace, Stop], Awaitable[T]], *, as_json: bool = False) -> T:
    """The same for work that has something to save when it is stopped."""
    settings = settings_of(ctx, as_json=as_json)
    log = log_to(ctx, settings)

    async def opened() -> T:
        with Stop() as stop:
            async with workspace_of(settings, log) as workspace:
                return await work(workspace, stop)

    return run(opened(), as_json=as_json)


def workspace_of(settings: Settings, log: Log | None) -> Workspace:
    """Not yet open. Its secrets are masked in the log; its warnings go to stderr."""
    return Workspace(
        settings,
        on_secret=log.masker.add if log else None,
        on_warning=warn,
    )


def warn(text: str) -> None:
    """A warning that stops nothing, on stderr."""
    say(f"Warning: {plain_text(text)}")


def log_to(ctx: click.Context, settings: Settings) -> Log | None:
    """Start the log, for as long as the command runs; one that cannot be started is said once and stops nothing."""
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
    """What an action answered; a refusal ends the command with its sentence and exit code."""
    if answer.error is not None or answer.data is None:
        fail(answer.error or "", answer.exit_code, as_json=as_json)
    return answer.data


def fail(text: str, exit_code: int, *, as_json: bool = False) -> NoReturn:
    """End the command: a sentence on stderr, on stdout the contract's failure document where JSON was asked for."""
    if as_json:
        print_json({"success": False, "error": text})
    say(f"Error: {plain_text(text)}")
    sys.exit(exit_code or 1)
