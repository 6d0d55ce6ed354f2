"""``mls-tui import --watch``: one import every so often, until a signal, refused credentials or a wrong name end it."""

from __future__ import annotations

import sys

import click

from mls_tui.actions.workspace import Workspace
from mls_tui.cli.imports import Start, drained, tell_end
from mls_tui.cli.progress import show_for
from mls_tui.cli.running import fail, stoppable
from mls_tui.cli.stopping import Stop
from mls_tui.cli.text import print_json, say
from mls_tui.domain.errors import UsageError
from mls_tui.domain.run import ImportResult, RunState
from mls_tui.importer.schedule import parse_interval, watch


def keep_importing(ctx: click.Context, start: Start, every: str, *, events: bool, as_json: bool) -> None:
    """With ``as_json`` one document an import; with ``events`` the events of all of them, a line each."""
    try:
        seconds = parse_interval(every)
    except UsageError as error:
        fail(str(error), error.exit_code, as_json=as_json)

    async def again_and_again(workspace: Workspace, stop: Stop) -> ImportResult:
        async def once() -> ImportResult:
            result = await drained(workspace, start, show_for(events=events, quiet=as_json), stop)
            if result.exit_code == UsageError.exit_code and result.state is RunState.FAILED:
                raise UsageError(result.error or "")  # a wrong name is wrong the next time too
            _tell(result, events=events, as_json=as_json)
            return result

        def waiting(wait: float, why: str) -> None:
            say(f"Next import in {wait:.0f} s{why}. Ctrl-C ends this.")

        return await watch(once, seconds, clock=workspace.clock, on_wait=waiting)

    sys.exit(stoppable(ctx, again_and_again, as_json=as_json).exit_code)


def _tell(result: ImportResult, *, events: bool, as_json: bool) -> None:
    if as_json and not events:
        print_json(result.to_contract())
    tell_end(result, quiet=as_json, err=True)
