"""RESO Property records (Data Dictionary 2.0 names) from a home's facts. Pure: the same home gives the same record."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from mls_tui.demo import places
from mls_tui.demo.homes import Home, mix
from mls_tui.demo.remarks import public_remarks

Record = dict[str, Any]

_MLS_STATUS = {
    "Active": "ACT",
    "Active Under Contract": "AUC - Contingent",
    "Pending": "PEND",
    "Closed": "SOLD",
    "Expired": "EXP",
    "Withdrawn": "WDN",
    "Canceled": "CAN",
    "Coming Soon": "CS",
    "Hold": "Temp Off Market",
    "Incomplete": "Draft",
    "Delete": "Kill",
}


def stamp(time: datetime) -> str:
    """An Edm.DateTimeOffset literal in UTC with milliseconds."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def property_record(home: Home, people: list[Record]) -> Record:
    """The whole Property record of ``home``, without its navigation properties. ``people`` are the Members."""
    agent = people[home.agent]
    return {
        "ListingKey": home.key,
        "ListingId": home.mls_number,
        "OriginatingSystemName": places.SYSTEM,
        "OriginatingSystemKey": home.mls_number,
        "StandardStatus": home.status,
        "MlsStatus": _MLS_STATUS[home.status],
        "PropertyType": "Residential Income" if home.kind == "Duplex" else "Residential",
        "PropertySubType": home.kind,
        **_address(home),
        **_dates_and_prices(home),
        **_sizes(home),
        **_features(home),
        "PublicRemarks": public_remarks(home),
        "PrivateRemarks": f"Lockbox code {home.look % 9000 + 1000}. Sellers are motivated.",
        "ListAgentKey": agent["MemberKey"],
        "ListAgentMlsId": agent["MemberMlsId"],
        "ListAgentFullName": agent["MemberFullName"],
        "ListOfficeKey": agent["OfficeKey"],
        "ListOfficeName": agent["OfficeName"],
        "PhotosCount": home.photos,
        "PhotosChangeTimestamp": stamp(home.listed),
        "InternetEntireListingDisplayYN": True,
        "InternetAddressDisplayYN": home.look % 200 != 0,
    }


def _address(home: Home) -> Record:
    parts = (str(home.house), home.direction, home.street, home.suffix, f"#{home.unit}" if home.unit else None)
    return {
        "UnparsedAddress": " ".join(part for part in parts if part),
        "StreetNumber": str(home.house),
        "StreetDirPrefix": home.direction,
        "StreetName": home.street,
        "StreetSuffix": home.suffix,
        "UnitNumber": home.unit,
        "City": home.town.name,
        "StateOrProvince": home.town.state,
        "PostalCode": home.zip,
        "CountyOrParish": home.town.county,
        "Country": "US",
        "Latitude": home.latitude,
        "Longitude": home.longitude,
    }


def _dates_and_prices(home: Home) -> Record:
    rng = random.Random(mix(home.look, home.index, 4))
    sold = home.status == "Closed"
    under_contract = sold or home.status in ("Pending", "Active Under Contract")
    closed = home.modified - timedelta(days=rng.randint(0, 2))
    cut = rng.choice((0, 0, 0, 5_000, 10_000, 15_000))
    return {
        "ListPrice": home.price,
        "OriginalListPrice": home.price + cut,
        "ClosePrice": round(home.price * rng.uniform(0.95, 1.04) / 500) * 500 if sold else None,
        "CloseDate": max(closed, home.listed).date().isoformat() if sold else None,
        "PurchaseContractDate": home.listed.date().isoformat() if under_contract else None,
        "ListingContractDate": home.listed.date().isoformat(),
        "OnMarketDate": None if home.status in ("Coming Soon", "Incomplete") else home.listed.date().isoformat(),
        "OriginalEntryTimestamp": stamp(home.listed),
        "ModificationTimestamp": stamp(home.modified),
        "StatusChangeTimestamp": stamp(home.listed if home.status == "Active" else home.modified),
        "DaysOnMarket": (home.modified - home.listed).days,
        "TaxAnnualAmount": round(home.price * 0.0121, 2),
        "AssociationFee": float(rng.randint(14, 52) * 10) if home.kind in ("Condominium", "Townhouse") else None,
    }


def _sizes(home: Home) -> Record:
    return {
        "BedroomsTotal": home.beds,
        "BathroomsFull": home.baths_full,
        "BathroomsHalf": home.baths_half,
        "BathroomsTotalInteger": home.baths_full + home.baths_half,
        "LivingArea": home.area,
        "LivingAreaUnits": "Square Feet",
        "LotSizeAcres": home.lot or None,
        "LotSizeSquareFeet": round(home.lot * 43_560) or None,
        "YearBuilt": home.year,
        "StoriesTotal": home.storeys,
        "GarageSpaces": float(home.garage),
        "GarageYN": home.garage > 0,
        "PoolPrivateYN": home.pool,
        "FireplaceYN": home.fireplace,
        "WaterfrontYN": home.waterfront,
    }


def _features(home: Home) -> Record:
    rng = random.Random(mix(home.look, home.index, 5))

    def some(most: int, *choices: str) -> list[str]:
        return sorted(rng.sample(choices, rng.randint(1, most)))

    lot = some(3, "Corner Lot", "Cul-De-Sac", "Garden", "Landscaped", "Level", "Wooded", "Near Public Transit")
    return {
        "InteriorFeatures": some(
            4, "Breakfast Bar", "Built-in Features", "Ceiling Fan(s)", "Eat-in Kitchen", "High Ceilings",
            "Kitchen Island", "Open Floorplan", "Pantry", "Primary Downstairs", "Storage", "Walk-In Closet(s)",
        ),
        "ExteriorFeatures": some(3, "Balcony", "Dock", "Fire Pit", "Garden", "Private Yard", "Rain Gutters"),
        "Appliances": some(5, "Dishwasher", "Dryer", "Gas Range", "Microwave", "Oven", "Refrigerator", "Washer"),
        "Heating": some(1, "Forced Air", "Natural Gas", "Radiant Floor", "Heat Pump"),
        "Cooling": some(1, "Central Air", "Ceiling Fan(s)", "Ductless", "None"),
        "Flooring": some(2, "Carpet", "Hardwood", "Laminate", "Tile", "Vinyl"),
        "ParkingFeatures": some(2, "Attached", "Detached", "Driveway", "Garage Door Opener") if home.garage else [],
        "LotFeatures": lot if home.lot else [],
        "View": ["Lake", "Water"] if home.waterfront else [],
        "WaterBodyName": home.town.lake if home.waterfront else None,
        "PoolFeatures": ["Heated", "In Ground"] if home.pool else [],
        "ElementarySchool": f"{rng.choice(places.ELEMENTARY)} Elementary",
        "HighSchool": f"{home.town.county} County High School",
    }  # fmt: skip
