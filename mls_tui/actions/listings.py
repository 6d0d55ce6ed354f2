"""Read, export and delete stored listings and their photos."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from mls_tui.actions.imports import import_mls_listings
from mls_tui.actions.results import ActionResult, Deletion, action, opened
from mls_tui.actions.workspace import Workspace
from mls_tui.domain.errors import DamagedItemError, MlsTuiError, NotFoundError, UsageError, sentence
from mls_tui.domain.keys import listing_prefix, user_prefix
from mls_tui.domain.listing import Listing
from mls_tui.domain.wording import plural
from mls_tui.export import open_export
from mls_tui.importer.cleanup import end_deletion, erase_listing, plan_deletion
from mls_tui.importer.options import ImportOptions
from mls_tui.storage.base import PutOutcome
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


@action
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


@action
async def get_listing(listing: str, workspace: Workspace | None = None) -> ActionResult[Listing]:
    """By listing id or MLS number; an MLS number that several listings have is refused with their ids."""
    async with opened(workspace) as ws:
        found = await find_listing(ws, listing)
        return ActionResult(True, found.listing_id, found)


@action
async def get_listings(listing_ids: Sequence[str], workspace: Workspace | None = None) -> ActionResult[list[Listing]]:
    """The listings that are stored among these ids, in the order of the ids."""
    async with opened(workspace) as ws:
        found = await ws.store.get_many(ws.user_id, listing_ids)
        return ActionResult(True, f"{len(found)} listings", found)


@action
async def get_photo(key: str, workspace: Workspace) -> ActionResult[bytes]:
    """The bytes of one of the user's stored photos."""
    async with opened(workspace) as ws:
        if not key.startswith(f"listings/{ws.user_id}/"):
            raise NotFoundError(f"There is no photo {key!r}.")
        body = await ws.photos.get(key)
        if body is None:
            raise NotFoundError(f"The photo {key} is missing from {ws.photos.describe()}. Fetch it again.")
        return ActionResult(True, key, body)


@action
async def refetch_photos(listing_id: str, workspace: Workspace | None = None) -> ActionResult[Listing]:
    """Import a listing again to fetch the photos that it lacks."""
    async with opened(workspace) as ws:
        listing = await find_listing(ws, listing_id)
        if listing.connection_id is None:
            raise UsageError("This listing does not say which connection it came from: import that connection again.")
        run = await import_mls_listings(listing.connection_id, ImportOptions(keys=(listing.mls_id,)), ws)
        if not run.success:
            return ActionResult(False, error=run.error, exit_code=run.exit_code)
        now = await find_listing(ws, listing.listing_id)
        missing = now.photos_missing
        text = "All photos are stored." if not missing else f"{missing} photos could not be fetched this time either."
        return ActionResult(missing == 0, text, now, error=None if not missing else text, exit_code=int(missing > 0))


@action
async def export_listings(
    rows: Sequence[int], path: str, file_format: str, workspace: Workspace, *, overwrite: bool = False
) -> ActionResult[int]:
    """Write the listings of these rows of the summaries to a file, in this order: ``csv``, ``json`` (an array of
    ``Data`` maps) or ``parquet``.

    ``path`` may begin with ``~``. A file that exists is refused unless ``overwrite``; The file is
    written whole or not at all. ``data`` is the number of listings.
    """
    async with opened(workspace) as ws:
        target = await asyncio.to_thread(_target, path, overwrite)
        with open_export(target, file_format) as export:
            async for batch in listing_data(ws, rows):
                await asyncio.to_thread(export.add, batch)
        return ActionResult(True, f"Wrote {plural(export.count, 'listing')} to {target}", export.count)


def _target(path: str, overwrite: bool) -> Path:
    target = Path(path).expanduser().absolute()
    if target.exists() and not overwrite:
        raise UsageError(f"{target} exists already: choose another name, or say that it may be replaced.")
    return target


DELETIONS_AT_ONCE = 8


@action
async def delete_listing(listing_id: str, workspace: Workspace | None = None) -> ActionResult[Deletion]:
    """Delete one listing, by id or MLS number: its row, its mark, its photos."""
    async with opened(workspace) as ws:
        ws.writable()
        return await _delete(ws, [await _id_of(ws, listing_id)], undoable=False)


@action
async def delete_listings(
    listing_ids: Sequence[str], workspace: Workspace | None = None, *, undoable: bool = False
) -> ActionResult[Deletion]:
    """Delete listings by their ids; one that fails does not stop the others."""
    async with opened(workspace) as ws:
        ws.writable()
        return await _delete(ws, listing_ids, undoable=undoable)


@action
async def delete_named(names: Sequence[str], workspace: Workspace | None = None) -> ActionResult[Deletion]:
    """Delete listings by id or MLS number. If one of the names is not found, nothing is deleted."""
    async with opened(workspace) as ws:
        ws.writable()
        return await _delete(ws, [await _id_of(ws, name) for name in names], undoable=False)


@action
async def undo_deletion(deletion: Deletion, workspace: Workspace) -> ActionResult[int]:
    """Bring back what was deleted with ``undoable``; ``data`` is the number of listings that are back."""
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
            copies[listing_id] = erased.variants
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
    """The listing id, also if its row is damaged, or if only its photos are left."""
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
