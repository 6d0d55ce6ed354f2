"""Delete listings with their photos, and bring the last deletion back while that is possible."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from mls_tui.actions.answering import answering, opened
from mls_tui.actions.listings import find_listing
from mls_tui.actions.results import ActionResult, Deletion
from mls_tui.actions.workspace import Workspace
from mls_tui.domain.errors import MlsTuiError, NotFoundError, sentence
from mls_tui.domain.keys import user_prefix
from mls_tui.domain.listing import Listing
from mls_tui.importer.erase import erase_listing
from mls_tui.storage.base import PutOutcome

DELETIONS_AT_ONCE = 8


@answering
async def delete_listing(listing_id: str, workspace: Workspace | None = None) -> ActionResult[Deletion]:
    """Delete one listing, by id or MLS number: its row, its mark, its photos."""
    async with opened(workspace) as ws:
        ws.writable()
        listing = await find_listing(ws, listing_id)
        return await _delete(ws, [listing.listing_id], undoable=False)


@answering
async def delete_listings(
    listing_ids: Sequence[str], workspace: Workspace | None = None, *, undoable: bool = False
) -> ActionResult[Deletion]:
    """Delete several, by listing id; one that fails does not stop the others."""
    async with opened(workspace) as ws:
        ws.writable()
        return await _delete(ws, listing_ids, undoable=undoable)


@answering
async def delete_named(names: Sequence[str], workspace: Workspace | None = None) -> ActionResult[Deletion]:
    """Delete several, by listing id or MLS number; a name that cannot be resolved deletes nothing at all."""
    async with opened(workspace) as ws:
        ws.writable()
        found = [await find_listing(ws, name) for name in names]
        return await _delete(ws, [listing.listing_id for listing in found], undoable=False)


@answering
async def undo_deletion(deletion: Deletion, workspace: Workspace) -> ActionResult[int]:
    """Bring back what an undoable deletion took; the number of listings that are back."""
    async with opened(workspace) as ws:
        ws.writable()
        back, failures = 0, dict[str, str]()
        for listing in deletion.deleted:
            photo_keys = [photo.key for photo in listing.photos if photo.key]
            if not all(key.startswith(user_prefix(ws.user_id)) for key in photo_keys):
                failures[listing.listing_id] = "it was deleted by another user"
                continue
            failures |= await ws.photos.undelete([*photo_keys, *deletion.copies.get(listing.listing_id, ())])
            result = await ws.store.put(ws.user_id, listing)
            if result.outcome is PutOutcome.STALE:
                failures[listing.listing_id] = "it has been imported again meanwhile"
            else:
                back += 1
        if failures:
            what, why = next(iter(failures.items()))
            error = f"{back} of {len(deletion.deleted)} listings are back; {len(failures)} failures: {what}: {why}"
            return ActionResult(False, data=back, error=error, exit_code=1)
        return ActionResult(True, f"{back} listings are back", back)


async def _delete(ws: Workspace, listing_ids: Sequence[str], *, undoable: bool) -> ActionResult[Deletion]:
    slots = asyncio.Semaphore(DELETIONS_AT_ONCE)
    deleted: list[Listing] = []
    copies: dict[str, tuple[str, ...]] = {}
    failures: dict[str, str] = {}

    async def one(listing_id: str) -> None:
        async with slots:
            try:
                erased = await erase_listing(ws.store, ws.photos, ws.user_id, listing_id, undoable=undoable)
                if erased is None:
                    raise NotFoundError(f"There is no listing {listing_id!r}.")
                deleted.append(erased.listing)
                copies[listing_id] = erased.copies
            except MlsTuiError as error:
                failures[listing_id] = sentence(error)

    async with asyncio.TaskGroup() as group:
        for listing_id in dict.fromkeys(listing_ids):
            group.create_task(one(listing_id))
    photos = sum(listing.photos_stored for listing in deleted)
    deletion = Deletion(tuple(deleted), failures, photos, undoable, copies)
    text = f"Deleted {len(deleted)} listings and {photos} photos"
    if failures:
        listing_id, why = next(iter(failures.items()))
        error = f"{text}; {len(failures)} failed: {listing_id}: {why}"
        return ActionResult(False, data=deletion, error=error, exit_code=1)
    return ActionResult(True, text, deletion)
