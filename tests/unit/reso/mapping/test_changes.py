"""Fingerprints and hashes change exactly if the listing does; differences show what changed."""

from __future__ import annotations

import ast
import hashlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mls_tui.domain.listing import Change, LastImport, Listing, Photo
from mls_tui.reso.mapping.changes import (
    MAPPING_VERSION,
    NOT_FROM_FEED,
    FieldDifference,
    differences,
    fact_hash,
    fingerprint,
    history_changes,
    mapping_salt,
    media_hash,
)
from mls_tui.reso.mapping.media import map_media
from mls_tui.reso.mapping.property import FEATURE_FIELDS
from mls_tui.reso.mapping.record import Mapped, Verdict, map_record
from mls_tui.reso.presets import PRESETS, preset
from tests.unit.reso.mapping.feeds import RESO, mapped, record
from tests.unit.reso.mapping.test_record import FIELDS, MEDIA_FIELDS

SALT = mapping_salt(RESO, None, coming_soon=False)
PHOTO = {"MediaKey": "k", "MediaURL": "https://p.example/1.jpg?sig=1", "Order": 1, "ShortDescription": "Front"}

NOISE = ("DaysOnMarket", "CumulativeDaysOnMarket", "@odata.etag")
FEW = st.sampled_from([None, 1, 1.0, "1", True, [], ["Gas"], {"Gas": True}, "2026-01-01", "Pending"])

signed = st.builds(
    "https://p.example{}?{}".format, st.sampled_from(["/1", "/2", "/token=a/1", ":0/1", "[/1"]), st.sampled_from("ef")
)
rows = st.fixed_dictionaries(
    {"MediaURL": signed | FEW}, optional={"MediaKey": st.just("k"), "Order": FEW, "Uri300": signed, "Permission": FEW}
)
records = st.builds(
    lambda fact, noise, media: record(**fact, **noise, Media=media),
    st.dictionaries(st.sampled_from(("ListPrice", "Heating", "PhotosCount")), FEW, max_size=1),
    st.dictionaries(st.sampled_from(NOISE), FEW),
    st.lists(rows | FEW, max_size=2) | FEW,
)


def printed(**fields: Any) -> str | None:
    return fingerprint(record(**fields), SALT)


def content(found: dict[str, Any]) -> Any:
    verdict: Verdict = map_record(found, RESO)
    photos = map_media(found.get("Media", []), found, base_url="https://x.example")
    return (fact_hash(verdict.listing) if isinstance(verdict, Mapped) else verdict), media_hash(photos)


@settings(max_examples=150)
@given(records, records, st.booleans())
def test_records_of_one_fingerprint_map_alike(one: dict[str, Any], two: dict[str, Any], resigned: bool) -> None:
    if resigned and isinstance(one["Media"], list):
        text = repr(one["Media"]).replace("?e", "?f")
        two = {**one, "Media": ast.literal_eval(text), "DaysOnMarket": two.get("DaysOnMarket")}
    if fingerprint(one, SALT) == fingerprint(two, SALT):
        assert content(one) == content(two)


@pytest.mark.parametrize(
    "change",
    [
        *({"ListPrice": 2}, {"StandardStatus": "Pending"}, {"MlgCanView": False}, {"Cooling": ["Zoned"]}),
        *({"PublicRemarks": "New"}, {"ModificationTimestamp": "2026-01-01T00:00:00Z"}, {"ANewField": 1}),
        *({"Media": []}, {"Media": [PHOTO, PHOTO]}, {"Media": [{**PHOTO, "ShortDescription": "Is it? It is"}]}),
        *({"Media": [{**PHOTO, "MediaURL": "https://p.example:99999/"}]}, {"Media": [{**PHOTO, "Order": 2}]}),
        *({"Media": [{**PHOTO, "MediaModificationTimestamp": "2026-01-01"}]}, {"Media": [{**PHOTO, "MediaURL": ""}]}),
    ],
)
def test_whatever_mapping_may_read_changes_the_fingerprint(change: dict[str, Any]) -> None:
    assert printed(**{"ListPrice": 1, "Media": [PHOTO], **change}) != printed(ListPrice=1, Media=[PHOTO])


@pytest.mark.parametrize(
    "url",
    [
        "https://p.example/1.jpg?sig=2",
        "https://p.example/1.jpg?token=9&expires=8",
        "https://p.example/token=abc&expires=5/1.jpg?sig=1",
        "http://other.example:8080/%5B1%5D.jpg",
    ],
)
def test_a_photo_at_another_address_keeps_the_fingerprint(url: str) -> None:
    assert printed(Media=[{**PHOTO, "MediaURL": url}]) == printed(Media=[PHOTO])


def test_a_photo_that_comes_twice_is_not_two() -> None:
    two = [{"MediaURL": f"https://p.example/photo?id={number}", "Order": 1} for number in (1, 2)]
    assert printed(Media=two) != printed(Media=[two[0], two[0]])


