"""Addresses, prices, rooms, dates, areas, text and features of a record (docs/reso-feeds.md, section 4)."""

from __future__ import annotations

from typing import Any

import pytest

from mls_tui.domain.listing import Address, address_key
from tests.unit.reso.mapping.feeds import mapped, warnings_of

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


@pytest.mark.feed(4, "bathrooms")
@pytest.mark.parametrize(
    ("fields", "bathrooms"),
    [
        ({"BathroomsFull": 2, "BathroomsHalf": 1}, 2.5),
        ({"BathroomsFull": 2, "BathroomsHalf": 2}, 3),
        ({"BathroomsFull": "2.0", "BathroomsHalf": None}, 2),
        ({"BathroomsFull": 1, "BathroomsHalf": 1, "BathroomsTotalInteger": 1.1}, 1.5),
        ({"BathroomsTotalDecimal": 2.5, "BathroomsTotalInteger": 3}, 3),
        ({"BathroomsTotalDecimal": 2.5}, 2.5),
        ({"BathroomsFull": 1, "BathroomsThreeQuarter": 1, "BathroomsHalf": 1, "BathroomsTotalInteger": 3}, 2.25),
        ({"BathroomsFull": 0, "BathroomsHalf": 0, "BathroomsTotalInteger": 2}, 2),
        ({"BathroomsFull": 2, "BathroomsTotalInteger": 3}, 3),
        ({"BathroomsFull": 1, "BathroomsPartial": 1, "BathroomsTotalInteger": 2}, 1.5),
        ({"BathroomsFull": 1, "BathroomsOneQuarter": 1}, 1.25),
        ({"BathroomsFull": 3, "BathroomsHalf": 1, "BathroomsTotalInteger": "4.0"}, 3.5),
        ({"BathroomsTotalInteger": 1.1}, 1.5),
        ({"BathroomsTotalInteger": "2.2"}, 3),
        ({"BathroomsTotalInteger": 2.5}, 2.5),
        ({"BathroomsTotalInteger": 3.0}, 3),
        ({"BathroomsHalf": 1}, 0.5),
        ({"BathsTotal": "1.0", "BathsFull": None, "BathsHalf": None}, 1),
        ({"BathroomsFull": None, "BathroomsTotalInteger": None}, None),
    ],
)
def test_bathrooms_count_full_ones_and_halves(fields: dict[str, Any], bathrooms: float | None) -> None:
    assert mapped(**fields).bathrooms == bathrooms


@pytest.mark.feed(4, "price")
@pytest.mark.parametrize(
    ("value", "price"),
    [
        (425000, 425000),
        (425000.0, 425000),
        ("50000.0", 50000),
        ("$1,234,000", 1234000),
        ("1,234,000.50", 1234000.5),
        ("USD 900000", 900000),
        (None, None),
        (0, None),
        ("", None),
    ],
)
def test_a_price_is_read_however_it_is_written(value: Any, price: float | None) -> None:
    listing = mapped(ListPrice=value)
    assert listing.price == price
    assert type(listing.price) is type(price)
    assert warnings_of(ListPrice=value) == []


@pytest.mark.parametrize("value", ["call agent", True, {"a": 1}, -5, 1e300, "1,23", float("nan"), 10**400])
def test_an_unreadable_price_is_none_with_a_warning(value: Any) -> None:
    assert mapped(ListPrice=value).price is None
    assert warnings_of(ListPrice=value) == ["ListPrice cannot be read as a number above zero"]


@pytest.mark.feed(4, "price")
def test_a_sold_home_costs_what_it_was_sold_for() -> None:
    sold = {"StandardStatus": "Closed", "ListPrice": 300000}
    assert mapped(**sold, ClosePrice=295000).price == 295000
    assert mapped(**sold, ClosePrice=None).price == 300000
    assert mapped(**sold, ClosePrice=0).price == 300000
    assert mapped(ListPrice=300000, ClosePrice=295000).price == 300000
    assert mapped(**sold, ClosePrice=295000).close_price == 295000


