"""The doctor's checks of a provider: each result is one line with advice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mls_tui.domain.connection import SecretField
from mls_tui.reso.connector import open_connector
from mls_tui.reso.probe import probe
from mls_tui.storage.base import Check
from tests.providers.direct import connection
from tests.providers.feed_server import FeedServer, Reply
from tests.providers.homes import homes
from tests.providers.quirks import Fault, Quirks, Record
from tests.providers.serving import HandClock, connected


async def checks(server: FeedServer, provider: str = "reso", **fields: Any) -> dict[str, Check]:
    async with connected(server, provider, **fields) as (made, _):
        return {check.name: check for check in await probe(made)}


def keyless(count: int) -> list[Record]:
    return [{"ListPrice": number} for number in range(count)]


async def test_a_good_server_is_ok_in_every_line_but_the_guess_and_the_photo() -> None:
    found = await checks(FeedServer(homes(30), Quirks(page_size=10)))
    assert next(iter(found)) == "token"
    assert {name for name, check in found.items() if check.state != "ok"} <= {"photos", "limits", "metadata"}
    assert "30 records" in found["$count"].detail


@pytest.mark.parametrize(
    ("quirks", "name", "state", "said"),
    [
        (Quirks(ignore=frozenset({"$top"})), "records", "warning", "$top=5 was ignored"),
        (Quirks(page_size=1, faults={2: Fault(link="elsewhere")}), "next link", "failure", "another server"),
        (Quirks(page_size=10, link="none"), "next link", "ok", "none"),
        (Quirks(page_size=10, link="skip"), "next link", "ok", "counts rows"),
        (Quirks(page_size=10), "next link", "ok", "a cursor"),
        (Quirks(count="none"), "$count", "warning", "ignored"),
        (Quirks(count="low", page_size=10), "$count", "warning", "wrong"),
        (Quirks(refuse=frozenset({"$count"})), "$count", "warning", "refused (400)"),
        (Quirks(refuse=frozenset({"$orderby"})), "$orderby", "warning", "refused (400)"),
        (Quirks(ignore=frozenset({"$orderby"})), "$orderby", "warning", "ignored"),
        (Quirks(refuse=frozenset({"$expand"})), "$expand", "warning", "refused (400)"),
        (Quirks(media="separate"), "$expand", "warning", "ignored"),
        (Quirks(refuse=frozenset({"status"})), "statuses", "ok", "spelled without spaces"),
        (Quirks(refuse=frozenset({"$filter"})), "statuses", "warning", "no filter"),
        (Quirks(), "metadata", "warning", "not served (404)"),
        (Quirks(), "limits", "warning", "our guess"),
        (Quirks(), "photos", "failure", "photos.test"),
    ],
)
async def test_each_habit_of_a_server_is_told(quirks: Quirks, name: str, state: str, said: str) -> None:
    found = await checks(FeedServer(homes(30, photos=1), quirks))
    assert (found[name].state, said in found[name].detail) == (state, True), found[name]
    assert state == "ok" or found[name].advice


@pytest.mark.parametrize(
    ("headers", "hosts", "said"),
    [
        ("User-Agent: {token}", "none", "set media_token_hosts=photos.test"),
        ("User-Agent: {token}", "media.example.org", "set media_token_hosts=media.example.org, photos.test"),
        ("User-Agent: {token}", "photos.test", "reaches the photo host"),
        ("none", "none", "reaches the photo host"),
    ],
)
async def test_a_photo_host_that_wants_the_token_and_may_not_have_it_is_named(
    headers: str, hosts: str, said: str
) -> None:
    facts = {"media_headers": headers, "media_token_hosts": hosts}
    found = await checks(FeedServer(homes(30, photos=1)), overrides=facts)
    assert (found["photos"].state, said in found["photos"].advice) == ("failure", True), found["photos"]


async def test_limits_that_the_user_set_are_no_guess_of_ours() -> None:
    async with connected(FeedServer(homes(3)), overrides={"api_limits": "500/1"}) as (made, _):
        limits = (await probe(made, ["api_limits"]))[-1]
    assert (limits.name, limits.state) == ("limits", "ok")
    assert "set by you" in limits.detail


async def test_a_refused_token_ends_the_questions() -> None:
    server = FeedServer(homes(3))
    server.tokens_accepted = {"another"}
    found = await checks(server)
    assert found["records"].state == "failure"
    assert "refused this token" in found["records"].detail


async def test_records_without_a_key_end_the_questions_with_what_to_set() -> None:
    found = await checks(FeedServer(keyless(3)))
    assert (found["records"].state, list(found)[-1]) == ("failure", "records")
    assert "key_field" in found["records"].advice


async def test_a_feed_that_shows_nothing_is_a_warning() -> None:
    assert (await checks(FeedServer([])))["records"].state == "warning"


async def test_a_host_that_cannot_be_resolved_serves_no_metadata() -> None:
    made = open_connector(
        connection("reso", "https://no-such-host.invalid/odata"), {SecretField.ACCESS_TOKEN: "t"}, clock=HandClock()
    )
    found = {check.name: check for check in await probe(made)}
    await made.close()
    assert list(found) == ["token", "metadata"], "nothing else is asked"
    assert (found["metadata"].state, "cannot be resolved" in found["metadata"].detail) == ("failure", True)


@pytest.mark.parametrize("status", [401, 403])
async def test_metadata_that_is_refused_is_no_metadata_served(status: int) -> None:
    class Refusing(FeedServer):
        def _route(self, url: str, path: str, query: dict[str, str]) -> Reply:
            return Reply(status, {}) if path == "$metadata" else super()._route(url, path, query)

    assert (await checks(Refusing(homes(3))))["metadata"].state != "ok"


async def test_a_count_without_records_leads_to_the_parameters_of_a_request() -> None:
    class Counting(FeedServer):
        def _filtered(self, query: Mapping[str, str]) -> list[Record]:
            return []

        def _wrapped(self, rows: list[Record], count: int, start: int, size: int, query: Mapping[str, str]) -> Record:
            return super()._wrapped(rows, 5120, start, size, query)

    found = (await checks(Counting(homes(3))))["$count"]
    assert (found.state, found.detail) == ("warning", "it counts 5,120 records and shows none")
    assert "query_parameters" in found.advice
