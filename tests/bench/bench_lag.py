"""How long the interface's event loop is held up while an import runs at full speed: events as fast as the bridge takes
them, the progress screen in sight. ``python -m tests.bench.bench_lag [SECONDS]``."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from mls_tui.actions import ImportOptions
from mls_tui.domain.events import Event, ListingStarted, ListingStored, PageFetched, PhotoStored, RunStarted
from mls_tui.importer.options import ImportControl
from mls_tui.ui.app import MlsTuiApp
from tests.ui.fakes import FakeActions, a_view, fake_workspace

LIMIT_MS = 33.0
STEP_SECONDS = 0.002
A_SECOND = 1_000
"""Listings a second: more than any store here takes."""


class Torrent(FakeActions):
    """An import that never ends, ``A_SECOND`` listings a second, two photos each."""

    async def import_events(
        self, connection_id: str, options: ImportOptions, workspace: object, control: ImportControl | None = None
    ) -> AsyncIterator[Event]:
        def now() -> datetime:
            return datetime.now(UTC)

        yield RunStarted(at=now(), run="r", connection="Torrent", provider="reso")
        yield PageFetched(at=now(), run="r", number=1, records=1_000, total=1_000_000)
        began, number = time.perf_counter(), 0
        while True:
            while number < (time.perf_counter() - began) * A_SECOND:
                name, key = f"LS{number:08}", str(number)
                number += 1
                yield ListingStarted(
                    at=now(), run="r", mls_number=name, listing_key=key, address="12 Oak Street, Port Ansel", photos=2
                )
                for index in range(2):
                    yield PhotoStored(
                        at=now(), run="r", mls_number=name, listing_key=key, photo_index=index, key="k", size=90_000
                    )
                yield ListingStored(
                    at=now(), run="r", mls_number=name, listing_key=key, outcome="created", listing_id=key, photos=2
                )
            await asyncio.sleep(0.01)


async def lags(seconds: float) -> tuple[list[float], int]:
    """The delays of a 2 ms timer in milliseconds, sorted; and the listings that went by."""
    app = MlsTuiApp(fake_workspace(), Torrent(connections=[a_view()]), start_import="demo-mls")
    found: list[float] = []
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause(1.0)
        end = time.perf_counter() + seconds
        while (before := time.perf_counter()) < end:
            await asyncio.sleep(STEP_SECONDS)
            found.append(1_000 * (time.perf_counter() - before - STEP_SECONDS))
        done = app.tally.counts.successful if app.tally else 0
    return sorted(found), done


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    found, done = asyncio.run(lags(seconds))
    p50, p99, worst = found[len(found) // 2], found[int(len(found) * 0.99)], found[-1]
    print(f"{done:,} listings; loop lag p50 {p50:.1f} ms, p99 {p99:.1f} ms, worst {worst:.1f} ms", end="; ")
    print(f"limit p99 {LIMIT_MS:.0f} ms: {'kept' if p99 <= LIMIT_MS else 'MISSED'}")


if __name__ == "__main__":
    main()