@pytest.mark.feed(4, "integers as 12.0")
def test_whole_numbers_may_come_as_floats_or_text() -> None:
    listing = mapped(YearBuilt="1998.0", DaysOnMarket=12.0, BedroomsTotal=4.0, PhotosCount="23")
    assert (listing.year_built, listing.days_on_market, listing.bedrooms, listing.photos_count) == (1998, 12, 4, 23)
    assert mapped(YearBuilt=0).year_built is None
    assert mapped(BedroomsTotal=0).bedrooms == 0


@pytest.mark.feed(4, "the list date")
def test_the_list_date_is_the_first_that_can_be_read() -> None:
    later = {"OnMarketDate": "2026-05-02", "OriginalEntryTimestamp": "2026-05-03T22:30:00-06:00"}
    assert mapped(ListingContractDate="2026-05-01", **later).list_date == "2026-05-01"
    assert mapped(ListingContractDate="2026-05-01T00:00:00Z", **later).list_date == "2026-05-01"
    assert mapped(ListingContractDate=None, **later).list_date == "2026-05-02"
    assert mapped(OriginalEntryTimestamp="2026-05-03T22:30:00-06:00").list_date == "2026-05-03"
    assert mapped(ListingContractDate="TBD", **later).list_date == "2026-05-02"
    assert warnings_of(ListingContractDate="TBD", **later) == ["ListingContractDate cannot be read as a date"]


@pytest.mark.feed(4, "dates: TBD, naive, odd offsets")
@pytest.mark.parametrize("value", ["TBD", "2026-02-30", "05/01/2026", 20260501, "2026-05-01T99:00", "2026-05-01+99:00"])
def test_an_unreadable_date_is_none_with_a_warning(value: Any) -> None:
    assert mapped(CloseDate=value).close_date is None
    assert warnings_of(CloseDate=value) == ["CloseDate cannot be read as a date"]


@pytest.mark.feed(4, "dates: TBD, naive, odd offsets")
@pytest.mark.parametrize("value", ["2026-06-01T10:00:00", "2026-06-01T10:00:00.9999999Z", "2026-06-01T10:00:00+0530"])
def test_moments_are_kept_as_served(value: str) -> None:
    assert mapped(ModificationTimestamp=value).modification_timestamp == value
    assert warnings_of(ModificationTimestamp=value) == []


def test_an_unreadable_moment_is_none_with_a_warning() -> None:
    assert mapped(ModificationTimestamp="soon").modification_timestamp is None
    assert warnings_of(ModificationTimestamp="soon") == ["ModificationTimestamp cannot be read as a date and time"]


def test_areas_are_in_square_feet_and_acres() -> None:
    assert mapped(LivingArea=0, BuildingAreaTotal="924.0").square_feet == 924
    assert mapped(LivingArea=100, LivingAreaUnits="Square Meters").square_feet == 1076
    assert mapped(LotSizeSquareFeet=43560).lot_size_acres == 1
    assert mapped(LotSizeArea=2, LotSizeUnits="Acres").lot_size_acres == 2
    assert mapped(LotSizeArea=2).lot_size_acres is None


@pytest.mark.feed(4, "text")
def test_text_is_unescaped_once_composed_and_stripped() -> None:
    text = mapped(PublicRemarks="Caf\u0065\u0301 &amp;amp; bar\x1b[31m\x00\x9b\u202e\ud800\r\nnext").description
    assert text == "Café &amp; bar[31m›\nnext"
    assert mapped(ListOfficeName="Smith &amp; Sons\n\tLtd").list_office_name == "Smith & Sons Ltd"


def test_remarks_beyond_64_kb_are_cut_with_a_warning() -> None:
    text = mapped(PublicRemarks="ü" * 100_000).description or ""
    assert 65_000 < len(text.encode()) <= 65_536
    assert warnings_of(PublicRemarks="ü" * 100_000) == ["PublicRemarks is longer than 64 KB; the rest is left out"]


