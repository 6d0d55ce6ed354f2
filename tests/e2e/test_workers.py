"""What only workers can promise: many of them, killed and delivered twice, end where one engine ends."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from mls_tui.domain.run import ImportResult
from tests.e2e.conftest import OpenHouse
from tests.e2e.house import House, stored_data
from tests.e2e.runners import by_engine, by_workers


async def test_workers_leave_the_rows_photos_counts_and_cursor_that_the_engine_leaves(
    open_local: OpenHouse, open_aws: OpenHouse
) -> None:
    async with open_local(listings=14) as house:
        engine = await _state(house, await by_engine(house))
    async with open_aws(listings=14) as house:
        workers = await _state(house, await by_workers(house))
    assert workers == engine


async def _state(house: House, result: ImportResult) -> dict[str, Any]:
    connection = await house.ws.store.get_connection(house.ws.user_id, house.connection_id)
    assert connection is not None
    counts = result.counts.model_dump()
    listings = json.dumps(stored_data(await house.whole()), default=str, sort_keys=True)
    return {
        "listings": listings.replace(house.mls.base_url, "MLS").replace(urlsplit(house.mls.base_url).netloc, "HOST"),
        "counts": {name: count for name, count in counts.items() if name != "pages"},
        "cursor": connection.cursor.model_dump(exclude={"updated_at", "feed"}),
        "state": result.state,
    }
