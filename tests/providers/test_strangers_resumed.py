"""An import that was cut short and goes on: what slipped past its first part is had, though every count agrees."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web

from mls_tui.domain.run import RunState
from tests.providers.feed_server import FeedServer
from tests.providers.quirks import Quirks, Record
from tests.providers.stranger import Handler, houses, visiting


def speaking_for(server: FeedServer) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        server.base = f"http://{request.host}/odata"
        reply = server.answer(f"http://{request.host}{request.rel_url}", request.headers["Authorization"][7:])
        return web.json_response(reply.body, status=reply.status, headers=dict(reply.headers))

    return answer


@pytest.mark.feed(1, "records that change while paging")
@pytest.mark.parametrize("link", ["opaque", "skip", "none"])
async def test_a_record_that_slipped_past_the_part_before_the_cut_is_had_by_the_resume(
    tmp_path: Path, link: str
) -> None:
    server = FeedServer(houses(400))
    server.tokens_accepted = {"open-sesame"}

    def one_goes(records: list[Record]) -> None:
        del records[10]

    def cut(records: list[Record]) -> None:
        server.tokens_accepted = set()

    server.quirks = Quirks(link=link, refuse=frozenset({"or", "gt"}), changes={2: one_goes, 3: cut})
    async with visiting(speaking_for(server), tmp_path) as visit:
        first = await visit.run()
        assert (first.exit_code, first.counts.created >= 100) == (3, True)
        server.tokens_accepted = {"open-sesame"}
        server.quirks = Quirks(link=link, refuse=frozenset({"or", "gt"}))
        visit.forget()
        again = await visit.run()
        assert again.state is RunState.DONE
        assert {row["ListingId"] for row in server.records} <= await visit.numbers()
        pages = [url for url in visit.asked_for("Property") if "expand" in url and "ListingKey%20eq" not in url]
        whole_pages = [url for url in pages if "ge" not in url]
        assert len(whole_pages) <= 2, "it did not start over"
