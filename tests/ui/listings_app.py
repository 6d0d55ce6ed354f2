"""The application on its listings screen, for tests: opened, filled, and at rest."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot

from mls_tui.domain.listing import Listing
from mls_tui.storage import items, summaries
from mls_tui.ui.app import Hooks, MlsTuiApp
from mls_tui.ui.screens.listings import ListingsScreen
from mls_tui.ui.widgets.listing_table import ListingTable
from tests.ui.fakes import FakeActions, FrozenClock, fake_workspace
from tests.ui.homes import a_home, a_jpeg
from tests.ui.shell import settled

SIZES = [(80, 24), (120, 36), (200, 60)]


def homes(count: int) -> list[Listing]:
    return [a_home(number) for number in range(1, count + 1)]


def actions_with(listings: Sequence[Listing]) -> FakeActions:
    """Fake actions that have every stored photo of these listings."""
    actions = FakeActions(listings=listings)
    for listing in listings:
        for photo in listing.photos:
            if photo.key is not None:
                actions.photos[photo.key] = a_jpeg(photo.order)
    return actions


class Desk:
    """The app under test and short names for what tests ask."""

    def __init__(self, app: MlsTuiApp, pilot: Pilot[Any], actions: FakeActions) -> None:
        self.app = app
        self.pilot = pilot
        self.actions = actions

    @property
    def screen(self) -> ListingsScreen:
        found = next(screen for screen in self.app.screen_stack if isinstance(screen, ListingsScreen))
        assert isinstance(found, ListingsScreen)
        return found

    @property
    def table(self) -> ListingTable:
        return self.screen.table

    @property
    def shown_ids(self) -> list[str]:
        """The listings that are shown, in order."""
        memory = self.actions.summaries._memory
        return summaries.read_ids(memory, items.pk("local"), self.table.rows)

    @property
    def listing_id(self) -> str | None:
        """The listing under the cursor."""
        return None if self.table.summary is None else self.table.summary.listing_id

    @property
    def marked_ids(self) -> list[str]:
        memory = self.actions.summaries._memory
        return summaries.read_ids(memory, items.pk("local"), self.table.marked_rows)

    @property
    def text(self) -> str:
        """What the top screen shows, line by line."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    @property
    def toasts(self) -> str:
        return "\n".join(toast.message for toast in self.app._notifications)

    async def press(self, *keys: str) -> None:
        """Press keys and wait until what they began has ended."""
        await self.pilot.press(*keys)
        await self.settle()

    async def type(self, text: str) -> None:
        names = {" ": "space", ":": "colon", "<": "less_than_sign", ">": "greater_than_sign", "=": "equals_sign"}
        await self.press(*(names.get(letter, letter) for letter in text))

    async def resize(self, width: int, height: int) -> None:
        await self.pilot.resize_terminal(width, height)
        await self.settle()

    async def settle(self) -> None:
        """Wait for workers that end by themselves."""
        await self.pilot.pause()
        await settled(self.pilot)


@asynccontextmanager
async def listings_desk(
    listings: Sequence[Listing],
    *,
    size: tuple[int, int] = (120, 36),
    read_only: bool = False,
    hooks: Hooks | None = None,
) -> AsyncIterator[Desk]:
    actions = actions_with(listings)
    app = MlsTuiApp(fake_workspace(read_only=read_only), actions, hooks=hooks, clock=FrozenClock())
    async with app.run_test(size=size, notifications=True) as pilot:
        desk = Desk(app, pilot, actions)
        await desk.press("2")
        yield desk
