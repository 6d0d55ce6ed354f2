"""A dry run: what an import would do, without a write and without a photo."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import closing

from mls_tui.actions.answering import answering, opened
from mls_tui.actions.connections import find_connection
from mls_tui.actions.results import ActionResult, Difference, Preview, PreviewRow
from mls_tui.actions.session import connected
from mls_tui.actions.workspace import Workspace
from mls_tui.domain.connection import Connection
from mls_tui.domain.listing import Listing, Photo
from mls_tui.importer.options import ImportOptions
from mls_tui.importer.plan import Step, decide
from mls_tui.importer.reading import Job, Reader
from mls_tui.importer.scope import first_query
from mls_tui.importer.stored_index import StoredIndex
from mls_tui.reso.base import Connector
from mls_tui.reso.mapping.differences import differences
from mls_tui.reso.mapping.verdicts import Gone, Mapped, Quarantined
from mls_tui.reso.presets import at_its_feed, for_connection


@answering
async def preview_import(
    connection_id: str, options: ImportOptions | None = None, workspace: Workspace | None = None
) -> ActionResult[Preview]:
    """What an import would change; writes nothing, asks for no photo."""
    async with opened(workspace) as ws:
        connection = at_its_feed(await find_connection(ws, connection_id))
        async with connected(ws, connection) as connector:
            await connector.authenticate()
            preview = await _Preview(ws, connection, connector, options or ImportOptions()).read()
        kinds = ("new", "changed", "unchanged", "gone", "quarantined")
        text = ", ".join(f"{preview.count(kind)} {kind}" for kind in kinds)
        return ActionResult(True, f"{text}. Nothing was written.", preview)


class _Preview:
    def __init__(
        self, workspace: Workspace, connection: Connection, connector: Connector, options: ImportOptions
    ) -> None:
        self._workspace, self._connection, self._connector = workspace, connection, connector
        self._options = options
        self._warnings: Counter[str] = Counter()
        self._reader = Reader(connection, for_connection(connection), options, self._warn)
        self._rows: dict[tuple[str, str], PreviewRow] = {}

    def _warn(self, kind: str) -> None:
        self._warnings[kind] += 1

    async def read(self) -> Preview:
        ws = self._workspace
        with closing(await StoredIndex.read(ws.store.index(ws.user_id))) as index:
            await self._read(index)
        return Preview(tuple(self._rows.values()), dict(self._warnings))

    async def _read(self, index: StoredIndex) -> None:
        options = self._options
        query = first_query(options, self._connection.cursor, self._connector.since(self._connection.cursor))
        async for page in self._connector.pages(query):
            for record in page.records:
                job = self._reader.job(page.number, record)
                row = await self._row(job, index)
                if row is not None:
                    self._rows[job.provider, row.mls_number] = row
            await asyncio.sleep(0)

    async def _row(self, job: Job, index: StoredIndex) -> PreviewRow | None:
        verdict = job.verdict
        if isinstance(verdict, Quarantined):
            return PreviewRow(job.mls_number, job.listing_key, "quarantined", reason=verdict.reason)
        if isinstance(verdict, Mapped):
            return await self._mapped(job, verdict.listing, index)
        entry = index.keyed(job.provider, job.listing_key)
        if entry is None or not isinstance(verdict, Gone):
            return None
        return PreviewRow(entry.mls_number, job.listing_key, "gone", reason=verdict.reason)

    async def _mapped(self, job: Job, listing: Listing, index: StoredIndex) -> PreviewRow | None:
        options = self._options
        entry = index.number(listing.mls_provider, listing.mls_number)
        scope = frozenset({listing.status}) if options.only or options.keys else options.scope
        step = decide(listing, job.photos, entry, scope=scope, with_photos=options.photos)
        if step is Step.SKIPPED:
            return None
        changes: tuple[Difference, ...] = ()
        if step is Step.CHANGED and entry is not None:
            ws = self._workspace
            old = await ws.store.get(ws.user_id, entry.listing_id)
            changes = _changes(old, listing, job.photos) if old else ()
        return PreviewRow(
            mls_number=listing.mls_number,
            listing_key=listing.mls_id,
            change=step.value,
            address=listing.address.one_line,
            price=listing.price,
            photos=len(job.photos or ()) or (listing.photos_count or 0),
            differences=changes,
        )


def _changes(old: Listing, new: Listing, photos: tuple[Photo, ...] | None) -> tuple[Difference, ...]:
    found = [Difference(each.name, each.old, each.new) for each in differences(old, new, photos)]
    if old.photos_missing:
        found.append(Difference("photos missing", str(old.photos_missing), "to be tried again"))
    return tuple(found)
