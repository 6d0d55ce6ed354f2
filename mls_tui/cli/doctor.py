"""``mls-tui doctor``: configuration, this machine, AWS, and one provider."""

from __future__ import annotations

import sys

import click

from mls_tui import actions
from mls_tui.cli.checks import print_checks
from mls_tui.cli.running import data_of, json_option, with_workspace


@click.command()
@click.argument("connection", required=False)
@json_option("Print an array of checks.")
@click.pass_context
def doctor(ctx: click.Context, connection: str | None, as_json: bool) -> None:
    """Check configuration, AWS rights and, with CONNECTION, what its provider supports."""
    answer = with_workspace(ctx, lambda ws: actions.examine(ws, connection), as_json=as_json)
    checks = data_of(answer, as_json=as_json)
    print_checks(checks, as_json=as_json)
    sys.exit(answer.exit_code)
