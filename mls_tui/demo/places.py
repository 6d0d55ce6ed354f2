"""The invented region of Lakeside MLS: towns, streets, people, offices. Data only; no town or person here is real."""

from __future__ import annotations

from dataclasses import dataclass

SYSTEM = "Lakeside MLS"


@dataclass(frozen=True, slots=True)
class Town:
    """A town: ``level`` scales prices (1.0 is the region's middle), ``lake`` is the water it lies on,
    if any, and ``share`` is the percentage of homes that are there."""

    name: str
    state: str
    zips: tuple[str, ...]
    county: str
    latitude: float
    longitude: float
    level: float
    lake: str | None
    share: int


TOWNS = (
    Town("Port Ansel", "MI", ("49731", "49732"), "Ansel", 45.12, -85.31, 1.25, "Lake Ansel", 20),
    Town("Heron Falls", "MI", ("49761",), "Ansel", 45.03, -85.18, 0.85, None, 12),
    Town("Maple Harbor", "MI", ("49795", "49796"), "Corvane", 44.91, -85.52, 1.55, "Corvane Bay", 14),
    Town("Stillmere", "MI", ("49688",), "Corvane", 44.78, -85.41, 1.10, "Stillmere Pond", 11),
    Town("Grantwick", "WI", ("54219",), "Halden", 44.46, -87.60, 0.75, None, 13),
    Town("Cedar Narrows", "WI", ("54247",), "Halden", 44.55, -87.52, 1.00, "the Narrows", 9),
    Town("Eastbrook", "WI", ("54298",), "Halden", 44.37, -87.71, 0.90, None, 10),
    Town("Wren Lake", "MN", ("55793",), "Tamarack", 46.83, -92.34, 1.35, "Wren Lake", 8),
    Town("Tamarack Point", "MN", ("55797",), "Tamarack", 46.91, -92.21, 0.95, "Lake Tamarack", 6),
)

STREETS = (
    "Alder", "Bayview", "Birch Hollow", "Blue Heron", "Bluff", "Canal", "Cedar", "Chapel", "Cherry Orchard", "Church",
    "Cottage", "Covered Bridge", "Crescent", "Dune", "Elm", "Fern Hill", "Fisher", "Garden", "Granary", "Harbor",
    "Hawthorn", "Hickory", "Highland", "Juniper", "Lakeshore", "Lantern", "Larch", "Library", "Lilac", "Linden",
    "Loon Call", "Maple", "Meadow", "Mill Race", "Mulberry", "Oak Ridge", "O'Malley", "Old Ferry", "Orchard",
    "Park", "Pine Needle", "Quarry", "Railway", "River", "Rosewood", "Sailmaker", "Schoolhouse", "Spruce",
    "Sugarbush", "Sunset", "Sycamore", "Tannery", "Trillium", "Union", "Vine", "Walnut", "Washington", "Willow",
    "Winding Brook", "Woodland",
)  # fmt: skip
SUFFIXES = ("Street", "Street", "Avenue", "Lane", "Road", "Drive", "Court", "Way", "Place", "Trail")
DIRECTIONS = ("N", "S", "E", "W")

FIRST_NAMES = (
    "Abigail", "Adrian", "Amara", "Beatriz", "Caleb", "Chloe", "Daniel", "Elena", "Farid", "Grace", "Hannah", "Ingrid",
    "Isaac", "Joanna", "Kenji", "Laila", "Lucas", "Marcus", "Mei", "Nadia", "Oscar", "Priya", "Quentin", "Rosa",
    "Samuel", "Sofia", "Tomas", "Una", "Victor", "Wendy", "Yusuf", "Zoë",
)  # fmt: skip
LAST_NAMES = (
    "Adeyemi", "Bergstrom", "Castillo", "D'Angelo", "Ekberg", "Fairweather", "Gallagher", "Hoekstra", "Ibarra",
    "Jankowski", "Kowalczyk", "Lindqvist", "MacAllister", "Nakamura", "O'Brien", "Pettersen", "Quist", "Ramaswamy",
    "Sandoval", "Thibault", "Underhill", "VanDyke", "Whitaker", "Xiong", "Yarrow", "Zielinski",
)  # fmt: skip
OFFICES = (
    "Harbor & Pine Realty", "Bluewater Homes", "North Shore Brokers", "Lantern Street Realty", "Fairweather & Co.",
    "Cedar Gate Properties", "Old Ferry Realty Group", "Loon Lake Living", "Maple Key Real Estate",
    "Keystone Cottage Brokerage", "Tamarack Land & Home", "Trillium Residential",
)  # fmt: skip

ELEMENTARY = ("Fern Hill", "Lakeshore", "Orchard Park", "Riverbend", "St. Brendan")
