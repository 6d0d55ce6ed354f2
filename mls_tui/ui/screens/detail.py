"""One home: its photos, its facts, its history, and where they come from."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Protocol

from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from mls_tui.domain.events import Event, ListingStored
from mls_tui.domain.listing import Change, Listing, Photo
from mls_tui.domain.wording import plural
from mls_tui.storage.summaries import per
from mls_tui.ui.formats import NOTHING, ago, moment_utc, money, number
from mls_tui.ui.screens.base import MlsScreen
from mls_tui.ui.tasks import start_task
from mls_tui.ui.text import brief, clean, plain
from mls_tui.ui.widgets.filter_bar import STATUS_COLOURS
from mls_tui.ui.widgets.listing_table import STATUS_GLYPHS
from mls_tui.ui.widgets.photos import SWITCHED_OFF, Gallery, Painter, PhotoShelf, PhotoView, why_missing

Row = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Group:
    """A heading with its facts; absent values are left out, an empty group is not shown."""

    title: str
    rows: tuple[Row, ...]


def fact_groups(listing: Listing, now: datetime) -> tuple[Group, ...]:
    """The groups that have anything to say, in the order of the screen."""
    groups = (_home(listing), _price(listing), _dates(listing, now), _place(listing))
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


def _asked(listing: Listing) -> str | None:
    """The price; a rent with its period: ``$1,850/mo``."""
    return None if listing.price is None else money(listing.price) + per(listing.price_period, listing.price_unit)


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
        ("Price", _asked(listing)),
        ("Per ft²", per_foot),
        ("First asked", _paid(listing.original_list_price)),
        ("Sold for", _paid(listing.close_price)),
        ("Association", fee),
        ("Taxes a year", _paid(listing.tax_annual_amount)),
    )


def _dates(listing: Listing, now: datetime) -> Group:
    days = listing.days_on_market
    first_day = (now.astimezone(UTC) - timedelta(hours=12)).date().isoformat()  # today in the westernmost time zone
    return _group(
        "Dates",
        *(("Open house", str(each)) for each in listing.open_houses or () if each.date >= first_day),
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
        ("Synced", f"{moment_utc(listing.synced_at)} UTC, {ago(listing.synced_at, now)}"),
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


def headline(listing: Listing) -> Content:
    """Address, status, price and number on the first line; what one asks next on the second, the office at its end."""
    status = listing.status.value
    shown = f"{STATUS_GLYPHS[status]} {status.capitalize()}"
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
        (address, "bold"), "   ", (shown, f"bold {STATUS_COLOURS[status]}"), "   ",
        (_asked(listing) or NOTHING, "bold $accent"), "   ",
        (f"MLS {brief(listing.mls_number, 20)}", "$text-muted"), "\n",
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


GONE = "It was listed before; that listing is not stored any more."


class RelistedNote(Static):
    """Hidden if the home was not listed before, as far as is known."""

    @dataclass
    class Followed(Message):
        """The user clicked it."""

        listing_id: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.earlier: Listing | None = None
        self.display = False

    def show(self, listing: Listing, earlier: Listing | None) -> None:
        """``earlier`` is the listing that ``listing.relisted_from`` names, None if it is not stored."""
        self.earlier = earlier
        self.display = listing.relisted_from is not None
        self.set_class(earlier is not None, "-link")
        self.update(Content(GONE) if earlier is None else _link(earlier))

    def on_click(self) -> None:
        if self.earlier is not None:
            self.post_message(self.Followed(self.earlier.listing_id))


def _link(earlier: Listing) -> Content:
    number = f"MLS {brief(earlier.mls_number, 20)}"
    facts = [earlier.status.value, *([money(earlier.price)] if earlier.price else [])]
    return Content.assemble(
        "Listed before as ",
        (number, "underline"),
        f" ({', '.join(facts)}) · ",
        ("b", "bold"),
        " opens it",
    )


MOVE = Binding.Group("Move")
LABEL_WIDTH = 14
VALUE_LIMIT = 300


class FactGroup(Vertical):
    """A heading above labels and values; long values wrap below themselves."""

    def __init__(self, title: str, rows: Iterable[Row]) -> None:
        super().__init__()
        self._title = title
        self._rows = tuple(rows)

    def compose(self) -> ComposeResult:
        yield Static(plain(self._title), classes="group-title")
        grid = Table.grid(padding=(0, 1, 0, 0), expand=True)
        grid.add_column(width=max([LABEL_WIDTH, *(min(20, len(label)) for label, _ in self._rows)]), style="dim")
        grid.add_column(ratio=1)
        for label, value in self._rows:
            shown = clean(value[: 4 * VALUE_LIMIT], newlines=False)
            cut = shown if len(shown) <= VALUE_LIMIT else shown[: VALUE_LIMIT - 1] + "…"
            grid.add_row(Text(clean(label, newlines=False)[:20]), Text(cut, overflow="fold"))
        yield Static(grid, classes="group-rows")


class TextGroup(Vertical):
    """A heading above wrapped text."""

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self._title = title
        self._text = text

    def compose(self) -> ComposeResult:
        yield Static(plain(self._title), classes="group-title")
        yield Static(plain(self._text), classes="group-text")


class FactScroll(VerticalScroll, inherit_bindings=False):
    """Leaves the arrows to the left and right to the photos."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll_up", "Up", show=False, id="facts.up", tooltip="Up", group=MOVE),
        Binding("down", "scroll_down", "Down", show=False, id="facts.down", tooltip="Down", group=MOVE),
        Binding("pageup", "page_up", "Page up", show=False, id="facts.page-up", tooltip="A page up", group=MOVE),
        Binding("pagedown", "page_down", "Page down", show=False, id="facts.page-down", tooltip="A page down",
                group=MOVE),
        Binding("home", "scroll_home", "First", show=False, id="facts.first", tooltip="The first fact", group=MOVE),
        Binding("end", "scroll_end", "Last", show=False, id="facts.last", tooltip="The last fact", group=MOVE),
    ]  # fmt: skip