def test_what_servers_count_or_write_anew_and_the_order_of_fields_keep_the_fingerprint() -> None:
    noise = {"@odata.etag": 'W/"2"', "DaysOnMarket": 9, "CumulativeDaysOnMarket": 19}
    one = {**record(ListPrice=1), "@odata.etag": 'W/"1"', "DaysOnMarket": 8}
    assert fingerprint({**noise, **dict(reversed(record(ListPrice=1).items()))}, SALT) == fingerprint(one, SALT)


def test_what_mapping_depends_on_besides_the_record_changes_the_fingerprint() -> None:
    salts = {mapping_salt(each, None, coming_soon=False) for each in PRESETS.values()}
    salts |= {mapping_salt(RESO, "Lake", coming_soon=False), mapping_salt(RESO, None, coming_soon=True)}
    assert len({fingerprint(record(), salt) for salt in salts}) == len(PRESETS) + 2


@pytest.mark.parametrize("value", ["\ud800", 10**30, [[object()]]])
def test_a_record_without_bytes_of_its_own_has_no_fingerprint(value: Any) -> None:
    assert printed(PublicRemarks=value) is None


NAMES = dict.fromkeys(
    (*FIELDS[3:], *(name for name, _ in FEATURE_FIELDS), "LivingArea", "LivingAreaUnits", "Country", "TaxYear")
)
VALUES: tuple[Any, ...] = (
    *(12, 12.5, "12", "$1,234,000.50", "2026-01-02T03:04:05Z", "0001-01-01", True, "no", "None", [], ""),
    *("Active", "Ns.Word'Two Words'", "a, b (c, d)", ["Part", "none", "Part"], {"Yes": True, "No": False}),
    *("12 Oak St, Lake, TX 78701", "&lt;b&gt;\x1b[31m  Tom &amp; Ann", "https://t.example/1?token=1", "Squared é"),
)


def test_no_mapping_changes_while_stored_fingerprints_stay_good() -> None:
    found = []
    for value in VALUES:
        media = [{**dict.fromkeys(MEDIA_FIELDS[2:-1], value), "MediaURL": f"https://p.example/{n}"} for n in range(3)]
        for preset_name in ("reso", "mlsgrid"):
            verdict = map_record(record(**dict.fromkeys(NAMES, value)), preset(preset_name))
            found.append(fact_hash(verdict.listing) if isinstance(verdict, Mapped) else repr(verdict))
        found.append(media_hash(map_media(media, record(PhotosCount=value), base_url="https://x.example")))
    digest = hashlib.sha256("\n".join(found).encode()).hexdigest()[:16]
    assert (MAPPING_VERSION, digest) == (2, "5d3e46962380720f"), (
        "a record maps to something else: raise MAPPING_VERSION, and change both here"
    )


def photo(order: int, **more: Any) -> Photo:
    url = f"https://x.example/{order}"
    return Photo(**{"url": url, "original_url": url, "order": order, "media_key": f"k{order}", **more})


def test_the_fingerprint_of_facts_is_the_same_on_every_machine_and_run() -> None:
    assert fact_hash(mapped(ListPrice=1)) == "b808dd871962719e"


@pytest.mark.feed(1, "absent, null, empty mean the same")
@pytest.mark.parametrize(
    "ours",
    [
        {"listing_id": "reso-A1-1"},
        {"synced_at": 5},
        {"connection_id": "c"},
        {"photos": (photo(0),)},
        {"history": (Change(at="2026-01-01T00:00:00Z", field="price"),)},
        {"relisted_from": "x"},
        {"off_market_at": "2026-01-01"},
        {"content_hash": "x"},
        {"days_on_market": 9},
    ],
)
def test_what_is_not_the_feeds_changes_no_fingerprint(ours: dict[str, Any]) -> None:
    listing = mapped(ListPrice=1, DaysOnMarket=8)
    assert fact_hash(listing.model_copy(update=ours)) == fact_hash(listing)


@pytest.mark.parametrize(
    "change",
    [
        {"ListPrice": 2},
        {"StandardStatus": "Pending"},
        {"MlsStatus": "PEND"},
        {"City": "Austin"},
        {"PublicRemarks": "New"},
        {"ModificationTimestamp": "2026-01-01T00:00:00Z"},
        {"PhotosCount": 3},
        {"PhotosChangeTimestamp": "2026-01-01T00:00:00Z"},
        {"Heating": "Gas"},
    ],
)
def test_every_change_of_a_fact_changes_the_fingerprint(change: dict[str, Any]) -> None:
    assert fact_hash(mapped(**{"ListPrice": 1, **change})) != fact_hash(mapped(ListPrice=1))


@pytest.mark.feed(5, "identity")
def test_urls_change_no_fingerprint() -> None:
    one = map_media([{"MediaKey": "k", "MediaURL": "https://a.example/1.jpg?t=1"}], None, base_url="")
    two = map_media([{"MediaKey": "k", "MediaURL": "https://b.example/2.jpg?t=2"}], None, base_url="")
    assert media_hash(one) == media_hash(two)
    tours = [mapped(VirtualTourURLUnbranded=f"https://t.example/1?token={n}") for n in (1, 2)]
    assert tours[0].virtual_tour_url == "https://t.example/1?token=1"
    assert fact_hash(tours[0]) == fact_hash(tours[1])


