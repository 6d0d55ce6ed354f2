"""Odd HTTP answers, route by route: what a sign-in and a page make of them."""

from __future__ import annotations

import httpx
import respx

from tests.unit.mls_transport_fakes import BASE, client_credentials

TOKEN_URL = "https://id.example/token"


async def test_a_token_endpoint_that_stumbles_and_a_token_that_dies_cost_one_renewal_each() -> None:
    router = respx.Router(assert_all_called=True)
    tokens = router.post(TOKEN_URL)
    tokens.side_effect = [
        httpx.Response(503, text="<html>upstream</html>"),
        httpx.Response(200, json={"access_token": "first", "expires_in": "3600"}),
        httpx.Response(200, json={"access_token": "second"}),
    ]
    old = router.get(f"{BASE}/Property", headers={"Authorization": "Bearer first"})
    old.respond(401, json={"error": {"code": "", "message": "expired"}})
    new = router.get(f"{BASE}/Property", headers={"Authorization": "Bearer second"})
    new.respond(200, json={"value": [{"ListingKey": "1"}]})
    wire = client_credentials(router.async_handler)
    await wire.http.sign_in()
    answer = await wire.http.get_json(f"{BASE}/Property")
    assert answer.body["value"] == [{"ListingKey": "1"}]
    assert (tokens.call_count, old.call_count, new.call_count) == (3, 1, 1)
    form = tokens.calls[0].request.content.decode()
    assert "grant_type=client_credentials" in form
