"""Whatever another program wrote into a stored row, reading it ends with a sentence, and the other rows are read."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mls_tui.domain.errors import StorageError
from mls_tui.domain.run import Problem, ProblemKind
from mls_tui.storage import items
from mls_tui.storage.aws import Aws
from mls_tui.storage.base import ListingStore
from mls_tui.storage.dynamodb import DynamoDBListingStore
from mls_tui.storage.sqlite import SqliteListingStore
from mls_tui.storage.summaries import Selection
from tests.contract.samples import a_connection, a_lease, a_listing, a_photo, a_run

RUN = "ab12cd34ef56"
KINDS = ("listing", "mark", "connection", "run", "problem", "state")
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(-1e15, 1e15).map(lambda number: round(number, 3))
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    | st.sampled_from(["active", "2026-06-01T00:00:00Z", "LISTING#x", "../..", "[b]x[/b]", 10**18, -1, "1e400"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "url", "key", "v"]), inner, max_size=3)
    ),
    max_leaves=6,
)
"""What both stores can hold."""
REMOVED = object()
CHANGES = st.lists(st.tuples(st.integers(0, 10_000), VALUES | st.just(REMOVED)), min_size=1, max_size=3)


def a_photo_listing() -> Any:
    listing = a_listing("bad")
    return listing.model_copy(update={"photos": (a_photo(listing.listing_id),)})


def rows_of(user: str) -> dict[str, items.Item]:
    """One row of each kind, as the store writes it."""
    listing = a_photo_listing()
    problem = Problem(kind=ProblemKind.LISTING, mls_number="1", error="no", attempts=3)
    made = {
        "listing": items.listing_item(user, listing, 1),
        "mark": items.mark_item(user, listing),
        "connection": items.connection_item(user, a_connection(user_id=user), 1),
        "run": items.run_item(user, a_run(RUN, user_id=user), 1),
        "problem": items.problem_item(user, RUN, 0, problem, 1),
        "state": items.state_item(user, "limits", "{}", 1),
    }
    assert set(made) == set(KINDS)
    return made


def changed(item: items.Item, changes: list[tuple[int, Any]]) -> items.Item:
    """The row with some of its values, at any depth, replaced or removed; its key stays."""
    item = copy.deepcopy(item)
    for at, value in changes:
        places: list[tuple[Any, Any]] = []

        def walk(node: Any, places: list[tuple[Any, Any]] = places) -> None:
            for name in node if isinstance(node, dict) else range(len(node)):
                if name not in ("PK", "SK", "GSI1PK", "GSI1SK"):  # DynamoDB checks these
                    places.append((node, name))
                    if isinstance(node[name], dict | list):
                        walk(node[name])

        walk(item)
        if places:
            node, name = places[at % len(places)]
            if value is not REMOVED:
                node[name] = value
            elif isinstance(node, dict):
                del node[name]
    return item


async def read_everything(store: ListingStore, user: str) -> None:
    """Every read and every small write; only StorageError may come of it, and the good listing is always there."""
    good = a_listing("good")
    ids = [good.listing_id, a_photo_listing().listing_id]

    async def summaries() -> None:
        listed = store.summaries(user)
        await listed.refresh()
        found = await listed.select(Selection())
        assert good.mls_number in {row.mls_number for row in await listed.read(found.rows)}

    async def listings() -> None:
        assert good in [listing async for batch in store.listings(user) for listing in batch]

    async def data() -> None:
        assert good.to_data() in [each async for batch in store.data(user, ids) for each in batch]

    async def index() -> None:
        assert good.listing_id in [entry.listing_id async for entry in store.index(user)]

    async def many() -> None:
        assert good in await store.get_many(user, ids)

    async def problems() -> None:
        assert all([isinstance(each, Problem) async for each in store.problems(user, RUN)])

    must: list[Callable[[], Awaitable[Any]]] = [listings, data, index, many, summaries, problems]
    must += [lambda: store.connections(user), lambda: store.runs(user), lambda: store.find(user, "good")]
    for work in must:
        await work()
    run = a_run(RUN, user_id=user)
    may: list[Callable[[], Awaitable[Any]]] = [
        lambda: store.get(user, ids[1]),
        lambda: store.find(user, "bad"),
        lambda: store.get_connection(user, "c1"),
        lambda: store.get_run(user, run.run_id),
        lambda: store.get_state(user, "limits"),
        lambda: store.acquire_lease(user, "c1", a_lease(RUN, 10), now_ms=5),
        lambda: store.release_lease(user, "c1", a_lease(RUN, 10).holder),
        lambda: store.reserve(user, run, now_ms=5),
        lambda: store.control_run(user, run, "pause"),
        lambda: store.put_run(user, run),
        store.check,
        lambda: store.put(user, a_photo_listing()),
        lambda: store.delete(user, ids[1]),
        lambda: store.put(user, a_photo_listing()),
        lambda: store.put_connection(user, a_connection(user_id=user)),
        lambda: store.delete_connection(user, "c1"),
    ]
    for work in may:
        with contextlib.suppress(StorageError):
            await work()


@pytest.mark.fuzz("stored rows, SQLite")
@given(st.sampled_from(KINDS), CHANGES | st.text(max_size=20))
def test_a_row_that_another_program_changed_in_the_database_fails_alone(kind: str, change: Any) -> None:
    async def work(path: Path) -> None:
        store = SqliteListingStore(path)
        await store.put("ann", a_listing("good"))
        await store.put("ann", a_photo_listing())
        await store.put_connection("ann", a_connection(user_id="ann"))
        await store.put_run("ann", a_run(RUN, user_id="ann"))
        row = rows_of("ann")[kind]
        body = change if isinstance(change, str) else orjson.dumps(changed(row, change)).decode()
        with contextlib.closing(sqlite3.connect(path)) as db, db:
            db.execute("INSERT OR IGNORE INTO items (pk, sk, body) VALUES (?, ?, '')", (row["PK"], row["SK"]))
            db.execute("UPDATE items SET body = ? WHERE pk = ? AND sk = ?", (body, row["PK"], row["SK"]))
        await read_everything(store, "ann")
        await store.close()

    with TemporaryDirectory() as folder:
        asyncio.run(work(Path(folder) / "rows.db"))


@pytest.mark.fuzz("stored rows, DynamoDB")
def test_a_row_that_another_program_changed_in_the_table_fails_alone(aws: Aws) -> None:
    name = f"t-{uuid4().hex}"

    async def prepare() -> None:
        store = DynamoDBListingStore(aws, name)
        await store.init()
        await store.close()

    async def work(kind: str, change: Any) -> None:
        store = DynamoDBListingStore(aws, name)
        user = f"u{uuid4().hex}"
        await store.put(user, a_listing("good"))
        await store.put(user, a_photo_listing())
        await store.put_connection(user, a_connection(user_id=user))
        await store.put_run(user, a_run(RUN, user_id=user))
        row = changed(rows_of(user)[kind], change)
        aws.dynamodb().put_item(TableName=name, Item=items.to_attributes(items.plain(row)))
        await read_everything(store, user)
        await store.close()

    @settings(max_examples=10)
    @given(st.sampled_from(KINDS), CHANGES)
    def each(kind: str, change: Any) -> None:
        asyncio.run(work(kind, change))

    asyncio.run(prepare())
    each()
