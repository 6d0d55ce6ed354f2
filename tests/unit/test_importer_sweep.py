"""One sweep of a feed over real embedded stores and a scripted connector."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from mls_tui.domain.connection import Connection
from mls_tui.domain.events import ListingRemoved, ListingSkipped
from mls_tui.domain.listing import Listing, ListingStatus
from mls_tui.importer.context import ImportContext
from mls_tui.importer.control import ImportControl
from mls_tui.importer.options import ImportOptions
from mls_tui.importer.plan import Planner, RecordReader
from mls_tui.importer.stored_index import StoredIndex
from mls_tui.importer.sweep import FeedSweep
from mls_tui.reso.base import FeedQuery, Page
from mls_tui.reso.presets import PRESETS
from mls_tui.storage.folder import FolderPhotoStore
from mls_tui.storage.sqlite import SqliteListingStore

USER = "local"


class Removals:
    """A feed that says twice, at different times, that one listing must not be kept."""

    async def pages(self, query: FeedQuery) -> AsyncIterator[Page]:
        rows = [
            {"ListingKey": "K1", "OriginatingSystemName": "Lake", "MlgCanView": False, "ModificationTimestamp": stamp}
            for stamp in ("2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z", "2026-06-03T00:00:00Z")
        ]
        yield Page(number=1, records=rows, last=True, complete=True)


async def test_a_removal_that_comes_three_times_removes_once_and_stops_nothing(tmp_path: Path) -> None:
    store, photos = SqliteListingStore(tmp_path / "rows.db"), FolderPhotoStore(tmp_path / "photos")
    listing = Listing(
        listing_id="mlsgrid.lake-N1-1",
        mls_id="K1",
        mls_number="N1",
        mls_provider="mlsgrid.lake",
        source="x.test",
        status=ListingStatus.ACTIVE,
        synced_at=1,
    )
    await store.put(USER, listing)
    said: list[type[object]] = []

    async def room() -> None:
        return None

    options = ImportOptions()
    context = SimpleNamespace(
        user_id=USER,
        connector=Removals(),
        store=store,
        photos=photos,
        options=options,
        control=ImportControl(),
        journal=SimpleNamespace(room=room, page=lambda number: nullcontext()),
        tidy=False,
        emit=lambda kind, **fields: said.append(kind),
    )
    connection = Connection(connection_id="c", user_id=USER, name="c", provider="mlsgrid", base_url="https://x.test")
    preset = replace(PRESETS["mlsgrid"], base_url=connection.base_url)
    reader = RecordReader(connection, preset, options, cast(Any, lambda kind: None))
    index = await StoredIndex.read(store.index(USER))
    await FeedSweep(cast(ImportContext, context), Planner(reader, index), workers=1).run(FeedQuery())
    assert (said.count(ListingRemoved), said.count(ListingSkipped)) == (1, 2)
    assert await store.get(USER, listing.listing_id) is None
    await store.close()
    await photos.close()
