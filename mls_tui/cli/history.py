"""``mls-tui history`` and ``retry``: past imports, what went wrong in one, and trying that again."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from mls_tui import actions
from mls_tui.actions.workspace import Workspace
from mls_tui.cli.imports import Start, run_and_finish
from mls_tui.cli.output import plain_text, print_json, say
from mls_tui.cli.running import data_of, json_option, with_workspace
from mls_tui.domain.run import ImportRun
from mls_tui.domain.wording import photo_name, plural


@click.command()
@click.argument("run", required=False)
@json_option("Print an array, newest first.")
@click.pass_context
def history(ctx: click.Context, run: str | None, as_json: bool) -> None:
    """Past imports, newest first; with RUN, every failure and quarantined record of one."""
    if run is not None:
        _problems(ctx, run, as_json=as_json)
        return
    answer = with_workspace(ctx, lambda ws: actions.get_import_history(ws), as_json=as_json)
    runs = data_of(answer, as_json=as_json)
    if as_json:
        print_json([each.to_data() for each in runs])
        return
    for each in runs:
        click.echo(_line(each))
    if not runs:
        say("No imports yet. `mls-tui import CONNECTION` makes the first.")


def _line(run: ImportRun) -> str:
    counts = run.counts
    when = datetime.fromtimestamp(run.started_at / 1000, UTC)
    seconds = f"{(run.finished_at - run.started_at) / 1000:.0f} s" if run.finished_at else run.unended
    text = (
        f"{run.run_id}  {when:%Y-%m-%d %H:%M} UTC  {run.connection_name}  {run.state.value}  {seconds}  "
        f"{counts.created:,} created, {counts.updated:,} updated, {counts.unchanged:,} unchanged, "
        f"{counts.removed:,} removed, {counts.failed:,} failed, {plural(counts.photos_stored, 'photo')}"
    )
    return plain_text(f"{text}  {run.error}" if run.error else text, 400)


def _problems(ctx: click.Context, run: str, *, as_json: bool) -> None:
    answer = with_workspace(ctx, lambda ws: actions.get_run_problems(run, ws), as_json=as_json)
    problems = data_of(answer, as_json=as_json)
    whole = answer.message if answer.exit_code else None
    if as_json:
        print_json([*([{"kind": "run", "error": whole}] if whole else []), *(each.to_data() for each in problems)])
        sys.exit(answer.exit_code)
    if whole:
        click.echo(plain_text(f"The import failed: {whole}", 400))
    for problem in problems:
        photo = "" if problem.photo_index is None else f" {photo_name(problem.photo_index)}"
        where = f"{problem.kind.value:<12} {problem.mls_number}{photo}"
        click.echo(plain_text(f"{where}: {problem.error} ({plural(problem.attempts, 'attempt')})", 400))
    if problems:
        say(f"{plural(len(problems), 'problem')}. `mls-tui retry {run}` tries them again.")
    elif not whole:
        say("Nothing failed.")
    sys.exit(answer.exit_code)


@click.command()
@click.argument("run")
@json_option()
@click.option("--events", is_flag=True, help="Print each event as one line of JSON.")
@click.pass_context
def retry(ctx: click.Context, run: str, as_json: bool, events: bool) -> None:
    """Import again only what failed or was quarantined in RUN (`mls-tui history` lists them)."""

    async def starts(workspace: Workspace) -> dict[str, Start]:
        return {run: lambda ws, control: actions.retry_events(run, ws, control)}

    run_and_finish(ctx, starts, as_json=as_json, events=events)