@pytest.mark.feed(4, "feature lists")
@pytest.mark.parametrize(
    ("value", "features"),
    [
        (["Central Air", "Zoned"], ("Central Air", "Zoned")),
        ("Central Air,Zoned", ("Central Air", "Zoned")),
        ("Central Air", ("Central Air",)),
        (["None"], ()),
        ("None", ()),
        (None, ()),
        ([], ()),
        (["Zoned", "zoned", "", None, 5], ("Zoned",)),
        ("Stove (Gas, Electric), Fan", ("Stove (Gas, Electric)", "Fan")),
        ({"Central Air": True, "Zoned": False}, ("Central Air",)),
    ],
)
def test_feature_lists_come_in_many_forms(value: Any, features: tuple[str, ...]) -> None:
    assert mapped(Cooling=value).features == features


def test_features_that_say_little_alone_carry_their_field() -> None:
    assert mapped(Basement=["Full"], View="Mountain(s)", PoolFeatures="Heated,Private Pool").features == (
        "Basement: Full",
        "View: Mountain(s)",
        "Pool: Heated",
        "Private Pool",
    )


def test_a_feature_named_in_two_fields_stands_once() -> None:
    assert mapped(InteriorFeatures="Ceiling Fan(s)", Cooling="Ceiling Fan(s)").features == ("Ceiling Fan(s)",)


def test_a_place_at_zero_north_zero_west_is_unknown() -> None:
    assert mapped(Latitude=0, Longitude=0).latitude is None
    assert mapped(Latitude="48.7001", Longitude=" -116.3237").longitude == -116.3237
    assert warnings_of(Latitude=95) == ["Latitude cannot be read as a number"]


@pytest.mark.feed(4, "text: entities, Windows-1252, markup")
@pytest.mark.parametrize(
    ("served", "text"),
    [
        ("lights, &#55358;&#56815; ready", "lights, 🧯 ready"),
        ("&#xD83E;&#xDDEF;", "🧯"),
        ("\ud83e\uddef", "🧯"),
        ("&#55358; alone", "\ufffd alone"),
        ("Owner\x92s suite \x96 new roof\x85", "Owner’s suite – new roof…"),
        ("Owner&#146;s suite", "Owner’s suite"),
        ("Line one<br/>Line two", "Line one\nLine two"),
        ("Line one<BR>Line two<br />three", "Line one\nLine two\nthree"),
        ("<p>One</p><p class='x'>Two <b>bold</b></p>", "One\nTwo bold"),
        ("&lt;br&gt;Two", "Two"),
        ("<ul><li>a</li><li>b</li></ul>", "a\nb"),
        ("<script>alert(1)</script>Hi<!-- note -->", "Hi"),
        ("price <500k and 3 > 2, a<b", "price <500k and 3 > 2, a<b"),
        ("A &amp;lt;b&amp;gt; tag", "A &lt;b&gt; tag"),
    ],
)
def test_text_is_read_as_the_writer_meant_it(served: str, text: str) -> None:
    assert mapped(PublicRemarks=served).description == text


RENT = {"ListPrice": None, "TotalActualRent": 2400, "LeaseAmountFrequency": "Monthly"}


