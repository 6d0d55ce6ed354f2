"""``kill -9`` at any moment of a running import: nothing that was acknowledged is lost, torn or doubled, and going on
ends where an import that nobody disturbed ends, without starting over."""

from __future__ import annotations

import random

from tests.promises.conftest import OpenHouse
from tests.promises.house import KilledHouse, lakeside

KILLS = {"local": 40, "aws": 20}
"""Fewer on AWS, where each costs three times as much; the code under test differs in the two stores alone."""
LISTINGS = {"local": 60, "aws": 30}


def test_40_kills_lose_nothing_and_the_rerun_equals_an_undisturbed_run(open_house: OpenHouse, kind: str) -> None:
    rng = random.Random(5)
    with lakeside(LISTINGS[kind]) as mls:
        house = open_house(mls)
        kills = 0
        while kills < KILLS[kind]:
            if house.run_and_kill(rng):
                kills += 1
                house.check()
            else:
                house = _finished(house, open_house)
        _finished(house, open_house)


def _finished(house: KilledHouse, open_house: OpenHouse) -> KilledHouse:
    """The house after its import went to its end equals one that was never disturbed; then a fresh one."""
    ending = house.run()
    assert ending.code == 0, ending.said
    undisturbed = open_house(house.mls)
    ending = undisturbed.run()
    assert ending.code == 0, ending.said
    rows, others = house.check(everything=True), undisturbed.check(everything=True)
    assert set(rows) == {house.mls.feed.record(key)["ListingId"] for key in house.mls.feed.listing_keys("Active")}
    assert house.content(rows) == undisturbed.content(others)
    assert not list(house.folder.rglob(".tmp/*")), "a temporary file of a killed process is left"
    return open_house(house.mls)


def test_a_resume_asks_only_for_what_remained_and_what_was_in_flight(open_house: OpenHouse, kind: str) -> None:
    with lakeside(LISTINGS[kind]) as mls:
        house = open_house(mls)
        child = house.start()
        for event in child.events():
            house.told.note(event)
            if len(house.told.listings) == LISTINGS[kind] // 2:
                child.kill()
        assert child.ending().code == -9
        stored = house.check()
        photos = sum(len(mls.feed.shots(key)) for key in mls.feed.listing_keys("Active"))
        had = sum(len(listing.photos) for listing in stored.values())
        pages_done = len(stored) // 8
        mls.requests.clear()
        assert house.run().code == 0
        assert 0 < mls.requests["photo"] <= photos - had
        in_flight = 3
        assert mls.requests["Property"] <= -(-LISTINGS[kind] // 8) - pages_done + in_flight
