"""Filling the listings screen: the stored rows batch by batch, then what a running import changes. It draws nothing
and keeps a cursor and marks where they are."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mls_tui.domain.errors import sentence
from mls_tui.domain.events import Event, ListingStored
from mls_tui.ui.tuning import quick_switching
from mls_tui.ui.widgets.listing_pane import ListingPane
from mls_tui.ui.widgets.listing_rows import ListingRows

if TYPE_CHECKING:
    from mls_tui.actions.workspace import Workspace
    from mls_tui.domain.listing import Listing
    from mls_tui.ui.port import ActionsPort

SLICE = 200
"""Listings put into the columns in one go: about 4 ms."""

FIRST_LOOK = 200

_readings: list[None] = []
"""One for each reading under way: a reload begins before another ends."""


@contextmanager
def smoothly() -> Iterator[None]:
    """Read many rows beside an interface that goes on.

    Every listing read is a hundred new objects, so that the collector would run every few thousand rows, and walk the
    whole program and all rows each time: 100 ms at 100,000. It rests, and does not see afterwards what exists now,
    which is still freed when nothing refers to it.
    """
    _readings.append(None)
    gc.disable()
    gc.freeze()
    try:
        with quick_switching():
            yield
    finally:
        gc.freeze()
        _readings.pop()
        if not _readings:
            gc.enable()


class ListingFeed:
    """Fills one pane's rows. ``read`` loads everything; ``note`` and ``catch_up`` follow an import."""

    def __init__(self, rows: ListingRows, pane: ListingPane) -> None:
        self._rows = rows
        self._pane = pane
        self._behind: dict[str, None] = {}

    @property
    def behind(self) -> bool:
        """An import changed listings that the rows do not show yet."""
        return bool(self._behind)

    async def read(self, actions: ActionsPort, workspace: Workspace) -> None:
        """All stored listings, the first on screen at once; what is no longer stored goes at the end."""
        pane, seen = self._pane, set[str]()
        pane.loading_rows, pane.trouble = True, None
        try:
            with smoothly():
                async for batch in actions.stream_listings(workspace):
                    seen.update(listing.listing_id for listing in batch)
                    await self._put(batch)
            self._rows.remove(self._rows.missing_from(seen))
        except Exception as error:
            pane.trouble = sentence(error)
        finally:
            pane.loading_rows = False
        if pane.trouble is not None and self._rows.living:
            pane.app.notify(
                f"Not all listings could be read: {pane.trouble} Press r to try again.", severity="error", timeout=12
            )
        pane.changed()

    async def _put(self, batch: list[Listing]) -> None:
        for start in range(0, len(batch), SLICE):
            part = batch[start : start + SLICE]
            if self._rows.count < FIRST_LOOK:
                self._rows.put_many(part)
            else:
                await asyncio.to_thread(self._rows.put_many, part)
            self._pane.changed()

    def note(self, batch: tuple[Event, ...]) -> None:
        """Remember which listings an import has written."""
        for event in batch:
            if isinstance(event, ListingStored) and event.listing_id and event.outcome != "unchanged":
                self._behind[event.listing_id] = None

    async def catch_up(self, actions: ActionsPort, workspace: Workspace) -> str | None:
        """Read what an import has changed until nothing is left; why not, where it cannot be read now."""
        while self._behind:
            ids = list(self._behind)[:SLICE]
            for each in ids:
                del self._behind[each]
            answer = await actions.get_listings(ids, workspace)
            if answer.data is None:
                self._behind |= dict.fromkeys(ids)
                return answer.error or "It did not work."
            stored = {listing.listing_id for listing in answer.data}
            self._rows.put_many(answer.data)
            self._rows.remove([each for each in ids if each not in stored])
            self._pane.changed()
            await asyncio.sleep(0)
        return None
