"""What both photo stores promise."""

from __future__ import annotations

import asyncio

import pytest

from mls_tui.domain.errors import StorageError
from tests.contract.samples import JPEG, Pair, all_keys, put_photo, sha256

PREFIX = "listings/us-east-1:abc/reso-A%2F1-1780000000000/"
KEY = f"{PREFIX}original/photo0.jpg"


async def test_photo_comes_back_as_it_was_stored(pair: Pair) -> None:
    await put_photo(pair.photos, KEY)

    assert await pair.photos.get(KEY) == JPEG
    assert await pair.photos.verify(KEY, sha256=sha256(JPEG), size=len(JPEG))
    assert not await pair.photos.verify(KEY, sha256=sha256(b"other"), size=len(JPEG))
    assert not await pair.photos.verify(KEY, sha256=sha256(JPEG), size=len(JPEG) + 1)
    assert "photo0.jpg" in pair.photos.url(KEY)


async def test_absent_photo_is_none(pair: Pair) -> None:
    assert await pair.photos.get(KEY) is None
    assert not await pair.photos.verify(KEY, sha256=sha256(JPEG), size=len(JPEG))
    assert await pair.photos.delete([KEY]) == {}
    assert await all_keys(pair.photos, PREFIX) == []
    assert set(await pair.photos.undelete([KEY])) == {KEY}


async def test_photo_is_replaced_whole(pair: Pair) -> None:
    await put_photo(pair.photos, KEY)
    await asyncio.gather(*(put_photo(pair.photos, KEY, bytes([65 + number]) * 1000) for number in range(8)))

    body = await pair.photos.get(KEY)
    assert body is not None
    assert len(body) == 1000
    assert len(set(body)) == 1


async def test_keys_are_those_below_the_prefix(pair: Pair) -> None:
    keys = [f"{PREFIX}original/photo{number}.jpg" for number in range(3)]
    neighbour = "listings/us-east-1:abc/reso-A%2F1-17800000000009/original/photo0.jpg"
    for key in [*keys, neighbour]:
        await put_photo(pair.photos, key)

    assert await all_keys(pair.photos, PREFIX) == keys
    assert sorted(await all_keys(pair.photos, PREFIX.rstrip("/"))) == sorted([*keys, neighbour])
    assert await all_keys(pair.photos, "listings/somebody-else/") == []


async def test_deleted_photos_are_gone_and_others_stay(pair: Pair) -> None:
    keys = [f"{PREFIX}original/photo{number}.jpg" for number in range(3)]
    for key in keys:
        await put_photo(pair.photos, key)

    assert await pair.photos.delete(keys[:2]) == {}
    assert await all_keys(pair.photos, PREFIX) == keys[2:]


async def test_undoable_delete_can_be_undone(pair: Pair) -> None:
    keys = [f"{PREFIX}original/photo{number}.jpg" for number in range(3)]
    for key in keys:
        await put_photo(pair.photos, key, key.encode())

    assert await pair.photos.delete(keys[:2], undoable=True) == {}
    assert await pair.photos.get(keys[0]) is None
    assert await all_keys(pair.photos, PREFIX) == keys[2:]
    assert await pair.photos.undelete(keys) == {}
    assert [await pair.photos.get(key) for key in keys] == [key.encode() for key in keys]


async def test_more_than_a_thousand_photos_are_listed_and_deleted(pair: Pair) -> None:
    keys = [f"{PREFIX}original/photo{number}.jpg" for number in range(1005)]
    await asyncio.gather(*(put_photo(pair.photos, key, b"x") for key in keys))

    found = await all_keys(pair.photos, PREFIX)
    assert sorted(found) == sorted(keys)
    assert await pair.photos.delete(found) == {}
    assert await all_keys(pair.photos, PREFIX) == []


async def test_closed_store_says_so(pair: Pair) -> None:
    await pair.photos.close()
    await pair.rows.close()
    with pytest.raises(StorageError, match="closed"):
        await pair.photos.get(KEY)
    with pytest.raises(StorageError, match="closed"):
        await pair.rows.get("bob", "x")
