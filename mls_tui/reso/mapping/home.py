"""The home of a record: what it is, where it is, what it costs, who lists it (docs/reso-feeds.md, section 4)."""

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
"""Square feet of one unit, by its name in lower case without spaces and signs."""
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
"""RESO DD 2.0 LeaseAmountFrequency and what feeds write for it, in lower case letters."""
_LETTERS = re.compile(r"[^a-z]")
_LEASE = re.compile(r"lease|rent", re.IGNORECASE)
_KINDS = ("PropertyType", "PropertySubType", "TransactionType")
_NO_UNIT = frozenset({"forsale", "sale", "total", "other"})
"""ListPriceUnit values that do not qualify the price."""


def home_of(fields: Fields) -> dict[str, Any]:
    """Keyword arguments of Listing. Areas in square feet, lots in acres, degrees in WGS 84."""
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
    """Prices and fees in the feed's currency, with the period and the unit that a price is for.

    The price of a sold home is ClosePrice, if the MLS gives it. A price of 0 is an unknown one. A lease without
    ListPrice has its rent in TotalActualRent or LeaseAmount.
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
    """The period of a rent, as in ``monthly``, and the unit of a price, as in ``Sq Ft Net``.

    LeaseAmountFrequency beside a ListPrice counts only if the listing is a lease: some sales carry both.
    """
    unit = fields.word("ListPriceUnit") or (fields.word("LeaseAmountPerAreaUnit", "LeasePerUnit") if rent else None)
    period = _period(unit)
    if period is not None:
        unit = None
    elif rent or any(
        _LEASE.search(fields.word(name) or "") for name in ("PropertyType", "PropertySubType", "TransactionType")
    ):
        period = _period(fields.word("LeaseAmountFrequency", "LeasePerTime"))
    return period, None if unit is None or _LETTERS.sub("", unit.lower()) in _NO_UNIT else unit


def _period(word: str | None) -> str | None:
    letters = _LETTERS.sub("", (word or "").lower())
    return _PERIODS.get(letters) or _PERIODS.get(letters.removeprefix("per").removeprefix("every"))


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
    """2.5 is two full and one half. The parts count if they add up to BathroomsTotalInteger, or if that is absent or no
    whole number; else the total does, as the MLS does not keep the parts."""
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
        return _tidy((full or 0) + 0.75 * (three_quarter or 0) + 0.5 * (half or 0) + 0.25 * (quarter or 0))
    if total is None:
        return fields.number("BathroomsTotalDecimal", "BathsTotal", high=10_000)
    return _tidy(_decoded(total))


def _decoded(coded: Number) -> Number:
    """Chicago writes one full, one half as 1.1: a tenths digit up to 4 counts half bathrooms."""
    full, tenths = divmod(round(coded * 100), 100)
    return full + 0.5 * (tenths // 10) if tenths in (10, 20, 30, 40) else coded


def _square_feet(fields: Fields) -> Number | None:
    for area, units in (("LivingArea", "LivingAreaUnits"), ("BuildingAreaTotal", "BuildingAreaUnits")):
        feet = _area(fields, area, units, usual=1.0)
        if feet is not None:
            return feet
    return None


def _acres(fields: Fields) -> Number | None:
    acres = fields.positive("LotSizeAcres")
    if acres is not None:
        return acres
    feet = fields.positive("LotSizeSquareFeet") or _area(fields, "LotSizeArea", "LotSizeUnits", usual=None)
    return None if feet is None else _tidy(round(feet / 43_560, 4)) or None


def _area(fields: Fields, name: str, units: str, *, usual: float | None) -> Number | None:
    """An area in square feet. ``usual`` is the factor if the record names no unit; None makes such an area unknown.

    An unknown unit gives no number and a warning: square feet are never assumed.
    """
    raw, unit = fields.record.get(name), fields.word(units)
    if isinstance(raw, str) and (found := _AREA.fullmatch(raw.strip()[:60])):
        fields, unit = Fields({name: found["number"]}, fields.warn), found["unit"]
    value = fields.positive(name)
    if value is None:
        return None
    factor = usual if unit is None else _SQUARE_FEET.get(_unit_name(unit))
    if factor is None:
        fields.warn(f"{units} is not a known unit of area; {name} is left out")
        return None
    return value if factor == 1 else _tidy(round(value * factor))


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


def _tidy(number: Number) -> Number:
    return int(number) if float(number).is_integer() else number


# address -----------------------------------------------------------------------------------------------------

_STREET_PARTS = ("StreetDirPrefix", "StreetName", "StreetSuffix", "StreetDirSuffix", "UnitNumber")

_WORD = re.compile(r"[^\W_]+")
_UNIT_WORDS = frozenset({"apartment", "apt", "unit", "suite", "ste", "no", "number"})
_PLUS_FOUR = re.compile(r"\d{4}")


def address_of(fields: Fields) -> Address:
    """UnparsedAddress, else its parts in order. InternetAddressDisplayYN=false withholds the street."""
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
    """Whether the seller withholds the street and the place on a map. Null means that they may be shown."""
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
    """UnparsedAddress may lack the unit, which alone tells two condominiums at one address apart."""
    unit = fields.text("UnitNumber")
    wanted = _words_of_unit(unit or "")
    if not street or unit is None or not wanted:
        return street
    words = [word.lstrip("0") or "0" for word in _WORD.findall(street.casefold())]
    number = (fields.text("StreetNumber", "StreetNumberNumeric") or "").casefold().lstrip("0")
    if number in words:
        words.remove(number)
    elif words and words[0].isdigit() and not re.match(r"\w+\s*[-/]\s*\d", street):
        del words[0]  # the number of the house, which may be the same as the unit's
    if _UNIT_WORDS & set(words) or "#" in street:
        return street
    there = any(words[at : at + len(wanted)] == wanted for at in range(len(words)))
    return street if there or "".join(wanted) in words else f"{street} {unit}"


def _words_of_unit(unit: str) -> list[str]:
    words = [word.lstrip("0") or "0" for word in _WORD.findall(unit.casefold())]
    return [word for word in words if word not in _UNIT_WORDS]


def _without_region(street: str, region: tuple[str, ...]) -> str:
    """``12 Oak St, Austin, TX 78701`` -> ``12 Oak St``: UnparsedAddress may repeat City and the like."""
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
"""RESO DD 2.0 fields, and the word before values that say little by themselves: ``Basement: Partial``."""


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
