"""Which requests are sent again, how often and after which wait (docs/reso-feeds.md, section 3)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import httpx
import pytest
import respx

from mls_tui.domain.connection import SecretField
from mls_tui.domain.errors import MLSError, RateLimitedError, UsageError
from mls_tui.reso.odata import with_query
from tests.unit.reso.transport_fakes import BASE, SECRET, TOKEN, Wire, client_credentials, rows, script

GOOD = rows("1")
URL = f"{BASE}/Property"


def answer(status: int, json: Any = None, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=json, headers={k.replace("_", "-"): v for k, v in headers.items()})


REPEATED = {
    "408": answer(408),
    "500": answer(500),
    "502 html": httpx.Response(502, html="<h1>Bad gateway</h1>"),
    "503": answer(503, {"error": {"code": "503", "message": "later"}}),
    "504": answer(504),
    "reset": httpx.ReadError("reset"),
    "no answer": httpx.RemoteProtocolError("closed"),
    "time-out": httpx.ReadTimeout("slow"),
    "refused": httpx.ConnectError("refused"),
    "200 web page": httpx.Response(200, html="<html>maintenance</html>"),
    "200 truncated": httpx.Response(200, content=b'{"value": [{"ListingKey": "1"'),
    "200 empty": httpx.Response(200),
    "200 error": answer(200, {"error": {"code": "InternalError", "message": "x"}}),
    "200 Spark error": answer(200, {"D": {"Success": False, "Code": 1500, "Message": "x"}}),
    "short body": httpx.Response(200, headers={"Content-Length": "99"}, stream=httpx.ByteStream(b"{}")),
}


@pytest.mark.feed(3, "408, 5xx, resets: three attempts")
@pytest.mark.promise(8)
@pytest.mark.parametrize("fault", REPEATED.values(), ids=REPEATED)
async def test_passing_fault_is_tried_again_after_the_contracts_wait(fault: httpx.Response | Exception) -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        if len(wire.requests) > 2:
            return GOOD
        if isinstance(fault, Exception):
            raise fault
        return fault

    wire = Wire(serve)
    found = await wire.http.get_json(URL)
    assert found.body["value"] == [{"ListingKey": "1"}]
    assert [(each.attempt, each.of) for each in wire.failures] == [(1, 3), (2, 3)]
    first, second = (each.wait for each in wire.failures)
    assert first is not None
    assert second is not None
    assert 1 <= first < 2 <= second < 3
    assert wire.clock.slept == [first, second]


@pytest.mark.parametrize("fault", REPEATED.values(), ids=REPEATED)
async def test_third_failure_is_the_last_one(fault: httpx.Response | Exception) -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        if isinstance(fault, Exception):
            raise fault
        return fault

    wire = Wire(serve)
    with pytest.raises(MLSError) as caught:
        await wire.http.get_json(URL)
    assert caught.value.retryable
    assert "mls.example" in str(caught.value)
    assert len(wire.requests) == 3
    assert [each.wait is None for each in wire.failures] == [False, False, True]


@pytest.mark.feed(3, "400: no retry")
@pytest.mark.feed(3, "403: no retry")
@pytest.mark.promise(8)
@pytest.mark.parametrize("status", [400, 403, 404, 405, 410, 413, 414, 422])
async def test_hopeless_status_is_not_tried_again(status: int) -> None:
    wire = Wire(script(answer(status, {"error": {"code": "", "message": "no"}})))
    with pytest.raises(MLSError) as caught:
        await wire.http.get_json(URL)
    assert (caught.value.status, caught.value.retryable) == (status, False)
    assert len(wire.requests) == 1
    assert wire.clock.slept == []


@pytest.mark.feed(3, "Retry-After: seconds, a date, absurd, missing")
@pytest.mark.promise(8)
@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "Mon, 01 Jun 2026 12:00:30 GMT"}, 30.0),
        ({"Retry-After": "99999999999999"}, 3600.0),
        ({"Retry-After": "0"}, 1.0),
        ({"Retry-After": "-5"}, 1.0),
        ({"Retry-After": "soon"}, 1.0),
        ({}, 1.0),
    ],
)
async def test_429_pauses_as_asked_and_uses_up_no_attempt(headers: dict[str, str], waited: float) -> None:
    wire = Wire(script(httpx.Response(429, headers=headers), GOOD))
    await wire.http.get_json(URL, attempts=1)
    assert wire.failures == []
    assert [(each.answered, each.host) for each in wire.pauses] == [(True, "mls.example")]
    assert wire.clock.elapsed == pytest.approx(waited)


@pytest.mark.parametrize("status", [503, 200, 403])
async def test_spark_code_1550_is_a_pause(status: int) -> None:
    over = answer(status, {"D": {"Success": False, "Code": 1550, "Message": "Over rate limit"}}, Retry_After="3")
    wire = Wire(script(over, GOOD))
    await wire.http.get_json(URL)
    assert (len(wire.pauses), len(wire.failures)) == (1, 0)
    assert wire.clock.elapsed == pytest.approx(3.0)


@pytest.mark.promise(15)
async def test_five_pauses_in_a_row_stop_the_run_and_a_success_between_does_not() -> None:
    busy = httpx.Response(429, headers={"Retry-After": "1"})
    wire = Wire(script(busy, busy, busy, busy, GOOD, busy, GOOD))
    await wire.http.get_json(URL)
    await wire.http.get_json(URL)
    assert len(wire.pauses) == 5
    wire = Wire(script(busy))
    with pytest.raises(RateLimitedError, match="5 times in a row"):
        await wire.http.get_json(URL)
    assert len(wire.pauses) == len(wire.requests) == 5


async def test_wave_of_429_counts_as_one_strike_and_each_is_told_once() -> None:
    all_sent = asyncio.Event()

    async def serve(request: httpx.Request) -> httpx.Response:
        if len(wire.requests) == 8:
            all_sent.set()
        if all_sent.is_set() and len(wire.requests) > 8:
            return rows("1")
        await all_sent.wait()
        return httpx.Response(429, headers={"Retry-After": "2"})

    wire = Wire(serve)
    await asyncio.gather(*(wire.http.get_json(URL) for _ in range(8)))
    assert len(wire.pauses) == 8


@pytest.mark.feed(3, "masked tokens")
@pytest.mark.promise("secrets nowhere else")
async def test_error_body_with_the_token_is_masked_everywhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    text = f"bad token {TOKEN} and Bearer {SECRET} at https://x/?access_token={SECRET}"
    wire = Wire(script(answer(500, {"error": {"code": TOKEN, "message": text}})))
    with pytest.raises(MLSError) as caught:
        await wire.http.get_json(URL)
    everything = f"{caught.value!r} {wire.notices} {caplog.text}"
    assert "canary" not in everything
    assert "500 Internal Server Error" in everything


@pytest.mark.feed(1, "a link to another origin")
@pytest.mark.promise("hostile addresses")
async def test_link_to_another_origin_gets_no_token() -> None:
    wire = Wire(script(GOOD))
    for elsewhere in ("https://evil.example/odata", "http://mls.example/odata", "https://mls.example:8443/odata"):
        with pytest.raises(MLSError, match="another origin"):
            await wire.http.get_json(elsewhere)
    assert wire.requests == []


async def test_redirect_is_followed_at_home_only() -> None:
    wire = Wire(script(httpx.Response(307, headers={"Location": "/odata/v2/Property"}), GOOD))
    await wire.http.get_json(URL)
    assert str(wire.requests[1].url) == f"{BASE}/v2/Property"
    wire = Wire(script(httpx.Response(302, headers={"Location": "https://evil.example/"})))
    with pytest.raises(MLSError, match="another origin"):
        await wire.http.get_json(URL)
    assert len(wire.requests) == 1
    wire = Wire(script(httpx.Response(302, headers={"Location": "/odata/Property"})))
    with pytest.raises(MLSError, match="302"):
        await wire.http.get_json(URL)
    assert len(wire.requests) == 4


@pytest.mark.feed(1, "a quote in a filter, and %20")
@pytest.mark.promise("hostile text")
async def test_filter_is_sent_with_percent_20_and_escaped_quotes() -> None:
    wire = Wire(script(GOOD))
    await wire.http.get_json(with_query(URL, [("$filter", "City eq 'O''Hare & Co+'"), ("$top", "5")]))
    raw = wire.requests[0].url.raw_path.decode()
    assert raw == "/odata/Property?$filter=City%20eq%20'O''Hare%20%26%20Co%2B'&$top=5"


@pytest.mark.feed(6, "gzip, and a User-Agent of the provider's")
async def test_preset_headers_reach_the_api_with_the_token() -> None:
    wire = Wire(script(GOOD), preset_changes={"headers": {"User-Agent": "Feed/1", "X-Key": "{token}"}})
    await wire.http.get_json(URL, headers={"Prefer": "odata.maxpagesize=5"})
    sent = wire.requests[0].headers
    assert (sent["User-Agent"], sent["X-Key"], sent["Prefer"]) == ("Feed/1", TOKEN, "odata.maxpagesize=5")
    assert sent["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("", "?Class=Residential%20%26%20Land&key=canary-secret-9c1d&t=canary-token-7f3a"),
        ("?$top=5&a=%2F", "?$top=5&a=%2F&Class=Residential%20%26%20Land&key=canary-secret-9c1d&t=canary-token-7f3a"),
        ("?Class=Land&key=&$skip=2", "?Class=Land&key=&$skip=2&t=canary-token-7f3a"),
    ],
)
async def test_query_parameters_go_with_every_request_that_lacks_them(asked: str, sent: str) -> None:
    parameters = (("Class", "Residential & Land"), ("key", "{client_secret}"), ("t", "{token}"))
    answers = script(httpx.Response(302, headers={"Location": "/odata/Moved"}), rows("1"))
    secrets = {SecretField.ACCESS_TOKEN: TOKEN, SecretField.CLIENT_SECRET: "canary-secret-9c1d"}
    wire = Wire(answers, secrets=secrets, preset_changes={"query_parameters": parameters})
    await wire.http.get_json(URL + asked)
    first, moved = wire.requests
    assert str(first.url) == f"{URL}{sent}"
    assert moved.url.params["Class"] == "Residential & Land"


async def test_a_query_parameter_without_its_secret_says_what_is_missing() -> None:
    wire = Wire(script(rows("1")), preset_changes={"query_parameters": (("key", "{client_secret}"),)})
    with pytest.raises(UsageError, match=r"query_parameters wants \{client_secret\}"):
        await wire.http.get_json(URL)
    assert wire.requests == []


async def test_page_over_the_cap_says_413_so_that_paging_can_halve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mls_tui.reso.client.PAGE_CAP", 1_000)
    wire = Wire(script(httpx.Response(200, content=b" " * 1_001)))
    with pytest.raises(MLSError) as caught:
        await wire.http.get_json(URL)
    assert (caught.value.status, caught.value.retryable) == (413, False)


async def test_a_token_endpoint_that_stumbles_and_a_token_that_dies_cost_one_renewal_each() -> None:
    router = respx.Router(assert_all_called=True)
    tokens = router.post("https://id.example/token")
    tokens.side_effect = [
        httpx.Response(503, text="<html>upstream</html>"),
        httpx.Response(200, json={"access_token": "first", "expires_in": "3600"}),
        httpx.Response(200, json={"access_token": "second"}),
    ]
    old = router.get(f"{BASE}/Property", headers={"Authorization": "Bearer first"})
    old.side_effect = [
        httpx.Response(200, json={"value": []}),
        httpx.Response(401, json={"error": {"code": "", "message": "expired"}}),
    ]
    new = router.get(f"{BASE}/Property", headers={"Authorization": "Bearer second"})
    new.respond(200, json={"value": [{"ListingKey": "1"}]})
    wire = client_credentials(router.async_handler)
    await wire.http.sign_in()
    await wire.http.get_json(f"{BASE}/Property")
    answer = await wire.http.get_json(f"{BASE}/Property")
    assert answer.body["value"] == [{"ListingKey": "1"}]
    assert (tokens.call_count, old.call_count, new.call_count) == (3, 2, 1)
    form = tokens.calls[0].request.content.decode()
    assert "grant_type=client_credentials" in form


@pytest.mark.parametrize(
    "body",
    [
        {"errors": {"Class": ["The Class field is required."]}},
        {"error": {"code": "400", "message": "Missing parameter: class"}},
        {"error": {"message": "Class must be specified"}},
    ],
)
async def test_a_refusal_for_want_of_a_parameter_leads_to_its_setting(body: dict[str, Any]) -> None:
    wire = Wire(script(answer(400, body)))
    with pytest.raises(MLSError, match="query_parameters"):
        await wire.http.get_json(URL)


@pytest.mark.parametrize("status", [200, 500])
async def test_an_error_keeps_no_response_alive(status: int) -> None:
    """Six refused pages of 64 MB would be 400 MB, as a page is requested again while its error is handled."""
    body = b"<html>" + b"x" * 5_000
    wire = Wire(script(httpx.Response(status, content=body)))
    with pytest.raises(MLSError) as caught:
        await wire.http.get_json(URL)
    errors: list[BaseException] = [caught.value]
    for error in errors:
        errors += [each for each in (error.__cause__, error.__context__) if each is not None and each not in errors]
    frames = [frame.tb_frame for error in errors for frame in walk_traceback(error)]
    assert "get_json" in {frame.f_code.co_name for frame in frames}
    assert not {frame.f_code.co_name for frame in frames} & {"_get", "_judge", "_exchange", "attempt"}


def walk_traceback(error: BaseException) -> Iterator[TracebackType]:
    at = error.__traceback__
    while at is not None:
        yield at
        at = at.tb_next
