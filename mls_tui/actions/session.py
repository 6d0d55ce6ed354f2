"""From a stored connection to a signed-in connector: secrets out of the vault, renewed tokens back into it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mls_tui.domain.connection import Connection, SecretField
from mls_tui.mls.base import Connector, Notice, Observer
from mls_tui.mls.presets import counted_host, for_connection
from mls_tui.workspace import Workspace

if TYPE_CHECKING:
    from mls_tui.distributed.queues import Queues
    from mls_tui.mls.budget import Budget


def seal(workspace: Workspace, connection_id: str, secrets: Mapping[SecretField, str]) -> dict[str, str]:
    """Ciphertexts by field name; may block on a keyring or KMS."""
    return {
        field.value: workspace.vault.encrypt(clear, user=workspace.user_id, connection=connection_id, field=field.value)
        for field, clear in secrets.items()
    }


async def clear_secrets(workspace: Workspace, connection: Connection) -> dict[SecretField, str]:
    """The secrets of a connection. Raises SecretError where one cannot be read."""

    def read() -> dict[SecretField, str]:
        return {
            SecretField(name): workspace.vault.decrypt(
                sealed, user=workspace.user_id, connection=connection.connection_id, field=name
            )
            for name, sealed in connection.secrets.items()
        }

    return await asyncio.to_thread(read)


def budget_name(connection: Connection) -> str:
    """Under which name a connection's rate budget is kept: one for each host it has asked, as limits and what was spent
    of them are a provider's own. Raises UsageError where the connection's settings do not fit its provider."""
    return f"budget#{connection.connection_id}#{counted_host(for_connection(connection).base_url)}"


async def open_connector_for(
    workspace: Workspace,
    connection: Connection,
    secrets: Mapping[SecretField, str],
    observer: Observer | None = None,
    budget: Budget | None = None,
) -> Connector:
    """A connector that remembers the rate budget of earlier runs, or keeps to the ``budget`` that is given, and keeps
    renewed tokens encrypted."""
    from mls_tui.mls.auth import TokenSet
    from mls_tui.mls.factory import open_connector

    async def keep(tokens: TokenSet) -> None:
        stored = await workspace.store.get_connection(workspace.user_id, connection.connection_id)
        if stored is None:
            return
        renewed = {SecretField.ACCESS_TOKEN: tokens.access_token}
        if tokens.refresh_token:
            renewed[SecretField.REFRESH_TOKEN] = tokens.refresh_token
        sealed = await asyncio.to_thread(seal, workspace, connection.connection_id, renewed)
        update = {"secrets": {**stored.secrets, **sealed}, "token_expires_at": tokens.expires_at_ms}
        await workspace.store.put_connection(workspace.user_id, stored.model_copy(update=update))

    async def kept() -> TokenSet | None:
        stored = await workspace.store.get_connection(workspace.user_id, connection.connection_id)
        if stored is None:
            return None
        clear = await clear_secrets(workspace, stored)
        access, refresh = (clear.get(name) for name in (SecretField.ACCESS_TOKEN, SecretField.REFRESH_TOKEN))
        return TokenSet(access or "", refresh, stored.token_expires_at)

    state = None
    if budget is None:
        state = await workspace.store.get_state(workspace.user_id, budget_name(connection))
    return open_connector(
        connection,
        secrets,
        clock=workspace.clock,
        observer=observer or _unheard,
        budget_state=state,
        budget=budget,
        allow_private_hosts=workspace.settings.allow_private_hosts,
        on_token=keep,
        kept_token=kept,
    )


def open_queues(workspace: Workspace) -> Queues:
    """The queues of this set-up; close them. Raises UsageError where the storage is not AWS."""
    from mls_tui.distributed.queues import Queues

    settings = workspace.settings
    return Queues(workspace.aws, settings.queue_prefix, visibility=settings.queue_visibility, clock=workspace.clock)


def _unheard(notice: Notice) -> None:
    """A test of a connection shows its answer, not each request."""