@pytest.mark.feed(4, "the rent of a lease, its period, the unit of a price")
@pytest.mark.parametrize(
    ("fields", "terms"),
    [
        (RENT, (2400, "monthly", None)),
        ({"ListPrice": 0, "LeaseAmount": 1500, "LeaseAmountFrequency": "Weekly"}, (1500, "weekly", None)),
        ({**RENT, "LeaseAmountFrequency": "Per Year"}, (2400, "annually", None)),
        ({**RENT, "LeaseAmountFrequency": "Bi-Weekly"}, (2400, "biweekly", None)),
        ({**RENT, "LeaseAmountFrequency": ["Month"]}, (2400, "monthly", None)),
        ({**RENT, "LeaseAmountFrequency": None}, (2400, None, None)),
        (
            {"ListPrice": 1950, "PropertyType": "Residential Lease", "LeaseAmountFrequency": "Monthly"},
            (1950, "monthly", None),
        ),
        ({"ListPrice": 450_000, "LeaseAmountFrequency": "Monthly"}, (450_000, None, None)),
        ({"ListPrice": 18.5, "ListPriceUnit": "Sq Ft Net"}, (18.5, None, "Sq Ft Net")),
        ({"ListPrice": 9000, "ListPriceUnit": "Per Acre"}, (9000, None, "Per Acre")),
        ({"ListPrice": 2100, "ListPriceUnit": "Month"}, (2100, "monthly", None)),
        ({"ListPrice": 450_000, "ListPriceUnit": "For Sale"}, (450_000, None, None)),
        ({"ListPrice": None, "ListPriceUnit": "Per Acre"}, (None, None, None)),
        ({"ListPrice": "$1,950.00", "LeaseAmount": 5}, (1950, None, None)),
    ],
)
def test_a_price_says_what_it_is_for(fields: dict[str, Any], terms: tuple[object, ...]) -> None:
    listing = mapped(**fields)
    assert (listing.price, listing.price_period, listing.price_unit) == terms


@pytest.mark.feed(4, "areas in other units")
@pytest.mark.parametrize(
    ("fields", "square_feet"),
    [
        ({"LivingArea": 140, "LivingAreaUnits": "m²"}, 1507),
        ({"LivingArea": 140, "LivingAreaUnits": "sq. m"}, 1507),
        ({"LivingArea": 140, "LivingAreaUnits": "SM"}, 1507),
        ({"LivingArea": "140 m²"}, 1507),
        ({"LivingArea": "1,500 Sq. Ft."}, 1500),
        ({"LivingArea": 1500, "LivingAreaUnits": "SqFt"}, 1500),
        ({"LivingArea": 1500}, 1500),
        ({"LivingArea": 150, "LivingAreaUnits": "Square Yards"}, 1350),
        ({"LivingArea": None, "BuildingAreaTotal": 2.5, "BuildingAreaUnits": "acres"}, 108_900),
        ({"LivingArea": 1500, "LivingAreaUnits": "Tsubo"}, None),
        ({"LivingArea": 1500, "LivingAreaUnits": "Tsubo", "BuildingAreaTotal": 1600}, 1600),
    ],
)
def test_an_area_is_square_feet_whatever_its_unit(fields: dict[str, Any], square_feet: float | None) -> None:
    assert mapped(**fields).square_feet == square_feet


@pytest.mark.feed(4, "areas in other units")
@pytest.mark.parametrize(
    ("fields", "acres"),
    [
        ({"LotSizeArea": 7500, "LotSizeUnits": "SqFt"}, 0.1722),
        ({"LotSizeArea": 2, "LotSizeUnits": "ac"}, 2),
        ({"LotSizeArea": 1, "LotSizeUnits": "Hectares"}, 2.4711),
        ({"LotSizeArea": 4046.856, "LotSizeUnits": "Sq. Meters"}, 1),
        ({"LotSizeArea": 7500, "LotSizeUnits": "Rai"}, None),
        ({"LotSizeArea": 7500}, None),
        ({"LotSizeSquareFeet": 7500, "LotSizeArea": 3, "LotSizeUnits": "Acres"}, 0.1722),
    ],
)
def test_a_lot_is_acres_whatever_its_unit(fields: dict[str, Any], acres: float | None) -> None:
    assert mapped(**fields).lot_size_acres == acres


def test_an_unknown_unit_of_area_is_warned_of() -> None:
    assert warnings_of(LivingArea=1500, LivingAreaUnits="Tsubo") == [
        "LivingAreaUnits is not a known unit of area; LivingArea is left out"
    ]
