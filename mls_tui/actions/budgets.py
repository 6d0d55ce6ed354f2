"""The provider's rate windows as they stand, for the gauge. Asks nobody."""

from __future__ import annotations

from mls_tui.actions.answering import answering, opened
from mls_tui.actions.connections import find_connection
from mls_tui.actions.results import ActionResult
from mls_tui.actions.session import budget_name
from mls_tui.actions.workspace import Workspace
from mls_tui.reso.base import Window
from mls_tui.reso.budget import RateBudget
from mls_tui.reso.presets import for_connection


@answering
async def get_budget(connection_id: str, workspace: Workspace) -> ActionResult[list[Window]]:
    """The windows of a connection: a running import's, as last saved (every few seconds)."""
    async with opened(workspace) as ws:
        connection = await find_connection(ws, connection_id)
        preset = for_connection(connection)
        state = await ws.store.get_state(ws.user_id, budget_name(connection))
        windows = RateBudget(preset.api_limits, preset.media_limits, ws.clock, state).windows()
        return ActionResult(True, f"{len(windows)} windows", list(windows))
