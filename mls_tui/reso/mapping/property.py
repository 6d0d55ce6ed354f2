"""Maps the facts of a home: rooms and areas, price, office, address and features (docs/reso-feeds.md, section 4)."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from mls_tui.domain.listing import Address, ListingStatus
from mls_tui.reso.base import RawRecord
from mls_tui.reso.mapping.text import cut
from mls_tui.reso.mapping.values import Fields, Number, items_of

_SQUARE_FEET = MappingProxyType(
    {
        unit: factor
        for factor, units in (
            (1.0, "squarefeet squarefoot sqfeet sqfoot sqft sqft2 sf ft2 feet2 squareft"),
            (10.763910417, "squaremeters squaremetres squaremeter squaremetre sqmeters sqmetres sqm sm m2 msq mq"),
            (9.0, "squareyards squareyard sqyards sqyard sqyd sqyds sy yd2"),
            (43_560.0, "acres acre ac acs"),
            (107_639.10417, "hectares hectare ha"),
        )
        for unit in units.split()
    }
)
"""Square feet per unit of area; unit names in lower case without spaces and signs."""
_AREA = re.compile(r"(?P<number>[\d.,]+)\s*(?P<unit>[^\d.,].*)", re.DOTALL)
_PERIODS = MappingProxyType(
    {
        word: period
        for period, words in (
            ("daily", "daily day night nightly"),
            ("weekly", "weekly week wk"),
            ("biweekly", "biweekly"),
            ("semimonthly", "semimonthly"),
            ("monthly", "monthly month mo mth"),
            ("bimonthly", "bimonthly"),
            ("quarterly", "quarterly quarter"),
            ("semiannually", "semiannually"),
            ("annually", "annually annual yearly year yr"),
            ("seasonal", "seasonal season"),
        )
        for word in words.split()
    }
)
"""RESO DD 2.0 LeaseAmountFrequency and the variants in feeds, in lower case letters."""
_LETTERS = re.compile(r"[^a-z]")
_LEASE = re.compile(r"lease|rent", re.IGNORECASE)
_LEASE_FIELDS = ("PropertyType", "PropertySubType", "TransactionType")
_NO_UNIT = frozenset({"forsale", "sale", "total", "other"})
"""ListPriceUnit values that say nothing about the unit."""


def property_of(fields: Fields) -> dict[str, Any]:
    """Keyword arguments of Listing: areas in square feet, lots in acres, WGS 84 degrees. A position of (0, 0) is
    unknown."""
    latitude = fields.number("Latitude", low=-90, high=90)
    longitude = fields.number("Longitude", low=-180, high=180)
    no_position = not latitude and not longitude
    return {
        "bedrooms": fields.number("BedroomsTotal", "BedsTotal", high=10_000),
        "bathrooms": bathrooms(fields),
        "square_feet": _square_feet(fields),
        "property_type": fields.word("PropertyType"),
        "property_sub_type": fields.word("PropertySubType"),
        "year_built": fields.whole("YearBuilt", low=1000, high=2199) if fields.record.get("YearBuilt") else None,
        "lot_size_acres": _acres(fields),
        "latitude": None if no_position or latitude is None else float(latitude),
        "longitude": None if no_position or longitude is None else float(longitude),
        "county": fields.word("CountyOrParish"),
        "subdivision": fields.text("SubdivisionName"),
        "garage_spaces": fields.number("GarageSpaces", high=10_000),
        "stories": fields.number("StoriesTotal", "Stories", high=1_000),
        "days_on_market": fields.whole("DaysOnMarket"),
        "virtual_tour_url": _tour(fields),
    }


def prices_of(fields: Fields, status: ListingStatus) -> dict[str, Any]:
    """Keyword arguments of Listing: prices and fees in the feed's currency, and the period and unit of the price.

    The price is ClosePrice for sold homes, else ListPrice, else the rent in TotalActualRent or LeaseAmount. A price of
    0 is unknown.
    """
    listed = fields.positive("ListPrice")
    closed = fields.positive("ClosePrice")
    rent = fields.positive("TotalActualRent", "LeaseAmount") if listed is None else None
    price = (closed if status is ListingStatus.SOLD else None) or listed or rent
    period, unit = _price_terms(fields, rent=rent is not None) if price is not None else (None, None)
    return {
        "price": price,
        "price_period": period,
        "price_unit": unit,
        "close_price": closed,
        "close_date": fields.date("CloseDate"),
        "original_list_price": fields.positive("OriginalListPrice"),
        "association_fee": fields.number("AssociationFee"),
        "association_fee_frequency": fields.word("AssociationFeeFrequency"),
        "tax_annual_amount": fields.number("TaxAnnualAmount"),
    }


def _price_terms(fields: Fields, *, rent: bool) -> tuple[str | None, str | None]:
    """(``monthly``, None) for a rent, (None, ``Sq Ft Net``) for a price per unit.

    LeaseAmountFrequency together with ListPrice is used only for leases, because some sales have both.
    """
    unit = fields.word("ListPriceUnit") or (fields.word("LeaseAmountPerAreaUnit", "LeasePerUnit") if rent else None)
    period = _period(unit)
    if period is not None:
        unit = None
    elif rent or any(_LEASE.search(fields.word(name) or "") for name in _LEASE_FIELDS):
        period = _period(fields.word("LeaseAmountFrequency", "LeasePerTime"))
    return period, None if unit is None or _LETTERS.sub("", unit.lower()) in _NO_UNIT else unit


def _period(word: str | None) -> str | None:
    letters = _LETTERS.sub("", (word or "").lower())
    return _PERIODS.get(letters) or _PERIODS.get(letters.removeprefix("per").removeprefix("every"))


def office_of(fields: Fields) -> dict[str, Any]:
    """Keyword arguments of Listing: the listing office and agent."""
    names = (fields.text("ListAgentFirstName"), fields.text("ListAgentLastName"))
    return {
        "list_office_name": fields.text("ListOfficeName"),
        "list_office_phone": fields.text("ListOfficePhone", max_bytes=60),
        "list_agent_name": fields.text("ListAgentFullName", "ListAgentName") or " ".join(filter(None, names)) or None,
        "list_agent_mls_id": fields.text("ListAgentMlsId"),
    }


def bathrooms(fields: Fields) -> Number | None:
    """2.5 means two full and one half.

    The sum of the parts, if it agrees with BathroomsTotalInteger or if that is absent or no whole number. Otherwise the
    MLS does not maintain the parts, and the total is used.
    """
    full, three_quarter, half, quarter = (
        fields.number(*names, high=10_000)
        for names in (
            ("BathroomsFull", "BathsFull"),
            ("BathroomsThreeQuarter",),
            ("BathroomsHalf", "BathsHalf", "BathroomsPartial"),
            ("BathroomsOneQuarter",),
        )
    )
    parts = [part for part in (full, three_quarter, half, quarter) if part is not None]
    total = fields.number("BathroomsTotalInteger", high=10_000)
    if parts and (total is None or not float(total).is_integer() or sum(parts) == total):
        return _int_if_whole((full or 0) + 0.75 * (three_quarter or 0) + 0.5 * (half or 0) + 0.25 * (quarter or 0))
    if total is None:
        return fields.number("BathroomsTotalDecimal", "BathsTotal", high=10_000)
    return _int_if_whole(_from_chicago(total))


def _from_chicago(coded: Number) -> Number:
    """Chicago writes one full and one half bathroom as 1.1: a tenths digit from 1 to 4 is the number of halves."""
    full, tenths = divmod(round(coded * 100), 100)
    return full + 0.5 * (tenths // 10) if tenths in (10, 20, 30, 40) else coded


def _square_feet(fields: Fields) -> Number | None:
    for area, units in (("LivingArea", "LivingAreaUnits"), ("BuildingAreaTotal", "BuildingAreaUnits")):
        feet = _area(fields, area, units, default_factor=1.0)
        if feet is not None:
            return feet
    return None


def _acres(fields: Fields) -> Number | None:
    acres = fields.positive("LotSizeAcres")
    if acres is not None:
        return acres
    feet = fields.positive("LotSizeSquareFeet") or _area(fields, "LotSizeArea", "LotSizeUnits", default_factor=None)
    return None if feet is None else _int_if_whole(round(feet / 43_560, 4)) or None


def _area(fields: Fields, name: str, units: str, *, default_factor: float | None) -> Number | None:
    """An area in square feet. ``default_factor`` converts an area without a unit; None makes it unknown.

    An area with an unknown unit is left out with a warning.
    """
    raw, unit = fields.record.get(name), fields.word(units)
    if isinstance(raw, str) and (found := _AREA.fullmatch(raw.strip()[:60])):
        fields, unit = Fields({name: found["number"]}, fields.warn), found["unit"]
    value = fields.positive(name)
    if value is None:
        return None
    factor = default_factor if unit is None else _SQUARE_FEET.get(_unit_name(unit))
    if factor is None:
        fields.warn(f"{units} is not a known unit of area; {name} is left out")
        return None
    return value if factor == 1 else _int_if_whole(round(value * factor))


def _unit_name(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower().replace("²", "2"))


def _tour(fields: Fields) -> str | None:
    url = fields.text("VirtualTourURLUnbranded", "VirtualTourURLBranded", max_bytes=1_500)
    if url is None:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.netloc and " " not in url and "…" not in url else None


def _int_if_whole(number: Number) -> Number:
    return int(number) if float(number).is_integer() else number


# address -----------------------------------------------------------------------------------------------------

_STREET_PARTS = ("StreetDirPrefix", "StreetName", "StreetSuffix", "StreetDirSuffix", "UnitNumber")

_WORD = re.compile(r"[^\W_]+")
_UNIT_WORDS = frozenset({"apartment", "apt", "unit", "suite", "ste", "no", "number"})
_PLUS_FOUR = re.compile(r"\d{4}")


def address_of(fields: Fields) -> Address:
    """The street from UnparsedAddress, else from its parts; none if InternetAddressDisplayYN is false."""
    city = fields.word("City", "PostalCity")
    state = fields.word("StateOrProvince")
    postal = _postal_code(fields)
    country = fields.word("Country")
    return Address(
        street=_street(fields, tuple(part for part in (city, state, postal, country) if part)),
        city=city,
        state=state,
        zip=postal,
        country=country,
    )


def withheld(fields: Fields) -> bool:
    """Whether street and position must not be shown (InternetAddressDisplayYN is false; null means that they may)."""
    return fields.flag("InternetAddressDisplayYN") is False


def _street(fields: Fields, region: tuple[str, ...]) -> str | None:
    if withheld(fields):
        return None
    whole = fields.text("UnparsedAddress")
    if whole is not None:
        words = (word for word in whole.split(" ") if word.strip(",").lower() not in ("none", "null"))
        return _with_unit(_without_region(" ".join(words), region), fields) or None
    parts = (fields.text("StreetNumber", "StreetNumberNumeric"), *(fields.text(name) for name in _STREET_PARTS))
    return " ".join(part for part in parts if part) or None


def _with_unit(street: str, fields: Fields) -> str:
    """Append the unit if UnparsedAddress lacks it: two condominiums at one address differ only by it."""
    unit = fields.text("UnitNumber")
    wanted = _words_of_unit(unit or "")
    if not street or unit is None or not wanted:
        return street
    words = [word.lstrip("0") or "0" for word in _WORD.findall(street.casefold())]
    number = (fields.text("StreetNumber", "StreetNumberNumeric") or "").casefold().lstrip("0")
    if number in words:
        words.remove(number)
    elif words and words[0].isdigit() and not re.match(r"\w+\s*[-/]\s*\d", street):
        del words[0]  # the house number, which may equal the unit number
    if _UNIT_WORDS & set(words) or "#" in street:
        return street
    there = any(words[at : at + len(wanted)] == wanted for at in range(len(words)))
    return street if there or "".join(wanted) in words else f"{street} {unit}"


def _words_of_unit(unit: str) -> list[str]:
    words = [word.lstrip("0") or "0" for word in _WORD.findall(unit.casefold())]
    return [word for word in words if word not in _UNIT_WORDS]


def _without_region(street: str, region: tuple[str, ...]) -> str:
    """``12 Oak St, Austin, TX 78701`` -> ``12 Oak St``: UnparsedAddress may repeat city, state and postal code."""
    head, comma, tail = street.partition(",")
    if not comma:
        return street
    known = {"us", "usa"}.union(*(_WORD.findall(part.casefold()) for part in region))
    while region and comma:
        words = _WORD.findall(tail.casefold())
        if words and all(word in known or _PLUS_FOUR.fullmatch(word) for word in words):
            return head.strip()
        following, comma, tail = tail.partition(",")
        head = f"{head},{following}"
    return street.rstrip(", ")


def _postal_code(fields: Fields) -> str | None:
    """A JSON number has lost its leading zeros: 1234 is 01234 (New England)."""
    raw = fields.record.get("PostalCode")
    text = fields.text("PostalCode")
    if text is not None and isinstance(raw, (int, float)) and text.isdigit():
        return text.zfill(5)
    return text


# features ----------------------------------------------------------------------------------------------------

MAX_FEATURES = 200
MAX_FEATURE_BYTES = 16_000

FEATURE_FIELDS: tuple[tuple[str, str], ...] = (
    ("InteriorFeatures", ""),
    ("ExteriorFeatures", ""),
    ("Appliances", ""),
    ("Cooling", ""),
    ("Heating", ""),
    ("FireplaceFeatures", "Fireplace"),
    ("Flooring", ""),
    ("Basement", "Basement"),
    ("LaundryFeatures", "Laundry"),
    ("SecurityFeatures", ""),
    ("LotFeatures", ""),
    ("View", "View"),
    ("WaterfrontFeatures", ""),
    ("PoolFeatures", "Pool"),
    ("SpaFeatures", "Spa"),
    ("PatioAndPorchFeatures", ""),
    ("Fencing", "Fence"),
    ("ParkingFeatures", ""),
    ("CommunityFeatures", ""),
    ("AssociationAmenities", ""),
    ("ArchitecturalStyle", ""),
    ("AccessibilityFeatures", ""),
    ("GreenEnergyEfficient", ""),
)
"""RESO DD 2.0 fields, and a label for values that are not clear by themselves: ``Basement: Partial``."""


def features_of(record: RawRecord) -> tuple[str, ...]:
    """Each feature once, in the order of ``FEATURE_FIELDS``: ``Central Air``, ``View: Mountain(s)``."""
    found: dict[str, str] = {}
    size = 0
    for name, label in FEATURE_FIELDS:
        for item in items_of(record.get(name)):
            feature = _labelled(item, label) if label else item
            size += len(feature.encode()) + 4
            if len(found) >= MAX_FEATURES or size > MAX_FEATURE_BYTES:
                return tuple(found.values())
            found.setdefault(feature.casefold(), feature)
    return tuple(found.values())


def _labelled(item: str, label: str) -> str:
    return item if label.casefold() in item.casefold() else cut(f"{label}: {item}", 160)
