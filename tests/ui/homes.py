"""Homes for the interface's tests: believable ones from a seed, and hostile ones. No I/O."""

from __future__ import annotations

import io
import random

from PIL import Image, ImageDraw

from mls_tui.domain.listing import Address, Change, Listing, ListingStatus, Photo
from tests.ui.fakes import NOW_MS

STREETS = ("Oak", "Elm", "Lakeshore", "Pecan", "Juniper", "Rio Grande", "Bluebonnet", "Barton Hills", "Congress")
CITIES = ("Austin", "Round Rock", "Buda", "San Marcos", "Dripping Springs")
KINDS = ("Single Family Residence", "Condominium", "Townhouse", "Duplex")
WORDS = {"active": "Active", "pending": "Pending", "sold": "Closed", "expired": "Withdrawn"}

HOSTILE = (
    "[/] [@click=app.quit]quit[/] 100% [sold] \x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b31m\u202egnp.\u2066 "
    "🏡👨‍👩‍👧 東京都渋谷区 e\u0301\u0302\u0303\u0304\u0305 line\none\r\ntwo\ttab " + "x" * 10_000
)


def a_photo(listing_id: str, order: int, *, stored: bool = True, caption: str | None = None) -> Photo:
    url = f"https://photos.example/{listing_id}/{order}.jpg"
    if not stored:
        return Photo(url=url, order=order, original_url=url, error="503 Service Unavailable, 2 attempts")
    key = f"listings/local/{listing_id}/original/photo{order}.jpg"
    return Photo(url=key, key=key, order=order, original_url=url, caption=caption, size=1000, sha256="0" * 64)


def a_home(number: int = 1, **more: object) -> Listing:
    """A believable home; the same number gives the same home."""
    dice = random.Random(number)
    status = list(ListingStatus)[dice.choice((0, 0, 0, 1, 2, 3))]
    listing_id = f"reso.lakeside-mls-{48000 + number}-{NOW_MS}"
    price = dice.randrange(180, 1900) * 1000
    data: dict[str, object] = {
        "listing_id": listing_id,
        "mls_id": f"KEY{number:06}",
        "mls_number": str(48000 + number),
        "mls_provider": "reso.lakeside-mls",
        "address": Address(
            street=f"{dice.randrange(1, 9900)} {dice.choice(STREETS)} {dice.choice(('St', 'Dr', 'Ln'))}",
            city=dice.choice(CITIES), state="TX", zip=f"787{dice.randrange(10, 99)}", country="US",
        ),
        "price": price,
        "bedrooms": dice.randrange(1, 6),
        "bathrooms": dice.choice((1, 1.5, 2, 2.5, 3)),
        "square_feet": dice.randrange(700, 4200),
        "property_type": "Residential",
        "property_sub_type": dice.choice(KINDS),
        "status": status,
        "standard_status": WORDS[status.value],
        "mls_status": WORDS[status.value],
        "list_date": f"2026-{dice.randrange(1, 6):02}-{dice.randrange(1, 28):02}",
        "description": "A quiet street, a porch for the evening, and a kitchen that gets the morning sun. "
        "Walk to the lake in ten minutes; the elementary school is at the corner. New roof in 2021.",
        "photos": tuple(a_photo(listing_id, order, stored=number % 7 != 3 or order != 2) for order in range(6)),
        "features": ("Pool", "Covered patio", "Two-car garage", "Solar panels"),
        "synced_at": NOW_MS - dice.randrange(0, 3 * 86_400_000),
        "year_built": dice.randrange(1950, 2024),
        "lot_size_acres": 0.21,
        "list_office_name": "Lakeside Realty",
        "list_agent_name": "Ana Lake",
        "modification_timestamp": "2026-05-30T08:15:00Z",
        "originating_system_name": "Lakeside MLS",
        "original_list_price": price + 15_000,
        "history": (
            Change(at="2026-04-02T09:00:00Z", field="price", old=price + 15_000, new=price),
            Change(at="2026-05-20T12:30:00Z", field="status", old="active", new=status.value),
        ),
    }  # fmt: skip
    return Listing.model_validate(data | more)


def hostile_home() -> Listing:
    """Every text of it is an attack on the screen."""
    address = Address(street=HOSTILE, city=HOSTILE, state=HOSTILE, zip=HOSTILE)
    return a_home(
        666, address=address, description=HOSTILE, features=(HOSTILE, "[/]"), property_type=HOSTILE, county=HOSTILE,
        property_sub_type=HOSTILE, mls_number=HOSTILE, list_office_name=HOSTILE, standard_status=HOSTILE,
        mls_status=HOSTILE, list_agent_name=HOSTILE,
        history=(Change(at=HOSTILE, field=HOSTILE, old=HOSTILE, new="[/]"),),
        photos=(
            a_photo("hostile", 0, caption=HOSTILE),
            Photo(url=HOSTILE, order=1, original_url=HOSTILE, error=HOSTILE),
        ),
    )  # fmt: skip


def a_jpeg(number: int = 0, width: int = 320, height: int = 214) -> bytes:
    """A small house under a sky, as JPEG bytes."""
    image = Image.new("RGB", (width, height), (120, 170, 220))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, height * 2 // 3, width, height), fill=(90, 140, 70))
    wall = ((200, 170, 130), (180, 90, 70), (220, 220, 200), (120, 120, 140))[number % 4]
    draw.rectangle((width // 5, height // 3, width * 4 // 5, height * 5 // 6), fill=wall)
    draw.polygon(
        ((width // 7, height // 3), (width // 2, height // 9), (width * 6 // 7, height // 3)), fill=(90, 50, 45)
    )
    for x in (width // 4, width * 5 // 9):
        draw.rectangle((x, height * 4 // 9, x + width // 6, height * 6 // 10), fill=(250, 240, 170))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=88)
    return out.getvalue()
