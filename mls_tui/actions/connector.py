"""Opens the connector of a stored connection: decrypts its secrets, and stores renewed tokens encrypted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mls_tui.actions.workspace import Workspace
from mls_tui.domain.connection import Connection, SecretField
from mls_tui.reso.base import Connector, Observer
from mls_tui.reso.presets import counted_host, for_connection

if TYPE_CHECKING:
    from mls_tui.reso.auth import TokenSet
    from mls_tui.reso.rate_limit import RateLimits


def seal(workspace: Workspace, connection_id: str, secrets: Mapping[SecretField, str]) -> dict[str, str]:
    """Encrypt secrets; returns ciphertexts by field name. May block on a keyring or KMS."""
    return {
        field.value: workspace.vault.encrypt(clear, user=workspace.user_id, connection=connection_id, field=field.value)
        for field, clear in secrets.items()
    }


async def clear_secrets(workspace: Workspace, connection: Connection) -> dict[SecretField, str]:
    """The decrypted secrets of a connection. Raises SecretError if one cannot be decrypted."""

    def read() -> dict[SecretField, str]:
        return {
            SecretField(name): workspace.vault.decrypt(
                sealed, user=workspace.user_id, connection=connection.connection_id, field=name
            )
            for name, sealed in connection.secrets.items()
        }

    return await asyncio.to_thread(read)


async def rate_limits(workspace: Workspace, connection: Connection, secrets: Mapping[SecretField, str]) -> RateLimits:
    """The rate limits of a connection's API host and credential, as stored.

    Connectors of one event loop that have the same host and credential share them. Two processes do not: see
    docs/operations.md, "One credential in two places".
    """
    from mls_tui.reso.rate_limit import RateLimits, budget_key

    name = budget_key(connection, secrets)
    key = (id(asyncio.get_running_loop()), workspace.user_id, name)
    preset = for_connection(connection)

    async def keep(text: str) -> None:
        await workspace.store.put_state(workspace.user_id, name, text)

    state = None if key in workspace.rate_limits else await workspace.store.get_state(workspace.user_id, name)
    limits = RateLimits(workspace.clock, state, None if workspace.read_only else keep)
    return workspace.rate_limits.setdefault(key, limits).tighten(preset.api_limits, preset.media_limits)


async def open_connector_for(
    workspace: Workspace,
    connection: Connection,
    secrets: Mapping[SecretField, str],
    observer: Observer | None = None,
    *,
    shared: bool = True,
) -> Connector:
    """A connector with the stored rate limits. If ``shared``, it uses the tokens that are stored with the connection
    and stores renewed ones; else it signs in by itself."""
    from mls_tui.reso.connector import open_connector, unobserved

    tokens = _Tokens(workspace, connection)
    return open_connector(
        connection,
        secrets,
        clock=workspace.clock,
        observer=observer or unobserved,
        limits=await rate_limits(workspace, connection, secrets),
        allow_private_hosts=workspace.settings.allow_private_hosts,
        proxy=workspace.settings.proxy,
        ca_bundle=workspace.settings.ca_bundle,
        on_token=tokens.keep if shared else None,
        kept_token=tokens.kept if shared else None,
    )


@dataclass(frozen=True, slots=True)
class _Tokens:
    """Reads and writes the tokens stored with a connection, if the stored one still signs in as this one does. It may
    have been edited since, or this one may be an edit that is only tested."""

    workspace: Workspace
    connection: Connection

    async def keep(self, tokens: TokenSet) -> None:
        stored = await self._stored()
        if stored is None:
            return
        renewed = {SecretField.ACCESS_TOKEN: tokens.access_token}
        if tokens.refresh_token:
            renewed[SecretField.REFRESH_TOKEN] = tokens.refresh_token
        sealed = await asyncio.to_thread(seal, self.workspace, stored.connection_id, renewed)
        update = {"secrets": {**stored.secrets, **sealed}, "token_expires_at": tokens.expires_at_ms}
        await self.workspace.store.put_connection(self.workspace.user_id, stored.model_copy(update=update))

    async def kept(self) -> TokenSet | None:
        from mls_tui.reso.auth import TokenSet

        stored = await self._stored()
        if stored is None:
            return None
        clear = await clear_secrets(self.workspace, stored)
        access, refresh = (clear.get(name) for name in (SecretField.ACCESS_TOKEN, SecretField.REFRESH_TOKEN))
        return TokenSet(access or "", refresh, stored.token_expires_at)

    async def _stored(self) -> Connection | None:
        stored = await self.workspace.store.get_connection(self.workspace.user_id, self.connection.connection_id)
        return stored if stored is not None and _sign_in(stored) == _sign_in(self.connection) else None


def _sign_in(connection: Connection) -> tuple[str | None, ...]:
    """Where and as whom a connection signs in. A token is valid for connections that agree in this."""
    who = (connection.auth.value, connection.client_id, connection.username, connection.scope)
    return (connection.provider, counted_host(connection.base_url), connection.token_url, *who)


@asynccontextmanager
async def connected(
    workspace: Workspace, connection: Connection, secrets: Mapping[SecretField, str] | None = None
) -> AsyncIterator[Connector]:
    """A connector, closed at the end of the block. With ``secrets`` it tests those: stored tokens are not used, and new
    ones not stored."""
    shared = secrets is None
    secrets = await clear_secrets(workspace, connection) if secrets is None else secrets
    connector = await open_connector_for(workspace, connection, secrets, shared=shared)
    try:
        yield connector
    finally:
        await connector.close()
