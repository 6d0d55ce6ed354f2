"""One connection renewed by several processes: a refresh token that is good once, used up by another, ends nothing."""

from __future__ import annotations

import httpx
import pytest

from mls_tui.domain.connection import AuthKind, SecretField
from mls_tui.domain.errors import CredentialsRefusedError
from mls_tui.reso.auth import TokenSet
from tests.unit.reso.transport_fakes import BASE, Wire, rows

URL = f"{BASE}/Property"


class OnceOnly:
    """Takes each refresh token once, and serves the newest access token only."""

    def __init__(self) -> None:
        self.refresh, self.access, self.asked = "r1", "", 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != "id.example":
            known = request.headers["Authorization"] == f"Bearer {self.access}"
            return rows("1") if known else httpx.Response(401)
        self.asked += 1
        if f"refresh_token={self.refresh}" not in request.content.decode().split("&"):
            return httpx.Response(400, json={"error": "invalid_grant"})
        return httpx.Response(200, json=self.renewed())

    def renewed(self) -> dict[str, str]:
        self.refresh, self.access = f"r{self.asked + 1}", f"a{self.asked + 1}"
        return {"access_token": self.access, "refresh_token": self.refresh}


class Shelf:
    """What is kept for all processes; ``late`` looks find what was there before."""

    def __init__(self, late: int = 0) -> None:
        self.old = self.now = TokenSet("a0", "r1")
        self.late = late

    async def keep(self, tokens: TokenSet) -> None:
        self.now = tokens

    async def kept(self) -> TokenSet:
        self.late -= 1
        return self.old if self.late >= 0 else self.now


def _process(server: OnceOnly, shelf: Shelf) -> Wire:
    return Wire(
        server,
        secrets={SecretField.ACCESS_TOKEN: "a0", SecretField.REFRESH_TOKEN: "r1"},
        preset_changes={"token_url": "https://id.example/token"},
        connection_changes={"auth": AuthKind.REFRESH_TOKEN, "client_id": "me"},
        on_token=shelf.keep,
        kept_token=shelf.kept,
    )


async def test_a_token_that_another_process_renewed_is_taken_up_without_asking_for_one() -> None:
    server, shelf = OnceOnly(), Shelf()
    await _process(server, shelf).http.get_json(URL)
    await _process(server, shelf).http.get_json(URL)
    assert server.asked == 1


async def test_a_refresh_token_used_up_by_another_process_at_this_moment_ends_nothing() -> None:
    server, shelf = OnceOnly(), Shelf()
    await _process(server, shelf).http.get_json(URL)
    shelf.late = 2  # kept only after the second process has looked, asked and looked again
    await _process(server, shelf).http.get_json(URL)
    assert (server.asked, server.refresh) == (2, "r2")


async def test_a_refresh_token_that_nobody_renewed_has_expired() -> None:
    server, shelf = OnceOnly(), Shelf()
    server.refresh = "another"
    with pytest.raises(CredentialsRefusedError):
        await _process(server, shelf).http.get_json(URL)
