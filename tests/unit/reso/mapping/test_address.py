"""Addresses: assembled, withheld, and compared to recognise a relisted home (docs/reso-feeds.md, section 4)."""

from __future__ import annotations

from typing import Any

import pytest

from mls_tui.domain.listing import Address, address_key
from tests.unit.reso.mapping.feeds import mapped

PARTS = {
    "StreetNumber": 123.0,
    "StreetDirPrefix": "N",
    "StreetName": "Oak",
    "StreetSuffix": "St",
    "StreetDirSuffix": "W",
    "UnitNumber": "4B",
    "City": "Austin",
    "StateOrProvince": "TX",
    "PostalCode": "78701",
}


@pytest.mark.feed(4, "address")
def test_the_street_is_put_together_from_its_parts() -> None:
    address = mapped(**PARTS).address
    assert address.street == "123 N Oak St W 4B"
    assert address.one_line == "123 N Oak St W 4B, Austin, TX 78701"


@pytest.mark.feed(4, "address")
@pytest.mark.parametrize("nothing", [None, "None", "", "null", " none "])
def test_the_word_none_never_stands_in_an_address(nothing: Any) -> None:
    parts = {**PARTS, "StreetDirPrefix": nothing, "StreetDirSuffix": nothing, "UnitNumber": nothing}
    assert mapped(**parts).address.street == "123 Oak St"
    assert mapped(UnparsedAddress=nothing, **parts).address.street == "123 Oak St"
    assert mapped(UnparsedAddress="123 None Oak St None").address.street == "123 Oak St"
    assert mapped(City=nothing, StreetName=nothing).address == Address()


@pytest.mark.parametrize(
    ("whole", "street"),
    [
        ("9 Elm Ave", "9 Elm Ave 4B"),
        ("9 Elm Ave, Austin, TX 78701", "9 Elm Ave 4B"),
        ("9 Elm Ave, AUSTIN TX 78701-1234, USA", "9 Elm Ave 4B"),
        ("9 Elm Ave 4B, Austin, TX 78701", "9 Elm Ave 4B"),
        ("9 Elm Ave, Unit 4, Austin, TX", "9 Elm Ave, Unit 4"),
        ("9 Elm Ave, Unit 4", "9 Elm Ave, Unit 4"),
        ("9 Elm Ave,", "9 Elm Ave 4B"),
    ],
)
def test_the_unparsed_address_goes_first_less_what_city_and_state_say(whole: str, street: str) -> None:
    assert mapped(UnparsedAddress=whole, **PARTS).address.street == street


@pytest.mark.feed(4, "a unit that UnparsedAddress lacks")
@pytest.mark.parametrize(
    ("whole", "unit", "street"),
    [
        ("500 Harbour Blvd", "310", "500 Harbour Blvd 310"),
        ("500 Harbour Blvd, Harbor Bay, WI 54201", "310", "500 Harbour Blvd 310"),
        ("500 Harbour Blvd 310", "310", "500 Harbour Blvd 310"),
        ("500 Harbour Blvd #310", "310", "500 Harbour Blvd #310"),
        ("500 Harbour Blvd", "#310", "500 Harbour Blvd #310"),
        ("500 Harbour Blvd Apt 0310", "310", "500 Harbour Blvd Apt 0310"),
        ("500 Harbour Blvd", "Unit 3 B", "500 Harbour Blvd Unit 3 B"),
        ("500 Harbour Blvd 3B", "3 B", "500 Harbour Blvd 3B"),
        ("310 Harbour Blvd", "310", "310 Harbour Blvd 310"),
        ("310-500 Harbour Blvd", "310", "310-500 Harbour Blvd"),
        ("500 3rd Ave", "3", "500 3rd Ave 3"),
        ("500 Harbour Blvd", "None", "500 Harbour Blvd"),
        ("500 Harbour Blvd", "N/A", "500 Harbour Blvd"),
        ("500 Harbour Blvd", "-", "500 Harbour Blvd"),
        ("500 Harbour Blvd", 310.0, "500 Harbour Blvd 310"),
    ],
)
def test_a_unit_that_the_unparsed_address_lacks_is_added(whole: str, unit: Any, street: str) -> None:
    where = {"City": "Harbor Bay", "StateOrProvince": "WI", "PostalCode": "54201"}
    assert mapped(UnparsedAddress=whole, UnitNumber=unit, **where).address.street == street


def test_two_units_at_one_address_are_two_homes() -> None:
    keys = {
        address_key(mapped(UnparsedAddress="500 Harbour Blvd", UnitNumber=unit, PostalCode="54201").address)
        for unit in ("310", "1204")
    }
    assert len(keys) == 2


@pytest.mark.feed(4, "a withheld address")
@pytest.mark.parametrize("no", [False, "false", 0, "N"])
def test_a_withheld_address_keeps_no_street_and_no_place_on_a_map(no: Any) -> None:
    listing = mapped(InternetAddressDisplayYN=no, UnparsedAddress="9 Elm Ave", Latitude=30.2, Longitude=-97.7, **PARTS)
    assert listing.address == Address(city="Austin", state="TX", zip="78701")
    assert listing.latitude is None
    assert listing.longitude is None
    assert "Elm" not in repr(listing)
    assert "Oak" not in repr(listing)


def test_a_postal_code_that_came_as_a_number_has_its_zeros_again() -> None:
    assert mapped(PostalCode=1234).address.zip == "01234"
    assert mapped(PostalCode=60000.0).address.zip == "60000"
    assert mapped(PostalCode="1234").address.zip == "1234"


def key(street: str | None, **more: str) -> str | None:
    return address_key(Address(street=street, **more))


def test_one_home_spelled_two_ways_has_one_key() -> None:
    one = key("12 North Oak Street #4", city="Austin", state="TX", zip="78701-1234")
    assert one == key("12 N. OAK ST, Unit 4", zip="78701")
    assert one is not None
    assert one != key("12 N Oak St #5", zip="78701")
    assert one != key("12 N Oak St #4", zip="78702")
    assert key("12 Oak St", city="Austin", state="TX") == key("12 OAK STREET", city="austin", state="tx")


def test_an_unknown_address_has_no_key() -> None:
    assert key(None, zip="78701") is None
    assert key("Oak St", zip="78701") is None
    assert key("12", zip="78701") is None
    assert key("12 Oak St") is None
    assert key("12 Oak St", state="TX") is None
