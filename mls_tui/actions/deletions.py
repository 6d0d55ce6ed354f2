"""Delete listings with their photos, and bring the last deletion back while that is possible."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from mls_tui.actions.answering import answering, opened
from mls_tui.actions.listings import find_listing
from mls_tui.actions.results import ActionResult, Deletion
from mls_tui.actions.workspace import Workspace
from mls_tui.domain.errors import DamagedItemError, MlsTuiError, NotFoundError, sentence
from mls_tui.domain.events import plural
from mls_tui.domain.keys import listing_prefix, user_prefix
from mls_tui.domain.listing import Listing
from mls_tui.importer.erase import end_deletion, erase_listing, plan_deletion
from mls_tui.storage.base import PutOutcome

DELETIONS_AT_ONCE = 8


@answering
async def delete_listing(listing_id: str, workspace: Workspace | None = None) -> ActionResult[Deletion]:
    """Delete one listing, by id or MLS number: its row, its mark, its photos."""
    async with opened(workspace) as ws:
        ws.writable()
        return await _delete(ws, [await _id_of(ws, listing_id)], undoable=False)


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
        return await _delete(ws, [await _id_of(ws, name) for name in names], undoable=False)


@answering
async def undo_deletion(deletion: Deletion, workspace: Workspace) -> ActionResult[int]:
    """Bring back what an undoable deletion took; the number of listings that are back."""
    async with opened(workspace) as ws:
        ws.writable()
        back, failures = 0, dict[str, str]()
        for listing in deletion.deleted:
            photo_keys = [photo.key for photo in listing.photos if photo.key and photo.key not in deletion.left]
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
    count = 0
    copies: dict[str, tuple[str, ...]] = {}
    failures: dict[str, str] = {}
    left: dict[str, str] = {}

    async def one(listing_id: str) -> None:
        nonlocal count
        async with slots:
            try:
                erased = await erase_listing(ws.store, ws.photos, ws.user_id, listing_id, undoable=undoable)
                if erased is None:
                    raise NotFoundError(f"There is no listing {listing_id!r}.")
            except MlsTuiError as error:
                failures[listing_id] = sentence(error)
                return
            count += 1
            deleted.extend([erased.listing] if erased.listing else [])
            copies[listing_id] = erased.copies
            left.update(erased.left)

    stored = await ws.store.get_many(ws.user_id, listing_ids)
    keys = [photo.key for listing in stored for photo in listing.photos if photo.key]
    await plan_deletion(ws.store, ws.user_id, keys)
    async with asyncio.TaskGroup() as group:
        for listing_id in dict.fromkeys(listing_ids):
            group.create_task(one(listing_id))
    await end_deletion(ws.store, ws.user_id, keys, left)
    photos = sum(1 for listing in deleted for photo in listing.photos if photo.key and photo.key not in left)
    deletion = Deletion(tuple(deleted), failures, photos, undoable, copies, left)
    text = f"Deleted {plural(count, 'listing')} and {plural(photos, 'photo')}"
    troubles = []
    if left:
        why = next(iter(left.values())).rstrip(".")
        troubles.append(
            f"{plural(len(left), 'photo')} could not be deleted yet: {why}. The next import, or `mls-tui storage check "
            "--photos --repair`, deletes what is left"
        )
    if failures:
        listing_id, why = next(iter(failures.items()))
        troubles.append(f"{len(failures)} failed: {listing_id}: {why}")
    if troubles:
        return ActionResult(False, data=deletion, error="; ".join([text, *troubles]), exit_code=1)
    return ActionResult(True, text, deletion)


async def _id_of(ws: Workspace, name: str) -> str:
    """The listing id; also of a listing whose row is damaged, or is gone while its photos are still there."""
    try:
        return (await find_listing(ws, name)).listing_id
    except DamagedItemError:
        return name
    except NotFoundError:
        if name not in ("", ".", "..") and not set(name) & set("/\\\0"):
            async for keys in ws.photos.keys(listing_prefix(ws.user_id, name)):
                if keys:
                    return name
        raise
