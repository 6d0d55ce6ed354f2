"""Media from a resource of its own, several listings to a request: one request that fails costs its listings a question
of their own, and a resource that is down stops the sweep instead of looking like "no photos"."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

import pytest

from mls_tui.domain.errors import MLSError
from mls_tui.reso.base import FeedQuery
from tests.providers.direct import connector, sweep
from tests.providers.feed_server import FeedServer, Reply
from tests.providers.homes import homes
from tests.providers.quirks import Quirks

BRIGHT = Quirks(property_resource="BrightProperties", media_resource="BrightMedia", media="separate")


class Failing(FeedServer):
    """``BrightMedia`` fails whenever it is asked for several listings and ``poison`` is one of them."""

    poison: Mapping[str, int] = {}

    def answer(self, url: str, token: str | None = None) -> Reply:
        asked = unquote(url)
        bad = [status for key, status in self.poison.items() if f"'{key}'" in asked]
        if "/BrightMedia" in asked and bad and (" or " in asked or bad[0] == 599):
            self.asked.append(url)
            return Reply(503 if bad[0] == 599 else bad[0], {"error": {"message": "no"}})
        return super().answer(url, token)


def failing(count: int, poison: dict[str, int]) -> Failing:
    server = Failing(homes(count, photos=2), BRIGHT)
    server.poison = poison
    return server


async def photos_of(server: FeedServer) -> dict[str, int]:
    made = connector(server, "bright")
    return {str(row["ListingKey"]): len(await made.media(row)) for row in (await sweep(made, FeedQuery())).records}


@pytest.mark.feed(0, "one batch of Media fails")
@pytest.mark.parametrize("status", [500, 503, 413, 400])
async def test_a_batch_that_fails_is_asked_for_one_by_one_and_the_others_are_not(status: int) -> None:
    server = failing(100, {"K000030": status})
    found = await photos_of(server)
    assert found == {f"K{number:06d}": 2 for number in range(100)}


async def test_a_listing_whose_media_fails_even_alone_fails_alone() -> None:
    made = connector(failing(60, {"K000030": 599}), "bright")
    records = {str(row["ListingKey"]): row for row in (await sweep(made)).records}
    assert len(records) == 60
    with pytest.raises(MLSError, match="503"):
        await made.media(records["K000030"])
    assert len(await made.media(records["K000031"])) == 2


@pytest.mark.feed(0, "one batch of Media fails")
async def test_a_media_resource_that_is_down_stops_the_sweep() -> None:
    server = failing(400, {f"K{number:06d}": 503 for number in range(400)})
    with pytest.raises(MLSError, match="503"):
        await photos_of(server)
    assert sum("BrightMedia" in url for url in server.asked) < 30
