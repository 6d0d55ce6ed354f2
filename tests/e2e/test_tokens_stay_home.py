"""A token goes to the MLS that gave it and to no other, also while a connection is being pointed at another one; and it
is used for the credentials that obtained it, and for no others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from mls_tui import actions
from mls_tui.actions import ConnectionEdit, ConnectionForm
from mls_tui.actions.connections import find_connection
from mls_tui.actions.connector import clear_secrets, open_connector_for
from mls_tui.actions.workspace import Workspace
from mls_tui.config import load_settings
from mls_tui.domain.connection import AuthKind, SecretField
from tests.providers.stranger import serving

SECRET = "secret-of-mine"
HERS = "token-that-was-stored-first"


@dataclass(slots=True)
class Mls:
    """Gives ``token`` for any client's credentials, and notes what it is shown."""

    token: str
    origin: str = ""
    shown: set[str] = field(default_factory=set)

    async def __call__(self, request: web.Request) -> web.Response:
        if request.path == "/token":
            if (await request.post()).get("client_secret") != SECRET:
                return web.json_response({"error": "invalid_client"}, status=401)
            return web.json_response({"access_token": self.token, "expires_in": 3600})
        self.shown.add(request.headers["Authorization"].removeprefix("Bearer "))
        return web.json_response({"value": [], "@odata.count": 0})

    def form(self, secret: str = SECRET) -> ConnectionForm:
        """For client credentials at this MLS."""
        return ConnectionForm(
            name="mine",
            provider="trestle",
            base_url=f"{self.origin}/odata",
            token_url=f"{self.origin}/token",
            client_id="me",
            client_secret=secret,
            auth=AuthKind.CLIENT_CREDENTIALS,
        )


@asynccontextmanager
async def running(token: str) -> AsyncIterator[Mls]:
    mls = Mls(token)
    async with serving(mls) as mls.origin:
        yield mls


@pytest.fixture
async def ws(tmp_path: Path) -> AsyncIterator[Workspace]:
    settings = load_settings(environ={}, home=str(tmp_path), allow_private_hosts=True)
    async with Workspace(settings) as workspace:
        await workspace.store.init()
        yield workspace


async def test_trying_another_provider_shows_it_no_stored_token_and_keeps_none_of_its_own(ws: Workspace) -> None:
    async with running("token-of-the-second") as other:
        await actions.connect_mls(
            ConnectionForm(name="mine", provider="reso", base_url="https://first.example/odata", access_token=HERS), ws
        )
        answer = await actions.try_connection(other.form(), ws, connection_id="mine")
        assert answer.success, answer.error
        assert other.shown == {"token-of-the-second"}
        kept = await clear_secrets(ws, await find_connection(ws, "mine"))
        assert kept == {SecretField.ACCESS_TOKEN: HERS}


async def test_an_import_under_way_shows_its_mls_no_token_of_the_one_that_takes_its_place(ws: Workspace) -> None:
    async with running("token-of-the-first") as first:
        await actions.connect_mls(first.form(), ws)
        before = await find_connection(ws, "mine")
        connector = await open_connector_for(ws, before, await clear_secrets(ws, before))
        form = ConnectionForm(name="mine", provider="reso", base_url="https://second.example/odata", access_token=HERS)
        assert (await actions.update_connection("mine", form, ws)).success
        try:
            await connector.authenticate()
            await connector.member()
        finally:
            await connector.close()
        assert first.shown == {"token-of-the-first"}
        assert (await clear_secrets(ws, await find_connection(ws, "mine")))[SecretField.ACCESS_TOKEN] == HERS


async def signed_in(ws: Workspace, mls: Mls) -> None:
    """A stored connection whose token is good for an hour."""
    await actions.connect_mls(mls.form(), ws)
    assert (await actions.check_connection("mine", ws)).success
    assert SecretField.ACCESS_TOKEN in await clear_secrets(ws, await find_connection(ws, "mine"))


async def test_a_new_secret_is_tried_itself_and_not_the_token_of_the_one_before(ws: Workspace) -> None:
    async with running("token-of-mine") as mls:
        await signed_in(ws, mls)
        answer = await actions.try_connection(mls.form("mistyped"), ws, connection_id="mine")
        assert not answer.success
        assert "client id or secret" in (answer.error or "")


@pytest.mark.parametrize("change", [{"client_secret": "another"}, {"client_id": "me-too"}])
async def test_a_token_goes_with_the_credentials_that_obtained_it(ws: Workspace, change: dict[str, str]) -> None:
    async with running("token-of-mine") as mls:
        await signed_in(ws, mls)
        assert (await actions.edit_connection("mine", ConnectionEdit(given=change), ws)).success
        assert set(await clear_secrets(ws, await find_connection(ws, "mine"))) == {SecretField.CLIENT_SECRET}


@pytest.mark.parametrize("change", [{"name": "mine"}, {"agent_key": "A7"}, {"mls_system": "Hillside"}])
async def test_a_token_stays_where_the_credentials_do(ws: Workspace, change: dict[str, str]) -> None:
    async with running("token-of-mine") as mls:
        await signed_in(ws, mls)
        assert (await actions.edit_connection("mine", ConnectionEdit(given=change), ws)).success
        assert SecretField.ACCESS_TOKEN in await clear_secrets(ws, await find_connection(ws, "mine"))
