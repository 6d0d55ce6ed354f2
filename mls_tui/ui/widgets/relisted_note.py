"""The way from a home to the listing under which it was for sale before. It knows what it is told and reads nothing."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from mls_tui.domain.listing import Listing
from mls_tui.ui.widgets.brief import brief
from mls_tui.ui.widgets.listing_columns import money

GONE = "It was listed before; that listing is not stored any more."


class RelistedNote(Static):
    """Hidden where the home was not listed before, as far as is known."""

    @dataclass
    class Followed(Message):
        """The user clicked it."""

        listing_id: str

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.earlier: Listing | None = None
        self.display = False

    def show(self, listing: Listing, earlier: Listing | None) -> None:
        """``earlier`` is the listing that ``listing.relisted_from`` names, None where it is not stored."""
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
        ("r", "bold"),
        " opens it",
    )
