"""What is kept of a record that cannot be imported: enough to see why, nothing that is private."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from mls_tui.reso.mapping.quarantine import MAX_BYTES, scrub
from tests.unit.reso.mapping.feeds import any_json, feed


def kept(**fields: Any) -> Any:
    return json.loads(scrub({"ListingKey": "K1", **fields}))


@pytest.mark.feed(4, "private remarks")
@pytest.mark.parametrize(
    "name",
    [
        *("PrivateRemarks", "PrivateOfficeRemarks", "private_remarks", "ShowingInstructions", "ShowingContactPhone"),
        *("LockBoxSerialNumber", "LockBoxLocation", "GateCode", "AccessCode", "AlarmCode", "OwnerName", "OwnerPhone"),
        *("OccupantPhone", "access_token", "RefreshToken", "client_secret", "Password", "Authorization", "x-api-key"),
    ],
)
def test_private_fields_are_left_out_at_any_depth(name: str) -> None:
    assert kept(**{name: "SECRET-1"}) == {"ListingKey": "K1"}
    assert "SECRET-1" not in scrub({"Rooms": [{name: {"deep": "SECRET-1"}}]})


def test_public_fields_stay() -> None:
    fields = {"Ownership": "Fee Simple", "ListPrice": 5, "Rooms": [{"RoomType": "Den"}], "WaterfrontYN": False}
    assert kept(**fields) == {"ListingKey": "K1", **fields}


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("https://cdn.example/a.jpg?X-Amz-Signature=abc&x=1", "https://cdn.example/a.jpg"),
        ("see https://me:pw@cdn.example/a#tok now", "see https://cdn.example/a now"),
        ("Bearer abcdef123456", "Bearer ***"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", "***"),
        ("red\x1b[31m \u202etext", "red[31m text"),
    ],
)
def test_texts_hold_no_token_and_no_escape(text: str, plain: str) -> None:
    assert kept(Note=text)["Note"] == plain


def test_a_whole_real_record_fits_as_it_is() -> None:
    record = feed("mred/property.json")
    scrubbed = json.loads(scrub(record))
    assert scrubbed["StandardStatus"] == "Active"
    assert "ShowingInstructions" not in scrubbed
    assert "OwnerName" not in scrubbed
    assert scrubbed["PublicRemarks"] == record["PublicRemarks"]


def test_a_huge_record_keeps_what_identifies_it() -> None:
    record = {f"Field{n}": "ü" * 5_000 for n in range(2_000)} | {"ListingKey": "K1", "StandardStatus": "??"}
    text = scrub(record)
    assert len(text.encode()) <= MAX_BYTES
    assert json.loads(text)["ListingKey"] == "K1"
    assert json.loads(text)["StandardStatus"] == "??"


def test_a_deep_record_is_cut_not_followed() -> None:
    deep: Any = "x"
    for _ in range(5_000):
        deep = {"a": [deep]}
    assert "(left out)" in scrub(deep)


@given(any_json)
def test_any_json_gives_small_valid_json(value: Any) -> None:
    text = scrub(value)
    assert len(text.encode()) <= MAX_BYTES
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
