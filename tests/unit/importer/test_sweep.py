"""One sweep of a feed over real embedded stores and a scripted connector."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mls_tui.domain.clock import SystemClock
from mls_tui.domain.connection import Connection
from mls_tui.domain.events import ListingRemoved, ListingSkipped
from mls_tui.domain.listing import Listing, ListingStatus
from mls_tui.domain.run import ImportRun, RunState
from mls_tui.importer.context import ImportContext
from mls_tui.importer.journal import Journal
from mls_tui.importer.options import ImportControl, ImportOptions
from mls_tui.importer.plan import Planner, RecordReader
from mls_tui.importer.stored_index import StoredIndex
from mls_tui.importer.sweep import FeedSweep
from mls_tui.reso.base import FeedQuery, Page
from mls_tui.reso.presets import PRESETS
from mls_tui.reso.rate_limit import InFlight
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

    async def reader_caught_up() -> None:
        return None

    options = ImportOptions()
    context = SimpleNamespace(
        user_id=USER,
        connector=Removals(),
        store=store,
        photos=photos,
        options=options,
        control=ImportControl(),
        journal=SimpleNamespace(reader_caught_up=reader_caught_up, page=lambda number: nullcontext()),
        remove_orphans=False,
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


class Scripted:
    """A feed of homes without photos: every record there is, whatever is asked."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    async def pages(self, query: FeedQuery) -> AsyncIterator[Page]:
        rows = [row for row in self.rows if not query.keys or row["ListingKey"] in query.keys]
        for number in range(0, max(1, len(rows)), 3):
            last = number + 3 >= len(rows)
            yield Page(number=number // 3 + 1, records=rows[number : number + 3], last=last, complete=last)

    async def listing(self, key: str) -> dict[str, Any] | None:
        return next((row for row in self.rows if row["ListingKey"] == key), None)

    async def media(self, record: Any) -> list[Any]:
        return []

    def masked(self, text: str) -> str:
        return text


@st.composite
def feeds(draw: st.DrawFn) -> list[list[dict[str, Any]]]:
    """Versions of one feed. A system may use a number twice, and two systems one key; ids may collide."""
    names = st.tuples(st.sampled_from(["1", "2", "K#é", "9"]), st.sampled_from(["North", "North Shore", None]))
    found = []
    for version in range(draw(st.integers(1, 3))):
        rows = [
            {
                "ListingKey": key if system else f"-{key}",
                "ListingId": draw(st.sampled_from(["100", "shore-100", "7"])),
                "OriginatingSystemName": system,
                "StandardStatus": "Active",
                "ListPrice": draw(st.sampled_from([1, 2])),
                "PhotosCount": 0,
                "ModificationTimestamp": f"2026-06-0{version + 1}T00:00:00Z",
            }
            for key, system in draw(st.lists(names, unique=True, min_size=1, max_size=6))
        ]
        found.append(draw(st.permutations(rows)))
    return found


async def swept(store: SqliteListingStore, photos: FolderPhotoStore, rows: list[dict[str, Any]], at: int) -> None:
    """One sweep by five workers over what is stored."""
    connection = Connection(connection_id="c", user_id=USER, name="c", provider="reso", base_url="https://x.test")
    preset = replace(PRESETS["reso"], base_url=connection.base_url)
    run = ImportRun(
        run_id=f"r{at}", user_id=USER, connection_id="c", connection_name="c", provider="reso",
        state=RunState.RUNNING, started_at=at,
    )  # fmt: skip
    journal = Journal(run, store, SystemClock())
    context = ImportContext(
        user_id=USER, connection=connection, preset=preset, options=ImportOptions(),
        connector=cast(Any, Scripted(rows)), store=store, photos=photos, journal=journal, control=ImportControl(),
        clock=journal.clock, in_flight=InFlight(start=1, highest=1), epoch=1_780_000_000_000,
    )  # fmt: skip
    reader = RecordReader(connection, preset, context.options, journal.warn)
    index = await StoredIndex.read(store.index(USER))
    await FeedSweep(context, Planner(reader, index), workers=5).run(FeedQuery())
    assert journal.counts.failed == 0, journal.unsaved
    assert journal.counts.total == len(rows)


@pytest.mark.promise(5)
@settings(max_examples=40, deadline=None)
@given(feeds())
def test_what_is_served_last_is_stored_once_under_an_id_of_its_own(versions: list[list[dict[str, Any]]]) -> None:
    async def main() -> None:
        with TemporaryDirectory() as folder:
            store = SqliteListingStore(Path(folder) / "rows.db")
            photos = FolderPhotoStore(Path(folder) / "photos")
            for at, rows in enumerate(versions):
                await swept(store, photos, rows, at)
                stored = [listing async for batch in store.listings(USER) for listing in batch]
                facts = [(each.mls_id, each.originating_system_name, each.mls_number, each.price) for each in stored]
                for row in rows:
                    wanted = (row["ListingKey"], row["OriginatingSystemName"], row["ListingId"], row["ListPrice"])
                    assert facts.count(wanted) == 1
                assert len({each.listing_id for each in stored}) == len(stored)
                assert len({(each.mls_provider, each.mls_id) for each in stored}) == len(stored)
            await store.close()
            await photos.close()

    asyncio.run(main())
