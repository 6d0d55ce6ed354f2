"""A record becomes a listing, a removal, or is skipped or quarantined; no JSON value raises (docs/reso-feeds.md,
section 4)."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mls_tui.domain.listing import Listing, ListingStatus
from mls_tui.reso.mapping.changes import fact_hash, media_hash
from mls_tui.reso.mapping.media import map_media
from mls_tui.reso.mapping.record import Gone, Mapped, NotWanted, Quarantined, map_record, provider_of
from mls_tui.reso.mapping.statuses import status_filter_words, status_meaning
from mls_tui.reso.mapping.text import clean_block, clean_line
from mls_tui.reso.mapping.values import items_of
from mls_tui.reso.presets import PRESETS, preset
from tests.unit.reso.mapping.feeds import RESO, any_json, feed, mapped, record, scalars, verdict, warnings_of

WORDS = {
    "active": ["Active", "Active Listing", "ACTIVE", "active-BRIGHT", " Active ", "Active_Listing"],
    "pending": [
        *("Active Under Contract", "ActiveUnderContract", "Contingent", "Backup", "Pending"),
        *("Under Contract", "Offer Accepted", "ACTIVE UNDER CONTRACT-BRIGHT", "active_under-contract"),
    ],
    "sold": ["Closed", "Sold", "Leased", "Rented", "Closed-BRIGHT"],
    "expired": [
        *("Expired", "Withdrawn", "Canceled", "Cancelled", "Terminated", "Hold", "Temp Off Market", "TempOffMarket"),
    ],
}


@pytest.mark.feed(4, "statuses and synonyms")
@pytest.mark.parametrize(("ours", "word"), [(ours, word) for ours, words in WORDS.items() for word in words])
def test_each_status_word_maps_as_the_table_says(ours: str, word: str) -> None:
    listing = mapped(StandardStatus=word, MlsStatus="XYZ")
    assert listing.status == ours
    assert listing.standard_status == word.strip()
    assert listing.mls_status == "XYZ"


@pytest.mark.feed(4, "statuses and synonyms")
@pytest.mark.parametrize(
    "form",
    [
        "Odata.Models.StandardStatus'Active'",
        "RESO.OData.Metadata.StandardStatus'Active'",
        "https://ddwiki.reso.org/lookup/StandardStatus/Active",
        "RESO.OData.Metadata.Active",
        ["Active"],
    ],
)
def test_an_enumeration_is_read_in_every_form(form: Any) -> None:
    assert mapped(StandardStatus=form).status is ListingStatus.ACTIVE


@pytest.mark.feed(4, "null or unknown status")
@pytest.mark.parametrize("word", ["A", "Activeish", "Not Active", 5, ["Active", "Closed"], {"Active": True}, "x" * 500])
def test_an_unknown_status_is_quarantined_and_named(word: Any) -> None:
    found = verdict(StandardStatus=word)
    assert isinstance(found, Quarantined)
    assert found.reason.startswith("its StandardStatus is unknown: ")
    assert found.listing_key == "K1"
    assert found.mls_number == "A1"


@pytest.mark.parametrize("nothing", [None, "", [], "  "])
def test_a_missing_status_is_never_guessed_from_mls_status(nothing: Any) -> None:
    found = verdict(StandardStatus=nothing, MlsStatus="Active")
    assert isinstance(found, Quarantined)
    assert found.reason == "it has no StandardStatus"


@pytest.mark.feed(4, "coming soon")
@pytest.mark.parametrize("word", ["Coming Soon", "ComingSoon", "Delayed Showings"])
def test_coming_soon_is_imported_only_when_asked(word: str) -> None:
    assert isinstance(verdict(StandardStatus=word), NotWanted)
    asked = map_record(record(StandardStatus=word), RESO, coming_soon=True)
    assert isinstance(asked, Mapped)
    assert asked.listing.status is ListingStatus.ACTIVE
    assert asked.listing.standard_status == word


@pytest.mark.feed(4, "draft and deleted")
@pytest.mark.parametrize("word", ["Incomplete", "Draft"])
def test_a_draft_is_not_imported(word: str) -> None:
    assert isinstance(verdict(StandardStatus=word), NotWanted)


@pytest.mark.feed(4, "draft and deleted")
@pytest.mark.parametrize("word", ["Delete", "Kill"])
def test_a_deleted_record_goes(word: str) -> None:
    assert isinstance(verdict(StandardStatus=word), Gone)


@pytest.mark.feed(4, "a hidden listing")
@pytest.mark.parametrize("no", [False, "false", "N", 0, "0", "No"])
@pytest.mark.parametrize("field", ["MlgCanView", "InternetEntireListingDisplayYN"])
def test_a_hidden_record_goes_whatever_its_status(field: str, no: Any) -> None:
    found = verdict(StandardStatus=None, ListingId=None, **{field: no})
    assert isinstance(found, Gone)
    assert (found.listing_key, found.mls_number) == ("K1", None)
    assert field in found.reason


@pytest.mark.feed(1, "absent, null, empty mean the same")
@pytest.mark.parametrize("field", ["MlgCanView", "InternetEntireListingDisplayYN", "InternetAddressDisplayYN"])
@pytest.mark.parametrize("value", [None, True, "Y", ""])
def test_null_means_allowed(field: str, value: Any) -> None:
    assert mapped(**{field: value}, UnparsedAddress="1 Oak St").address.street == "1 Oak St"


@pytest.mark.feed(4, "keys as numbers")
@pytest.mark.parametrize("value", [12345, 12345.0, "12345", " 12345 "])
def test_keys_are_text_whatever_their_json_type(value: Any) -> None:
    listing = mapped(ListingKey=value, ListingId=value)
    assert (listing.mls_id, listing.mls_number) == ("12345", "12345")


@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_record_without_a_key_is_quarantined(value: Any) -> None:
    found = verdict(ListingKey=value)
    assert isinstance(found, Quarantined)
    assert found.reason == "it has no ListingKey"
    assert found.mls_number == "A1"


@pytest.mark.parametrize("value", [True, {}, {"a": 1}, ["K"], "a\x00b", "a\nb", "a\u202eb", "\ud800", "k" * 300, 1e300])
def test_a_key_that_cannot_be_one_is_quarantined(value: Any) -> None:
    for field in ("ListingKey", "ListingId"):
        found = verdict(**{field: value})
        if value == {}:
            continue  # empty is absent
        assert isinstance(found, Quarantined)
        assert field in found.reason


def test_an_mls_number_too_long_once_encoded_is_quarantined() -> None:
    found = verdict(ListingId="é" * 100)
    assert isinstance(found, Quarantined)
    assert "cannot be a key" in found.reason


def test_a_record_without_a_number_is_known_by_its_key() -> None:
    assert mapped(ListingId=None).mls_number == "K1"
    assert warnings_of(ListingId=None) == ["ListingId is missing; ListingKey is used instead"]


@pytest.mark.parametrize("junk", [None, [], "text", 5, [record()]])
def test_what_is_no_record_is_quarantined(junk: Any) -> None:
    found = map_record(junk, RESO)
    assert isinstance(found, Quarantined)
    assert found.reason == "it is not a JSON object"


def test_the_provider_names_the_mls_where_a_preset_serves_many() -> None:
    def name(provider: str, system: str | None, **kwargs: Any) -> str:
        found = map_record(record(OriginatingSystemName=system), preset(provider), **kwargs)
        assert isinstance(found, Mapped)
        return found.listing.mls_provider

    assert name("reso", "Lakeside MLS") == "reso.lakeside-mls"
    assert name("reso", None) == "reso"
    assert name("reso", None, mls_system="mred") == "reso.mred"
    assert name("flexmls", "Lakeside MLS") == "flexmls"
    assert name("crmls", "CRMLS") == "crmls"


def test_a_removal_belongs_to_the_provider_of_the_listing_it_removes() -> None:
    good, removal = record(OriginatingSystemName=" Lakeside&nbsp;MLS "), {"OriginatingSystemName": "Lakeside MLS"}
    found = map_record(good, RESO)
    assert isinstance(found, Mapped)
    assert provider_of(removal, RESO) == found.listing.mls_provider == "reso.lakeside-mls"
    assert provider_of({}, RESO, "mred") == "reso.mred"


@pytest.mark.feed(4, "private remarks")
def test_private_remarks_are_stored_nowhere() -> None:
    assert "hidden key" not in repr(mapped(PrivateRemarks="hidden key", PublicRemarks="Nice")).lower()
    bad = verdict(StandardStatus="?", PrivateRemarks="hidden key")
    assert isinstance(bad, Quarantined)
    assert "hidden key" not in bad.raw


def test_every_status_asks_the_server_for_words_that_come_back_as_itself() -> None:
    for status in ListingStatus:
        words = status_filter_words(status)
        assert words
        assert {status_meaning(word) for word in words} == {status}
    assert status_filter_words(ListingStatus.PENDING) == ("Active Under Contract", "Pending")


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
    for listing in feed("reported/media-categories.json")["records"]:
        assert len(map_media(listing["Media"], listing, base_url="https://photos.example/")) == 2, listing["ListingKey"]


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
    for each in PRESETS.values():
        assert isinstance(map_record(value, each), VERDICTS)


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
