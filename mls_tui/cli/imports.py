"""``mls-tui import``: one import, a dry run, or one every so often."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

import click

from mls_tui import actions
from mls_tui.actions.results import Preview
from mls_tui.actions.workspace import Workspace
from mls_tui.cli.progress import Show, show_for
from mls_tui.cli.running import data_of, json_option, stoppable, with_workspace
from mls_tui.cli.stopping import Stop
from mls_tui.cli.text import leave_closed_pipes, plain_text, print_json, say
from mls_tui.domain.events import Event, RunFinished
from mls_tui.domain.listing import ListingStatus
from mls_tui.domain.run import ImportResult
from mls_tui.domain.words import plural
from mls_tui.importer.control import ImportControl
from mls_tui.importer.options import ImportOptions

_STATUSES = click.Choice([*(status.value for status in ListingStatus), "all"])

Start = Callable[[Workspace, ImportControl], AsyncGenerator[Event, None]]


@click.command("import")
@click.argument("connections", nargs=-1, required=True, metavar="CONNECTION...")
@click.option("--full", is_flag=True, help="Read everything again and verify stored photos by hash.")
@click.option("--only", multiple=True, metavar="MLSNUMBER", help="Only this listing; may be repeated.")
@click.option("--status", "statuses", multiple=True, type=_STATUSES, help="Bring in these as well as active ones.")
@click.option("--dry-run", is_flag=True, help="Say what would change; write nothing.")
@click.option("--no-photos", is_flag=True, help="Listings only.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most N records.")
@click.option("--watch", "every", metavar="15m", help="Import again and again, this often (90s, 15m, 2h).")
@click.option("--distributed", is_flag=True, help="Let workers do it (`mls-tui worker`); takes several connections.")
@click.option("--detach", is_flag=True, help="With --distributed: begin it and leave.")
@json_option()
@click.option("--events", is_flag=True, help="Print each event as one line of JSON.")
@click.pass_context
def import_(ctx: click.Context, /, connections: tuple[str, ...], **given: Any) -> None:
    """Import the listings and photos of CONNECTION (a name or an id)."""
    options = ImportOptions(
        full=given["full"],
        only=tuple(given["only"]),
        statuses=_statuses(given["statuses"]),
        photos=not given["no_photos"],
        limit=given["limit"],
    )
    as_json = bool(given["as_json"])
    if given["distributed"]:
        _refuse_beside("--distributed", given, "dry_run", "every", "events")
        from mls_tui.cli.workers import import_distributed

        import_distributed(ctx, connections, options, detach=given["detach"], as_json=as_json)
        return
    if len(connections) > 1 or given["detach"]:
        raise click.UsageError("Several connections at once, and --detach, need --distributed.")
    connection = connections[0]
    if given["dry_run"]:
        _refuse_beside("--dry-run", given, "every", "events")
        _dry_run(ctx, connection, options, as_json=as_json)
        return

    def start(workspace: Workspace, control: ImportControl) -> AsyncGenerator[Event, None]:
        return actions.import_events(connection, options, workspace, control)

    if given["every"]:
        from mls_tui.cli.watching import keep_importing

        keep_importing(ctx, start, given["every"], events=given["events"], as_json=as_json)
        return
    run_and_finish(ctx, start, as_json=as_json, events=given["events"])


def _refuse_beside(option: str, given: dict[str, Any], *others: str) -> None:
    for other in others:
        if given[other]:
            shown = {"every": "watch"}.get(other, other.replace("_", "-"))
            raise click.UsageError(f"{option} does not go with --{shown}.")


def _statuses(given: tuple[str, ...]) -> frozenset[ListingStatus]:
    if "all" in given:
        return frozenset(ListingStatus)
    return frozenset(ListingStatus(word) for word in given)


async def drained(workspace: Workspace, start: Start, show: Show, stop: Stop) -> ImportResult:
    """Run an import to its end, showing it; a signal stops it with its state saved, and so does a closed pipe."""
    control = ImportControl()
    with stop.importing(control), show:
        async with aclosing(start(workspace, control)) as events:
            async for event in events:
                try:
                    show.event(event)
                except BrokenPipeError:
                    leave_closed_pipes()
                    control.cancel(interrupted=True)
                if isinstance(event, RunFinished):
                    return event.result
    raise AssertionError("unreachable: a run always ends with RunFinished")


def run_and_finish(ctx: click.Context, start: Start, *, as_json: bool, events: bool) -> None:
    """Import, print how it ended, exit with its code. The events end with the result, so nothing follows them."""
    show = show_for(events=events, quiet=as_json)
    as_json = as_json and not events
    result = stoppable(ctx, lambda ws, stop: drained(ws, start, show, stop), as_json=as_json)
    if as_json:
        print_json(result.to_contract())
    tell_end(result, quiet=as_json, err=events)
    sys.exit(result.exit_code)


def tell_end(result: ImportResult, *, quiet: bool, err: bool = False) -> None:
    """The error on stderr, or the summary on stdout (``err``: on stderr) unless ``quiet``."""
    if result.error is not None:
        say(f"Error: {plain_text(result.error)}")
    elif not quiet:
        (say if err else click.echo)(summary(result))


def summary(result: ImportResult) -> str:
    """The result in a few lines."""
    counts = result.counts
    lines = [
        f"{result.message} in {(result.finished_at - result.started_at) / 1000:.1f} s: "
        f"{counts.created} created, {counts.updated} updated, {counts.unchanged} unchanged, "
        f"{counts.removed} removed, {counts.failed} failed.",
        f"{counts.photos_stored} photos stored ({counts.bytes / 1e6:.1f} MB), {counts.photos_failed} could not be had.",
    ]
    lines += [
        f"  {plain_text(each.mls_number)}: {plain_text(each.error)} ({plural(each.attempts, 'attempt')})"
        for each in result.errors[:20]
    ]
    if len(result.errors) > 20:
        lines.append(f"  and {len(result.errors) - 20} more: `mls-tui history` has them all")
    lines += [f"  warning: {count} × {plain_text(kind)}" for kind, count in sorted(result.warnings.items())]
    return "\n".join(lines)


def _dry_run(ctx: click.Context, connection: str, options: ImportOptions, *, as_json: bool) -> None:
    answer = with_workspace(ctx, lambda ws: actions.preview_import(connection, options, ws), as_json=as_json)
    found = data_of(answer, as_json=as_json)
    if as_json:
        print_json({"success": True, "message": answer.message, "data": _preview_data(found)})
        return
    for row in found.rows:
        if row.change == "unchanged":
            continue
        click.echo(plain_text(f"{row.change:<11} {row.mls_number}  {row.address or row.reason}"))
        for each in row.differences:
            click.echo(f"            {plain_text(f'{each.field}: {_value(each.old)} → {_value(each.new)}')}")
    say(answer.message)


def _value(value: object) -> str:
    return "(none)" if value is None else str(value)


def _preview_data(preview: Preview) -> dict[str, Any]:
    rows = [
        {
            "mlsNumber": row.mls_number,
            "listingKey": row.listing_key,
            "change": row.change,
            "address": row.address,
            "price": row.price,
            "photos": row.photos,
            "reason": row.reason,
            "differences": [{"field": each.field, "old": each.old, "new": each.new} for each in row.differences],
        }
        for row in preview.rows
    ]
    kinds = ("new", "changed", "unchanged", "gone", "quarantined")
    return {"counts": {kind: preview.count(kind) for kind in kinds}, "listings": rows, "warnings": preview.warnings}
