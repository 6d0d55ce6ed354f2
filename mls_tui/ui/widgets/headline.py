"""The two lines above a home, and the line below its photo. Pure: listings in, words out, none of them markup."""

from __future__ import annotations

from textual.content import Content

from mls_tui.domain.listing import Listing, Photo
from mls_tui.ui.widgets.brief import brief
from mls_tui.ui.widgets.listing_columns import STATUS_GLYPHS, money, number
from mls_tui.ui.widgets.photo_shelf import why_missing
from mls_tui.ui.widgets.status_tabs import COLOURS


def headline(listing: Listing) -> Content:
    """Address, status, price and number on the first line; what one asks next on the second, the office at its end."""
    status = listing.status.value
    address = brief(listing.address.street or "Address withheld", 44)
    region = brief(" ".join(part for part in (listing.address.state, listing.address.zip) if part), 20)
    city = brief(listing.address.city or "", 30)
    facts = (
        ", ".join(part for part in (city, region) if part),
        f"{number(listing.bedrooms)} bd",
        f"{number(listing.bathrooms)} ba",
        f"{number(listing.square_feet)} ft²",
        f"listed by {brief(listing.list_office_name, 40)}" if listing.list_office_name else "",
    )
    return Content.assemble(
        (address, "bold"), "   ", (f"{STATUS_GLYPHS[status]} {status.capitalize()}", f"bold {COLOURS[status]}"), "   ",
        (money(listing.price), "bold $accent"), "   ", (f"MLS {brief(listing.mls_number, 20)}", "$text-muted"), "\n",
        (" · ".join(part for part in facts if part), "$text-muted"),
    )  # fmt: skip


def caption(photo: Photo | None, index: int, count: int, missing: int) -> Content:
    """``2 of 12 · Kitchen``, and how many of the listing's photos are missing."""
    if photo is None:
        return Content("")
    text = brief(photo.caption or ("" if photo.stored else why_missing(photo)), 120)
    parts: list[Content | tuple[str, str] | str] = [(f"{index + 1} of {count}", "bold")]
    if missing:
        parts.append((f" · {missing} missing, f fetches", "$warning"))
    if text:
        parts.append((f" · {text}", "$text-muted"))
    return Content.assemble(*parts)
