"""A record's fingerprint: where it is the same, mapping makes the same of the record; what says nothing new, and what
signs a photo's URL, does not change it."""

from __future__ import annotations

import ast
import hashlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mls_tui.reso.mapping.changes import MAPPING, fact_hash, fingerprint, mapping_salt, media_hash
from mls_tui.reso.mapping.home import _LISTS
from mls_tui.reso.mapping.media import map_media
from mls_tui.reso.mapping.record import Mapped, Verdict, map_record
from mls_tui.reso.presets import PRESETS, preset
from tests.unit.reso.mapping.feeds import RESO, record
from tests.unit.reso.mapping.test_any_json import FIELDS, MEDIA_FIELDS

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
    (*FIELDS[3:], *(name for name, _ in _LISTS), "LivingArea", "LivingAreaUnits", "Country", "TaxYear")
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
    assert (MAPPING, digest) == (2, "5d3e46962380720f"), (
        "a record maps to something else: raise MAPPING, and change both here"
    )
