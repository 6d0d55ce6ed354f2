"""What a provider has announced of its limits, and what was spent of them, is its own: a connection that is pointed at
another one begins with that one's, and finds the first's again when it comes back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mls_tui import actions
from mls_tui.actions import ConnectionEdit, ConnectionForm
from mls_tui.actions.connections import find_connection
from mls_tui.actions.connector import clear_secrets, rate_limits
from mls_tui.actions.workspace import Workspace
from mls_tui.config import load_settings
from mls_tui.domain.connection import AuthKind

GUESS = (1.0, 2)
LEARNT = (3600.0, 50)


@pytest.fixture
async def ws(tmp_path: Path) -> AsyncIterator[Workspace]:
    """With a connection "lakeside" whose provider has announced 50 requests an hour."""
    async with Workspace(load_settings(environ={}, home=str(tmp_path))) as workspace:
        await workspace.store.init()
        form = ConnectionForm(
            name="lakeside",
            provider="reso",
            base_url="https://api.lakeside.example/odata",
            access_token="open-sesame",
            auth=AuthKind.BEARER,
        )
        assert (await actions.connect_mls(form, workspace)).success
        connection = await find_connection(workspace, "lakeside")
        limits = await rate_limits(workspace, connection, await clear_secrets(workspace, connection))
        limits.opened().api.observe({"x-ratelimit-limit-hour": "50"})
        await limits.close()
        del limits
        yield workspace


async def windows(ws: Workspace) -> set[tuple[float, int]]:
    answer = await actions.get_budget("lakeside", ws)
    return {(window.seconds, window.limit) for window in answer.data or []}


async def edit(ws: Workspace, **change: str) -> None:
    answer = await actions.edit_connection("lakeside", ConnectionEdit(given=change), ws)
    assert answer.success, answer.error


async def test_a_window_that_one_provider_announced_does_not_bind_another(ws: Workspace) -> None:
    assert await windows(ws) == {GUESS, LEARNT}
    await edit(ws, base_url="https://api.hillside.example/odata")
    assert await windows(ws) == {GUESS}


async def test_a_connection_that_comes_back_finds_what_it_has_spent_there(ws: Workspace) -> None:
    await edit(ws, base_url="https://api.hillside.example/odata")
    await edit(ws, base_url="https://API.lakeside.example/reso/v2")
    assert await windows(ws) == {GUESS, LEARNT}


@pytest.mark.parametrize("change", [{"mls_system": "Hillside"}, {"agent_key": "A7"}])
async def test_another_question_to_the_same_provider_is_counted_with_the_others(
    ws: Workspace, change: dict[str, str]
) -> None:
    await edit(ws, **change)
    assert await windows(ws) == {GUESS, LEARNT}


async def test_another_credential_at_the_same_host_is_counted_apart(ws: Workspace) -> None:
    await edit(ws, access_token="close-sesame")
    assert await windows(ws) == {GUESS}


async def test_two_connections_with_one_credential_have_one_budget(ws: Workspace) -> None:
    form = ConnectionForm(
        name="hillside",
        provider="reso",
        base_url="https://api.lakeside.example/odata",
        access_token="open-sesame",
        auth=AuthKind.BEARER,
        mls_system="Hillside",
    )
    assert (await actions.connect_mls(form, ws)).success
    answer = await actions.get_budget("hillside", ws)
    assert {(window.seconds, window.limit) for window in answer.data or []} == {GUESS, LEARNT}
