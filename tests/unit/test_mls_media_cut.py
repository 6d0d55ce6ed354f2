"""A Media resource that cuts its answer and gives no next link: only an empty or a short page ends it, within bounds,
as records need not say how many photos they have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import pytest

from mls_tui.domain.errors import MLSError
from mls_tui.mls.base import FeedQuery
from tests.providers.direct import connector, sweep
from tests.providers.feed_server import FeedServer, Reply
from tests.providers.homes import home
from tests.providers.quirks import Quirks

BRIGHT = Quirks(property_resource="BrightProperties", media_resource="BrightMedia", media="separate")


class Cutting(FeedServer):
    """``BrightMedia`` gives at most ``cap`` rows, without a link; ``skip`` is how it takes ``$skip``: it obeys,
    ignores it, refuses it, fails over it, or starts again at the end ("round")."""

    cap = 40
    skip = "obeys"
    filters = True

    def _media(self, query: Mapping[str, str]) -> Reply:
        asked = int(query.get("$skip") or 0)
        if asked and self.skip in ("refuses", "fails"):
            return Reply(400 if self.skip == "refuses" else 500, {"error": {"message": "$skip"}})
        rows: list[Any] = super()._media({"$filter": query["$filter"] if self.filters else ""}).body["value"]
        start = 0 if self.skip == "ignores" else asked % max(1, len(rows)) if self.skip == "round" else asked
        return Reply(200, {"value": rows[start : start + self.cap]})

    @property
    def media_asked(self) -> list[str]:
        return [unquote(url) for url in self.asked if "/BrightMedia" in url]


def cutting(photos: list[int], *, counted: bool = False, **shape: Any) -> Cutting:
    """A server of one listing for each number of photos."""
    records = [home(number, photos=count) for number, count in enumerate(photos)]
    server = Cutting(records if counted else [_uncounted(record) for record in records], BRIGHT)
    for name, value in shape.items():
        setattr(server, name, value)
    return server


def _uncounted(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "PhotosCount"}


async def photos_of(server: FeedServer) -> list[int]:
    """How many different photos each listing came with, in order of the listings."""
    made = connector(server, "bright")
    found: dict[str, int] = {}
    for row in (await sweep(made, FeedQuery())).records:
        found[str(row["ListingKey"])] = len({media["MediaKey"] for media in await made.media(row)})
    return [found[key] for key in sorted(found)]


@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("skip", ["obeys", "round"])
async def test_every_photo_comes_though_the_answer_is_cut_without_a_link(skip: str, counted: bool) -> None:
    photos = [3, 0, 95, 7, 40, 1, 80, 12, 39, 41]
    server = cutting(photos, skip=skip, counted=counted)
    assert await photos_of(server) == photos
    assert len(server.media_asked) < 30


@pytest.mark.parametrize("skip", ["ignores", "refuses", "fails"])
async def test_a_batch_that_cannot_be_read_on_is_asked_for_listing_by_listing(skip: str) -> None:
    photos = [6] * 20
    assert await photos_of(cutting(photos, skip=skip)) == photos


@pytest.mark.parametrize("skip", ["ignores", "refuses"])
async def test_a_server_that_cannot_go_on_is_not_asked_to_for_ever(skip: str) -> None:
    server = cutting([95] * 3, skip=skip)
    assert await photos_of(server) == [40] * 3
    assert len(server.media_asked) < 12


async def test_a_listing_whose_next_page_fails_is_not_taken_for_whole() -> None:
    made = connector(cutting([95], skip="fails"), "bright")
    [record] = (await sweep(made)).records
    with pytest.raises(MLSError, match="500"):
        await made.media(record)


async def test_listings_whose_photos_came_whole_cost_a_question_more_only_where_they_set_a_record() -> None:
    photos = [number * 37 % 11 for number in range(200)]
    server = cutting(photos, cap=5_000)
    assert await photos_of(server) == photos
    further = [url for url in server.media_asked if "$skip" in url]
    assert len(server.media_asked) == 8 + len(further)
    assert len(further) <= 4


async def test_a_resource_that_ignores_the_filter_is_not_read_to_its_end() -> None:
    server = cutting([10] * 60, cap=30, filters=False)
    await photos_of(server)
    assert len([url for url in server.media_asked if "$skip" in url]) < 10
