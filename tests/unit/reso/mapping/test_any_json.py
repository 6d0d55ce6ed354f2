"""Whatever a feed sends, mapping answers, and what it answers can be stored."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mls_tui.domain.listing import Listing
from mls_tui.reso.mapping.changes import fact_hash, media_hash
from mls_tui.reso.mapping.media import map_media
from mls_tui.reso.mapping.record import Gone, Mapped, NotWanted, Quarantined, map_record
from mls_tui.reso.mapping.text import clean_block, clean_line
from mls_tui.reso.mapping.values import items_of
from mls_tui.reso.presets import PRESETS
from tests.unit.reso.mapping.feeds import any_json, record, scalars

FIELDS = (
    *("ListingKey", "ListingId", "StandardStatus", "MlsStatus", "ListPrice", "ClosePrice", "BathroomsFull"),
    *("BathroomsHalf", "BathroomsTotalInteger", "BedroomsTotal", "LivingArea", "LotSizeAcres", "LotSizeArea"),
    *("LotSizeUnits", "YearBuilt", "Latitude", "Longitude", "ListingContractDate", "OriginalEntryTimestamp"),
    *("CloseDate", "UnparsedAddress", "StreetNumber", "StreetName", "City", "StateOrProvince", "PostalCode"),
    *("InternetAddressDisplayYN", "PublicRemarks", "Cooling", "View", "OriginatingSystemName", "PropertyType"),
    *("ModificationTimestamp", "PhotosChangeTimestamp", "PhotosCount", "VirtualTourURLUnbranded", "DaysOnMarket"),
    *("ListAgentFullName", "AssociationFee", "MlgCanView"),
)
MEDIA_FIELDS = (
    *("MediaKey", "MediaURL", "Order", "PreferredPhotoYN", "MediaCategory", "MediaType", "Permission", "ImageWidth"),
    *("ImageHeight", "ImageSizeDescription", "MediaObjectID", "MediaModificationTimestamp", "ShortDescription"),
    *("ResourceName", "Uri300"),
)
MAX_ITEM = 400 * 1024
VERDICTS = (Mapped, Gone, NotWanted, Quarantined)


def storable(listing: Listing) -> None:
    """It round-trips, fits an item, holds no control character, and its numbers fit DynamoDB's 38 digits."""
    data = listing.to_data()
    text = json.dumps(data, allow_nan=False)
    assert len(text) < MAX_ITEM
    assert Listing.from_data(json.loads(text)) == listing
    for name, value in data.items():
        if isinstance(value, str) and name != "description":
            assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in value), name
        if isinstance(value, (int, float)):
            assert abs(value) <= 1e12


@given(any_json)
def test_any_json_gets_a_verdict(value: Any) -> None:
    for preset in PRESETS.values():
        assert isinstance(map_record(value, preset), VERDICTS)


@pytest.mark.fuzz("records")
@given(st.dictionaries(st.sampled_from(FIELDS), any_json, max_size=12), st.sampled_from(list(PRESETS.values())))
def test_any_values_in_known_fields_give_a_listing_that_can_be_stored(fields: dict[str, Any], preset: Any) -> None:
    found: list[str] = []
    verdict = map_record(record(**fields), preset, warn=found.append)
    assert all(warning.isprintable() and len(warning) < 100 for warning in found)
    if isinstance(verdict, Mapped):
        storable(verdict.listing)
        assert len(fact_hash(verdict.listing)) == 16


@pytest.mark.fuzz("Media rows")
@given(st.lists(st.dictionaries(st.sampled_from(MEDIA_FIELDS), any_json, max_size=8) | any_json, max_size=8), any_json)
def test_any_media_gives_dense_photos_with_identities_of_their_own(rows: Any, parent: Any) -> None:
    photos = map_media(rows, parent, base_url="https://x.example/odata")
    assert [photo.order for photo in photos] == list(range(len(photos)))
    assert len({photo.identity for photo in photos}) == len(photos)
    assert all("?" not in photo.original_url and photo.url.startswith("http") for photo in photos)
    assert len(media_hash(photos)) == 16


@given(st.lists(st.integers(0, 5), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_no_photo_is_lost_and_none_doubled_whatever_the_orders(orders: list[int], rng: Any) -> None:
    rows = [
        {"MediaKey": f"k{n}", "MediaURL": f"https://x.example/{n}.jpg", "Order": order}
        for n, order in enumerate(orders)
    ]
    rng.shuffle(rows)
    photos = map_media(rows, None, base_url="")
    assert sorted(photo.media_key or "" for photo in photos) == sorted(f"k{n}" for n in range(len(orders)))
    shown = [orders[int((photo.media_key or "")[1:])] for photo in photos]
    assert shown == sorted(shown)


def test_the_longest_listing_fits_an_item() -> None:
    longest: dict[str, Any] = {name: "😀" * 100_000 for name in FIELDS[8:] if name != "MlgCanView"}
    longest |= {name: [f"{n}{'é' * 200}" for n in range(900)] for name in ("Cooling", "Heating", "View")}
    verdict = map_record(record(**longest), PRESETS["reso"])
    assert isinstance(verdict, Mapped)
    storable(verdict.listing)


def test_a_deep_nest_gets_a_verdict() -> None:
    deep: Any = "x"
    for _ in range(5_000):
        deep = [deep]
    verdict = map_record(record(StandardStatus=deep, Cooling=deep, ListPrice=deep), PRESETS["reso"])
    assert isinstance(verdict, Quarantined), "its status cannot be read"
    assert map_media([{"MediaURL": deep, "Permission": deep}], None, base_url="") == ()


@given(st.text(st.characters()), st.integers(10, 60))
def test_clean_text_is_printable_composed_and_short(text: str, limit: int) -> None:
    line, block = clean_line(text, limit), clean_block(text, limit)
    assert len(line.encode()) <= limit
    assert len(block.encode()) <= limit
    assert unicodedata.is_normalized("NFC", line)
    assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in line)
    assert not any(unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t" for char in block)


@given(scalars)
def test_a_scalar_anywhere_gets_a_verdict(value: Any) -> None:
    assert isinstance(map_record(dict.fromkeys(FIELDS, value), PRESETS["mlsgrid"]), VERDICTS)


@given(st.text(st.sampled_from("a,() "), max_size=30))
@example("aa,a,aa")
def test_only_commas_outside_parentheses_separate_features(text: str) -> None:
    found = items_of(text)
    assert "".join(found).count("a") <= text.count("a")
    if "(" not in text:
        assert found == list(dict.fromkeys(" ".join(part.split()) for part in text.split(",") if part.strip()))