@given(st.permutations(["Central Air", "Zoned", "Attic Fan", "Évier"]), st.permutations(range(4)))
def test_order_that_means_nothing_changes_no_fingerprint(names: list[str], places: list[int]) -> None:
    assert fact_hash(mapped(Cooling=names)) == fact_hash(mapped(Cooling=sorted(names)))
    photos = [photo(n) for n in range(4)]
    assert media_hash([photos[n] for n in places]) == media_hash(photos)


@given(st.lists(st.sampled_from("abcdef"), min_size=2, max_size=6, unique=True), st.data())
def test_display_order_captions_and_replacements_change_the_media_fingerprint(keys: list[str], data: Any) -> None:
    photos = [photo(order, media_key=key, caption=key) for order, key in enumerate(keys)]
    before = media_hash(photos)
    chosen = data.draw(st.integers(0, len(keys) - 1))
    swapped = [each.model_copy(update={"media_key": key}) for each, key in zip(photos, reversed(keys), strict=True)]
    assert (media_hash(swapped) == before) is (keys == keys[::-1])
    for update in ({"caption": "new"}, {"media_modified": "2026-01-01T00:00:00Z"}):
        other = list(photos)
        other[chosen] = other[chosen].model_copy(update=update)
        assert media_hash(other) != before
    assert media_hash(photos[:-1]) != before


def test_a_stored_photo_has_the_fingerprint_of_the_feeds() -> None:
    stored = photo(0, key="listings/u/l/original/photo0.jpg", sha256="ab", size=5, content_type="image/jpeg")
    assert media_hash([stored]) == media_hash([photo(0)])


def test_a_listing_read_back_has_the_fingerprint_it_was_stored_with() -> None:
    listing = mapped(ListPrice="1.5", Latitude=41.0, Longitude=2, Heating="Gas", BathroomsFull=1, BathroomsHalf=1)
    assert fact_hash(Listing.from_data(listing.to_data())) == fact_hash(listing)


OLD = {"ListPrice": 400000, "City": "Austin", "Heating": "Gas", "PublicRemarks": "Old"}


def changes(**new: Any) -> tuple[FieldDifference, ...]:
    return differences(mapped(**OLD), mapped(**{**OLD, **new}))


def test_each_changed_field_is_named_with_its_values() -> None:
    assert changes(ListPrice=390000, City="Dallas", PublicRemarks=None) == (
        FieldDifference("address.city", "Austin", "Dallas"),
        FieldDifference("price", "400000", "390000"),
        FieldDifference("description", "Old", None),
    )
    assert str(changes(ListPrice=390000)[0]) == "price: 400000 → 390000"


def test_what_did_not_change_is_not_named() -> None:
    assert changes() == ()
    assert differences(mapped(Heating="Gas,Oil"), mapped(Heating="Oil,Gas")) == ()
    ours = mapped(**OLD).model_copy(
        update={"listing_id": "x", "synced_at": 9, "content_hash": "h", "days_on_market": 3}
    )
    assert differences(ours, mapped(**OLD)) == ()


def test_every_field_that_no_record_sets_is_ours_and_no_difference() -> None:
    assert set(Listing.model_fields) - mapped().model_fields_set <= NOT_FROM_FEED
    ours = mapped(**OLD).model_copy(update={"last_import": LastImport(run="r1", outcome="created")})
    assert differences(ours, mapped(**OLD)) == ()
    assert fact_hash(ours) == fact_hash(mapped(**OLD))


def test_differences_are_one_printable_line() -> None:
    (found,) = changes(PublicRemarks="a\nb" + "x" * 9_000)
    assert found.new is not None
    assert "\n" not in found.new
    assert len(found.new) <= 300


def media_rows(*names: str, **more: Any) -> tuple[Any, ...]:
    media = [{"MediaKey": name, "MediaURL": f"https://x.example/{name}", **more} for name in names]
    return map_media(media, None, base_url="")


def test_photos_that_came_went_moved_or_were_renamed_are_told() -> None:
    old = mapped().model_copy(update={"photos": media_rows("a", "b")})

    def told(*names: str, **more: Any) -> list[str]:
        return [str(each) for each in differences(old, mapped(), media_rows(*names, **more))]

    assert told("a", "b") == []
    assert told("a", "b", "c") == ["photos: 2 → 3 (1 new)"]
    assert told("a") == ["photos: 2 → 1"]
    assert told("b", "a") == ["photos.order: as stored → changed"]
    assert told("a", "b", ShortDescription="Deck") == ["photos.captions: as stored → 2 changed"]
    assert differences(old, mapped()) == ()


def test_history_keeps_changes_of_price_and_status() -> None:
    at = "2026-06-01T00:00:00Z"
    sold = mapped(**{**OLD, "StandardStatus": "Closed", "ClosePrice": 395000})
    assert history_changes(mapped(**OLD), sold, at) == (
        Change(at=at, field="price", old=400000, new=395000),
        Change(at=at, field="status", old="active", new="sold"),
    )
    assert history_changes(sold, sold, at) == ()
