"""The provider's rate windows as they stand, for the gauge. Asks nobody."""

from __future__ import annotations

from mls_tui.actions.answering import answering, opened
from mls_tui.actions.connections import find_connection
from mls_tui.actions.results import ActionResult
from mls_tui.actions.session import clear_secrets, rate_limits
from mls_tui.actions.workspace import Workspace
from mls_tui.reso.base import Window


@answering
async def get_budget(connection_id: str, workspace: Workspace) -> ActionResult[list[Window]]:
    """The windows of a connection's host and credential: those of an import that runs in this process, else as last
    saved."""
    async with opened(workspace) as ws:
        connection = await find_connection(ws, connection_id)
        limits = await rate_limits(ws, connection, await clear_secrets(ws, connection))
        windows = limits.windows()
        return ActionResult(True, f"{len(windows)} windows", windows)
