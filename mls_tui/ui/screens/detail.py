"""One home: its photos, its facts, its history, and where all that comes from. Reads through ``actions`` only."""

from __future__ import annotations

import json
from typing import ClassVar, Protocol

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from mls_tui.domain.events import Event, ListingStored
from mls_tui.domain.listing import Listing, Photo
from mls_tui.domain.words import plural
from mls_tui.ui.screens.base import MlsScreen
from mls_tui.ui.widgets.background import begin
from mls_tui.ui.widgets.brief import brief
from mls_tui.ui.widgets.fact_groups import FactGroups, FactScroll
from mls_tui.ui.widgets.gallery import Gallery
from mls_tui.ui.widgets.headline import caption, headline
from mls_tui.ui.widgets.painter import SWITCHED_OFF, Painter
from mls_tui.ui.widgets.photo_shelf import PhotoShelf
from mls_tui.ui.widgets.photo_view import PhotoView
from mls_tui.ui.widgets.plain import plain
from mls_tui.ui.widgets.relisted_note import RelistedNote

PHOTOS = Binding.Group("Photos")
LISTING = Binding.Group("Listing")


class Neighbours(Protocol):
    """The list a listing was opened from."""

    def position(self, listing_id: str) -> tuple[int, int] | None:
        """Its place from 0, and how many there are; None where it is not shown there."""
        ...

    def neighbour(self, listing_id: str, step: int) -> str | None: ...

    def renewed(self, listing: Listing) -> None:
        """Show it as it is stored now."""
        ...

    async def delete(self, ids: list[str]) -> bool:
        """Ask, delete and tell; True where something was deleted."""
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
        Binding("r", "relisted", "Earlier listing", show=False, id="detail.relisted",
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
        self._shelf = PhotoShelf(self._fetch, Painter(self.shell.hooks.graphics), self.shell.write_sequence)
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
        self.shell.import_events.subscribe(self, self._imported)
        self.app.app_resume_signal.subscribe(self, lambda _: self._read_anew())  # a terminal forgets what it was shown
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
        await self.query_one(FactGroups).show(listing, self.shell.clock.now())
        self.query_one("#detail-facts").scroll_home(animate=False)

    async def _earlier(self, listing: Listing) -> Listing | None:
        """The listing under which the same home was for sale before, where it is still stored."""
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
            self._read_anew()

    def _read_anew(self) -> None:
        self._shelf.forget()
        self.reload()

    @property
    def _photos_off(self) -> bool:
        return self.shell.hooks.graphics is not None and self.shell.hooks.graphics.kind == "off"

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
        begin(self, self._refetch, "refetch")

    async def _refetch(self) -> None:
        listing_id = self.listing_id
        result = await self.actions.refetch_photos(listing_id, self.workspace)
        listing = result.data or self.answered(result, title="Photos")  # some may have come, though not all
        if listing is None:
            return
        self._neighbours.renewed(listing)
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
        found = self._neighbours.neighbour(self.listing_id, step)
        if found is not None:
            self.listing_id, self.photo_index = found, 0
            self.reload()

    def action_relisted(self) -> None:
        earlier = self.query_one(RelistedNote).earlier
        if earlier is not None and self.listing is not None:
            opened = DetailScreen(earlier.listing_id, self._neighbours, relisted_as=self.listing.mls_number)
            self.app.push_screen(opened, lambda _: self.reload())  # called where the user deleted it there

    @on(RelistedNote.Followed)
    def _follow(self) -> None:
        self.action_relisted()

    def action_copy_listing(self) -> None:
        if self.listing is not None:
            self.app.copy_to_clipboard(json.dumps(self.listing.to_data(), indent=2, ensure_ascii=False))
            self.notify(f"Copied MLS {brief(self.listing.mls_number, 40)} as JSON")

    def action_delete(self) -> None:
        begin(self, self._delete, "delete", exclusive=False)

    async def _delete(self) -> None:
        if await self._neighbours.delete([self.listing_id]):
            self.dismiss()

    def action_scroll(self, lines: int) -> None:
        self.query_one("#detail-facts").scroll_relative(y=lines * 2, animate=False)
