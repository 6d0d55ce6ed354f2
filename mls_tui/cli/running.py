"""What every command shares: settings from the flags, one workspace, answers to stdout, errors as sentences to stderr
with the contract's exit code."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NoReturn, TypeVar

import click

from mls_tui.config import Settings, load_settings
from mls_tui.domain.errors import MlsTuiError, sentence
from mls_tui.workspace import Workspace

T = TypeVar("T")


def settings_of(ctx: click.Context, **more: Any) -> Settings:
    """The effective settings of this call; a wrong one ends the command with exit code 2."""
    root = ctx.find_root().obj or {"flags": {}}
    try:
        return load_settings(**{**root["flags"], **more})
    except MlsTuiError as error:
        fail(sentence(error), error.exit_code)


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine; an expected error ends the command with its sentence and exit code."""
    try:
        return asyncio.run(work)
    except MlsTuiError as error:
        fail(sentence(error), error.exit_code)


def with_workspace(ctx: click.Context, work: Callable[[Workspace], Awaitable[T]], *, as_json: bool = False) -> T:
    """Open the workspace, do the work, close it, whatever happens."""
    settings = settings_of(ctx)
    log_to(ctx, settings)

    async def opened() -> T:
        async with Workspace(settings) as workspace:
            return await work(workspace)

    try:
        return asyncio.run(opened())
    except MlsTuiError as error:
        fail(sentence(error), error.exit_code, as_json=as_json)


def log_to(ctx: click.Context, settings: Settings) -> None:
    """Start the log; one that cannot be written is said once and stops nothing."""
    from mls_tui.logs import setup_logging

    root = ctx.find_root().obj or {"verbose": 0}
    try:
        setup_logging(settings, root["verbose"])
    except (MlsTuiError, OSError) as error:
        say(f"Warning: no log is written: {sentence(error)}")


def fail(text: str, exit_code: int, *, as_json: bool = False) -> NoReturn:
    """End the command: a sentence on stderr, on stdout the contract's failure document where JSON was asked for."""
    if as_json:
        print_json({"success": False, "error": text})
    click.echo(f"Error: {text}", err=True)
    sys.exit(exit_code)


def say(text: str) -> None:
    """Narration, for people: stderr."""
    click.echo(text, err=True)


def print_json(document: Any) -> None:
    """One JSON document on stdout."""
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


def plain_text(value: object, width: int | None = None) -> str:
    """Feed text for a terminal: one line, no control or escape character, cut to ``width`` with an ellipsis."""
    from mls_tui.mls.text import clean_line

    text = clean_line("" if value is None else str(value))
    return text if width is None or len(text) <= width else text[: width - 1] + "…"
