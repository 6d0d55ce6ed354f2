"""What the detail screen says of a listing, in groups of label and value. Pure: a Listing in, words out.
The values may be feed text that is not yet made safe to show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mls_tui.domain.listing import Change, Listing
from mls_tui.ui.widgets.listing_columns import money, number
from mls_tui.ui.widgets.numbers import ago, moment

Row = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Group:
    """A heading with its facts; absent values are left out, an empty group is not shown."""

    title: str
    rows: tuple[Row, ...]


def fact_groups(listing: Listing) -> tuple[Group, ...]:
    """The groups that have anything to say, in the order of the screen."""
    groups = (_home(listing), _price(listing), _dates(listing), _place(listing))
    return tuple(group for group in groups if group.rows)


def source_groups(listing: Listing, now: datetime) -> tuple[Group, ...]:
    """Who lists the home, and where our copy comes from."""
    return _listed_by(listing), _provenance(listing, now)


def _group(title: str, *rows: tuple[str, str | None]) -> Group:
    return Group(title, tuple((label, value) for label, value in rows if value))


def _some(value: float | None, unit: str = "") -> str | None:
    return None if value is None else f"{number(value)}{unit}"


def _counted(value: float | None, noun: str) -> str | None:
    """``1 day``, ``2.5 acres``."""
    return None if value is None else f"{number(value)} {noun}{'' if value == 1 else 's'}"


def _paid(value: float | None) -> str | None:
    return None if value is None else money(value)


def _home(listing: Listing) -> Group:
    return _group(
        "The home",
        ("Type", " · ".join(dict.fromkeys(t for t in (listing.property_type, listing.property_sub_type) if t))),
        ("Bedrooms", _some(listing.bedrooms)),
        ("Bathrooms", _some(listing.bathrooms)),
        ("Living area", _some(listing.square_feet, " ft²")),
        ("Lot", _counted(listing.lot_size_acres, "acre")),
        ("Built in", str(listing.year_built) if listing.year_built else None),
        ("Stories", _some(listing.stories)),
        ("Garage", _counted(listing.garage_spaces, "space")),
    )


def _price(listing: Listing) -> Group:
    per_foot = None
    if listing.price and listing.square_feet:
        per_foot = f"${listing.price / listing.square_feet:,.0f}"
    fee = _paid(listing.association_fee)
    if fee and listing.association_fee_frequency:
        fee += f" {listing.association_fee_frequency.lower()}"
    return _group(
        "Price",
        ("Price", _paid(listing.price)),
        ("Per ft²", per_foot),
        ("First asked", _paid(listing.original_list_price)),
        ("Sold for", _paid(listing.close_price)),
        ("Association", fee),
        ("Taxes a year", _paid(listing.tax_annual_amount)),
    )


def _dates(listing: Listing) -> Group:
    days = listing.days_on_market
    return _group(
        "Dates",
        ("Listed", listing.list_date),
        ("On the market", _counted(days, "day")),
        ("Closed", listing.close_date),
        ("Status since", _moment(listing.status_change_timestamp)),
        ("Off the market", _moment(listing.off_market_at)),
    )


def _place(listing: Listing) -> Group:
    where = None
    if listing.latitude is not None and listing.longitude is not None:
        where = f"{listing.latitude:.5f}, {listing.longitude:.5f}"
    return _group(
        "Place", ("County", listing.county), ("Subdivision", listing.subdivision), ("Coordinates", where),
        ("Virtual tour", listing.virtual_tour_url),
    )  # fmt: skip


def _listed_by(listing: Listing) -> Group:
    """MLS rules ask for the listing office beside every listing that is shown."""
    return _group(
        "Listed by",
        ("Office", listing.list_office_name or "not given by the MLS"),
        ("Phone", listing.list_office_phone),
        ("Agent", listing.list_agent_name),
        ("Agent's id", listing.list_agent_mls_id),
    )


def _provenance(listing: Listing, now: datetime) -> Group:
    return _group(
        "Where this comes from",
        ("MLS", listing.originating_system_name or listing.mls_provider),
        ("MLS number", listing.mls_number),
        ("ListingKey", listing.mls_id),
        ("StandardStatus", listing.standard_status),
        ("MlsStatus", listing.mls_status),
        ("Changed there", _moment(listing.modification_timestamp)),
        ("Synced", f"{moment(listing.synced_at)} UTC, {ago(listing.synced_at, now)}"),
        ("Listing id", listing.listing_id),
    )


def history_rows(listing: Listing) -> tuple[Row, ...]:
    """Changes of price and status, newest first."""
    return tuple((_moment(change.at) or "", _change(change)) for change in reversed(listing.history))


def _change(change: Change) -> str:
    if change.field == "price" or change.field.endswith("_price"):
        old, new = (money(v) if isinstance(v, int | float) else v for v in (change.old, change.new))
        arrow = ""
        if isinstance(change.old, int | float) and isinstance(change.new, int | float) and change.old:
            arrow = f"  {(change.new - change.old) / change.old:+.1%}"
        return f"{old or '–'} → {new or '–'}{arrow}"
    return f"{change.field}: {change.old or '–'} → {change.new or '–'}"


def _moment(text: str | None) -> str | None:
    """``2026-05-30 08:15`` out of an ISO 8601 text that can be read; any other text as it is."""
    if text and len(text) >= 16 and text[10] == "T" and text[:4].isdigit():
        return f"{text[:10]} {text[11:16]}"
    return text
