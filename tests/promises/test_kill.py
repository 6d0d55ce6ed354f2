"""``kill -9`` at any moment of a running import: nothing that was acknowledged is lost, torn or doubled, and going on
ends where an import that nobody disturbed ends, without starting over."""

from __future__ import annotations

import random

import pytest

from tests.promises.conftest import OpenHouse
from tests.promises.house import KilledHouse, lakeside

KILLS = 40
SIZE = {"local": (20, 3, 60), "aws": (8, 2, 24)}
"""Listings, most photos of each, and within how many events or requests of a run it is killed. Moto's server takes ten
times as long for each write as SQLite and a folder."""


@pytest.mark.promise(1)
def test_40_kills_lose_nothing_and_the_rerun_equals_an_undisturbed_run(open_house: OpenHouse, kind: str) -> None:
    rng = random.Random(5)
    listings, photos, most = SIZE[kind]
    with lakeside(listings, photos) as mls:
        undisturbed = open_house(mls)
        wanted = _finished(undisturbed)
        house, kills, ends = open_house(mls), 0, 0
        while kills < KILLS:
            if house.run_and_kill(rng, most):
                kills += 1
                house.check()
            else:
                assert _finished(house) == wanted
                house, ends = open_house(mls), ends + 1
        assert _finished(house) == wanted
        assert (kills, ends > 0) == (KILLS, True), "several imports were brought to their ends through kills"


def _finished(house: KilledHouse) -> str:
    """What is stored once an import went to its end, byte for byte but for when and where."""
    ending = house.run()
    assert ending.code == 0, ending.said
    rows = house.check(everything=True)
    assert set(rows) == {house.mls.feed.record(key)["ListingId"] for key in house.mls.feed.listing_keys("Active")}
    assert not list(house.folder.rglob(".tmp/*")), "a temporary file of a killed process is left"
    return house.content(rows)


@pytest.mark.promise(3)
def test_a_resume_asks_only_for_what_remained_and_what_was_in_flight(open_house: OpenHouse, kind: str) -> None:
    listings = {"local": 60, "aws": 30}[kind]
    with lakeside(listings, 3) as mls:
        house = open_house(mls)
        child = house.start()
        for event in child.events():
            house.told.note(event)
            if len(house.told.listings) == listings // 2:
                child.kill()
        assert child.ending().code == -9
        stored = house.check()
        photos = sum(len(mls.feed.shots(key)) for key in mls.feed.listing_keys("Active"))
        had = sum(len(listing.photos) for listing in stored.values())
        pages_done = len(stored) // 8
        mls.requests.clear()
        assert house.run().code == 0
        assert 0 < mls.requests["photo"] <= photos - had
        in_flight = 5  # pages begun, the count, the keys of all and their end
        assert mls.requests["Property"] <= -(-listings // 8) - pages_done + in_flight
