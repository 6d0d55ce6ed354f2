"""What an agent would write about a home, from its facts. Plain text as feeds carry it, with the odd HTML entity."""

from __future__ import annotations

import random

from mls_tui.demo.homes import Home

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
    "Come see it before the leaves turn.",
    "Sellers prefer a flexible closing date.",
)
_KIND_WORDS = {
    "Single Family Residence": "home",
    "Townhouse": "townhouse",
    "Condominium": "condo",
    "Cabin": "cabin",
    "Duplex": "duplex",
}


def public_remarks(home: Home) -> str:
    """PublicRemarks for ``home``: three to six sentences, always the same ones."""
    rng = random.Random(home.look)
    adjective = rng.choice(_ADJECTIVES)
    words = {
        "number": home.house,
        "street": f"{home.street} {home.suffix}",
        "adjective": adjective,
        "Adjective": adjective.capitalize(),
        "kind": _KIND_WORDS[home.kind],
        "town": home.town.name,
        "beds": home.beds,
        "area": f"{home.area:,}",
        "year": home.year,
        "since": max(home.year, min(2016, max(home.year, 1961) + rng.randint(0, 12))),
        "redone": rng.randint(max(2012, home.year), 2025),
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
    """Sentences that only some homes have earned."""
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
