"""Read what is stored: listings, one listing, its photos, exports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from mls_tui.actions.answering import answering, opened
from mls_tui.actions.imports import import_mls_listings
from mls_tui.actions.results import ActionResult
from mls_tui.actions.workspace import Workspace
from mls_tui.domain.errors import NotFoundError, UsageError
from mls_tui.domain.events import plural
from mls_tui.domain.listing import Listing
from mls_tui.importer.options import ImportOptions
from mls_tui.storage.summaries import Summaries

DATA_AT_ONCE = 1_000


async def find_listing(workspace: Workspace, listing: str) -> Listing:
    """By listing id or MLS number. Raises NotFoundError, or UsageError if several listings have the number."""
    found = await workspace.store.get(workspace.user_id, listing)
    if found is not None:
        return found
    same_number = await workspace.store.find(workspace.user_id, listing)
    if len(same_number) > 1:
        ids = ", ".join(sorted(each.listing_id for each in same_number))
        raise UsageError(f"{len(same_number)} listings have the MLS number {listing}: name one by its id: {ids}.")
    if not same_number:
        raise NotFoundError(f"There is no listing {listing!r}. `mls-tui listings` shows what is stored.")
    return same_number[0]


@answering
async def get_imported_listings(workspace: Workspace | None = None) -> ActionResult[list[Listing]]:
    """All stored listings of the user."""
    async with opened(workspace) as ws:
        listings = [listing async for batch in ws.store.listings(ws.user_id) for listing in batch]
        return ActionResult(True, f"{len(listings)} listings", listings)


async def open_summaries(workspace: Workspace) -> Summaries:
    """The list of the user's listings, to sort, filter and count. Raises StorageError."""
    await workspace.open()
    return workspace.store.summaries(workspace.user_id)


async def listing_data(workspace: Workspace, rows: Sequence[int] | None = None) -> AsyncIterator[list[dict[str, Any]]]:
    """The ``Data`` maps of these rows of the summaries, in this order, in batches; None: of all listings, by id."""
    store, user_id = workspace.store, workspace.user_id
    if rows is None:
        async for batch in store.data(user_id):
            yield batch
        return
    summaries = store.summaries(user_id)
    for first in range(0, len(rows), DATA_AT_ONCE):
        ids = await summaries.ids(rows[first : first + DATA_AT_ONCE])
        async for batch in store.data(user_id, ids):
            yield batch


@answering
async def get_listing(listing: str, workspace: Workspace | None = None) -> ActionResult[Listing]:
    """By listing id or MLS number; an MLS number that several listings have is refused with their ids."""
    async with opened(workspace) as ws:
        found = await find_listing(ws, listing)
        return ActionResult(True, found.listing_id, found)


@answering
async def get_listings(listing_ids: Sequence[str], workspace: Workspace | None = None) -> ActionResult[list[Listing]]:
    """Those of these listing ids that are stored, in the order asked for; read many at a time."""
    async with opened(workspace) as ws:
        found = await ws.store.get_many(ws.user_id, listing_ids)
        return ActionResult(True, f"{len(found)} listings", found)


@answering
async def get_photo(key: str, workspace: Workspace) -> ActionResult[bytes]:
    """The stored bytes of one photo of the user's."""
    async with opened(workspace) as ws:
        if not key.startswith(f"listings/{ws.user_id}/"):
            raise NotFoundError(f"There is no photo {key!r}.")
        body = await ws.photos.get(key)
        if body is None:
            raise NotFoundError(f"The photo {key} is missing from {ws.photos.describe()}. Fetch it again.")
        return ActionResult(True, key, body)


@answering
async def refetch_photos(listing_id: str, workspace: Workspace | None = None) -> ActionResult[Listing]:
    """Try again the photos of a listing that could not be had, through its own connection."""
    async with opened(workspace) as ws:
        listing = await find_listing(ws, listing_id)
        if listing.connection_id is None:
            raise UsageError("This listing does not say which connection it came from: import that connection again.")
        run = await import_mls_listings(listing.connection_id, ImportOptions(keys=(listing.mls_id,)), ws)
        if not run.success:
            return ActionResult(False, error=run.error, exit_code=run.exit_code)
        now = await find_listing(ws, listing.listing_id)
        missing = now.photos_missing
        text = "All photos are stored." if not missing else f"{missing} photos could still not be had."
        return ActionResult(missing == 0, text, now, error=None if not missing else text, exit_code=int(missing > 0))


@answering
async def export_listings(
    rows: Sequence[int], path: str, file_format: str, workspace: Workspace, *, overwrite: bool = False
) -> ActionResult[int]:
    """Write the listings of these rows of the summaries to a file, in this order: ``csv``, ``json`` (an array of
    ``Data`` maps) or ``parquet``.

    ``path`` may begin with ``~``. A file that exists is refused unless ``overwrite``; whole or not at all.
    ``data`` is how many were written.
    """
    from mls_tui.export import exporting

    async with opened(workspace) as ws:
        target = await asyncio.to_thread(_target, path, overwrite)
        with exporting(target, file_format) as export:
            async for batch in listing_data(ws, rows):
                await asyncio.to_thread(export.add, batch)
        return ActionResult(True, f"Wrote {plural(export.count, 'listing')} to {target}", export.count)


def _target(path: str, overwrite: bool) -> Path:
    target = Path(path).expanduser().absolute()
    if target.exists() and not overwrite:
        raise UsageError(f"{target} exists already: choose another name, or say that it may be replaced.")
    return target
