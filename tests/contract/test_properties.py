"""Any sequence of actions by two users leaves each store as a plain model says, and neither user sees the other."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mls_tui.domain.listing import Listing
from mls_tui.storage.aws import Aws
from mls_tui.storage.base import ListingStore, PhotoStore, PutOutcome
from mls_tui.storage.dynamodb import DynamoDBListingStore
from mls_tui.storage.folder import FolderPhotoStore
from mls_tui.storage.s3 import S3PhotoStore
from mls_tui.storage.sqlite import SqliteListingStore
from tests.contract.samples import FIRST_MS, a_listing, a_photo, all_keys, all_listings, put_photo

T = TypeVar("T")


@dataclass(frozen=True)
class Action:
    """One user puts a version of a record under one of two ids, gives a listing another key, or deletes it."""

    who: int
    what: str
    number: str
    key: str
    birth: int
    second: int

    @property
    def listing(self) -> Listing:
        return a_listing(self.number, mls_id=self.key, first_ms=FIRST_MS + self.birth, second=self.second)


ACTIONS = st.lists(
    st.builds(
        Action,
        who=st.integers(0, 1),
        what=st.sampled_from(["put", "put", "put", "move", "delete"]),
        number=st.sampled_from(["1", "10", "a/b"]),
        key=st.sampled_from(["K1", "k1", "a/b#é"]),
        birth=st.integers(0, 1),
        second=st.integers(0, 3),
    ),
    max_size=14,
)


@dataclass
class Model:
    """What one user has stored: listing id -> listing."""

    rows: dict[str, Listing] = field(default_factory=dict)

    def put(self, listing: Listing, *, moved: bool) -> tuple[PutOutcome, str]:
        mine, listing_id = self.rows.get(listing.listing_id), listing.listing_id
        owners = [each.listing_id for each in self.rows.values() if each.mls_id == listing.mls_id]
        if owners and owners != [listing_id]:
            return PutOutcome.STALE, owners[0]
        if mine is not None and not moved:
            if not owners:
                return PutOutcome.TAKEN, listing_id
            if mine.version > listing.version:
                return PutOutcome.STALE, listing_id
        self.rows[listing_id] = listing
        return PutOutcome.CREATED if mine is None else PutOutcome.UPDATED, listing_id

    def delete(self, listing_id: str) -> Listing | None:
        return self.rows.pop(listing_id, None)


async def follow(rows: ListingStore, photos: PhotoStore, users: tuple[str, str], actions: list[Action]) -> int:
    """Take the steps in a store and in a model of it, and compare; how many were taken."""
    models = (Model(), Model())
    for action in actions:
        user, model, listing = users[action.who], models[action.who], action.listing
        if action.what != "delete":
            moved = action.what == "move"
            result = await rows.put(user, listing, moved=moved)
            assert (result.outcome, result.listing_id) == model.put(listing, moved=moved)
            await put_photo(photos, a_photo(listing.listing_id, user_id=user).key or "", user.encode())
        else:
            assert await rows.delete(user, listing.listing_id) == model.delete(listing.listing_id)
            prefix = f"listings/{user}/{listing.listing_id}/"
            assert await photos.delete(await all_keys(photos, prefix)) == {}
    for user, model in zip(users, models, strict=True):
        stored = await all_listings(rows, user)
        assert {listing.listing_id: listing for listing in stored} == model.rows
        assert len(stored) == len(model.rows)
        entries = [entry async for entry in rows.index(user)]
        assert {entry.listing_id: entry.version for entry in entries} == {row.listing_id: row.version for row in stored}
        for number in ("1", "10", "a/b"):
            found = sorted(row.listing_id for row in await rows.find(user, number))
            assert found == sorted(row.listing_id for row in stored if row.mls_number == number)
        for key in await all_keys(photos, f"listings/{user}/"):
            assert await photos.get(key) == user.encode()
    return len(actions)


def run(make: Callable[[], Awaitable[T]]) -> T:
    async def main() -> T:
        return await make()

    return asyncio.run(main())


@pytest.mark.promise(4)
@settings(max_examples=25)
@given(ACTIONS)
def test_local_pair_keeps_to_the_model(actions: list[Action]) -> None:
    async def one() -> int:
        with TemporaryDirectory() as folder:
            rows, photos = SqliteListingStore(Path(folder) / "r.db"), FolderPhotoStore(Path(folder) / "p")
            taken = await follow(rows, photos, ("ann", "anna"), actions)
            await rows.close()
            await photos.close()
            return taken

    assert run(one) == len(actions)


@pytest.mark.promise(4)
def test_aws_pair_keeps_to_the_model(aws: Aws) -> None:
    rows, photos = DynamoDBListingStore(aws, "model"), S3PhotoStore(aws, "model-bucket")
    numbers = itertools.count()

    async def prepare() -> None:
        await rows.init()
        await photos.init()

    @settings(max_examples=15)
    @given(ACTIONS)
    def example(actions: list[Action]) -> None:
        number = next(numbers)
        assert run(lambda: follow(rows, photos, (f"ann{number}", f"ann{number}a"), actions)) == len(actions)

    run(prepare)
    example()
