"""Past runs and what went wrong in them."""

from __future__ import annotations

from mls_tui.actions.results import ActionResult, action, opened
from mls_tui.actions.workspace import Workspace
from mls_tui.domain.errors import NotFoundError
from mls_tui.domain.run import ImportRun, Problem


@action
async def get_import_history(workspace: Workspace | None = None) -> ActionResult[list[ImportRun]]:
    """Past runs, newest first."""
    async with opened(workspace) as ws:
        runs = await ws.store.runs(ws.user_id)
        return ActionResult(True, f"{len(runs)} runs", runs)


@action
async def get_run_problems(run_id: str, workspace: Workspace | None = None) -> ActionResult[list[Problem]]:
    """Every failure, photo failure and quarantined record of a run. If it failed as a whole, ``message`` says why and
    ``exit_code`` is 1."""
    async with opened(workspace) as ws:
        run = await find_run(ws, run_id)
        problems = await run_problems(ws, run)
        if run.error:
            return ActionResult(True, run.error, problems, exit_code=1)
        return ActionResult(True, f"{len(problems)} problems", problems)


async def run_problems(workspace: Workspace, run: ImportRun) -> list[Problem]:
    """The problems that the run's row counts. A killed process may have written more, which a resumed run meets
    again."""
    found = [problem async for problem in workspace.store.problems(workspace.user_id, run.run_id)]
    return found[: run.problems]


async def find_run(workspace: Workspace, run_id: str) -> ImportRun:
    """Raises NotFoundError if there is none."""
    run = await workspace.store.get_run(workspace.user_id, run_id)
    if run is None:
        raise NotFoundError(f"There is no run {run_id!r}. `mls-tui history` lists the runs there are.")
    return run
