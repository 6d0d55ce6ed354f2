"""A dry run: what an import would do. Writes nothing and fetches no photo."""

from __future__ import annotations

import asyncio
from collections import Counter

from mls_tui.actions.connections import find_connection
from mls_tui.actions.connector import connected
from mls_tui.actions.results import ActionResult, Difference, Preview, PreviewRow, action, opened
from mls_tui.actions.workspace import Workspace
from mls_tui.domain.connection import Connection
from mls_tui.domain.listing import Listing, Photo
from mls_tui.importer.options import ImportOptions
from mls_tui.importer.plan import Decision, FeedRecord, Planner, RecordReader
from mls_tui.importer.stored_index import StoredIndex
from mls_tui.importer.sweep import first_query
from mls_tui.reso.base import Connector
from mls_tui.reso.mapping.changes import differences
from mls_tui.reso.mapping.record import Gone, Mapped, Quarantined
from mls_tui.reso.presets import for_connection, with_valid_cursor


@action
async def preview_import(
    connection_id: str, options: ImportOptions | None = None, workspace: Workspace | None = None
) -> ActionResult[Preview]:
    """What an import would change."""
    async with opened(workspace) as ws:
        connection = with_valid_cursor(await find_connection(ws, connection_id))
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
        self._rows: dict[tuple[str, str], PreviewRow] = {}

    def _warn(self, kind: str) -> None:
        self._warnings[kind] += 1

    async def read(self) -> Preview:
        ws, options = self._workspace, self._options
        index = await StoredIndex.read(ws.store.index(ws.user_id))
        reader = RecordReader(self._connection, for_connection(self._connection), options, self._warn)
        planner = Planner(reader, index, any_status=bool(options.only or options.keys))
        index.begin_sweep()
        query = first_query(options, self._connection.cursor, self._connector.since(self._connection.cursor))
        async for page in self._connector.pages(query):
            for raw in page.records:
                record = reader.record(page.number, raw)
                row = await self._row(record, planner)
                if row is not None:
                    self._rows[record.provider, row.listing_key] = row
            await asyncio.sleep(0)
        return Preview(tuple(self._rows.values()), dict(self._warnings))

    async def _row(self, record: FeedRecord, planner: Planner) -> PreviewRow | None:
        verdict = record.verdict
        if isinstance(verdict, Quarantined):
            return PreviewRow(record.mls_number, record.listing_key, "quarantined", reason=verdict.reason)
        if isinstance(verdict, Mapped):
            return await self._mapped(record, verdict.listing, planner)
        entry = planner.entry(record)
        if entry is None or not isinstance(verdict, Gone):
            return None
        return PreviewRow(entry.mls_number, record.listing_key, "gone", reason=verdict.reason)

    async def _mapped(self, record: FeedRecord, listing: Listing, planner: Planner) -> PreviewRow | None:
        await planner.settle_identity(record, self._connector)
        entry = planner.entry(record)
        decision = planner.decide(record, listing, entry)
        if decision is Decision.SKIPPED:
            return None
        changes: tuple[Difference, ...] = ()
        if entry is not None:
            planner.index.mark_seen(entry)
        if decision is Decision.CHANGED and entry is not None:
            ws = self._workspace
            old = await ws.store.get(ws.user_id, entry.listing_id)
            changes = _changes(old, listing, record.photos) if old else ()
        return PreviewRow(
            mls_number=listing.mls_number,
            listing_key=listing.mls_id,
            change=decision.value,
            address=listing.address.one_line,
            price=listing.price,
            photos=len(record.photos or ()) or (listing.photos_count or 0),
            differences=changes,
        )


def _changes(old: Listing, new: Listing, photos: tuple[Photo, ...] | None) -> tuple[Difference, ...]:
    found = [Difference(each.name, each.old, each.new) for each in differences(old, new, photos)]
    if old.photos_missing:
        found.append(Difference("photos missing", str(old.photos_missing), "to be tried again"))
    return tuple(found)