class FactGroups(Vertical):
    """Facts, the story, the source, one below the other; on a wide screen the story stands beside the rest."""

    async def show(self, listing: Listing, now: datetime) -> None:
        """Say everything that is known of a listing."""
        facts = [FactGroup(group.title, group.rows) for group in fact_groups(listing, now)]
        source = [FactGroup(group.title, group.rows) for group in source_groups(listing, now)]
        history = history_rows(listing)
        story: list[Vertical] = [FactGroup("History", history)] if history else []  # remarks may fill screens
        if listing.description:
            story.append(TextGroup("Remarks", listing.description))
        if listing.features:
            story.append(TextGroup("Features", " · ".join(clean(each, newlines=False) for each in listing.features)))
        if not history:
            story.append(TextGroup("History", "No change since it came."))
        with self.app.batch_update():
            await self.remove_children()
            await self.mount(
                Vertical(*facts, classes="facts-column"),
                Vertical(*story, classes="facts-column -story"),
                Vertical(*source, classes="facts-column"),
            )


PHOTOS = Binding.Group("Photos")
LISTING = Binding.Group("Listing")


class Neighbours(Protocol):
    """The list a listing was opened from."""

    def position(self, listing_id: str) -> tuple[int, int] | None:
        """Its place from 0, and how many there are; None if it is not shown there."""
        ...

    async def neighbour(self, listing_id: str, step: int) -> str | None: ...

    async def delete(self, ids: list[str]) -> bool:
        """Ask, delete and tell; True if something was deleted."""
        ...


