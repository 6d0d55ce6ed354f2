"""What a record becomes: a listing, a removal, unwanted, or quarantined (docs/reso-feeds.md, section 4)."""

from __future__ import annotations

from typing import Any

import pytest

from mls_tui.domain.listing import ListingStatus
from mls_tui.reso.mapping.record import Gone, Mapped, NotWanted, Quarantined, map_record, provider_of
from mls_tui.reso.mapping.statuses import status_filter_words, status_meaning
from mls_tui.reso.presets import preset
from tests.unit.reso.mapping.feeds import RESO, mapped, record, verdict, warnings_of

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
