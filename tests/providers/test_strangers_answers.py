"""Whole imports despite throttling, errors, odd bodies and expired tokens: complete, or with the reason why not."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiohttp import web

from mls_tui.domain.connection import AuthKind
from mls_tui.domain.run import RunState
from tests.providers.odd_servers import offset_links, refusal
from tests.providers.stranger import Handler, Visit, houses, numbers, visiting

ROWS = houses(300)


def at_page(number: int, answer: Callable[[], web.Response], times: int = 1) -> Handler:
    """300 rows in pages of 100; from page ``number`` on, ``answer`` comes first, so many times."""

    def instead(page: int) -> web.Response | None:
        return answer() if number <= page < number + times else None

    return offset_links(ROWS, on_page=instead)


class Told(NamedTuple):
    """How many failed attempts, and how many pauses that the server asked for."""

    attempts: int = 0
    pauses: int = 0


async def all_came(visit: Visit) -> Told:
    """Import: every row is stored. What was told on the way."""
    result = await visit.run()
    assert (result.state, result.error) == (RunState.DONE, None)
    assert await visit.numbers() == numbers(ROWS)
    return Told(len(visit.attempts), len([pause for pause in visit.pauses if "answered" in pause.why]))


@pytest.mark.feed(3, "408, 5xx, resets: three attempts")
async def test_a_500_in_the_middle_is_one_attempt_told(tmp_path: Path) -> None:
    async with visiting(at_page(2, lambda: refusal(500, "oops")), tmp_path) as visit:
        assert await all_came(visit) == Told(attempts=1)
        assert "500 Internal Server Error: oops" in visit.attempts[0].cause
        assert len(visit.asked) <= 8


@pytest.mark.feed(3, "429: pause, no attempt")
@pytest.mark.parametrize("headers", [{}, {"Retry-After": "7"}, {"Retry-After": "soon"}, {"Retry-After": "-1"}])
async def test_a_429_is_a_pause_and_no_attempt(tmp_path: Path, headers: dict[str, str]) -> None:
    def answer() -> web.Response:
        return web.Response(status=429, headers=headers, text="slow down")

    async with visiting(at_page(2, answer), tmp_path) as visit:
        before = visit.clock.monotonic()
        assert await all_came(visit) == Told(pauses=1)
        assert len(visit.asked) <= 8
        if headers.get("Retry-After") == "7":
            assert visit.clock.monotonic() - before >= 7


@pytest.mark.feed(3, "429: pause, no attempt")
async def test_retry_after_as_a_date(tmp_path: Path) -> None:
    visits: list[Visit] = []

    def answer() -> web.Response:
        until = visits[0].clock.now() + timedelta(seconds=90)
        return web.Response(status=429, headers={"Retry-After": format_datetime(until, usegmt=True)})

    async with visiting(at_page(2, answer), tmp_path) as visit:
        visits.append(visit)
        assert await all_came(visit) == Told(pauses=1)
        assert max(later - sooner for sooner, later in zip(visit.at, visit.at[1:], strict=False)) >= 89


@pytest.mark.feed(3, "503 with code 1550")
async def test_a_spark_503_with_code_1550_is_a_pause(tmp_path: Path) -> None:
    body = {"D": {"Success": False, "Code": 1550, "Message": "Over rate limit"}}
    async with visiting(at_page(2, lambda: web.json_response(body, status=503)), tmp_path) as visit:
        assert await all_came(visit) == Told(pauses=1)


@pytest.mark.feed(3, "429 without end: stop")
@pytest.mark.promise(15)
async def test_a_429_without_end_stops_the_run_with_its_state_saved(tmp_path: Path) -> None:
    async with visiting(at_page(3, lambda: web.Response(status=429), times=100), tmp_path, speed=4000) as visit:
        result = await visit.run()
        assert result.state is RunState.FAILED
        assert result.error is not None
        assert "429 Too Many Requests 5 times in a row" in result.error
        assert result.exit_code == 4
        assert 100 <= len(await visit.listings()) <= 200
        run = (await visit.ws.store.runs(visit.ws.user_id, limit=1))[0]
        assert run.state is RunState.FAILED
        assert len(visit.asked) <= 12


HTML = "<html><body>Sorry, we are down for maintenance</body></html>"
BODIES: dict[str, Callable[[], web.Response]] = {
    "html": lambda: web.Response(text=HTML, content_type="text/html"),
    "empty": lambda: web.Response(body=b""),
    "truncated": lambda: web.Response(body=json.dumps({"value": ROWS[:50]}).encode()[:-400]),
    "error": lambda: web.json_response({"error": {"code": "", "message": "try later"}}),
    "spark": lambda: web.json_response({"D": {"Success": False, "Message": "try later"}}),
}


@pytest.mark.feed(3, "200 with an error, HTML or nothing")
@pytest.mark.parametrize("kind", BODIES)
async def test_a_good_status_without_a_page_is_a_failed_attempt(tmp_path: Path, kind: str) -> None:
    async with visiting(at_page(2, BODIES[kind]), tmp_path) as visit:
        assert await all_came(visit) == Told(attempts=1)


@pytest.mark.feed(3, "200 with an error, HTML or nothing")
@pytest.mark.parametrize("kind", BODIES)
async def test_one_that_never_gives_a_page_ends_with_a_sentence(tmp_path: Path, kind: str) -> None:
    async with visiting(at_page(1, BODIES[kind], times=100), tmp_path) as visit:
        result = await visit.run()
        assert (result.state, result.exit_code) == (RunState.FAILED, 4)
        assert result.error is not None
        assert "127.0.0.1" in result.error
        assert len(visit.asked) <= 3
        assert len(visit.attempts) == 3


def _encoded(spoil: Callable[[bytes], bytes], **headers: str) -> Handler:
    plain = offset_links(ROWS)

    async def answer(request: web.Request) -> web.StreamResponse:
        response = await plain(request)
        assert isinstance(response, web.Response)
        if response.status != 200:
            return response
        assert isinstance(response.body, bytes)
        return web.Response(body=spoil(response.body), headers={"Content-Type": "application/json", **headers})

    return answer


@pytest.mark.feed(0, "a byte order mark, gzip")
async def test_a_byte_order_mark_and_gzip_are_read(tmp_path: Path) -> None:
    async with visiting(_encoded(lambda body: b"\xef\xbb\xbf" + body), tmp_path / "bom") as visit:
        assert await all_came(visit) == Told()
    async with visiting(_encoded(gzip.compress, **{"Content-Encoding": "gzip"}), tmp_path / "gzip") as visit:
        assert await all_came(visit) == Told()


# tokens ------------------------------------------------------------------------------------------------------------


def guarded(answer_of: dict[str, Any], *, basic: bool, good_for: int = 1000) -> tuple[Handler, list[str]]:
    """A token endpoint and a feed behind it: each token is good for so many requests. And the tokens given."""
    inside, given, used = offset_links(ROWS), list[str](), dict[str, int]()

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/token":
            form = await request.post()
            wanted = "Basic " + base64.b64encode(b"me:sesame").decode()
            known = (request.headers.get("Authorization") == wanted) if basic else form.get("client_secret") == "sesame"
            if not known or form.get("grant_type") != "client_credentials":
                return web.json_response({"error": "invalid_client"}, status=401)
            given.append(f"token-{len(given)}-of-many")
            return web.json_response({"access_token": given[-1], "token_type": "bearer", **answer_of})
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        used[token] = used.get(token, 0) + 1
        if not given or token != given[-1] or used[token] > good_for:
            return refusal(401, "The access token expired")
        return await inside(request)

    return answer, given


SIGN_IN: dict[str, Any] = {
    "auth": AuthKind.CLIENT_CREDENTIALS,
    "access_token": None,
    "client_id": "me",
    "client_secret": "sesame",
    "token_url": "{origin}/token",
}


@pytest.mark.feed(2, "client credentials, as a form or as HTTP Basic")
@pytest.mark.feed(2, "expires_in missing or a string")
@pytest.mark.parametrize("basic", [False, True])
@pytest.mark.parametrize("expires", [{}, {"expires_in": "3600"}, {"expires_in": None}, {"expires_in": "soon"}])
async def test_client_credentials_with_any_expires_in(tmp_path: Path, basic: bool, expires: dict[str, Any]) -> None:
    handler, given = guarded(expires, basic=basic)
    async with visiting(handler, tmp_path, **SIGN_IN) as visit:
        assert await all_came(visit) == Told()
        assert len(given) <= 2
        assert len(visit.asked) <= 10


@pytest.mark.feed(2, "renewed once on a 401")
async def test_a_token_that_dies_in_the_middle_is_renewed_and_the_request_replayed(tmp_path: Path) -> None:
    handler, given = guarded({"expires_in": 3600}, basic=False, good_for=2)
    async with visiting(handler, tmp_path, **SIGN_IN) as visit:
        result = await visit.run()
        assert (result.state, result.error) == (RunState.DONE, None)
        assert await visit.numbers() == numbers(ROWS)
        assert len(given) >= 2


@pytest.mark.feed(3, "401 again: stop, state saved")
async def test_a_bearer_that_dies_in_the_middle_ends_the_run_and_keeps_what_came(tmp_path: Path) -> None:
    async with visiting(at_page(2, lambda: refusal(401, "expired"), times=100), tmp_path) as visit:
        result = await visit.run()
        assert result.error == "MLS connection expired. Please re-authenticate."
        assert (result.state, result.exit_code) == (RunState.FAILED, 3)
        assert await visit.numbers() == numbers(ROWS[:100])
        assert len(visit.asked) <= 3


@pytest.mark.feed(3, "401 again: stop, state saved")
async def test_after_a_new_token_the_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    fails = [True]

    def instead(page: int) -> web.Response | None:
        return refusal(401, "expired") if page >= 2 and fails[0] else None

    async with visiting(offset_links(ROWS, on_page=instead), tmp_path) as visit:
        await visit.run()
        fails.clear()
        fails.append(False)
        result = await visit.run()
        assert result.state is RunState.DONE
        assert await visit.numbers() == numbers(ROWS)
        assert 200 <= result.counts.created + result.counts.unchanged <= 300
