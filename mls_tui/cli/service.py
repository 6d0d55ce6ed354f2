"""``mls-tui service``: imports in the background of this machine, with no interface open."""

from __future__ import annotations

from collections.abc import Awaitable

import click

from mls_tui import actions
from mls_tui.actions.results import ActionResult
from mls_tui.actions.service import BackgroundService
from mls_tui.cli.output import plain_text, print_json, say
from mls_tui.cli.running import data_of, json_option, run, settings_of, warn


@click.group()
def service() -> None:
    """Import every connection in the background, at an interval: install, status, remove."""


@service.command()
@click.option("--every", default="15m", show_default=True, metavar="15m", help="The interval (15m, 2h, 1d).")
@json_option()
@click.pass_context
def install(ctx: click.Context, every: str, as_json: bool) -> None:
    """Begin it, by a systemd user timer or a launchd agent; elsewhere print the line for the machine's scheduler.

    Doing it twice changes nothing; with another --every the interval changes.
    """
    settings = settings_of(ctx, as_json=as_json)
    found = _told(actions.install_service(settings, every), as_json=as_json)
    if found.line and not as_json:
        click.echo(found.line)
    if settings.key is not None:
        warn("MLS_TUI_KEY is set here and is not written down: the service needs it in its own environment.")


@service.command()
@json_option()
def status(as_json: bool) -> None:
    """Say what is installed."""
    found = _told(actions.service_status(), as_json=as_json)
    for path in [] if as_json else found.files:
        click.echo(plain_text(path))


@service.command()
@json_option()
def remove(as_json: bool) -> None:
    """End it and delete its files."""
    _told(actions.remove_service(), as_json=as_json)


def _told(answering: Awaitable[ActionResult[BackgroundService]], *, as_json: bool) -> BackgroundService:
    async def wait() -> ActionResult[BackgroundService]:
        return await answering

    answer = run(wait(), as_json=as_json)
    found = data_of(answer, as_json=as_json)
    if as_json:
        seconds = found.seconds or None
        data = {"installed": found.installed, "kind": found.kind or None, "everySeconds": seconds}
        more = {"files": [str(path) for path in found.files], "line": found.line or None}
        print_json({"success": True, "message": answer.message, "data": data | more})
    else:
        say(plain_text(answer.message))
    return found
