"""A new key for the secrets at rest: what the old one encrypted is encrypted anew, and can be read meanwhile."""

from __future__ import annotations

import asyncio

from mls_tui.actions.results import ActionResult, answering, opened
from mls_tui.actions.workspace import Workspace


@answering
async def rotate_keys(workspace: Workspace | None = None) -> ActionResult[int]:
    """Make a new key and encrypt every stored secret of the user under it; ``data`` is how many those are."""
    from mls_tui.users.cognito import reseal_session

    async with opened(workspace) as ws:
        ws.writable()
        key_id = await asyncio.to_thread(ws.vault.rotate)
        done = await asyncio.to_thread(reseal_session, ws.settings)
        for connection in await ws.store.connections(ws.user_id):
            fresh = await asyncio.to_thread(
                ws.vault.reencrypt, connection.secrets, user=ws.user_id, connection=connection.connection_id
            )
            await ws.store.put_connection(ws.user_id, connection.model_copy(update={"secrets": fresh}))
            done += len(fresh)
        return ActionResult(True, f"{done} secrets are encrypted under the new key {key_id}.", done)
