"""The demo's records with RESO Data Dictionary 2.0 names: Property, Media, OpenHouse, Member and Office.

All are made from a ``Home`` and are the same whenever they are made.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from mls_tui.demo import places
from mls_tui.demo.homes import HEIGHT, WIDTH, Home, Shot, mix

Record = dict[str, Any]
LOGIN = "demo"
"""MemberLoginId of the first agent, whom the demo's credentials belong to."""

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
        "PropertyType": _property_type(home),
        "PropertySubType": home.kind,
        **_address(home),
        **_dates(home),
        **_prices(home),
        **_sizes(home),
        **_features(home),
        "PublicRemarks": _public_remarks(home),
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
    parts = (str(home.street_number), home.direction, home.street, home.suffix, f"#{home.unit}" if home.unit else None)
    return {
        "UnparsedAddress": " ".join(part for part in parts if part),
        "StreetNumber": str(home.street_number),
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


def _property_type(home: Home) -> str:
    return "Residential Lease" if home.lease else "Residential Income" if home.kind == "Duplex" else "Residential"


def _dates(home: Home) -> Record:
    changed = home.closed or home.contract or (home.listed if home.status == "Active" else home.modified)
    return {
        "CloseDate": home.closed and home.closed.date().isoformat(),
        "PurchaseContractDate": home.contract and home.contract.date().isoformat(),
        "ListingContractDate": home.listed.date().isoformat(),
        "OnMarketDate": None if home.status in ("Coming Soon", "Incomplete") else home.listed.date().isoformat(),
        "OriginalEntryTimestamp": stamp(home.listed),
        "ModificationTimestamp": stamp(home.modified),
        "StatusChangeTimestamp": stamp(changed),
        "DaysOnMarket": home.days_on_market,
    }


def _prices(home: Home) -> Record:
    """The price, or the rent in one of the three ways in which feeds send it (docs/reso-feeds.md, section 4)."""
    rng = random.Random(mix(home.look, home.index, 4))
    cut = 0 if home.lease else rng.choice((0, 0, 0, 5_000, 10_000, 15_000))
    prices: Record = {
        "ListPrice": home.price,
        "OriginalListPrice": home.price + cut,
        "ClosePrice": None,
        "TaxAnnualAmount": None if home.lease else round(home.price * 0.0121, 2),
        "AssociationFee": float(rng.randint(14, 52) * 10) if home.kind in ("Condominium", "Townhouse") else None,
        "LeaseAmount": None,
        "LeaseAmountFrequency": None,
        "LeaseTerm": None,
        "TotalActualRent": None,
    }
    if home.closed:
        step = 25 if home.lease else 500
        prices["ClosePrice"] = round(home.price * rng.uniform(0.95, 1.04) / step) * step
    if home.lease:
        prices |= {"LeaseAmountFrequency": "Monthly", "LeaseTerm": "12 Months"}
        way = home.look % 4
        if way == 0:
            weekly = round(home.price * 12 / 52)
            prices |= {"ListPrice": 0, "OriginalListPrice": 0, "LeaseAmount": weekly, "LeaseAmountFrequency": "Weekly"}
        elif way == 1:
            prices |= {"ListPrice": None, "OriginalListPrice": None, "TotalActualRent": home.price}
    return prices


def _sizes(home: Home) -> Record:
    return {
        "BedroomsTotal": home.beds,
        "BathroomsFull": home.baths_full,
        "BathroomsHalf": home.baths_half,
        "BathroomsTotalInteger": home.baths_full + home.baths_half,
        **_areas(home),
        "YearBuilt": home.year,
        "StoriesTotal": home.storeys,
        "GarageSpaces": float(home.garage),
        "GarageYN": home.garage > 0,
        "PoolPrivateYN": home.pool,
        "FireplaceYN": home.fireplace,
        "WaterfrontYN": home.waterfront,
    }


def _areas(home: Home) -> Record:
    """Square feet and acres; for some homes square metres, hectares or square feet of land."""
    odd = mix(home.look, home.index, 9) % 30
    metres, hectares, feet = odd == 0, odd in (0, 1), odd == 2
    lot = home.lot or None
    return {
        "LivingArea": round(home.area / 10.7639, 1) if metres else home.area,
        "LivingAreaUnits": "Square Meters" if metres else "Square Feet",
        "LotSizeAcres": None if hectares or feet else lot,
        "LotSizeSquareFeet": None if hectares or feet or not lot else round(lot * 43_560),
        "LotSizeArea": lot and (round(lot / 2.47105, 3) if hectares else round(lot * 43_560) if feet else lot),
        "LotSizeUnits": lot and ("Hectares" if hectares else "Square Feet" if feet else "Acres"),
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


def media_records(home: Home, shots: Iterable[Shot], url: Callable[[Shot], str]) -> list[Record]:
    """Media records of a home's photos in display order. One listing in 25 also has a tour, which is not a photo."""
    found = []
    for order, shot in enumerate(shots, 1):
        found.append(
            _media(home, f"{home.key}-{shot.number:03d}", order, shot.changed)
            | {
                "MediaCategory": "Photo",
                "MediaType": "jpeg",
                "MediaURL": url(shot),
                "ShortDescription": shot.caption,
                "LongDescription": None,
                "ImageSizeDescription": "Large",
                "ImageWidth": WIDTH,
                "ImageHeight": HEIGHT,
                "PreferredPhotoYN": order == 1,
            }
        )
    if home.look % 25 == 0:
        tour = {"MediaCategory": "Branded Virtual Tour", "MediaURL": f"https://tours.example/{home.key}"}
        found.append(_media(home, f"{home.key}-900", len(found) + 1, home.listed) | tour)
    return found


def _media(home: Home, key: str, order: int, changed: datetime) -> Record:
    return {
        "MediaKey": key,
        "ResourceRecordKey": home.key,
        "ResourceRecordID": home.mls_number,
        "ResourceName": "Property",
        "OriginatingSystemName": places.SYSTEM,
        "Order": order,
        "ModificationTimestamp": stamp(changed),
        "MediaModificationTimestamp": stamp(changed),
        "Permission": ["Public"],
    }


def open_house_records(home: Home, today: datetime, people: list[Record]) -> list[Record]:
    """OpenHouse records: one active home in six has one or two at the weekend after ``today``, or had one before."""
    if home.status != "Active" or home.look % 6:
        return []
    rng = random.Random(mix(home.look, home.index, 10))
    agent = people[home.agent]
    saturday = (today + timedelta(days=(5 - today.weekday()) % 7 or 7)).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    days = (
        [saturday + timedelta(days=rng.choice((0, 1)))] if rng.random() < 0.7 else [saturday, saturday + timedelta(1)]
    )
    if rng.random() < 0.3 and home.listed < today - timedelta(days=10):
        days.insert(0, saturday - timedelta(days=7))
    found = []
    for number, day in enumerate(days, 1):
        start = day + timedelta(hours=rng.choice((15, 16, 17, 18)))
        canceled = rng.random() < 0.1
        status = "Canceled" if canceled else "Ended" if start < today else "Active"
        found.append(
            {
                "OpenHouseKey": f"OH{home.key}-{number}",
                "OpenHouseId": f"{home.mls_number}-{number}",
                "ListingKey": home.key,
                "ListingId": home.mls_number,
                "OpenHouseDate": start.date().isoformat(),
                "OpenHouseStartTime": stamp(start),
                "OpenHouseEndTime": stamp(start + timedelta(hours=rng.choice((1, 2, 2, 3)))),
                "OpenHouseStatus": status,
                "OpenHouseType": rng.choice(("Public", "Public", "Public", "Broker")),
                "OpenHouseRemarks": rng.choice(
                    (None, "Please park on the street.", "Coffee & tour at the top of the hour.")
                ),
                "Refreshments": rng.choice((None, "Light", "None")),
                "ShowingAgentKey": agent["MemberKey"],
                "ShowingAgentMlsID": agent["MemberMlsId"],
                "OriginatingSystemName": places.SYSTEM,
                "OriginalEntryTimestamp": stamp(home.listed),
                "ModificationTimestamp": stamp(home.listed + timedelta(hours=1)),
            }
        )
    return found


_AGENTS_PER_OFFICE = 4
_STAMP = "2024-06-02T08:00:00.000Z"


def offices() -> list[Record]:
    """Every Office record, in the order of OfficeKey."""
    found = []
    for place, name in enumerate(places.OFFICES):
        town = places.TOWNS[place % len(places.TOWNS)]
        found.append(
            {
                "OfficeKey": f"O{place + 1:04d}",
                "OfficeMlsId": f"LSO{place + 101}",
                "OfficeName": name,
                "OfficePhone": f"555-01{place:02d}",
                "OfficeEmail": f"hello@office{place + 1}.example",
                "OfficeAddress1": f"{12 + 7 * place} {places.STREETS[place * 3]} Street",
                "OfficeCity": town.name,
                "OfficeStateOrProvince": town.state,
                "OfficePostalCode": town.zips[0],
                "OfficeStatus": "Active",
                "OriginatingSystemName": places.SYSTEM,
                "ModificationTimestamp": _STAMP,
            }
        )
    return found


def members() -> list[Record]:
    """Every Member record, in the order of MemberKey; the first one is the signed-in one (``LOGIN``)."""
    rng = random.Random("lakeside members")
    found = []
    for place in range(len(places.OFFICES) * _AGENTS_PER_OFFICE):
        office = place // _AGENTS_PER_OFFICE
        first, last = rng.choice(places.FIRST_NAMES), rng.choice(places.LAST_NAMES)
        found.append(
            {
                "MemberKey": f"M{place + 1:05d}",
                "MemberMlsId": f"LSM{place + 2001}",
                "MemberLoginId": LOGIN if place == 0 else f"agent{place + 1}",
                "MemberFirstName": first,
                "MemberLastName": last,
                "MemberFullName": f"{first} {last}",
                "MemberEmail": f"agent{place + 1}@office{office + 1}.example",
                "MemberDirectPhone": f"555-01{place % 100:02d}",
                "MemberStatus": "Active",
                "OfficeKey": f"O{office + 1:04d}",
                "OfficeName": places.OFFICES[office],
                "OriginatingSystemName": places.SYSTEM,
                "ModificationTimestamp": _STAMP,
            }
        )
    return found


_OPENINGS = (
    "Welcome to {number} {street}, a {adjective} {kind} in {town}.",
    "{Adjective} {beds}-bedroom {kind} minutes from downtown {town}.",
    "Set on a quiet stretch of {street}, this {adjective} {kind} has been cared for by the same family since {since}.",
    "Light, space and a {adjective} layout: this {area} sq ft {kind} is ready for its next chapter.",
    "Rarely does a {kind} on {street} come to market.",
    "Built in {year}, this {adjective} {kind} pairs original character with thoughtful updates.",
)
_ADJECTIVES = ("bright", "well-kept", "charming", "inviting", "spacious", "sun-filled", "handsome", "tidy", "storybook")
_KITCHENS = (
    "The kitchen opens to the dining area and has quartz counters, a pantry and newer appliances.",
    "Cook&#39;s kitchen with gas range, soft-close cabinets and an island that seats four.",
    "The eat-in kitchen was redone in {redone} and looks out over the back garden.",
    "Original cabinetry has been restored, and the appliances stay.",
)
_ROOMS = (
    "Upstairs, {upstairs} bedrooms share a full bath & a linen closet.",
    "The primary suite has a walk-in closet and its own bath.",
    "Hardwood floors run through the main level; the bedrooms have new carpet.",
    "A flexible front room makes a fine office, nursery or den.",
    "The lower level is dry, tall and ready to finish.",
    "Nine-foot ceilings and tall windows keep the living room bright all day.",
)
_OUTSIDE = (
    "The fenced yard has raised beds, mature maples and room for a fire pit.",
    "Enjoy morning coffee on the covered porch.",
    "A paver patio & perennial gardens make the back yard a retreat.",
    "The lot backs to protected woods with a trail to the park.",
)
_CLOSINGS = (
    "Walk to the library, the farmers’ market and the ice-cream stand.",
    "Roof {redone}, furnace and water heater newer.",
    "Showings begin Saturday; ask your agent for the disclosures.",
    "Ten minutes to the hospital, five to the marina.",
    "Come and see it; the light is best in the morning.",
    "Sellers prefer a flexible closing date.",
)
_KIND_WORDS = {
    "Single Family Residence": "home",
    "Townhouse": "townhouse",
    "Condominium": "condo",
    "Cabin": "cabin",
    "Duplex": "duplex",
}


def _public_remarks(home: Home) -> str:
    """What an agent would write: three to six sentences of plain text, some with an HTML entity as in real feeds."""
    rng = random.Random(home.look)
    adjective = rng.choice(_ADJECTIVES)
    words = {
        "number": home.street_number,
        "street": f"{home.street} {home.suffix}",
        "adjective": adjective,
        "Adjective": adjective.capitalize(),
        "kind": _KIND_WORDS[home.kind],
        "town": home.town.name,
        "beds": home.beds,
        "area": f"{home.area:,}",
        "year": home.year,
        "since": max(home.year, min(2016, max(home.year, 1961) + rng.randint(0, 12))),
        "redone": rng.randint(max(2012, home.year), max(home.listed.year, home.year)),
        "upstairs": {1: "one", 2: "two", 3: "three"}.get(max(1, home.beds - 1), "four"),
    }
    sentences = [rng.choice(_OPENINGS), rng.choice(_KITCHENS), *_extras(home, rng)]
    rooms = [room for room in _ROOMS if home.storeys > 1 or "Upstairs" not in room]
    sentences += rng.sample(rooms, rng.choice((1, 1, 2)))
    if home.kind != "Condominium":
        sentences.append(rng.choice(_OUTSIDE))
    if rng.random() < 0.7:
        sentences.append(rng.choice(_CLOSINGS))
    return " ".join(sentences).format_map(words)


def _extras(home: Home, rng: random.Random) -> list[str]:
    """Sentences for what only some homes have."""
    extras = []
    if home.waterfront:
        extras.append(f"Wake up to {home.town.lake}: {rng.randint(60, 180)} feet of frontage and a private dock.")
    if home.pool:
        extras.append("The heated in-ground pool is opened and closed by the same company every year.")
    if home.fireplace:
        extras.append("A wood-burning fireplace anchors the living room.")
    if home.garage >= 2:
        extras.append(f"{('Two', 'Three')[home.garage - 2]}-car garage with storage above.")
    return extras
