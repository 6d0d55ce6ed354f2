"""``mls-tui worker``, ``pause``, ``resume``, ``cancel``: imports that many machines do."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import click

from mls_tui.actions.results import ActionResult
from mls_tui.actions.workers import follow_run, run_worker, start_distributed, steer_run
from mls_tui.actions.workspace import Workspace
from mls_tui.cli.output import plain_text, print_json, say
from mls_tui.cli.progress import print_end, show_for
from mls_tui.cli.running import (
    PATIENCE_SECONDS,
    SIGNALS,
    end_at_once,
    fail,
    listen,
    log_to,
    run,
    settings_of,
    with_workspace,
    workspace_of,
)
from mls_tui.domain.run import ImportResult, ImportRun
from mls_tui.importer.options import ImportOptions


@click.command()
@click.option("--concurrency", type=click.IntRange(1, 64), default=4, show_default=True, help="Imports at once.")
@click.pass_context
def worker(ctx: click.Context, /, concurrency: int) -> None:
    """Run queued imports until SIGTERM or Ctrl-C; then save what runs, for other workers to go on with."""
    settings = settings_of(ctx)
    log = log_to(ctx, settings)

    async def work() -> ActionResult[None]:
        stop = asyncio.Event()
        stop_on_signal(stop)
        async with workspace_of(settings, log) as workspace:
            say("Waiting for imports. Ctrl-C saves what runs and stops.")
            return await run_worker(workspace, concurrency=concurrency, stop=stop)

    answer = run(work())
    if answer.error is not None:
        fail(answer.error, answer.exit_code)
    say(answer.message)


def stop_on_signal(stop: asyncio.Event) -> None:
    """The first signal sets ``stop``; the process ends at once at the second one, or if stopping takes too long."""

    def asked() -> None:
        if stop.is_set():
            end_at_once()
        say("Stopping and saving what runs. Press Ctrl-C again to stop at once.")
        stop.set()
        backstop = threading.Timer(PATIENCE_SECONDS, end_at_once)
        backstop.daemon = True
        backstop.start()

    loop = asyncio.get_running_loop()
    for number in SIGNALS:
        listen(loop, number, asked)


def _steer(name: str, summary_line: str) -> click.Command:
    @click.command(name, help=summary_line)
    @click.argument("run_id", metavar="RUN")
    @click.pass_context
    def steer(ctx: click.Context, /, run_id: str) -> None:
        answer = with_workspace(ctx, lambda ws: steer_run(run_id, name, ws))
        if answer.error is not None:
            fail(answer.error, answer.exit_code)
        say(answer.message)

    return steer


pause = _steer("pause", "Pause an import; `resume` goes on with it.")
resume = _steer("resume", "Go on with a paused import.")
cancel = _steer("cancel", "End an import; what is stored stays.")


def import_distributed(
    ctx: click.Context, connections: Sequence[str], options: ImportOptions, *, detach: bool, as_json: bool, many: bool
) -> None:
    """Queue a run of each connection, or of all if none is named, and follow them to their end; leaving them changes
    nothing."""

    async def begin_and_follow(workspace: Workspace) -> tuple[ActionResult[list[ImportRun]], list[ImportResult]]:
        answer = await start_distributed(connections, options, workspace)
        for begun in answer.data or []:
            say(plain_text(f"Run {begun.run_id} of {begun.connection_name} is queued for the workers."))
        if detach or not answer.data:
            return answer, []
        say("Ctrl-C leaves it to them. `mls-tui history` shows how far it is; `mls-tui cancel RUN` ends it.")
        results = [await _followed(workspace, each, quiet=as_json) for each in answer.data]
        return answer, results

    answer, results = with_workspace(ctx, begin_and_follow, as_json=as_json)
    if as_json:
        print_json(_document(answer, results, many=many or len(connections) > 1))
    for result in results:
        print_end(result, quiet=as_json)
    if answer.error is not None:
        say(f"Error: {plain_text(answer.error)}")
    sys.exit(max([answer.exit_code, *(result.exit_code for result in results)]))


def _document(answer: ActionResult[list[ImportRun]], results: list[ImportResult], *, many: bool) -> dict[str, Any]:
    """The result of one connection as any import prints it; with several connections, an object with ``runs``."""
    runs = answer.data or []
    ends = [result.to_contract() for result in results] or [
        {"success": True, "message": "Queued", "data": {"run": run.run_id}} for run in runs
    ]
    documents = [{"connection": run.connection_name, **end} for run, end in zip(runs, ends, strict=True)]
    if answer.error is not None:
        documents.append({"success": False, "error": answer.error})
    return {"success": all(each["success"] for each in documents), "runs": documents} if many else documents[0]


async def _followed(workspace: Workspace, begun: ImportRun, *, quiet: bool) -> ImportResult:
    with show_for(quiet=quiet) as show:
        async with aclosing(follow_run(begun.run_id, workspace)) as looks:
            async for tally in looks:
                show.tally(tally)
                if tally.result is not None:
                    return tally.result
    raise AssertionError("unreachable: a run is followed to its end")
