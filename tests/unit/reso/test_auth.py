"""Sign-in: grants, renewal before expiry and after a 401, several processes with one refresh token (docs/reso-feeds.md,
section 2)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from mls_tui.domain.clock import epoch_ms
from mls_tui.domain.connection import AuthKind, Cursor, SecretField
from mls_tui.domain.errors import (
    AuthenticationError,
    ConnectionExpiredError,
    CredentialsRefusedError,
    MLSError,
    UsageError,
)
from mls_tui.reso.auth import TokenSet
from mls_tui.reso.presets import TokenAuth, TokenBody
from tests.unit.reso.transport_fakes import BASE, SECRET, HandClock, Wire, client_credentials, rows

URL = f"{BASE}/Property"


class TokenServer:
    """Issues t1, t2, … and serves the API to the newest only."""

    def __init__(self, **issued: Any) -> None:
        self.issued = issued
        self.forms: list[dict[str, str]] = []
        self.basics: list[str] = []
        self.refuse_from = 10**9
        self.valid = ""
        self.api_calls = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "id.example":
            return self.token(request)
        self.api_calls += 1
        if request.headers["Authorization"] != f"Bearer {self.valid}":
            return httpx.Response(401)
        return rows("1")

    def token(self, request: httpx.Request) -> httpx.Response:
        self.forms.append({name: values[0] for name, values in parse_qs(request.content.decode()).items()})
        self.basics.append(request.headers.get("Authorization", ""))
        if len(self.forms) >= self.refuse_from:
            return httpx.Response(400, json={"error": "invalid_grant", "error_description": f"bad {SECRET}"})
        self.valid = f"t{len(self.forms)}-canary"
        return httpx.Response(200, json={"access_token": self.valid, "token_type": "bearer"} | self.issued)


async def test_client_credentials_are_posted_as_a_form_with_scope() -> None:
    server = TokenServer(expires_in=3600)
    wire = client_credentials(server)
    await wire.http.get_json(URL)
    await wire.http.get_json(URL)
    assert server.forms == [
        {"grant_type": "client_credentials", "client_id": "me", "client_secret": SECRET, "scope": "api"}
    ]


async def test_client_credentials_as_http_basic_keep_the_secret_out_of_the_form() -> None:
    server = TokenServer()
    await client_credentials(server, preset_changes={"token_auth": TokenAuth.BASIC}).http.sign_in()
    assert server.forms == [{"grant_type": "client_credentials", "scope": "api"}]
    assert httpx.BasicAuth("me", SECRET)._auth_header == server.basics[0]


@pytest.mark.feed(2, "renewed before it expires")
@pytest.mark.parametrize("expires_in", [100, "100", 100.0, "100.5"])
async def test_token_is_renewed_before_it_expires(expires_in: Any) -> None:
    server = TokenServer(expires_in=expires_in)
    wire = client_credentials(server)
    await wire.http.get_json(URL)
    wire.clock.elapsed += 80
    await wire.http.get_json(URL)
    assert len(server.forms) == 1
    wire.clock.elapsed += 15
    await wire.http.get_json(URL)
    assert len(server.forms) == 2
    assert wire.failures == []


@pytest.mark.parametrize("expires_in", [None, "", "soon", -1, 0, 1e300, [], {}, True])
async def test_unreadable_expiry_means_until_refused(expires_in: Any) -> None:
    server = TokenServer(expires_in=expires_in)
    wire = client_credentials(server)
    await wire.http.get_json(URL)
    wire.clock.elapsed += 10**6
    await wire.http.get_json(URL)
    assert len(server.forms) == 1


async def test_401_renews_once_and_replays_and_many_at_once_renew_once() -> None:
    server = TokenServer()
    wire = client_credentials(server)
    await wire.http.get_json(URL)
    server.valid = "revoked"
    all_refused = asyncio.gather(*(wire.http.get_json(URL) for _ in range(10)))
    await all_refused
    assert len(server.forms) == 2
    assert {each.wait for each in wire.failures} == {0.0}
    assert server.api_calls == 11 + len(wire.failures)
    assert wire.clock.slept == []


WORKED = Cursor(swept=True)
"""Of a connection that has imported something."""
EXPIRED = r"^MLS connection expired\. Please re-authenticate\.$"


def refused_for(count: int, status: int = 401) -> tuple[TokenServer, Callable[[httpx.Request], httpx.Response]]:
    """A token server, and an API that refuses so many requests with whatever token."""
    server, left = TokenServer(), count

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal left
        if request.url.host != "id.example" and left:
            left -= 1
            return httpx.Response(status, json={"error": {"message": "Token not found"}})
        return server(request)

    return server, answer


@pytest.mark.feed(2, "a new token is refused for a while")
@pytest.mark.parametrize(("refusals", "waits"), [(1, [1.0]), (2, [1.0, 2.0]), (3, [1.0, 2.0, 4.0])])
async def test_a_fresh_token_that_is_refused_is_given_time(refusals: int, waits: list[float]) -> None:
    server, answer = refused_for(refusals)
    wire = client_credentials(answer)
    await wire.http.get_json(URL)
    assert (wire.clock.slept, len(server.forms)) == (waits, 1)
    assert [each.wait for each in wire.failures] == waits


async def test_a_renewed_token_that_is_refused_is_given_time_too() -> None:
    server = TokenServer()

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "id.example":
            return server(request)
        token = request.headers["Authorization"]
        known = token == "Bearer t1-canary" if not expired else (token == "Bearer t2-canary" and wire.clock.slept)
        return rows("1") if known else httpx.Response(401)

    expired = False
    wire = client_credentials(answer)
    await wire.http.get_json(URL)
    expired = True
    await wire.http.get_json(URL)
    assert (wire.clock.slept, len(server.forms)) == ([1.0], 2)


async def test_a_fresh_token_that_stays_refused_says_so_with_the_servers_reason() -> None:
    server, answer = refused_for(99)
    wire = client_credentials(answer)
    with pytest.raises(CredentialsRefusedError, match=r"^The MLS refused this token \(401\)\.") as caught:
        await wire.http.get_json(URL)
    assert "mls.example says: Token not found." in str(caught.value)
    assert not isinstance(caught.value, ConnectionExpiredError)
    assert (len(server.forms), wire.clock.slept) == (1, [1.0, 2.0, 4.0])
    assert [each.wait for each in wire.failures] == [1.0, 2.0, 4.0, None]


async def test_one_that_worked_before_ends_with_the_contracts_sentence() -> None:
    _, answer = refused_for(99)
    wire = client_credentials(answer, connection_changes={"cursor": WORKED})
    with pytest.raises(ConnectionExpiredError, match=EXPIRED):
        await wire.http.get_json(URL)


@pytest.mark.feed(2, "a single 401 on a token that cannot be renewed")
async def test_a_static_token_that_is_refused_once_is_asked_again_after_2_seconds() -> None:
    wire = Wire(lambda request: rows("1") if wire.clock.slept else httpx.Response(401))
    await wire.http.get_json(URL)
    assert wire.clock.slept == [2.0]


@pytest.mark.parametrize(
    ("changes", "said"), [({}, r"^The MLS refused this token \(401\)\."), ({"cursor": WORKED}, EXPIRED)]
)
async def test_a_static_token_that_stays_refused(changes: dict[str, Any], said: str) -> None:
    _, answer = refused_for(99)
    wire = Wire(answer, connection_changes=changes)
    with pytest.raises(CredentialsRefusedError, match=said):
        await wire.http.get_json(URL)
    assert (len(wire.requests), wire.clock.slept) == (2, [2.0])


@pytest.mark.feed(2, "403 for an expired token")
async def test_a_403_renews_an_oauth_token_once() -> None:
    server, answer = refused_for(0)
    wire = client_credentials(lambda request: forbidden(request) or answer(request))
    expired = False

    def forbidden(request: httpx.Request) -> httpx.Response | None:
        old = expired and request.headers.get("Authorization") == "Bearer t1-canary"
        return httpx.Response(403) if old else None

    await wire.http.get_json(URL)
    expired = True
    await wire.http.get_json(URL)
    assert len(server.forms) == 2
    assert [each.wait for each in wire.failures] == [0.0]


async def test_a_403_that_stays_is_no_matter_of_the_token_and_renews_it_no_more() -> None:
    server, answer = refused_for(0)
    wire = client_credentials(lambda request: httpx.Response(403) if "Media" in request.url.path else answer(request))
    await wire.http.get_json(URL)
    for _ in range(5):
        with pytest.raises(MLSError, match="403"):
            await wire.http.get_json(f"{BASE}/Media")
    assert len(server.forms) == 2


async def test_a_403_on_a_static_token_is_final() -> None:
    wire = Wire(lambda request: httpx.Response(403))
    with pytest.raises(MLSError, match="403"):
        await wire.http.get_json(URL)
    assert len(wire.requests) == 1


@pytest.mark.feed(2, "a JSON body with an audience")
async def test_a_token_is_asked_for_as_json_with_parameters_of_ones_own() -> None:
    wire = client_credentials(
        lambda request: httpx.Response(200, json={"access_token": "t"}),
        preset_changes={
            "token_body": TokenBody.JSON,
            "token_parameters": (("audience", "https://api.example"), ("key", "{client_secret}")),
        },
    )
    await wire.http.sign_in()
    (request,) = wire.requests
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.content) == {
        "grant_type": "client_credentials",
        "scope": "api",
        "audience": "https://api.example",
        "key": SECRET,
        "client_id": "me",
        "client_secret": SECRET,
    }


async def test_parameters_of_ones_own_are_sent_in_the_form_too() -> None:
    server = TokenServer()
    await client_credentials(server, preset_changes={"token_parameters": (("audience", "x"),)}).http.sign_in()
    assert server.forms[0]["audience"] == "x"


@pytest.mark.parametrize(
    "body",
    [
        {"errors": {"Audience": ["The Audience field is required."]}},
        {"title": "Invalid", "status": 400, "errors": {"Audience": ["The Audience field is required."]}},
        {"error": "invalid_request", "error_description": "The Audience field is required."},
        {"message": "The Audience field is required."},
    ],
)
async def test_a_request_for_a_token_that_lacks_something_says_the_servers_reason_and_the_way_out(body: object) -> None:
    wire = client_credentials(lambda request: httpx.Response(400, json=body))
    with pytest.raises(CredentialsRefusedError, match=r"The Audience field is required\.") as caught:
        await wire.http.sign_in()
    assert "client id or secret" not in str(caught.value)
    assert "token_parameters" in str(caught.value)
    assert "token_body=json" in str(caught.value)


@pytest.mark.parametrize("status", [400, 401])
async def test_wrong_client_secret_is_a_sentence_without_the_secret(status: int) -> None:
    body = {"error": "invalid_client", "error_description": f"no such secret {SECRET}"}
    wire = client_credentials(lambda request: httpx.Response(status, json=body))
    with pytest.raises(AuthenticationError, match=r"client id or secret.*lakeside.*invalid_client") as caught:
        await wire.http.get_json(URL)
    assert "canary" not in str(caught.value)
    assert not isinstance(caught.value, ConnectionExpiredError)
    assert len(wire.requests) == 2  # in the form, and as HTTP Basic: a server does not say which it wants


@pytest.mark.feed(2, "password grant and refresh token")
async def test_password_grant_then_its_refresh_token_then_the_password_again() -> None:
    server = TokenServer(expires_in=100, refresh_token="r1-canary")
    wire = Wire(
        server,
        secrets={SecretField.PASSWORD: SECRET},
        preset_changes={"token_url": "https://id.example/token"},
        connection_changes={"auth": AuthKind.PASSWORD, "username": "ann", "client_id": "me"},
    )
    await wire.http.get_json(URL)
    server.refuse_from = 3
    wire.clock.elapsed += 95
    await wire.http.get_json(URL)
    assert [form["grant_type"] for form in server.forms] == ["password", "refresh_token"]
    assert (server.forms[0]["username"], server.forms[0]["password"]) == ("ann", SECRET)
    wire.clock.elapsed += 195
    with pytest.raises(AuthenticationError, match="user name or password"):
        await wire.http.get_json(URL)
    assert [form["grant_type"] for form in server.forms[2:]] == ["refresh_token", "password"]


async def test_refresh_token_is_rotated_and_kept_before_it_is_used() -> None:
    kept: list[TokenSet] = []

    async def keep(issued: TokenSet) -> None:
        assert server.api_calls == 0
        kept.append(issued)

    server = TokenServer(expires_in=60, refresh_token="r2-canary")
    wire = Wire(
        server,
        secrets={SecretField.ACCESS_TOKEN: "old", SecretField.REFRESH_TOKEN: "r1"},
        preset_changes={"token_url": "https://id.example/token"},
        connection_changes={"auth": AuthKind.REFRESH_TOKEN, "token_expires_at": 1},
        on_token=keep,
    )
    await wire.http.get_json(URL)
    assert server.forms == [{"grant_type": "refresh_token", "refresh_token": "r1"}]
    assert [(each.refresh_token, each.access_token) for each in kept] == [("r2-canary", "t1-canary")]
    assert kept[0].expires_at_ms == epoch_ms(HandClock().now()) + 60_000
    assert "canary" not in repr(kept)


@pytest.mark.parametrize(
    ("changes", "said"), [({}, "refused the refresh token.*invalid_grant"), ({"cursor": WORKED}, EXPIRED)]
)
async def test_refused_refresh_token_has_expired_if_it_was_ever_good(changes: dict[str, Any], said: str) -> None:
    server = TokenServer()
    server.refuse_from = 1
    wire = Wire(
        server,
        secrets={SecretField.REFRESH_TOKEN: "r1"},
        preset_changes={"token_url": "https://id.example/token"},
        connection_changes={"auth": AuthKind.REFRESH_TOKEN} | changes,
    )
    with pytest.raises(CredentialsRefusedError, match=said):
        await wire.http.sign_in()


async def test_expired_bearer_token_asks_for_nothing() -> None:
    wire = Wire(TokenServer(), connection_changes={"token_expires_at": 1})
    for call in (wire.http.sign_in(), wire.http.get_json(URL)):
        with pytest.raises(ConnectionExpiredError):
            await call
    assert wire.requests == []


async def test_token_endpoint_that_is_down_is_tried_three_times_and_no_more() -> None:
    wire = client_credentials(lambda request: httpx.Response(503))
    with pytest.raises(MLSError, match=r"No token could be had.*503"):
        await wire.http.get_json(URL)
    assert len(wire.requests) == 3
    assert [each.wait is None for each in wire.failures] == [False, False, True]


async def test_token_redirect_is_not_followed_as_the_form_holds_secrets() -> None:
    wire = client_credentials(lambda request: httpx.Response(307, headers={"Location": "https://evil.example/"}))
    with pytest.raises(MLSError, match="307"):
        await wire.http.sign_in()
    assert [request.url.host for request in wire.requests] == ["id.example"]


@pytest.mark.parametrize(
    ("changes", "missing"), [({"client_id": None}, "client id"), ({}, "client secret"), ({"client_id": "x"}, "secret")]
)
async def test_missing_credentials_are_named(changes: dict[str, Any], missing: str) -> None:
    fields = {"auth": AuthKind.CLIENT_CREDENTIALS, "client_id": "me"} | changes
    wire = Wire(
        TokenServer(), secrets={}, preset_changes={"token_url": "https://id.example/t"}, connection_changes=fields
    )
    with pytest.raises(UsageError, match=missing):
        await wire.http.sign_in()


async def test_revoke_sends_the_token_where_the_provider_can_and_never_raises() -> None:
    wire = Wire(lambda request: httpx.Response(500), preset_changes={"revocation_url": "https://id.example/revoke"})
    await wire.http.revoke()
    assert wire.requests[0].url.path == "/revoke"
    wire = Wire(lambda request: httpx.Response(200))
    await wire.http.revoke()
    assert wire.requests == []


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
