"""``mls-tui import``: one import after another, a dry run, or imports at an interval."""

from __future__ import annotations

import errno
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import click

from mls_tui import actions
from mls_tui.actions.connections import find_connection
from mls_tui.actions.results import ActionResult, Preview
from mls_tui.actions.workspace import Workspace
from mls_tui.cli.help import connection_names
from mls_tui.cli.output import OutputError, abandon, plain_text, print_json, say
from mls_tui.cli.progress import Silent, print_end, show_for
from mls_tui.cli.running import Stop, data_of, fail, json_option, stoppable, with_workspace
from mls_tui.domain.errors import UsageError
from mls_tui.domain.events import Event, RunFinished
from mls_tui.domain.listing import ListingStatus
from mls_tui.domain.run import ImportResult, RunState
from mls_tui.importer.options import ImportControl, ImportOptions
from mls_tui.importer.schedule import hopeless, parse_interval, watch

_STATUSES = click.Choice([*(status.value for status in ListingStatus), "all"])

Start = Callable[[Workspace, ImportControl], AsyncGenerator[Event, None]]
Starts = Callable[[Workspace], Awaitable[dict[str, Start]]]
"""The imports to run, by the name of their connection."""


@click.command("import")
@click.argument("connections", nargs=-1, metavar="CONNECTION...", shell_complete=connection_names)
@click.option("--all", "everything", is_flag=True, help="Every connection, one after the other.")
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
def import_(ctx: click.Context, /, connections: tuple[str, ...], everything: bool, **given: Any) -> None:
    """Import the listings and photos of each CONNECTION (a name or an id), one after the other."""
    options = ImportOptions(
        full=given["full"],
        only=tuple(given["only"]),
        statuses=_statuses(given["statuses"]),
        photos=not given["no_photos"],
        limit=given["limit"],
    )
    as_json = bool(given["as_json"])
    if everything and connections:
        raise click.UsageError("--all takes no names of connections.")
    if not everything and not connections:
        raise click.UsageError("Name a connection, or give --all. `mls-tui connections list` shows them.")
    if given["distributed"]:
        _refuse_beside("--distributed", given, "dry_run", "every", "events")
        from mls_tui.cli.workers import import_distributed

        import_distributed(ctx, connections, options, detach=given["detach"], as_json=as_json, many=everything)
        return
    if given["detach"]:
        raise click.UsageError("--detach goes with --distributed.")
    if given["dry_run"]:
        _refuse_beside("--dry-run", given, "every", "events")
        _dry_run(ctx, connections, options, as_json=as_json)
        return

    async def starts(workspace: Workspace) -> dict[str, Start]:
        def one(connection: str) -> Start:
            return lambda ws, control: actions.import_events(connection, options, ws, control)

        return {name: one(connection) for name, connection in (await _chosen(workspace, connections)).items()}

    many = everything or len(connections) > 1
    if given["every"]:
        keep_importing(ctx, starts, given["every"], events=given["events"], as_json=as_json, many=many)
        return
    run_and_finish(ctx, starts, as_json=as_json, events=given["events"], many=many)


async def _chosen(workspace: Workspace, given: tuple[str, ...]) -> dict[str, str]:
    """The ids of the connections to import, by name; all of them if none is given. A single name is not looked up here:
    the import itself says what is wrong with it. Raises UsageError."""
    if len(given) == 1:
        return {given[0]: given[0]}
    if given:
        found = list(
            {each.connection_id: each for each in [await find_connection(workspace, n) for n in given]}.values()
        )
    else:
        found = [view.connection for view in data_of(await actions.get_connections(workspace))]
    if not found:
        raise UsageError("There is no connection yet: `mls-tui connections add` makes one.")
    names = Counter(each.name for each in found)
    return {each.name if names[each.name] == 1 else each.connection_id: each.connection_id for each in found}


def _refuse_beside(option: str, given: dict[str, Any], *others: str) -> None:
    for other in others:
        if given[other]:
            shown = {"every": "watch"}.get(other, other.replace("_", "-"))
            raise click.UsageError(f"{option} does not go with --{shown}.")


def _statuses(given: tuple[str, ...]) -> frozenset[ListingStatus]:
    if "all" in given:
        return frozenset(ListingStatus)
    return frozenset(ListingStatus(word) for word in given)


async def drained(workspace: Workspace, start: Start, show: Silent, stop: Stop) -> ImportResult:
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


