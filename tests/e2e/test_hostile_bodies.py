"""Bodies that attack, through a whole import: each costs its own photo or page and a sentence, and nothing else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mls_tui import actions
from mls_tui.actions.workspace import Workspace
from mls_tui.config import load_settings
from mls_tui.domain.events import PhotoFailed
from mls_tui.domain.run import RunState
from mls_tui.reso.transport import Timeouts
from tests.clocks import SwiftClock
from tests.e2e.hostile_mls import (
    JPEG,
    HostileMLS,
    Reply,
    announced,
    bomb,
    flood,
    good_jpeg,
    headers_without_end,
    hostile_mls,
    moved,
    packed,
    png_claiming,
    streamed,
    trickled,
    whole,
)
from tests.e2e.house import House

HOUR = 3_600.0
PHOTOS: dict[str, tuple[Reply, str]] = {
    "announced-26-MB": (announced(26_000_000), "larger than 25 MB"),
    "streamed-26-MB": (streamed(JPEG, 26), "larger than 25 MB"),
    "packed": (packed(bomb(JPEG, 500)), "compressed although that was not asked for"),
    "packed-twice": (packed(bomb(JPEG, 500), 2), "compressed although that was not asked for"),
    "many-headers": (headers_without_end(20), "not valid HTTP"),
    "long-header": (headers_without_end(10_000_000), "not valid HTTP"),
    "moved-for-ever": (moved("/photo/moved-for-ever"), "more than three times"),
    "a-page": (whole(b"<html>sign in</html>"), "a web page"),
}
PAGES: dict[str, tuple[Reply, str]] = {
    "announced-65-MB": (announced(65_000_000), "larger than 64 MB"),
    "streamed-65-MB": (streamed(b'{"value": [', 65), "larger than 64 MB"),
    "packed": (packed(bomb(b'{"value": [', 500)), "larger than 64 MB"),
    "packed-twice": (packed(bomb(b'{"value": [', 500), 2), "not asked for"),
    "trickled": (trickled(b'{"value": ['), "took too long"),
    "many-headers": (headers_without_end(20), "not valid HTTP"),
    "63-MB-of-rows": (packed(flood(63)), "more than 2,000,000 values"),
    "100,001-rows": (whole(b'{"value": [' + b",".join([b"{}"] * 100_001) + b"]}"), "more than 100,000 rows"),
    "deep": (whole(b'{"value": ' + b"[" * 200_000), "no JSON"),
}


SLOW: dict[str, tuple[Reply, str]] = {
    "trickled": (trickled(JPEG), "took too long"),
    "short": (announced(5_000), "took too long"),
}


def _limit(patch: pytest.MonkeyPatch, seconds: float) -> None:
    """The time for a whole page or photo; between two reads there is an hour, so that it is this that ends them."""
    limits = Timeouts(read=HOUR, page=seconds, photo=seconds)
    patch.setattr("mls_tui.reso.client.Timeouts", lambda: limits)


@asynccontextmanager
async def visiting(mls: HostileMLS, home: Path, **settings: Any) -> AsyncIterator[House]:
    clock = SwiftClock()
    chosen = load_settings(environ={}, home=str(home), allow_private_hosts=True, **settings)
    async with hostile_mls(mls), Workspace(chosen, clock=clock) as ws:
        form = actions.ConnectionForm(name="H", provider="reso", base_url=mls.base_url, access_token="canary-token")
        made = await actions.connect_mls(form, ws)
        assert made.data is not None, made.error
        yield House(None, ws, clock, made.data.connection.connection_id)  # type: ignore[arg-type]


@pytest.mark.promise("hostile bodies")
@pytest.mark.parametrize(("photos", "seconds"), [(PHOTOS, HOUR), (SLOW, 0.6)], ids=["at once", "slow"])
async def test_photos_that_attack_cost_themselves_and_a_sentence_each(
    photos: dict[str, tuple[Reply, str]], seconds: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _limit(monkeypatch, seconds)
    good = good_jpeg()
    mls = HostileMLS({**{name: reply for name, (reply, _) in photos.items()}, "good": whole(good)})
    async with visiting(mls, tmp_path) as house:
        result = await house.run()
        stored = {listing.mls_number: listing for listing in (await house.listings()).values()}
        assert result.state is RunState.DONE, result.error
        assert set(stored) == {*photos, "good"}
        causes = {event.mls_number: event.cause for event in house.said(PhotoFailed)}
        for name, (_, words) in photos.items():
            assert words in causes[name], (name, causes[name])
            assert causes[name].endswith(".")
            assert [photo.key for photo in stored[name].photos] == [None]
        (photo,) = stored["good"].photos
        assert photo.key is not None
        assert await house.ws.photos.get(photo.key) == good
        assert await house.objects() == {photo.key}


@pytest.mark.promise("hostile bodies")
@pytest.mark.parametrize("name", PAGES)
async def test_a_page_that_attacks_ends_the_import_with_a_sentence_and_its_state_saved(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _limit(monkeypatch, 0.6 if name == "trickled" else HOUR)
    reply, words = PAGES[name]
    mls = HostileMLS({"good": whole(good_jpeg())})
    async with visiting(mls, tmp_path) as house:
        assert (await house.run()).counts.created == 1
        before = await house.listings()
        mls.page = reply
        result = await house.run(full=True)
        assert (result.state, result.exit_code) == (RunState.FAILED, 4)
        assert words in (result.error or ""), result.error
        assert await house.listings() == before
        mls.page = None
        assert (await house.run(full=True)).state is RunState.DONE


@pytest.mark.parametrize("value", [b"9" * 5_000, b"[" * 1_100 + b"]" * 1_100, b'{"a":' * 1_100 + b"1" + b"}" * 1_100])
async def test_a_record_that_cannot_be_read_is_quarantined_and_the_others_are_imported(
    value: bytes, tmp_path: Path
) -> None:
    mls = HostileMLS({"first": whole(good_jpeg()), "bad": whole(good_jpeg()), "last": whole(good_jpeg())})
    records = [json.dumps(record).encode() for record in mls.records()]
    records[1] = records[1].replace(b'"ListPrice": 1', b'"ListPrice": ' + value)
    mls.page = whole(b'{"@odata.count": 3, "value": [' + b", ".join(records) + b"]}")
    async with visiting(mls, tmp_path) as house:
        result = await house.run()
        assert {listing.mls_number for listing in (await house.listings()).values()} == {"first", "last"}
        (failed,) = result.errors
        assert failed.mls_number == "bad"
        assert "digits" in failed.error or "deep" in failed.error


@pytest.mark.promise("hostile bodies")
async def test_a_header_that_lies_about_its_pixels_is_kept_as_served_and_never_decoded(tmp_path: Path) -> None:
    lies = {"51-megapixels": png_claiming(10_000, 5_100), "more-than-memory": png_claiming(2**31 - 1, 2**31 - 1)}
    mls = HostileMLS({name: whole(body) for name, body in lies.items()} | {"good": whole(good_jpeg())})
    async with visiting(mls, tmp_path, webp_variants="40") as house:
        result = await house.run()
        assert result.state is RunState.DONE
        assert sum(result.warnings.values()) == len(lies)
        assert all("too many pixels" in warning for warning in result.warnings)
        by_number = {listing.mls_number: listing for listing in (await house.listings()).values()}
        for name, body in lies.items():
            (photo,) = by_number[name].photos
            assert photo.key is not None
            assert await house.ws.photos.get(photo.key) == body
        made = {key for key in await house.objects() if key.endswith(".webp")}
        assert len(made) == 1
        assert by_number["good"].listing_id in made.pop()