class DetailScreen(MlsScreen[None]):
    """Opened from a list, whose next and previous listings are a key away."""

    WRITES = frozenset({"delete", "refetch"})
    AUTO_FOCUS = "#detail-facts"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right_square_bracket,right,l", "photo(1)", "Photo", key_display="[ ]", id="detail.next-photo",
                tooltip="The next photo", group=PHOTOS),
        Binding("left_square_bracket,left,h", "photo(-1)", "Photo", show=False, id="detail.previous-photo",
                tooltip="The previous photo", group=PHOTOS),
        Binding("z", "zoom", "Zoom", id="detail.zoom", tooltip="The photo alone, as large as it goes", group=PHOTOS),
        Binding("f", "refetch", "Fetch photos", id="detail.refetch", tooltip="Try the missing photos again",
                group=PHOTOS),
        Binding("n,ctrl+n", "listing(1)", "Next", id="detail.next", tooltip="The next listing", group=LISTING),
        Binding("p", "listing(-1)", "Previous", id="detail.previous", tooltip="The previous listing", group=LISTING),
        Binding("b", "relisted", "Earlier listing", show=False, id="detail.relisted",
                tooltip="The listing under which this home was for sale before", group=LISTING),
        Binding("Y", "copy_listing", "Copy JSON", id="detail.copy-json", tooltip="Copy the listing as JSON",
                group=LISTING),
        Binding("d,delete", "delete", "Delete", id="detail.delete", tooltip="Delete this listing", group=LISTING),
        Binding("j", "scroll(1)", "Down", show=False, id="detail.down", tooltip="Scroll the facts", group=LISTING),
        Binding("k", "scroll(-1)", "Up", show=False, id="detail.up", tooltip="Scroll the facts", group=LISTING),
    ]  # fmt: skip

    def __init__(self, listing_id: str, neighbours: Neighbours, *, relisted_as: str | None = None) -> None:
        """``relisted_as`` is the MLS number of the later listing from which this one was opened."""
        super().__init__()
        self._relisted_as = relisted_as
        self.listing_id = listing_id
        self.listing: Listing | None = None
        self.photo_index = 0
        self._neighbours = neighbours
        self._shelf = PhotoShelf(self._fetch)

    def body(self) -> ComposeResult:
        self._shelf = PhotoShelf(self._fetch, Painter(self.app.hooks.graphics), self.app.write_sequence)
        yield Static(id="detail-head")
        with Horizontal(id="detail-main"):
            with Vertical(id="detail-photos"):
                yield PhotoView(self._shelf, id="detail-photo")
                yield Static(id="detail-caption")
                yield Gallery(self._shelf, id="detail-gallery")
            with FactScroll(id="detail-facts"):
                yield RelistedNote(id="detail-relisted")
                yield FactGroups()

    def crumbs(self) -> tuple[str, ...]:
        place = self._neighbours.position(self.listing_id)
        where = (f"{place[0] + 1:,} of {place[1]:,}",) if place else ()
        name = self.listing.address.street or "Address withheld" if self.listing else "…"
        later = (f"MLS {brief(self._relisted_as, 20)}",) if self._relisted_as else ()
        return ("Listings", *later, brief(name, 40), *where)

    def on_mount(self) -> None:
        self.app.import_events.subscribe(self, self._imported)
        self.app.app_resume_signal.subscribe(self, lambda _: self._read_again())  # a terminal forgets what it was shown
        self.set_class(self._photos_off, "-no-photos")

    def on_unmount(self) -> None:
        if self.app.is_running:  # else the terminal is given back, and with it all that it keeps
            self._shelf.forget()

    def on_screen_suspend(self) -> None:
        self._draw_photos_again()

    def on_screen_resume(self) -> None:
        self._draw_photos_again()

    def _draw_photos_again(self) -> None:
        """Pixels are shown only while nothing lies over this screen; half-blocks stand in for them else."""
        self.query_one(PhotoView).refresh()
        self.query_one(Gallery).refresh()

    async def load(self) -> None:
        result = await self.actions.get_listing(self.listing_id, self.workspace)
        listing = self.answered(result, title="The listing could not be read")
        if listing is None:
            reason = result.error or result.message or "It could not be read."
            self.query_one("#detail-head", Static).update(plain(brief(reason, 400)))
            return
        await self._show(listing)

    async def _show(self, listing: Listing) -> None:
        self.listing = listing
        self.photo_index = min(self.photo_index, max(0, len(listing.photos) - 1))
        self.query_one("#detail-head", Static).update(headline(listing))
        self.query_one(RelistedNote).show(listing, await self._earlier(listing))
        self.query_one(Gallery).show(listing.photos, self.photo_index)
        self._show_photo()
        self.refresh_bindings()
        await self.query_one(FactGroups).show(listing, self.app.clock.now())
        self.query_one("#detail-facts").scroll_home(animate=False)

    async def _earlier(self, listing: Listing) -> Listing | None:
        """The listing under which the same home was for sale before, if it is still stored."""
        if listing.relisted_from is None:
            return None
        return (await self.actions.get_listing(listing.relisted_from, self.workspace)).data

    async def _fetch(self, key: str) -> bytes | str:
        result = await self.actions.get_photo(key, self.workspace)
        if result.success and result.data is not None:
            return result.data
        return result.error or "It could not be read from the store."

    def _imported(self, batch: tuple[Event, ...]) -> None:
        if any(isinstance(event, ListingStored) and event.listing_id == self.listing_id for event in batch):
            self._read_again()

    def _read_again(self) -> None:
        self._shelf.forget()
        self.reload()

    @property
    def _photos_off(self) -> bool:
        return self.app.hooks.graphics is not None and self.app.hooks.graphics.kind == "off"

    # photos ----------------------------------------------------------------------------------------------------

    @property
    def photos(self) -> tuple[Photo, ...]:
        return self.listing.photos if self.listing else ()

    def _show_photo(self) -> None:
        photo = self.photos[self.photo_index] if self.photos else None
        self.query_one(PhotoView).show(photo)
        self.query_one(Gallery).chosen = self.photo_index
        missing = sum(1 for each in self.photos if not each.stored)
        self.query_one("#detail-caption", Static).update(caption(photo, self.photo_index, len(self.photos), missing))

    def action_photo(self, step: int) -> None:
        if self.photos:
            self.photo_index = (self.photo_index + step) % len(self.photos)
            self._show_photo()

    @on(Gallery.Chosen)
    def _photo_chosen(self, event: Gallery.Chosen) -> None:
        self.photo_index = event.index
        self._show_photo()

    def action_zoom(self) -> None:
        self.toggle_class("-zoomed")

    def action_back(self) -> None:
        if self.has_class("-zoomed"):
            self.remove_class("-zoomed")
        else:
            super().action_back()

    def action_refetch(self) -> None:
        self.notify("Fetching the missing photos…")
        start_task(self, self._refetch, "refetch")

    async def _refetch(self) -> None:
        listing_id = self.listing_id
        result = await self.actions.refetch_photos(listing_id, self.workspace)
        listing = result.data or self.answered(result, title="Photos")  # some may have come, though not all
        if listing is None:
            return
        if listing_id != self.listing_id:
            return
        self._shelf.forget()
        await self._show(listing)
        missing = listing.photos_missing
        self.notify(
            f"{plural(missing, 'photo')} still missing." if missing else "All photos are here.",
            severity="warning" if missing else "information",
        )

    # the listing -----------------------------------------------------------------------------------------------

    def why_not(self, action: str, parameters: tuple[object, ...]) -> str | None:
        if reason := super().why_not(action, parameters):
            return reason
        if action == "refetch" and not any(not photo.stored for photo in self.photos):
            return "No photo of this listing is missing."
        if action == "relisted" and self.query_one(RelistedNote).earlier is None:
            return "Nothing stored says that this home was listed before."
        if action in ("photo", "zoom") and self._photos_off:
            return SWITCHED_OFF
        if action in ("photo", "zoom") and not self.photos:
            return "This listing has no photos."
        if action == "listing":
            place = self._neighbours.position(self.listing_id)
            if place is None:
                return "The list this was opened from no longer shows it."
            if not 0 <= place[0] + (1 if parameters == (1,) else -1) < place[1]:
                return "This is the last listing shown." if parameters == (1,) else "This is the first listing shown."
        if action in ("delete", "copy_listing") and self.listing is None:
            return "There is no listing here."
        return None

    async def action_listing(self, step: int) -> None:
        found = await self._neighbours.neighbour(self.listing_id, step)
        if found is not None:
            self.listing_id, self.photo_index = found, 0
            self.reload()

    def action_relisted(self) -> None:
        earlier = self.query_one(RelistedNote).earlier
        if earlier is not None and self.listing is not None:
            opened = DetailScreen(earlier.listing_id, self._neighbours, relisted_as=self.listing.mls_number)
            self.app.push_screen(opened, lambda _: self.reload())  # called if the user deleted it there

    @on(RelistedNote.Followed)
    def _follow(self) -> None:
        self.action_relisted()

    def action_copy_listing(self) -> None:
        if self.listing is not None:
            self.app.copy_to_clipboard(json.dumps(self.listing.to_data(), indent=2, ensure_ascii=False))
            self.notify(f"Copied MLS {brief(self.listing.mls_number, 40)} as JSON")

    def action_delete(self) -> None:
        start_task(self, self._delete, "delete", exclusive=False)

    async def _delete(self) -> None:
        if await self._neighbours.delete([self.listing_id]):
            self.dismiss()

    def action_scroll(self, lines: int) -> None:
        self.query_one("#detail-facts").scroll_relative(y=lines * 2, animate=False)
