"""Old data opens in new code: the golden database and table dump of every release."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import orjson
import pytest

from mls_tui.domain.listing import Listing, Record
from mls_tui.storage.aws import Aws
from mls_tui.storage.base import ListingStore, PutOutcome
from mls_tui.storage.items import to_attributes
from mls_tui.storage.sqlite import SqliteListingStore
from tests.contract.samples import OTHER, USER, Pair, all_listings

GOLDEN = Path(__file__).parent / "golden"
RELEASES = sorted(path.stem.removeprefix("rows-") for path in GOLDEN.glob("rows-*.db"))


def dump(release: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = orjson.loads((GOLDEN / f"items-{release}.json").read_bytes())
    return rows


@pytest.mark.promise(13)
def test_there_is_a_golden_release() -> None:
    assert "0.1.0" in RELEASES


async def expect_everything(store: ListingStore, release: str) -> int:
    """Every value that was written is read back, and the listings can still be updated. How many records were read."""
    seen = 0
    for user in (USER, OTHER):
        rows = [row for row in dump(release) if row["PK"] == f"USER#{user}"]
        listings = await all_listings(store, user)
        read: dict[str, Record] = {f"LISTING#{listing.listing_id}": listing for listing in listings}
        read |= {f"MLSCONNECTION#{found.connection_id}": found for found in await store.connections(user)}
        read |= {f"IMPORTRUN#{run.started_at}#{run.run_id}": run for run in await store.runs(user)}
        written = {row["SK"]: row["Data"] for row in rows if row["SK"].split("#")[0] in _RECORDS}
        assert read.keys() == written.keys()
        for sk, data in written.items():
            assert _contains(read[sk].to_data(), data)
        assert [problem.error async for problem in store.problems(user, "r1")] == ["404"]
        assert await store.get_state(user, "budget/x") == "[1]"
        assert len([entry async for entry in store.index(user)]) == len(listings)
        await expect_update(store, user, listings[0])
        seen += len(read)
    return seen


def schema(path: Path) -> list[tuple[str, str]]:
    """Every table and index by its statement; with single spaces."""
    with sqlite3.connect(path) as db:
        rows = db.execute("SELECT name, coalesce(sql, '') FROM sqlite_schema ORDER BY name").fetchall()
    return [(name, " ".join(sql.split())) for name, sql in rows]


_RECORDS = ("LISTING", "MLSCONNECTION", "IMPORTRUN")


def _contains(new: Any, old: Any) -> bool:
    """Whether ``new`` has everything that ``old`` has; it may have more."""
    if isinstance(old, dict):
        return all(name in new and _contains(new[name], value) for name, value in old.items())
    if isinstance(old, list):
        return len(new) == len(old) and all(_contains(one, other) for one, other in zip(new, old, strict=True))
    return bool(new == old)


async def expect_update(store: ListingStore, user: str, listing: Listing) -> None:
    newer = listing.model_copy(update={"modification_timestamp": "2030-01-01T00:00:00Z", "price": 1})
    assert (await store.put(user, newer)).outcome is PutOutcome.UPDATED
    assert (await store.put(user, listing)).outcome is PutOutcome.STALE
    assert await store.delete(user, listing.listing_id) == newer


@pytest.mark.promise(13)
@pytest.mark.parametrize("release", RELEASES)
async def test_golden_database_opens(tmp_path: Path, release: str) -> None:
    path = tmp_path / "rows.db"
    shutil.copy(GOLDEN / f"rows-{release}.db", path)
    store = SqliteListingStore(path)
    assert await expect_everything(store, release) > 0
    assert {check.name: check.state for check in await store.check()}["integrity"] == "ok"
    fresh = SqliteListingStore(tmp_path / "fresh.db")
    await fresh.init()
    assert schema(path) == schema(tmp_path / "fresh.db"), "a migration that was released was edited, or one is missing"
    await store.close()


@pytest.mark.promise(13)
@pytest.mark.parametrize("release", RELEASES)
async def test_golden_table_dump_is_read(aws_pair: Pair, aws: Aws, release: str) -> None:
    name = aws_pair.photos.describe().removeprefix("S3 bucket ")
    for row in dump(release):
        aws.dynamodb().put_item(TableName=name, Item=to_attributes(row))
    assert await expect_everything(aws_pair.rows, release) > 0
