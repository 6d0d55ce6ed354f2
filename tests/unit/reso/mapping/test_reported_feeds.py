"""Records in shapes that bug reports and providers' documents show, each with what must be stored."""

from __future__ import annotations

from typing import Any

import pytest

from mls_tui.reso.mapping.media import map_media
from tests.unit.reso.mapping.feeds import feed, mapped

NAMES = ("areas", "baths", "leases", "remarks", "units")


@pytest.mark.feed(4, "records in reported shapes")
@pytest.mark.parametrize("name", NAMES)
def test_each_record_maps_to_what_is_expected(name: str) -> None:
    found = feed(f"reported/{name}.json")
    by_key = {record["ListingKey"]: mapped(**record).to_data() for record in found["records"]}
    for key, expected in found["expect"].items():
        for field, value in expected.items():
            stored: Any = by_key[key]
            for part in field.split("."):
                stored = stored.get(part)
            allowed = (108_900, None) if value == "108900, or none with a warning" else (value,)
            assert stored in allowed, (key, field, stored)


@pytest.mark.feed(5, "an open list of categories")
def test_each_listing_of_an_open_list_of_categories_has_its_photos() -> None:
    for record in feed("reported/media-categories.json")["records"]:
        assert len(map_media(record["Media"], record, base_url="https://photos.example/")) == 2, record["ListingKey"]
