"""``mls-tui import``: one import after another, a dry run, or imports at an interval."""

from __future__ import annotations

import errno
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

import click

from mls_tui import actions
from mls_tui.actions.results import Preview
from mls_tui.actions.workspace import Workspace
from mls_tui.cli.output import OutputError, abandon, plain_text, print_json, say
from mls_tui.cli.progress import Show, show_for, tell_end
from mls_tui.cli.running import Stop, data_of, fail, json_option, stoppable, with_workspace
from mls_tui.domain.errors import UsageError
from mls_tui.domain.events import Event, RunFinished
from mls_tui.domain.listing import ListingStatus
from mls_tui.domain.run import ImportResult, RunState
from mls_tui.importer.control import ImportControl
from mls_tui.importer.options import ImportOptions
from mls_tui.importer.schedule import parse_interval, watch

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
    """Run an import to its end, showing it. A signal stops it with its state saved, and so do events that cannot be
    written; narration that cannot be written does not."""
    control, unwritten = ImportControl(), None
    with stop.importing(control), show:
        async with aclosing(start(workspace, control)) as events:
            async for event in events:
                try:
                    show.event(event)
                except OutputError as error:
                    abandon(error.stream)
                    if error.stream == "stdout":
                        unwritten = error
                        control.cancel(interrupted=True)
                if isinstance(event, RunFinished):
                    if unwritten is not None and unwritten.errno != errno.EPIPE:
                        raise unwritten
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
