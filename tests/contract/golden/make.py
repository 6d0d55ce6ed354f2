"""Writes the golden files of a release, once: ``python -m tests.contract.golden.make 0.1.0``. Keep them for ever."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path

import orjson

from mls_tui.domain.connection import Cursor
from mls_tui.domain.listing import Change, ListingStatus
from mls_tui.domain.run import Problem, ProblemKind
from mls_tui.storage.sqlite import SqliteListingStore
from tests.contract.samples import FIRST_MS, OTHER, USER, a_connection, a_lease, a_listing, a_photo, a_run

HERE = Path(__file__).parent


class FixedClock:
    """One moment."""

    def now(self) -> datetime:
        return datetime(2026, 6, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        """At once."""


async def fill(path: Path) -> None:
    """Every kind of item, two users."""
    store = SqliteListingStore(path, clock=FixedClock())
    for user in (USER, OTHER):
        for number, status in enumerate(ListingStatus):
            listing = a_listing(f"G/{number} é", second=number, status=status)
            missing = a_photo(listing.listing_id, 1, user_id=user).model_copy(update={"key": None, "error": "404"})
            photos = (a_photo(listing.listing_id, user_id=user), missing)
            history = (Change(at="2026-06-01T00:00:00Z", field="price", old=530_000, new=525_000),)
            await store.put(user, listing.model_copy(update={"photos": photos, "history": history}))
        await store.put_connection(user, a_connection(user_id=user, cursor=Cursor(watermark="2026-06-01T00:00:00Z")))
        await store.acquire_lease(user, "c1", a_lease("r1", FIRST_MS), now_ms=1)
        await store.put_run(user, a_run("r1", user_id=user))
        await store.put_problems(user, "r1", 0, [Problem(kind=ProblemKind.PHOTO, mls_number="G/1", error="404", at=1)])
        await store.put_state(user, "budget/x", "[1]")
    await store.close()


def main(release: str) -> None:
    """A database and, as JSON, the items that both stores keep."""
    path = HERE / f"rows-{release}.db"
    asyncio.run(fill(path))
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = DELETE")
    db.execute("VACUUM")
    rows = [orjson.loads(body) for (body,) in db.execute("SELECT body FROM items ORDER BY pk, sk")]
    db.close()
    (HERE / f"items-{release}.json").write_bytes(orjson.dumps(rows, option=orjson.OPT_INDENT_2) + b"\n")


if __name__ == "__main__":
    main(sys.argv[1])