async def one_by_one(
    workspace: Workspace, starts: dict[str, Start], stop: Stop, *, as_json: bool, events: bool
) -> dict[str, ImportResult]:
    """Run each import and say how it ended; after an interrupted one run no more."""
    results: dict[str, ImportResult] = {}
    for number, (name, start) in enumerate(starts.items(), 1):
        if len(starts) > 1 and not as_json:
            say(plain_text(f"{number} of {len(starts)}: {name}"))
        results[name] = result = await drained(workspace, start, show_for(events=events, quiet=as_json), stop)
        print_end(result, quiet=as_json and not events, err=events)
        if result.state is RunState.INTERRUPTED:
            break
    return results


def run_and_finish(ctx: click.Context, starts: Starts, *, as_json: bool, events: bool, many: bool = False) -> None:
    """Import, print how it ended, exit with the highest exit code."""
    as_json = as_json and not events

    async def work(workspace: Workspace, stop: Stop) -> tuple[list[str], dict[str, ImportResult]]:
        chosen = await starts(workspace)
        return list(chosen), await one_by_one(workspace, chosen, stop, as_json=as_json, events=events)

    chosen, results = stoppable(ctx, work, as_json=as_json)
    if as_json:
        print_json(_document(chosen, results, many=many))
    sys.exit(max(result.exit_code for result in results.values()))


def _document(chosen: list[str], results: dict[str, ImportResult], *, many: bool) -> dict[str, Any]:
    """The contract's document of one import, or of several."""
    if not many:
        return next(iter(results.values())).to_contract()
    not_started = {"success": False, "error": "Not started: the import before it was interrupted."}
    runs = [
        {"connection": name, **(results[name].to_contract() if name in results else not_started)} for name in chosen
    ]
    return {"success": all(run["success"] for run in runs), "runs": runs}


def _dry_run(ctx: click.Context, connections: tuple[str, ...], options: ImportOptions, *, as_json: bool) -> None:
    async def previews(workspace: Workspace) -> dict[str, ActionResult[Preview]]:
        chosen = await _chosen(workspace, connections)
        return {name: await actions.preview_import(each, options, workspace) for name, each in chosen.items()}

    found = with_workspace(ctx, previews, as_json=as_json)
    documents = [
        {"connection": name, "success": True, "message": answer.message, "data": _preview_data(answer.data)}
        if answer.data is not None
        else {"connection": name, "success": False, "error": answer.error}
        for name, answer in found.items()
    ]
    if as_json and len(connections) == 1:
        documents[0].pop("connection")
        print_json(documents[0])
    elif as_json:
        print_json({"success": all(document["success"] for document in documents), "runs": documents})
    for name, answer in found.items():
        if len(found) > 1 and not as_json:
            say(plain_text(f"{name}:"))
        if answer.data is None:
            say(f"Error: {plain_text(answer.error)}")
        elif not as_json:
            _print_preview(answer.data)
            say(answer.message)
    sys.exit(max(answer.exit_code for answer in found.values()))


def _print_preview(preview: Preview) -> None:
    for row in preview.rows:
        if row.change == "unchanged":
            continue
        click.echo(plain_text(f"{row.change:<11} {row.mls_number}  {row.address or row.reason}"))
        for each in row.differences:
            click.echo(f"            {plain_text(f'{each.field}: {_value(each.old)} → {_value(each.new)}')}")


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


def keep_importing(ctx: click.Context, starts: Starts, every: str, *, events: bool, as_json: bool, many: bool) -> None:
    """Import at an interval. With ``as_json`` one document a round; with ``events`` the events of all, a line each.

    A connection whose credentials are refused, or that is gone, is left out from then on; it ends when none is left.
    """
    try:
        seconds = parse_interval(every)
    except UsageError as error:
        fail(str(error), error.exit_code, as_json=as_json)
    as_json = as_json and not events

    async def again_and_again(workspace: Workspace, stop: Stop) -> ImportResult:
        left = await starts(workspace)

        async def once() -> ImportResult:
            chosen = list(left)
            results = await one_by_one(workspace, left, stop, as_json=as_json, events=events)
            if as_json:
                print_json(_document(chosen, results, many=many))
            for name, result in results.items():
                if hopeless(result):
                    del left[name]
            going_on = [result for name, result in results.items() if name in left]
            return max(going_on or results.values(), key=lambda result: result.exit_code)

        def waiting(wait: float, why: str) -> None:
            say(f"Next import in {wait:.0f} s{why}. Ctrl-C ends this.")

        return await watch(once, seconds, clock=workspace.clock, on_wait=waiting)

    sys.exit(stoppable(ctx, again_and_again, as_json=as_json).exit_code)
