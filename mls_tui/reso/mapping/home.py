"""The home of a record: what it is, where it is, what it costs, who lists it (docs/reso-feeds.md, section 4)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from mls_tui.domain.listing import Address, ListingStatus
from mls_tui.reso.base import RawRecord
from mls_tui.reso.mapping.text import cut
from mls_tui.reso.mapping.values import Fields, Number, items_of

SQUARE_FEET_PER_SQUARE_METRE = 10.763910417
SQUARE_FEET_PER_ACRE = 43_560
_METRES = frozenset({"squaremeters", "squaremetres", "sqm", "m2"})
_HECTARES = 2.471053815


def home_of(fields: Fields) -> dict[str, Any]:
    """What the home is, as keyword arguments of Listing. Areas in square feet, lots in acres, degrees in WGS 84."""
    latitude = fields.number("Latitude", low=-90, high=90)
    longitude = fields.number("Longitude", low=-180, high=180)
    unknown_place = not latitude and not longitude
    return {
        "bedrooms": fields.number("BedroomsTotal", "BedsTotal", high=10_000),
        "bathrooms": bathrooms(fields),
        "square_feet": _square_feet(fields),
        "property_type": fields.word("PropertyType"),
        "property_sub_type": fields.word("PropertySubType"),
        "year_built": fields.whole("YearBuilt", low=1000, high=2199) if fields.record.get("YearBuilt") else None,
        "lot_size_acres": _acres(fields),
        "latitude": None if unknown_place or latitude is None else float(latitude),
        "longitude": None if unknown_place or longitude is None else float(longitude),
        "county": fields.word("CountyOrParish"),
        "subdivision": fields.text("SubdivisionName"),
        "garage_spaces": fields.number("GarageSpaces", high=10_000),
        "stories": fields.number("StoriesTotal", "Stories", high=1_000),
        "days_on_market": fields.whole("DaysOnMarket"),
        "virtual_tour_url": _tour(fields),
    }


def money_of(fields: Fields, status: ListingStatus) -> dict[str, Any]:
    """Prices and fees in the feed's currency. The price of a sold home is ClosePrice, where the MLS tells it; a price
    of 0 is an unknown one (FIELD §4)."""
    listed = fields.positive("ListPrice")
    closed = fields.positive("ClosePrice")
    return {
        "price": (closed if status is ListingStatus.SOLD else None) or listed,
        "close_price": closed,
        "close_date": fields.date("CloseDate"),
        "original_list_price": fields.positive("OriginalListPrice"),
        "association_fee": fields.number("AssociationFee"),
        "association_fee_frequency": fields.word("AssociationFeeFrequency"),
        "tax_annual_amount": fields.number("TaxAnnualAmount"),
    }


def office_of(fields: Fields) -> dict[str, Any]:
    """Who lists the home."""
    names = (fields.text("ListAgentFirstName"), fields.text("ListAgentLastName"))
    return {
        "list_office_name": fields.text("ListOfficeName"),
        "list_office_phone": fields.text("ListOfficePhone", max_bytes=60),
        "list_agent_name": fields.text("ListAgentFullName", "ListAgentName") or " ".join(filter(None, names)) or None,
        "list_agent_mls_id": fields.text("ListAgentMlsId"),
    }


def bathrooms(fields: Fields) -> Number | None:
    """Full + ½·Half, else BathroomsTotalDecimal, else BathroomsTotalInteger (FIELD §4); 2.5 is two full, one half."""
    full = fields.number("BathroomsFull", "BathsFull", high=10_000)
    half = fields.number("BathroomsHalf", "BathsHalf", high=10_000)
    if full is not None:
        return _tidy(full + 0.5 * (half or 0))
    total = fields.number("BathroomsTotalDecimal", "BathsTotal", high=10_000)
    if total is not None:
        return total
    coded = fields.number("BathroomsTotalInteger", high=10_000)
    if coded is not None:
        return _tidy(_decoded(coded))
    return None if half is None else _tidy(0.5 * half)


def _decoded(coded: Number) -> Number:
    """Chicago writes one full, one half as 1.1 (FIELD §4): a tenths digit up to 4 counts half bathrooms."""
    full, tenths = divmod(round(coded * 100), 100)
    return full + 0.5 * (tenths // 10) if tenths in (10, 20, 30, 40) else coded


def _square_feet(fields: Fields) -> Number | None:
    for area, units in (("LivingArea", "LivingAreaUnits"), ("BuildingAreaTotal", "BuildingAreaUnits")):
        value = fields.positive(area)
        if value is not None:
            return _tidy(round(value * SQUARE_FEET_PER_SQUARE_METRE)) if _unit(fields, units) in _METRES else value
    return None


def _acres(fields: Fields) -> Number | None:
    acres = fields.positive("LotSizeAcres")
    if acres is not None:
        return acres
    feet = fields.positive("LotSizeSquareFeet")
    if feet is None and (area := fields.positive("LotSizeArea")) is not None:
        unit = _unit(fields, "LotSizeUnits")
        if unit in ("acres", "acre"):
            return area
        if unit in ("hectares", "hectare"):
            return _tidy(round(area * _HECTARES, 4))
        feet = area * SQUARE_FEET_PER_SQUARE_METRE if unit in _METRES else area if unit == "squarefeet" else None
    return None if feet is None else _tidy(round(feet / SQUARE_FEET_PER_ACRE, 4)) or None


def _unit(fields: Fields, name: str) -> str:
    return (fields.word(name) or "").replace(" ", "").lower()


def _tour(fields: Fields) -> str | None:
    url = fields.text("VirtualTourURLUnbranded", "VirtualTourURLBranded", max_bytes=1_500)
    if url is None:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.netloc and " " not in url and "…" not in url else None


def _tidy(number: Number) -> Number:
    return int(number) if float(number).is_integer() else number


# address -----------------------------------------------------------------------------------------------------

_STREET_PARTS = ("StreetDirPrefix", "StreetName", "StreetSuffix", "StreetDirSuffix", "UnitNumber")

_WORD = re.compile(r"[^\W_]+")
_PLUS_FOUR = re.compile(r"\d{4}")


def address_of(fields: Fields) -> Address:
    """UnparsedAddress, else its parts in order (FIELD §4). InternetAddressDisplayYN=false withholds the street."""
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
    """Whether the seller wants the street, and what would show it on a map, left out; null means it may be shown."""
    return fields.flag("InternetAddressDisplayYN") is False


def _street(fields: Fields, region: tuple[str, ...]) -> str | None:
    if withheld(fields):
        return None
    whole = fields.text("UnparsedAddress")
    if whole is not None:
        words = (word for word in whole.split(" ") if word.strip(",").lower() not in ("none", "null"))
        return _without_region(" ".join(words), region) or None
    parts = (fields.text("StreetNumber", "StreetNumberNumeric"), *(fields.text(name) for name in _STREET_PARTS))
    return " ".join(part for part in parts if part) or None


def _without_region(street: str, region: tuple[str, ...]) -> str:
    """``12 Oak St, Austin, TX 78701`` -> ``12 Oak St``: UnparsedAddress may repeat what stands in City and the like."""
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
    """A JSON number has lost the leading zeros of New England: 1234 is 01234."""
    raw = fields.record.get("PostalCode")
    text = fields.text("PostalCode")
    if text is not None and isinstance(raw, (int, float)) and text.isdigit():
        return text.zfill(5)
    return text


# features ----------------------------------------------------------------------------------------------------

MAX_FEATURES = 200
MAX_BYTES = 16_000

_LISTS: tuple[tuple[str, str], ...] = (
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
"""RESO DD 2.0 field and the word that goes before its values where they say little alone: ``Basement: Partial``."""


def features_of(record: RawRecord) -> tuple[str, ...]:
    """Every feature once, in the order of the fields above: ``Central Air``, ``Fenced Yard``, ``View: Mountain(s)``."""
    found: dict[str, str] = {}
    size = 0
    for name, label in _LISTS:
        for item in items_of(record.get(name)):
            feature = _labelled(item, label) if label else item
            size += len(feature.encode()) + 4
            if len(found) >= MAX_FEATURES or size > MAX_BYTES:
                return tuple(found.values())
            found.setdefault(feature.casefold(), feature)
    return tuple(found.values())


def _labelled(item: str, label: str) -> str:
    return item if label.casefold() in item.casefold() else cut(f"{label}: {item}", 160)
