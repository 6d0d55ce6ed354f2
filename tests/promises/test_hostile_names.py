"""Whatever a feed calls its listings, photos and captions: each is stored under its own name, below the user's own
prefix, found by that name, and deleted by it without a trace."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings

from mls_tui import actions
from mls_tui.config import Settings
from tests.e2e.house import dump_of
from tests.promises.hostile_feed import WORDS, HostileHouse, Record, feeds, hostile_house, number_of, record, storable

EXAMPLES = {"local": 30, "aws": 3}
EVERY = {"local": 1, "aws": 4}
"""All hostile words, or each fourth: moto's server takes ten times as long."""

EVERY_WORD = [record(at, f"{word}{at}", word, word, word) for at, word in enumerate(WORDS)]
TWINS = [
    record(at, key, key, key, key) for at, key in enumerate(("A", "a", "é", "e\u0301", "a/b", "a%2Fb", "a.", "ﬁ", "fi"))
]


@pytest.mark.promise("hostile text")
def test_every_hostile_name_is_stored_apart_found_and_deleted(
    any_settings: Settings, kind: str, tmp_path: Path
) -> None:
    with asyncio.Runner() as runner:
        house_of = hostile_house(any_settings)
        house = runner.run(house_of.__aenter__())
        seen: list[Record] = []

        @settings(
            max_examples=EXAMPLES[kind],
            suppress_health_check=[HealthCheck.too_slow],
            phases=[Phase.explicit, Phase.generate],
        )
        @example(EVERY_WORD[:: EVERY[kind]])
        @example(TWINS)
        @given(feeds())
        def hold(records: list[Record]) -> None:
            runner.run(_hold(house, records))
            seen.extend(records)

        hold()
        assert len(seen) > len(TWINS) + len(EVERY_WORD) // EVERY[kind]
        runner.run(house_of.__aexit__(None, None, None))
    assert {path.name for path in tmp_path.iterdir()} <= {"house", "home"}


async def _hold(house: HostileHouse, records: list[Record]) -> None:
    newest = {record["ListingKey"].strip(): record for record in records if storable(record)}
    put_aside = await house.imported(records)
    assert put_aside == sum(not storable(record) for record in records)

    stored = {listing.mls_id: listing for listing in await house.listings()}
    assert {key: listing.mls_number for key, listing in stored.items()} == {
        key: number_of(record) for key, record in newest.items()
    }
    objects = await house.objects()
    numbers = Counter(listing.mls_number for listing in stored.values())
    for listing in stored.values():
        name = listing.mls_number if numbers[listing.mls_number] == 1 else listing.listing_id
        found = await actions.get_listing(name, house.ws)
        assert found.data == listing, found.error
        for photo in listing.photos:
            assert photo.key is not None, photo
            assert photo.key.startswith(f"listings/mallory/{listing.listing_id}/original/photo")
            assert photo.sha256 in house.served
            assert await house.ws.photos.verify(photo.key, sha256=photo.sha256 or "", size=photo.size or 0)
    assert sorted(objects) == sorted(photo.key or "" for listing in stored.values() for photo in listing.photos)
    partitions = {row.get("PK") or row.get("pk") for row in dump_of(house.ws.settings).values()}
    assert partitions <= {"USER#mallory", None}

    gone = await actions.delete_named([listing.listing_id for listing in stored.values()], house.ws)
    assert gone.success, gone.error
    assert await house.objects() == {}
    left = [key for key in dump_of(house.ws.settings) if "LISTING#" in key or "LISTINGKEY#" in key]
    assert left == []
