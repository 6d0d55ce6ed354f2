"""Media from a separate resource: incomplete responses are never taken for complete ones, requests are limited, and a
failed batch is requested again listing by listing (docs/reso-feeds.md, section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import pytest

from mls_tui.domain.errors import MLSError
from mls_tui.reso.base import FeedQuery, MediaCutError
from mls_tui.reso.mapping.media import MAX_PHOTOS
from mls_tui.reso.probe import probe
from tests.providers.direct import connector, sweep
from tests.providers.feed_server import FeedServer, Reply
from tests.providers.homes import home, homes
from tests.providers.quirks import Quirks, Record

BRIGHT = Quirks(property_resource="BrightProperties", media_resource="BrightMedia", media="separate")
NO_OTHER_WAY = replace(BRIGHT, entities=False)


class Cutting(FeedServer):
    """``BrightMedia`` gives at most ``cap`` rows, without a link; ``skip`` is how it takes ``$skip``: it obeys,
    ignores it, refuses it, fails over it, or starts again at the end ("round"); ``order`` how it takes ``$orderby``:
    it obeys, ignores or refuses it."""

    cap = 40
    skip = "obeys"
    order = "refuses"
    filters = True

    def _media(self, query: Mapping[str, str]) -> Reply:
        asked = int(query.get("$skip") or 0)
        if asked and self.skip in ("refuses", "fails"):
            return Reply(400 if self.skip == "refuses" else 500, {"error": {"message": "$skip"}})
        if "$orderby" in query and self.order == "refuses":
            return Reply(400, {"error": {"message": "$orderby"}})
        rows: list[Any] = super()._media({"$filter": query["$filter"] if self.filters else ""}).body["value"]
        if "$orderby" in query and self.order == "obeys":
            assert query["$orderby"] == "MediaKey desc"
            rows.sort(key=lambda row: str(row["MediaKey"]), reverse=True)
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


@pytest.mark.feed(5, "Media as a separate resource")
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


@pytest.mark.parametrize("photos", [[95], [3, 95, 7, 80], [95] * 3])
@pytest.mark.parametrize("skip", ["ignores", "refuses"])
async def test_a_server_that_cannot_skip_is_read_on_by_the_key_of_the_media(skip: str, photos: list[int]) -> None:
    server = cutting(photos, skip=skip, order="obeys")
    assert await photos_of(server) == photos
    assert len(server.media_asked) < 30


@pytest.mark.parametrize("order", ["ignores", "refuses"])
@pytest.mark.parametrize("skip", ["ignores", "refuses"])
async def test_photos_that_a_server_gives_in_no_way_are_told_of(skip: str, order: str) -> None:
    server = cutting([95] * 3, skip=skip, order=order, quirks=NO_OTHER_WAY)
    made = connector(server, "bright")
    for record in (await sweep(made)).records:
        with pytest.raises(MediaCutError, match="40 Media rows") as caught:
            await made.media(record)
        assert len(caught.value.rows) == 40
        assert len(await made.fresh_media(str(record["ListingKey"]))) == 40, "for what came they are good enough"
    assert len(server.media_asked) < 20


async def test_the_doctor_tells_of_a_server_that_gives_photos_in_part() -> None:
    made = connector(cutting([95], skip="ignores", quirks=NO_OTHER_WAY), "bright")
    found = {check.name: check for check in await probe(made)}["photos"]
    assert (found.state, "40 Media rows" in found.detail) == ("warning", True)


@pytest.mark.parametrize("order", ["obeys", "ignores", "refuses"])
@pytest.mark.parametrize("skip", ["ignores", "refuses"])
async def test_a_listing_that_has_all_the_photos_it_counts_is_whole(skip: str, order: str) -> None:
    assert await photos_of(cutting([12], skip=skip, order=order, counted=True)) == [12]


@pytest.mark.parametrize("skip", ["ignores", "refuses"])
async def test_a_few_photos_that_nothing_counts_are_taken_for_all(skip: str) -> None:
    assert await photos_of(cutting([9], skip=skip, order="refuses", quirks=NO_OTHER_WAY)) == [9]


async def test_more_photos_than_are_ever_kept_are_not_called_cut() -> None:
    server = cutting([MAX_PHOTOS + 60], cap=10, quirks=NO_OTHER_WAY)
    assert await photos_of(server) == [MAX_PHOTOS]


async def test_photos_that_count_more_than_is_shown_are_whole_where_the_server_shows_its_end() -> None:
    server = cutting([12], skip="ignores", order="obeys")
    server.records[0]["PhotosCount"] = 20
    assert await photos_of(server) == [12]


@pytest.mark.parametrize("way", ["separate", "expand"])
async def test_a_cut_listing_is_had_by_another_way_where_there_is_one(way: str) -> None:
    server = cutting([95, 4, 95], skip="ignores", order="ignores", quirks=replace(BRIGHT, media=way))
    assert await photos_of(server) == [95, 4, 95]


async def test_a_listing_whose_next_page_fails_is_not_taken_for_whole() -> None:
    made = connector(cutting([95], skip="fails"), "bright")
    [record] = (await sweep(made)).records
    with pytest.raises(MLSError, match="500"):
        await made.media(record)


def sized(record: dict[str, Any]) -> dict[str, Any]:
    """The record with five sizes of each photo: MediaKey and Order say which photo, ImageSizeDescription which size."""
    sizes = ("Thumbnail", "Small", "Medium", "Large", "Largest")
    media = [
        {**row, "ImageSizeDescription": size, "MediaURL": f"{row['MediaURL']}?{size}"}
        for row in record["Media"]
        for size in sizes
    ]
    return {**record, "Media": media}


@pytest.mark.feed(5, "sizes are rows, and a page ends at $top without a link")
@pytest.mark.parametrize("cap", [1000, 999, 64, 66])
@pytest.mark.parametrize("skip", ["obeys", "ignores", "refuses"])
async def test_sizes_of_photos_do_not_make_a_cut_answer_look_whole(skip: str, cap: int) -> None:
    server = cutting([], skip=skip, cap=cap, order="obeys")
    server.records = [sized(home(number, photos=13)) for number in range(25)]
    for record in server.records:
        for place, row in enumerate(record["Media"]):
            row["MediaKey"] = f"{record['ListingKey']}-{place // 5:03d}" if skip == "obeys" else f"{place:05d}"
    assert await photos_of(server) == [13 if skip == "obeys" else 65] * 25


@pytest.mark.feed(5, "a PhotosCount of 0 proves nothing where Media is apart")
async def test_a_photos_count_of_zero_proves_nothing_where_media_is_a_resource_apart() -> None:
    server = cutting([3, 0, 4], counted=True)
    for record in server.records:
        record["PhotosCount"] = 0
    assert await photos_of(server) == [3, 0, 4]


@pytest.mark.feed(5, "Media under another name")
@pytest.mark.parametrize("way", ["separate", "expand", "inline"])
@pytest.mark.parametrize("named", [True, False])
async def test_media_under_another_name_is_found_as_resource_expanded_and_inline(way: str, named: bool) -> None:
    class Pictures(FeedServer):
        def _shown(self, row: Record, query: Mapping[str, str]) -> Record:
            shown = super()._shown(row, query)
            expanded = way == "expand" and query.get("$expand") == "PropertyPictures"
            media = shown.pop("Media", None)
            return (
                {**shown, "PropertyPictures": media} if media is not None and (expanded or way == "inline") else shown
            )

    quirks = Quirks(media=way, media_resource="PropertyPictures")
    server = Pictures([home(number, photos=3) for number in range(4)], quirks)
    settings: dict[str, Any] = {"media_resource": "PropertyPictures", "media_mode": way} if named else {}
    made = connector(server, overrides=settings)
    found = [len(await made.media(row)) for row in (await sweep(made)).records]
    assert found == [3] * 4


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


class LinkedBelow(FeedServer):
    """No Media resource; below each record its Media in pages of 40, with links as ``written``."""

    written = "{base}/{path}?$skip="

    def _entity(self, path: str, query: Mapping[str, str]) -> Reply:
        reply = super()._entity(path, query)
        if not path.endswith("/Media") or reply.status != 200:
            return reply
        rows, start = reply.body["value"], int(query.get("$skip") or 0)
        onward = f"{self.written.format(base=self.base, path=path)}{start + 40}"
        link = {"@odata.nextLink": onward} if start + 40 < len(rows) else {}
        return Reply(200, {"value": rows[start : start + 40], **link})


@pytest.mark.parametrize("written", ["{base}/{path}?$skip=", "Media?$skip="])
async def test_media_below_a_record_is_read_to_its_last_page(written: str) -> None:
    server = LinkedBelow([home(0, photos=95), home(1, photos=40)], Quirks(media="none"))
    server.written = written
    made = connector(server)
    found = [await made.media(row) for row in (await sweep(made)).records]
    assert [len(rows) for rows in found] == [95, 40]


SEPARATE_MEDIA = Quirks(property_resource="BrightProperties", media_resource="BrightMedia", media="separate")


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
    server = Failing(homes(count, photos=2), SEPARATE_MEDIA)
    server.poison = poison
    return server


async def photos_by_key(server: FeedServer) -> dict[str, int]:
    made = connector(server, "bright")
    return {str(row["ListingKey"]): len(await made.media(row)) for row in (await sweep(made, FeedQuery())).records}


@pytest.mark.feed(0, "one batch of Media fails")
@pytest.mark.parametrize("status", [500, 503, 413, 400])
async def test_a_batch_that_fails_is_asked_for_one_by_one_and_the_others_are_not(status: int) -> None:
    server = failing(100, {"K000030": status})
    found = await photos_by_key(server)
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
        await photos_by_key(server)
    assert sum("BrightMedia" in url for url in server.asked) < 30
