"""The signed-in member: found by key or MLS id, or as the only member that the token can read."""

from __future__ import annotations

import pytest

from mls_tui.domain.connection import Member
from tests.providers.feed_server import FeedServer
from tests.providers.serving import connected

AGENTS = [
    {"MemberKey": "A1", "MemberMlsId": "501", "MemberFullName": "Ann Lee", "OfficeKey": "O1"},
    {"MemberKey": "A2", "MemberMlsId": "502", "MemberFirstName": "Bo", "MemberLastName": "Ray", "OfficeMlsId": "77"},
    {"MemberKey": "O'Hara-3", "MemberMlsId": "503", "MemberFullName": "Cy O'Hara", "OfficeName": "Own Office"},
]
OFFICES = [{"OfficeKey": "O1", "OfficeName": "Lake Homes"}, {"OfficeMlsId": "77", "OfficeName": "Hill Homes"}]


def server() -> FeedServer:
    made = FeedServer([])
    made.extra = {"Member": list(AGENTS), "Office": list(OFFICES)}
    return made


@pytest.mark.feed(0, "an agent among many")
@pytest.mark.parametrize(
    ("key", "name", "office"),
    [
        ("A1", "Ann Lee", "Lake Homes"),
        ("502", "Bo Ray", "Hill Homes"),
        ("O'Hara-3", "Cy O'Hara", "Own Office"),
    ],
)
async def test_the_agent_is_found_by_key_or_mls_id(key: str, name: str, office: str) -> None:
    made = server()
    async with connected(made, agent_key=key) as (link, _):
        member = await link.member()
    assert (member.member_name, member.office_name) == (name, office)
    assert all("$filter" in url or "%24filter" in url for url in made.asked), "the roster is never read whole"


async def test_an_agent_that_the_mls_does_not_know_keeps_the_key_and_gets_nobodys_name() -> None:
    async with connected(server(), agent_key="A9") as (link, _):
        assert await link.member() == Member(member_key="A9")


async def test_a_server_that_ignores_the_filter_names_no_other_agent() -> None:
    made = server()
    made.extra["Member"] = [{**agent, "MemberKey": f"X{agent['MemberKey']}"} for agent in AGENTS]
    async with connected(made, agent_key="A1") as (link, _):
        assert (await link.member()).member_name is None


async def test_without_a_key_several_agents_are_nobody() -> None:
    async with connected(server()) as (link, _):
        assert await link.member() == Member()
