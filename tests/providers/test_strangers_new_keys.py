"""A home whose MLS gives it a new ListingKey under the same MLS number is not removed."""

from __future__ import annotations

from pathlib import Path

from mls_tui.domain.run import RunState
from tests.providers.odd_servers import offset_links
from tests.providers.stranger import house, houses, visiting


async def test_the_removal_of_the_old_key_takes_no_home_that_lives_on_under_a_new_one(tmp_path: Path) -> None:
    rows = houses(3)
    old = rows[0]
    async with visiting(offset_links(rows), tmp_path) as visit:
        await visit.run()
        rows.append({**house(5), "ListingId": old["ListingId"]})
        old |= {"StandardStatus": "Delete", "ModificationTimestamp": "2026-06-01T00:06:00.000Z"}
        result = await visit.run()
        assert (result.state, result.counts.removed) == (RunState.DONE, 0)
        stored = await visit.listings()
        assert stored[rows[3]["ListingKey"]].mls_number == old["ListingId"]
        assert len(stored) == 3
